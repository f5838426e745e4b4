//! A user's program and this repository, built in turn into one target folder: neither may break the other's build, nor
//! make it start over.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use crate::report::Counts;
use crate::step::Status;

const TITLE: &str = "target folder shared with a user's program";

/// What both are built into: what is compiled here anyway is then compiled once.
const TARGET: &str = "target";

/// The program's package, a workspace with a lock file of its own.
const USER: &str = "target/shared-target";

/// Optimises the packages of this repository, and no others, so that those are as the repository's own build has them.
const MANIFEST: &str = r#"[workspace]

[package]
name = "user-of-a-shared-target"
version = "0.0.0"
edition = "2024"
publish = false

[dependencies]
netabase_store = { path = "../.." }

[profile.dev.package]
netabase-core = { opt-level = 1 }
netabase-driver-redb = { opt-level = 1 }
netabase_store = { opt-level = 1 }
"#;

const PROGRAM: &str = "\
use netabase_store as _;

fn main() {}
";

/// Builds the two in turn. Once each is built, it has to stay so, in either order. Counts as one test.
pub(crate) fn run(root: &Path) -> Status {
    println!("\n==> {TITLE}");
    let start = Instant::now();
    Status {
        title: TITLE.to_owned(),
        complaint: build_in_turn(root).err(),
        duration: start.elapsed(),
        counts: Counts::default(),
    }
}

fn build_in_turn(root: &Path) -> Result<(), String> {
    let user = make_user(root).map_err(|error| format!("{USER} could not be made: {error}"))?;
    let program = user.join("Cargo.toml");
    let turns = [
        (
            "the program",
            vec![OsStr::new("--manifest-path"), program.as_os_str()],
        ),
        (
            "the repository",
            ["--package", "netabase_store", "--features", "native"]
                .map(OsStr::new)
                .to_vec(),
        ),
    ];
    for (turn, (name, arguments)) in turns.iter().cycle().take(5).enumerate() {
        println!("    {name}");
        let compiled = build(root, arguments).map_err(|error| format!("{name}: {error}"))?;
        if turn >= turns.len() && !compiled.is_empty() {
            return Err(format!(
                "{name} had been built, and the other's build undid it: {} compiled again",
                compiled.join(", ")
            ));
        }
    }
    Ok(())
}

/// Writes the program's package where it is not there as it should be; an unchanged file stays as old as it is.
fn make_user(root: &Path) -> io::Result<PathBuf> {
    let user = root.join(USER);
    fs::create_dir_all(user.join("src"))?;
    for (file, text) in [("Cargo.toml", MANIFEST), ("src/main.rs", PROGRAM)] {
        let file = user.join(file);
        if fs::read_to_string(&file).ok().as_deref() != Some(text) {
            fs::write(file, text)?;
        }
    }
    // The same versions as everywhere here, so that they are built once.
    fs::copy(root.join("Cargo.lock"), user.join("Cargo.lock"))?;
    Ok(user)
}

/// Runs `cargo build`; gives the names of what it compiled because it was not there yet, or not any more.
fn build(root: &Path, arguments: &[&OsStr]) -> Result<Vec<String>, String> {
    let mut cargo = crate::new_driver::cargo();
    cargo
        .args(["build", "--message-format", "json-render-diagnostics"])
        .arg("--target-dir")
        .arg(root.join(TARGET))
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let failed = |error: io::Error| format!("it could not be run: {error}");
    let mut child = cargo.spawn().map_err(failed)?;
    let mut compiled = Vec::new();
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|pipe| BufReader::new(pipe).lines())
    {
        let message: serde_json::Value =
            serde_json::from_str(&line.map_err(failed)?).unwrap_or_default();
        if message["reason"] == "compiler-artifact" && message["fresh"] == false {
            compiled.extend(message["target"]["name"].as_str().map(str::to_owned));
        }
    }
    let status = child.wait().map_err(failed)?;
    if status.success() {
        Ok(compiled)
    } else {
        Err(format!("it ended with {status}"))
    }
}
