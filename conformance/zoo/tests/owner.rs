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
    use std::os::unix::fs::{lchown, symlink};

    use netabase_core::driver::ErrorKind;
    use netabase_core::loader::{self, SearchPath};

    use super::cage::{Cage, driver_file, sha256};

    const NOBODY: u32 = 65534;

    #[track_caller]
    fn assert_untrusted(search: SearchPath) {
        let error = loader::load("zoo-good", &search).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DriverRejected);
        for part in [
            "belongs to the user 65534",
            "runs as the user 0",
            "copy the driver",
        ] {
            assert!(error.to_string().contains(part), "{error}");
        }
        loader::load("zoo-good", &search.without_trust_checks()).unwrap();
    }

    pub(super) fn a_file_of_another_user_is_refused() {
        let cage = Cage::of("zoo-good");
        let library = cage.path(&driver_file("zoo-good"));
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
        let cage = Cage::of("zoo-good");
        lchown(cage.path(""), Some(NOBODY), None).unwrap();
        assert_untrusted(cage.search());
    }

    pub(super) fn a_parent_of_another_user_is_refused() {
        let cage = Cage::new();
        let inner = cage.add_directory("inner");
        cage.add_library(&format!("inner/{}", driver_file("zoo-good")));
        let search = SearchPath::none().with_directory(inner);
        loader::load("zoo-good", &search).unwrap();
        lchown(cage.path(""), Some(NOBODY), None).unwrap();
        assert_untrusted(search.clone());
        cage.mode("", 0o1755);
        assert_untrusted(search);
    }

    pub(super) fn a_link_of_another_user_is_refused() {
        let cage = Cage::new();
        cage.add_library("real");
        let link = cage.path(&driver_file("zoo-good"));
        symlink("real", &link).unwrap();
        loader::load("zoo-good", &cage.search()).unwrap();
        lchown(&link, Some(NOBODY), None).unwrap();
        assert_untrusted(cage.search());
        // On the way to the directory, too.
        let (directory, links) = (Cage::of("zoo-good"), Cage::new());
        let link = links.path("drivers");
        symlink(directory.path(""), &link).unwrap();
        let search = SearchPath::none().with_directory(&link);
        loader::load("zoo-good", &search).unwrap();
        lchown(&link, Some(NOBODY), None).unwrap();
        assert_untrusted(search);
    }

    pub(super) fn a_manifest_of_another_user_is_refused() {
        let cage = Cage::new();
        let sum = sha256(&cage.add_library("x"));
        let manifest = cage.add_manifest("zoo-good", "x", &sum);
        loader::load("zoo-good", &cage.search()).unwrap();
        lchown(&manifest, Some(NOBODY), None).unwrap();
        assert_untrusted(cage.search());
    }
}
