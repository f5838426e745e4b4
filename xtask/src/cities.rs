//! The cities example as a user runs it: once on a small input, and with what must not work.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::report::Counts;
use crate::step::{Expected, Status, Step};

/// Every how many-th place goes into the small input.
const SAMPLE: usize = 10;

/// Runs each case. A case counts as one test.
pub(crate) fn run(root: &Path) -> Vec<Status> {
    let small = match small_input(root, false) {
        Ok(path) => path,
        Err(error) => return vec![no_input(&error)],
    };
    let malformed = match small_input(root, true) {
        Ok(path) => path,
        Err(error) => return vec![no_input(&error)],
    };
    let answered = |texts| Expected {
        exit_code: 0,
        texts,
    };
    let case = |title: &str, arguments: &[&str]| {
        Step::cargo(
            root,
            title,
            &[
                "run",
                "--quiet",
                "--all-features",
                "--example",
                "cities",
                "--",
            ],
        )
        .args(arguments)
    };
    vec![
        case("cities: embedded and loaded driver", &["--input"])
            .arg(&small)
            .run_and_expect(answered(&["linked in", "loaded by name", "agree"])),
        case(
            "cities: memory driver against a loaded one",
            &["--driver", "memory", "--load", "redb", "--input"],
        )
        .arg(&small)
        .run_and_expect(answered(&["memory, linked in", "agree"])),
        case(
            "cities: driver loaded by name",
            &["--load", "redb", "--input"],
        )
        .arg(&small)
        .run_and_expect(answered(&["loaded by name", "rollback"])),
        case(
            "cities: a missing input is named",
            &["--input", "no-such-file.csv"],
        )
        .run_and_expect(Expected {
            exit_code: 2,
            texts: &["no-such-file.csv"],
        }),
        case("cities: a malformed line is named", &["--input"])
            .arg(&malformed)
            .run_and_expect(Expected {
                exit_code: 2,
                texts: &["line 3"],
            }),
        case("cities: an unknown option is refused", &["--colour"]).run_and_expect(Expected {
            exit_code: 2,
            texts: &["--colour"],
        }),
        case(
            "cities: an unknown driver is named",
            &["--load", "no-such-driver"],
        )
        .run_and_expect(Expected {
            exit_code: 2,
            texts: &["no-such-driver"],
        }),
    ]
}

/// Writes a file with some of the places, one of its lines cut short if `malformed`.
fn small_input(root: &Path, malformed: bool) -> io::Result<PathBuf> {
    let all = fs::read_to_string(root.join("examples/data/cities.csv"))?;
    let (header, places) = all.split_once('\n').unwrap_or((&all, ""));
    let mut lines: Vec<&str> = std::iter::once(header)
        .chain(places.lines().step_by(SAMPLE))
        .collect();
    if malformed && let Some(line) = lines.get_mut(2) {
        *line = line.split(',').next().unwrap_or_default();
    }
    let name = if malformed {
        "cities-malformed.csv"
    } else {
        "cities-small.csv"
    };
    let directory = root.join("target").join("xtask");
    fs::create_dir_all(&directory)?;
    let path = directory.join(name);
    fs::write(&path, lines.join("\n") + "\n")?;
    Ok(path)
}

fn no_input(error: &io::Error) -> Status {
    Status {
        title: "cities: input".to_owned(),
        duration: Duration::ZERO,
        counts: Counts::default(),
        complaint: Some(format!("examples/data/cities.csv: {error}")),
    }
}
