//! `cargo xtask fuzz`: the fuzz targets, each for a while, where cargo-fuzz is installed.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use crate::report::{Counts, Report};
use crate::step::{Status, Step};

/// The folder of the targets' package.
const PACKAGE: &str = "conformance/fuzz";

const USAGE: &str = "\
Usage: cargo xtask fuzz [--seconds N] [TARGET]...

Runs the fuzz targets (all of them if none is named), each for N seconds (60 if not given), from the seeds that the
repository keeps and what earlier runs found. Needs cargo-fuzz: `cargo install cargo-fuzz`.
";

/// Runs targets as the command line says.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> ExitCode {
    let mut seconds = 60;
    let mut chosen = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(&argument) = arguments.next() {
        match argument {
            "--help" | "-h" => {
                print!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            "--seconds" => match arguments.next().and_then(|number| number.parse().ok()) {
                Some(number) => seconds = number,
                None => return usage("`--seconds` wants a whole number"),
            },
            _ => chosen.push(argument),
        }
    }
    let targets = targets(root);
    if let Some(unknown) =
        (chosen.iter()).find(|name| !targets.iter().any(|target| target == *name))
    {
        return usage(&format!(
            "there is no target `{unknown}`; the targets are {}",
            targets.join(", ")
        ));
    }
    if !installed() {
        return usage("cargo-fuzz is missing: `cargo install cargo-fuzz`");
    }
    let mut report = Report::default();
    for target in targets {
        if chosen.is_empty() || chosen.contains(&target.as_str()) {
            report.add(step(root, &target, seconds).run());
        }
    }
    print!("\n{}", report.summary());
    if report.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Every target for a minute, as part of the tests; ignored where cargo-fuzz is not installed.
pub(crate) fn outcomes(root: &Path) -> Vec<Status> {
    let targets = targets(root);
    if !installed() {
        println!(
            "\n==> fuzz targets\n    ignored: cargo-fuzz is not installed (`cargo install cargo-fuzz`)"
        );
        return vec![Status {
            title: "fuzz targets (cargo-fuzz is not installed)".to_owned(),
            duration: Duration::ZERO,
            counts: Counts {
                ignored: targets.len() as u64,
                ..Counts::default()
            },
            complaint: None,
        }];
    }
    targets
        .iter()
        .map(|target| step(root, target, 60).run())
        .collect()
}

fn usage(problem: &str) -> ExitCode {
    eprint!("{problem}\n\n{USAGE}");
    ExitCode::from(2)
}

fn targets(root: &Path) -> Vec<String> {
    let Ok(files) = fs::read_dir(root.join(PACKAGE).join("fuzz_targets")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = files
        .filter_map(|file| {
            let name = file.ok()?.file_name().into_string().ok()?;
            Some(name.strip_suffix(".rs")?.to_owned())
        })
        .collect();
    names.sort();
    names
}

fn installed() -> bool {
    Command::new("cargo")
        .args(["fuzz", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The sanitizer is an unstable option of the compiler, which a stable one takes as well with `RUSTC_BOOTSTRAP`.
fn step(root: &Path, target: &str, seconds: u32) -> Step {
    let corpus = format!("{PACKAGE}/corpus/{target}");
    let seeds = format!("{PACKAGE}/seeds/{target}");
    // If they cannot be made, libFuzzer says so.
    let _ = fs::create_dir_all(root.join(&corpus));
    let _ = fs::create_dir_all(root.join(&seeds));
    Step::cargo(
        root,
        &format!("fuzz {target} for {seconds} s"),
        &[
            "fuzz",
            "run",
            "--fuzz-dir",
            PACKAGE,
            target,
            &corpus,
            &seeds,
        ],
    )
    .args(&[
        "--",
        &format!("-max_total_time={seconds}"),
        "-print_final_stats=1",
        "-timeout=20",
    ])
    .env("RUSTC_BOOTSTRAP", "1")
}
