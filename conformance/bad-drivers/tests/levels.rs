//! Where a program looks for drivers, seen from a program of its own: its environment and what lies beside it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod cage;

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use cage::{Cage, driver_file};

const PROBE: &str = env!("CARGO_BIN_EXE_loader-probe");

/// A probe that nothing of this machine's user reaches.
fn probe(executable: impl AsRef<Path>, home: &Cage) -> Command {
    let mut command = Command::new(executable.as_ref());
    command
        .env_remove("NETABASE_DRIVER_PATH")
        .env_remove("XDG_DATA_HOME")
        .env("HOME", home.path(""))
        .current_dir(home.path(""));
    command
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn assert_loads(command: &mut Command) {
    assert_eq!(output(command.arg("good")), "loaded good 1.2.3\n");
}

#[track_caller]
fn assert_says(command: &mut Command, parts: &[&str]) {
    let text = output(command);
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

/// A directory with the probe in it.
fn installed() -> Cage {
    let cage = Cage::new();
    // Not by this process: a program cannot be started while a process that was forked meanwhile has it open for writing.
    let copied = Command::new("cp")
        .arg(PROBE)
        .arg(cage.path("probe"))
        .status();
    assert!(copied.unwrap().success());
    cage.mode("probe", 0o755);
    cage
}

#[test]
fn every_place_is_listed_in_order() {
    let (home, given) = (Cage::new(), Cage::new());
    let text = output(probe(PROBE, &home).env("NETABASE_DRIVER_PATH", given.path("")));
    let data = if cfg!(target_os = "macos") {
        "Library/Application Support"
    } else {
        ".local/share"
    };
    let mut rest = &text[..];
    for place in [
        format!("environment: {}: searched\n", given.path("").display()),
        format!(
            "executable: {}: ",
            Path::new(PROBE).parent().unwrap().display()
        ),
        format!(
            "user-data: {}/netabase/drivers: missing\n",
            home.path(data).display()
        ),
        "system: /usr/local/lib: ".to_owned(),
        "system: /usr/lib: ".to_owned(),
    ] {
        let (_, after) = rest
            .split_once(&place)
            .unwrap_or_else(|| panic!("no {place:?} in order in {text}"));
        rest = after;
    }
    let error = output(probe(PROBE, &home).arg("nowhere"));
    for place in [
        home.path(data).join("netabase/drivers").to_str().unwrap(),
        "/usr/local/lib/",
        "/usr/lib/",
    ] {
        assert!(
            error.contains(&format!(
                "{}",
                Path::new(place).join(driver_file("nowhere")).display()
            )),
            "{error}"
        );
    }
}

#[test]
fn the_environment_variable_names_directories() {
    let (home, cage) = (Cage::new(), Cage::of("good"));
    let directories = env::join_paths([home.path("missing"), cage.path("")]).unwrap();
    assert_loads(probe(PROBE, &home).env("NETABASE_DRIVER_PATH", directories));
}

#[test]
fn a_relative_directory_in_the_environment_is_refused() {
    let home = Cage::of("good");
    for directory in [".", "../", "drivers"] {
        let mut command = probe(PROBE, &home);
        command.env("NETABASE_DRIVER_PATH", directory);
        assert_says(
            &mut command,
            &["refused", "relative", "absolute", "NETABASE_DRIVER_PATH"],
        );
        assert_says(
            command.arg("good"),
            &["relative", "absolute", "NETABASE_DRIVER_PATH"],
        );
    }
    assert_loads(
        probe(PROBE, &home)
            .env("NETABASE_DRIVER_PATH", ".")
            .arg("--trusting"),
    );
    // An empty entry is none, and not the directory that the program works in.
    let mut command = probe(PROBE, &home);
    command.env("NETABASE_DRIVER_PATH", ":");
    assert!(!output(&mut command).contains("environment:"));
}

#[cfg(not(target_os = "macos"))]
#[test]
fn the_users_data_directory_is_that_of_the_xdg_base_directories() {
    let (home, data) = (Cage::new(), Cage::new());
    for (cage, directory) in [(&data, ""), (&home, ".local/share/")] {
        fs::create_dir_all(cage.path(&format!("{directory}netabase/drivers"))).unwrap();
        for parent in [".local", ".local/share", "netabase", "netabase/drivers"] {
            for prefix in ["", ".local/share/"] {
                let parent = format!("{prefix}{parent}");
                if cage.path(&parent).is_dir() {
                    cage.mode(&parent, 0o755);
                }
            }
        }
    }
    data.add_library(&format!("netabase/drivers/{}", driver_file("good")));
    assert_loads(probe(PROBE, &home).env("XDG_DATA_HOME", data.path("")));
    assert_says(
        probe(PROBE, &home).arg("good"),
        &["there is no driver of that name"],
    );
    home.add_library(&format!(
        ".local/share/netabase/drivers/{}",
        driver_file("good")
    ));
    assert_loads(&mut probe(PROBE, &home));
    // The standard says that a relative one is to be ignored.
    assert_loads(probe(PROBE, &home).env("XDG_DATA_HOME", "netabase"));
}

#[test]
fn what_lies_beside_the_executable_is_found_and_checked() {
    let home = Cage::new();
    let beside = installed();
    let file = driver_file("good");
    beside.add_library(&file);
    let probe = || probe(beside.path("probe"), &home);
    assert_loads(&mut probe());
    for (what, right, wrong, who) in [
        (&*file, 0o755, 0o775, "the group"),
        (&*file, 0o755, 0o757, "everyone"),
        ("", 0o755, 0o775, "the group"),
        ("", 0o755, 0o1777, "everyone"),
    ] {
        beside.mode(what, wrong);
        assert_says(
            probe().arg("good"),
            &[who, "chmod g", beside.path(what).to_str().unwrap()],
        );
        assert_loads(probe().arg("--trusting"));
        beside.mode(what, right);
    }
}

#[test]
fn whoever_may_write_to_the_executable_may_write_to_what_lies_beside_it() {
    let home = Cage::new();
    let beside = installed();
    let file = driver_file("good");
    beside.add_library(&file);
    // As a user's own group has it where the file mode creation mask is 002.
    for (what, mode) in [("probe", 0o775), (&file, 0o664), ("", 0o775)] {
        beside.mode(what, mode);
    }
    assert_loads(&mut probe(beside.path("probe"), &home));
    beside.mode(&file, 0o666);
    assert_says(
        probe(beside.path("probe"), &home).arg("good"),
        &["everyone"],
    );
}
