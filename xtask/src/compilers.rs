//! A driver that was built apart from the program that loads it: by another compiler, at another optimisation level, with
//! other releases of its dependencies. The suite runs over each build.

use std::collections::BTreeSet;
use std::env;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::step::{Status, Step};

/// The package of the driver, a workspace with a lock file of its own.
const PACKAGE: &str = "conformance/built-apart/Cargo.toml";
/// Where its builds go, a folder each.
const TARGET: &str = "target/built-apart";

/// Builds the driver and runs the suite over it, once for each way of building it.
pub(crate) fn run(root: &Path) -> Vec<Status> {
    let mut outcomes = build_and_test(root, "optimised", &["--release"], None);
    match Compiler::another() {
        Ok(compiler) => {
            outcomes.extend(build_and_test(
                root,
                &compiler.version,
                &[],
                Some(&compiler),
            ));
        }
        Err(reason) => outcomes.push(Status::ignored(format!(
            "driver built by another compiler: {reason}"
        ))),
    }
    outcomes
}

fn build_and_test(
    root: &Path,
    how: &str,
    options: &[&str],
    compiler: Option<&Compiler>,
) -> Vec<Status> {
    let folder = root.join(TARGET).join(if compiler.is_some() {
        "compiler"
    } else {
        "own"
    });
    let mut build = Step::cargo(
        root,
        &format!("driver built apart, {how}: build"),
        &["build", "--manifest-path", PACKAGE],
    )
    .args(options)
    .arg("--target-dir")
    .arg(&folder);
    if let Some(compiler) = compiler {
        build = build.env("RUSTC", &compiler.path);
    }
    let built = build.run();
    if built.complaint.is_some() {
        return vec![built];
    }
    let profile = if options.contains(&"--release") {
        "release"
    } else {
        "debug"
    };
    let library = folder.join(profile).join(format!(
        "{DLL_PREFIX}netabase_driver_built_apart{DLL_SUFFIX}"
    ));
    let tested = Step::cargo(
        root,
        &format!("driver built apart, {how}: suite"),
        &["run", "--package", "conformance", "--", "--driver"],
    )
    .arg(library)
    .run();
    vec![built, tested]
}

/// A compiler that is installed.
#[derive(Debug, PartialEq, Eq)]
struct Compiler {
    path: PathBuf,
    /// What it says of itself: `rustc 1.97.0-nightly (e50aa6fba 2026-05-19)`.
    version: String,
}

impl Compiler {
    /// The first that is not the one in use and can build this repository, or why there is none.
    fn another() -> Result<Self, String> {
        let own = Self::at(own_path()).ok_or("the compiler in use does not say what it is")?;
        let mut others = BTreeSet::new();
        for path in candidates() {
            let Some(compiler) = Self::at(path) else {
                continue;
            };
            if compiler.version == own.version {
                continue;
            }
            if minor(&compiler.version) >= minor_of_msrv() {
                return Ok(compiler);
            }
            others.insert(compiler.version);
        }
        Err(if others.is_empty() {
            format!("no other than {} is installed", own.version)
        } else {
            let others: Vec<_> = others.into_iter().collect();
            format!("{} cannot build this repository", others.join(", "))
        })
    }

    fn at(path: PathBuf) -> Option<Self> {
        let version = output(Command::new(&path).arg("--version"))?;
        version.starts_with("rustc ").then(|| Self {
            path,
            version: version.trim().to_owned(),
        })
    }
}

/// The compiler that Cargo uses for this repository.
fn own_path() -> PathBuf {
    env::var_os("RUSTC").map_or_else(|| "rustc".into(), PathBuf::from)
}

/// Where compilers are: on the path of programs, and the toolchains of rustup.
fn candidates() -> Vec<PathBuf> {
    let name = format!("rustc{EXE_SUFFIX}");
    let mut candidates: Vec<_> = env::var_os("PATH")
        .iter()
        .flat_map(|path| env::split_paths(path).collect::<Vec<_>>())
        .chain(["/usr/bin".into()])
        .map(|directory| directory.join(&name))
        .filter(|path| path.is_file())
        .collect();
    let toolchains = output(Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    for line in toolchains.lines() {
        let Some(toolchain) = line.split_whitespace().next() else {
            continue;
        };
        let path =
            output(Command::new("rustup").args(["which", "--toolchain", toolchain, "rustc"]));
        candidates.extend(path.map(|path| PathBuf::from(path.trim())));
    }
    candidates
}

/// What a program prints, if it is there and ends well.
fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The 97 of `rustc 1.97.0-nightly (…)`.
fn minor(version: &str) -> Option<u32> {
    version
        .strip_prefix("rustc 1.")?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// The 90 of this package's `rust-version`.
fn minor_of_msrv() -> Option<u32> {
    env!("CARGO_PKG_RUST_VERSION")
        .split('.')
        .nth(1)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minor_version_is_read_of_every_channel() {
        assert_eq!(
            minor("rustc 1.97.0-nightly (e50aa6fba 2026-05-19)"),
            Some(97)
        );
        assert_eq!(minor("rustc 1.90.0 (1159e78c4 2025-09-14)"), Some(90));
        assert_eq!(
            minor("rustc 1.96.0 (built from a source tarball)"),
            Some(96)
        );
        assert_eq!(minor("clang 1.2.3"), None);
        assert!(minor_of_msrv() >= Some(90));
    }

    #[test]
    fn another_compiler_is_never_the_one_in_use() {
        let own = Compiler::at(own_path()).map(|compiler| compiler.version);
        assert!(own.is_some());
        if let Ok(other) = Compiler::another() {
            assert_ne!(Some(other.version), own);
        }
    }
}
