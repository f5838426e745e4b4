//! Files, links and directories of another user: refused. Only root can make them, so that others see these cases ignored.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cage;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

fn main() -> ExitCode {
    let trials = CASES
        .iter()
        .map(|(name, case)| {
            Trial::ignorable_test(*name, move || {
                Ok(match reason_to_ignore() {
                    Some(reason) => Completion::ignored_with(reason),
                    None => {
                        case();
                        Completion::Completed
                    }
                })
            })
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

#[cfg(not(unix))]
const CASES: &[(&str, fn())] = &[("owners", || ())];
#[cfg(unix)]
const CASES: &[(&str, fn())] = &[
    (
        "a_file_of_another_user_is_refused",
        unix::a_file_of_another_user_is_refused,
    ),
    (
        "a_directory_of_another_user_is_refused",
        unix::a_directory_of_another_user_is_refused,
    ),
    (
        "a_parent_of_another_user_is_refused",
        unix::a_parent_of_another_user_is_refused,
    ),
    (
        "a_link_of_another_user_is_refused",
        unix::a_link_of_another_user_is_refused,
    ),
    (
        "a_manifest_of_another_user_is_refused",
        unix::a_manifest_of_another_user_is_refused,
    ),
    (
        "a_link_of_another_user_beside_the_executable_is_refused",
        unix::a_link_of_another_user_beside_the_executable_is_refused,
    ),
    (
        "an_owner_that_a_user_namespace_does_not_know_is_refused",
        unix::an_owner_that_a_user_namespace_does_not_know_is_refused,
    ),
    (
        "a_program_with_more_rights_looks_nowhere_that_its_user_chooses",
        unix::a_program_with_more_rights_looks_nowhere_that_its_user_chooses,
    ),
];

fn reason_to_ignore() -> Option<&'static str> {
    #[cfg(unix)]
    return (!rustix::process::geteuid().is_root())
        .then_some("only root gives files to another user");
    #[cfg(not(unix))]
    Some("owners are not looked at on this platform")
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::{lchown, symlink};
    use std::process::Command;

    use netabase_core::driver::ErrorKind;
    use netabase_core::loader::{self, SearchPath};

    use super::cage::{Cage, driver_file, sha256};

    const NOBODY: u32 = 65534;

    #[track_caller]
    fn assert_untrusted(search: SearchPath) {
        let error = loader::load("good", &search).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DriverRejected);
        for part in [
            "belongs to the user 65534",
            "runs as the user 0",
            "copy the driver",
        ] {
            assert!(error.to_string().contains(part), "{error}");
        }
        loader::load("good", &search.without_trust_checks()).unwrap();
    }

    pub(super) fn a_file_of_another_user_is_refused() {
        let cage = Cage::of("good");
        let library = cage.path(&driver_file("good"));
        lchown(&library, Some(NOBODY), None).unwrap();
        assert_untrusted(cage.search());
        let error = loader::load_path(&library).unwrap_err();
        assert!(
            error.to_string().contains("belongs to the user 65534"),
            "{error}"
        );
        loader::load_trusted_path(&library).unwrap();
    }

    pub(super) fn a_directory_of_another_user_is_refused() {
        let cage = Cage::of("good");
        lchown(cage.path(""), Some(NOBODY), None).unwrap();
        assert_untrusted(cage.search());
    }

    pub(super) fn a_parent_of_another_user_is_refused() {
        let cage = Cage::new();
        let inner = cage.add_directory("inner");
        cage.add_library(&format!("inner/{}", driver_file("good")));
        let search = SearchPath::none().with_directory(inner);
        loader::load("good", &search).unwrap();
        lchown(cage.path(""), Some(NOBODY), None).unwrap();
        assert_untrusted(search.clone());
        cage.mode("", 0o1755);
        assert_untrusted(search);
    }

    pub(super) fn a_link_of_another_user_is_refused() {
        let cage = Cage::new();
        cage.add_library("real");
        let link = cage.path(&driver_file("good"));
        symlink("real", &link).unwrap();
        loader::load("good", &cage.search()).unwrap();
        lchown(&link, Some(NOBODY), None).unwrap();
        assert_untrusted(cage.search());
        // On the way to the directory, too.
        let (directory, links) = (Cage::of("good"), Cage::new());
        let link = links.path("drivers");
        symlink(directory.path(""), &link).unwrap();
        let search = SearchPath::none().with_directory(&link);
        loader::load("good", &search).unwrap();
        lchown(&link, Some(NOBODY), None).unwrap();
        assert_untrusted(search);
    }

    pub(super) fn a_manifest_of_another_user_is_refused() {
        let cage = Cage::new();
        let sum = sha256(&cage.add_library("x"));
        let manifest = cage.add_manifest("good", "x", &sum);
        loader::load("good", &cage.search()).unwrap();
        lchown(&manifest, Some(NOBODY), None).unwrap();
        assert_untrusted(cage.search());
    }

    /// The probe in a directory of its own, with nothing of this machine's user.
    fn run_probe(beside: &Cage, environment: &[(&str, &Cage)], arguments: &[&str]) -> String {
        if !beside.path("probe").exists() {
            // Not by this process: a program cannot be started while a process that was forked meanwhile has it open for
            // writing.
            let copied = Command::new("cp")
                .arg(env!("CARGO_BIN_EXE_loader-probe"))
                .arg(beside.path("probe"))
                .status();
            assert!(copied.unwrap().success());
            beside.mode("probe", 0o755);
        }
        let output = Command::new(beside.path("probe"))
            .args(arguments)
            .env_remove("NETABASE_DRIVER_PATH")
            .env_remove("XDG_DATA_HOME")
            .envs(environment.iter().map(|(name, cage)| (name, cage.path(""))))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(super) fn a_link_of_another_user_beside_the_executable_is_refused() {
        let (beside, elsewhere, home) = (Cage::new(), Cage::of("good"), Cage::new());
        beside.add_directory("real");
        beside.add_library(&format!("real/{}", driver_file("good")));
        let deps = beside.path("deps");
        let load = || run_probe(&beside, &[("HOME", &home)], &["good"]);
        symlink("real", &deps).unwrap();
        assert!(load().starts_with("loaded"), "{}", load());
        lchown(&deps, Some(NOBODY), None).unwrap();
        assert!(load().contains("belongs to the user 65534"), "{}", load());
        fs::remove_file(&deps).unwrap();
        symlink(elsewhere.path(""), &deps).unwrap();
        assert!(load().contains("outside of"), "{}", load());
        fs::remove_file(&deps).unwrap();
        fs::rename(beside.path("real"), &deps).unwrap();
        assert!(load().starts_with("loaded"), "{}", load());
        // Where anyone may put a link, nobody knows whose `deps` it is.
        beside.mode("", 0o1777);
        assert!(load().contains("everyone may write"), "{}", load());
    }

    /// In a namespace where no user has a number, all files seem to belong to the one that the program runs as.
    pub(super) fn an_owner_that_a_user_namespace_does_not_know_is_refused() {
        const OTHER: u32 = 4321;
        let (beside, drivers, home) = (Cage::new(), Cage::of("good"), Cage::new());
        let environment = [("NETABASE_DRIVER_PATH", &drivers), ("HOME", &home)];
        let told = run_probe(&beside, &environment, &["good"]);
        assert!(told.starts_with("loaded"), "{told}");
        for path in [drivers.path(""), drivers.path(&driver_file("good"))] {
            lchown(path, Some(OTHER), None).unwrap();
        }
        let run = |trusting: &[&str]| {
            let mut command = Command::new("unshare");
            command.arg("--user").arg(beside.path("probe"));
            command.args(trusting).arg("good");
            for (name, cage) in environment {
                command.env(name, cage.path(""));
            }
            command.output().unwrap()
        };
        let output = run(&["--trusting"]);
        let told = String::from_utf8_lossy(&output.stdout);
        if !told.starts_with("loaded") {
            // The system makes no namespaces, or has no such program.
            assert!(!output.stderr.is_empty(), "{told}");
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            return;
        }
        let output = run(&[]);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.contains("user namespace"), "{told}");
    }

    pub(super) fn a_program_with_more_rights_looks_nowhere_that_its_user_chooses() {
        const OTHER_GROUP: u32 = 65534;
        let (beside, drivers, home) = (Cage::of("good"), Cage::of("good"), Cage::new());
        let data = [
            ".local",
            ".local/share",
            ".local/share/netabase",
            ".local/share/netabase/drivers",
        ];
        for directory in data {
            home.add_directory(directory);
        }
        home.add_library(&format!("{}/{}", data[3], driver_file("good")));
        let environment = [("NETABASE_DRIVER_PATH", &drivers), ("HOME", &home)];
        let list = || run_probe(&beside, &environment, &[]);
        let loads = ": loads, ABI";
        assert_eq!(list().matches(loads).count(), 3, "{}", list());

        let program = beside.path("probe");
        lchown(&program, None, Some(OTHER_GROUP)).unwrap();
        beside.mode("probe", 0o2755);
        let flags = rustix::fs::statvfs(&program).unwrap().f_flag;
        if flags.contains(rustix::fs::StatVfsMountFlags::NOSUID) {
            eprintln!("the system of files ignores the bit; nothing is tried");
            return;
        }
        assert_eq!(list().matches(loads).count(), 0, "{}", list());
        for level in ["environment", "executable", "user-data"] {
            let line = list();
            let line = line.lines().find(|line| line.starts_with(level)).unwrap();
            assert!(
                line.contains(": refused: this program has rights"),
                "{line}"
            );
        }
        for arguments in [&["good"][..], &["--trusting", "good"]] {
            let told = run_probe(&beside, &environment, arguments);
            assert!(told.contains("there is no driver of that name"), "{told}");
            assert!(told.contains("set-group-id"), "{told}");
        }
    }
}
