//! `cargo xtask instructions`: how many instructions the processor executes for each typed operation.
//!
//! Unlike times, counts are the same each time that the same program is counted, so that small differences can be seen.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::step::Step;

/// Every driver that is counted, and how it comes to the program.
const COLUMNS: [(&str, Driver); 4] = [
    ("memory", Driver::Linked),
    ("memory", Driver::LoadedFrom(MEMORY)),
    ("redb", Driver::Linked),
    ("redb", Driver::LoadedFromBeside),
];

/// Where the memory driver is built as a dynamic library.
const MEMORY: &str = "target/counted-drivers";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Driver {
    Linked,
    /// From a target folder of its own.
    LoadedFrom(&'static str),
    /// Cargo has built its library together with the program.
    LoadedFromBeside,
}

impl Driver {
    /// The folder of the driver's library.
    fn libraries(self, root: &Path, program: &Path) -> Option<PathBuf> {
        match self {
            Self::Linked => None,
            Self::LoadedFrom(folder) => Some(root.join(folder).join("release")),
            // The program is an example, and lies in a folder of its own beside that of libraries.
            Self::LoadedFromBeside => Some(program.parent()?.parent()?.join("deps")),
        }
    }
}

/// The function of the program whose instructions are counted.
const MEASURED: &str = "instructions::measured";

/// A step of the program, and what one operation of it takes.
#[derive(Debug, PartialEq, Eq)]
struct Count {
    step: String,
    instructions: u64,
}

/// Builds drivers and program, runs the program under callgrind and prints the table.
pub(crate) fn run(root: &Path) -> ExitCode {
    match count(root) {
        Ok(table) => {
            print!("\n{table}");
            ExitCode::SUCCESS
        }
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}

fn count(root: &Path) -> Result<String, String> {
    let valgrind = valgrind()?;
    if let Some(complaint) = memory(root).run().complaint {
        return Err(complaint);
    }
    let program = program(root)?;
    let mut columns = Vec::new();
    for (driver, library) in COLUMNS {
        eprintln!("counting {}", title(driver, library));
        columns.push(counts(root, &valgrind, &program, driver, library)?);
    }
    Ok(table(&columns))
}

/// Where valgrind is.
fn valgrind() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("valgrind"))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            "valgrind is missing, which counts the instructions; install it, on Debian with `apt-get install valgrind`"
                .to_owned()
        })
}

/// Builds the memory driver as a dynamic library, optimised as the others are.
fn memory(root: &Path) -> Step {
    Step::cargo(
        root,
        "memory driver as a dynamic library",
        &[
            "build",
            "--release",
            "--locked",
            "--manifest-path",
            "conformance/built-apart/Cargo.toml",
            "--target-dir",
            MEMORY,
            "--config",
            "profile.release.lto='fat'",
            "--config",
            "profile.release.codegen-units=1",
        ],
    )
}

/// Builds the program that is counted, and says where it is.
fn program(root: &Path) -> Result<PathBuf, String> {
    println!("\n==> program");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--profile", "dist", "--package", "benches"])
        .args(["--example", "instructions"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "the program cannot be built: cargo ended with {}",
            output.status
        ));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "instructions")
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .ok_or_else(|| "cargo did not say where it put the program".to_owned())
}

/// Runs the program on a driver.
fn counts(
    root: &Path,
    valgrind: &Path,
    program: &Path,
    driver: &str,
    library: Driver,
) -> Result<Vec<Count>, String> {
    let folder = root.join("target").join("instructions");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(failed)?;
    }
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let mut command = Command::new(valgrind);
    command
        .arg("--tool=callgrind")
        .arg(format!("--toggle-collect={MEASURED}"))
        .arg(format!("--dump-after={MEASURED}"))
        .arg(format!(
            "--callgrind-out-file={}",
            folder.join("counts").display()
        ))
        .arg(program)
        .arg(driver)
        .args(library.libraries(root, program))
        .current_dir(&folder)
        // What lies in the environment moves the stack, and with it how long copies take.
        .env_clear()
        .env("TMPDIR", &folder)
        .stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "the program failed on {}: {}",
            title(driver, library),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    // One file for each call of the function, numbered from 1.
    let mut counts = Vec::new();
    for (number, line) in (1..).zip(String::from_utf8_lossy(&output.stdout).lines()) {
        let (step, operations) = line
            .split_once('\t')
            .and_then(|(step, operations)| Some((step, operations.parse::<u64>().ok()?)))
            .ok_or_else(|| format!("the program printed a line that is not a step: {line}"))?;
        let path = folder.join(format!("counts.{number}"));
        let profile = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let total = total(&profile)
            .filter(|&total| total > 0)
            .ok_or_else(|| format!("callgrind counted nothing for `{step}`: {}", path.display()))?;
        counts.push(Count {
            step: step.to_owned(),
            instructions: total / operations.max(1),
        });
    }
    Ok(counts)
}

/// The number of instructions in a profile of callgrind.
fn total(profile: &str) -> Option<u64> {
    let line = profile.lines().find_map(|line| {
        line.strip_prefix("totals: ")
            .or_else(|| line.strip_prefix("summary: "))
    })?;
    line.trim().parse().ok()
}

fn title(driver: &str, library: Driver) -> String {
    let how = match library {
        Driver::Linked => "linked",
        Driver::LoadedFrom(_) | Driver::LoadedFromBeside => "loaded",
    };
    format!("{driver}, {how}")
}

fn table(columns: &[Vec<Count>]) -> String {
    let mut table = String::from("| instructions an operation |");
    for (driver, library) in COLUMNS {
        table += &format!(" {} |", title(driver, library));
    }
    table += "\n|---|";
    table += &"--:|".repeat(columns.len());
    table += "\n";
    for (row, Count { step, .. }) in columns.first().into_iter().flatten().enumerate() {
        table += &format!("| {step} |");
        for column in columns {
            match column.get(row) {
                Some(count) => table += &format!(" {} |", count.instructions),
                None => table += " |",
            }
        }
        table += "\n";
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_a_profile_is_read() {
        let profile = "version: 1\nevents: Ir\nfn=main\n1 5\n\ntotals: 1234\n";
        assert_eq!(total(profile), Some(1234));
        assert_eq!(total("events: Ir\nsummary: 77\n"), Some(77));
        assert_eq!(total("events: Ir\n"), None);
    }
}
