//! The packages as they would be published: a user's program and a stranger's driver, built from nothing else.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::new_driver::{self, Names};
use crate::report::Counts;
use crate::step::{Expected, Status, Step};

/// Where the packages are made and unpacked, and the workspace that builds from them.
const FOLDER: &str = "target/packages";

/// What it is built into: what is compiled here anyway is then compiled once.
const TARGET: &str = "target";

/// Makes the packages, and builds a program, the command and a driver from them; all have to run, and the driver has to pass its suite.
pub(crate) fn run(root: &Path) -> Vec<Status> {
    let start = Instant::now();
    let published = match published(root) {
        Ok(published) => published,
        Err(error) => return vec![failed("packages", start.elapsed(), &error)],
    };
    let made = make(root, &published);
    let is_made = made.complaint.is_none();
    let mut statuses = vec![made];
    if is_made {
        let prepared = unpack(root, &published).and_then(|()| write_workspaces(root, &published));
        match prepared {
            Ok(()) => statuses.extend(build(root)),
            Err(error) => statuses.push(failed("packages: unpack", start.elapsed(), &error)),
        }
    }
    statuses
}

/// A package that is published, by name and version.
struct Package {
    name: String,
    version: String,
}

/// Those of this workspace, in any order.
fn published(root: &Path) -> io::Result<Vec<Package>> {
    let output = new_driver::cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    // An empty list of registries stands for `publish = false`.
    let published: Vec<_> = packages
        .filter(|package| package["publish"].is_null())
        .filter_map(|package| {
            Some(Package {
                name: package["name"].as_str()?.to_owned(),
                version: package["version"].as_str()?.to_owned(),
            })
        })
        .collect();
    if published.is_empty() {
        return Err(io::Error::other("no package is published"));
    }
    Ok(published)
}

fn make(root: &Path, published: &[Package]) -> Status {
    published
        .iter()
        .fold(
            Step::cargo(
                root,
                "packages: made",
                &["package", "--offline", "--no-verify", "--allow-dirty"],
            ),
            |step, package| step.args(&["--package", &package.name]),
        )
        .args(&["--target-dir", FOLDER])
        .run_and_expect(Expected {
            exit_code: 0,
            texts: &[],
        })
}

/// Unpacks each package into the folder of its name. Files that are as they were keep their time, so that only what
/// changed is compiled again: in a package all files have one and the same time.
fn unpack(root: &Path, published: &[Package]) -> io::Result<()> {
    let folder = root.join(FOLDER);
    let fresh = folder.join("fresh");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir_all(&fresh)?;
    for Package { name, version } in published {
        let file = format!("{name}-{version}.crate");
        let status = Command::new("tar")
            .arg("-xzf")
            .arg(folder.join("package").join(&file))
            .arg("-C")
            .arg(&fresh)
            .status()?;
        if !status.success() {
            return Err(io::Error::other(format!(
                "tar of {file} ended with {status}"
            )));
        }
        update(
            &fresh.join(format!("{name}-{version}")),
            &folder.join("unpacked").join(name),
        )?;
    }
    fs::remove_dir_all(fresh)
}

/// Makes a folder hold what another one holds, and nothing else.
fn update(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let there = entry?;
        if !from.join(there.file_name()).exists() {
            match there.file_type()?.is_dir() {
                true => fs::remove_dir_all(there.path())?,
                false => fs::remove_file(there.path())?,
            }
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            update(&entry.path(), &target)?;
        } else {
            write_if_changed(&target, &fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn write_if_changed(file: &Path, contents: &[u8]) -> io::Result<()> {
    if fs::read(file).ok().as_deref() == Some(contents) {
        return Ok(());
    }
    fs::write(file, contents)
}

/// A workspace of a user's program and the program `netabase`, and one of a stranger's driver. Both find the packages where
/// they were unpacked, and nothing of this repository.
fn write_workspaces(root: &Path, published: &[Package]) -> io::Result<()> {
    let folder = root.join(FOLDER);
    let version = published
        .iter()
        .find(|package| package.name == "netabase_store")
        .map(|package| package.version.as_str())
        .ok_or_else(|| io::Error::other("netabase_store is not published"))?;

    let patches = |unpacked: &str| -> String {
        let patch = |package: &Package| {
            let name = &package.name;
            format!("{name} = {{ path = \"{unpacked}/{name}\" }}\n")
        };
        let patches: String = published.iter().map(patch).collect();
        format!("\n[patch.crates-io]\n{patches}")
    };

    let names = Names::new("stranger-1").map_err(io::Error::other)?;
    let fresh = folder.join("fresh");
    new_driver::generate(root, &names, &fresh)?;
    for (file, appended) in [
        ("Cargo.toml", patches("../unpacked")),
        ("dylib/Cargo.toml", String::new()),
    ] {
        let manifest = fs::read_to_string(fresh.join(file))?;
        fs::write(
            fresh.join(file),
            of_published(&manifest, version) + &appended,
        )?;
    }
    // The same versions as everywhere here, so that they are built once.
    fs::copy(root.join("Cargo.lock"), fresh.join("Cargo.lock"))?;
    update(&fresh, &folder.join("driver"))?;
    fs::remove_dir_all(fresh)?;

    let user = folder.join("user");
    fs::create_dir_all(user.join("src"))?;
    write_if_changed(&user.join("src/main.rs"), quickstart(root)?.as_bytes())?;
    let manifest = format!(
        "[package]\nname = \"user-of-packages\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nnetabase_store = \"{version}\"\n"
    );
    write_if_changed(&user.join("Cargo.toml"), manifest.as_bytes())?;

    let manifest =
        "[workspace]\nresolver = \"3\"\nmembers = [\"unpacked/netabase-cli\", \"user\"]\n"
            .to_owned();
    let manifest = manifest + &patches("unpacked");
    write_if_changed(&folder.join("Cargo.toml"), manifest.as_bytes())?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).map(drop)
}

/// A manifest of a driver with its dependencies in this repository named as published ones are: by their version.
fn of_published(manifest: &str, version: &str) -> String {
    let line = |line: &str| match line.split_once("path = '") {
        Some((before, rest)) => {
            let after = rest.split_once('\'').map_or("", |(_, after)| after);
            format!("{before}version = \"{version}\"{after}\n")
        }
        None => format!("{line}\n"),
    };
    manifest.lines().map(line).collect()
}

/// The whole `main.rs` that the README begins with.
fn quickstart(root: &Path) -> io::Result<String> {
    let readme = fs::read_to_string(root.join("README.md"))?;
    let program = readme
        .split_once("\n```rust\n")
        .and_then(|(_, rest)| rest.split_once("\n```\n"));
    match program {
        Some((program, _)) if program.contains("fn main()") => Ok(format!("{program}\n")),
        _ => Err(io::Error::other("the README does not begin with a program")),
    }
}

fn build(root: &Path) -> [Status; 3] {
    let cargo = |title, command, workspace, arguments: &[&str]| {
        Step::cargo(root, title, &[command, "--offline", "--target-dir", TARGET])
            .arg("--manifest-path")
            .arg(root.join(FOLDER).join(workspace).join("Cargo.toml"))
            .args(arguments)
    };
    [
        cargo(
            "packages: the README's program built from them",
            "run",
            "",
            &["--package", "user-of-packages"],
        )
        .run_and_expect(Expected {
            exit_code: 0,
            texts: &["Middlemarch (1871)"],
        }),
        cargo(
            "packages: the program `netabase` built from them",
            "run",
            "",
            &["--package", "netabase-cli", "--", "drivers"],
        )
        .run_and_expect(Expected {
            exit_code: 0,
            texts: &["linked in", "redb-zerocopy"],
        }),
        cargo(
            "packages: a driver made of the template, tested linked in and loaded by name",
            "test",
            "driver",
            &[],
        )
        .run(),
    ]
}

fn failed(title: &str, duration: Duration, error: &io::Error) -> Status {
    Status {
        title: title.to_owned(),
        duration,
        counts: Counts::default(),
        complaint: Some(error.to_string()),
    }
}
