//! The tests that run in a browser: what they need is found, or installed on Debian.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::report::Report;
use crate::step::{Expected, Status, Step};
use crate::target;

const FACADE: &str = "netabase_store";
/// What a program for the browser asks of it.
const BROWSERS_FEATURES: [&str; 3] = ["--no-default-features", "--features", "indexeddb"];
const TITLE: &str = "browser: IndexedDB in headless Chromium";
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
/// What Debian calls the browser and its driver.
const BROWSER: &[&str] = &["chromium", "chromium-driver"];
/// What Debian calls a compiler whose standard library can be built for the target.
const COMPILER: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "lld-19"];
const DEBIAN_DRIVER: &str = "/usr/bin/chromedriver";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LINKER: &str = "/usr/bin/wasm-ld-19";
/// Where `rust-web-src` puts the standard library.
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library";
/// How long the tests of one file may take in the browser, in seconds: many times what they take on a machine that does
/// nothing else. The catalogue limits each of its cases.
const TIME_LIMIT: &str = "1800";

/// Runs the tests in a browser, and nothing else.
pub(crate) fn run(root: &Path) -> ExitCode {
    let mut report = Report::default();
    for outcome in outcomes(root) {
        report.add(outcome);
    }
    print!("\n{}", report.summary());
    if report.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Builds the facade for the browser, and runs the tests in one. What is missing and cannot be installed is a failure.
pub(crate) fn outcomes(root: &Path) -> Vec<Status> {
    vec![
        facade(root, "facade for the browser", &BROWSERS_FEATURES, None),
        facade(
            root,
            "facade for the browser with the default features",
            &[],
            Some("default-features = false, features = [\"indexeddb\"]"),
        ),
        native_packages(root),
        tests(root),
    ]
}

fn tests(root: &Path) -> Status {
    match step(root) {
        Ok(step) => step.run(),
        Err(error) => Status::not_run(TITLE, &with_way_out(&error)),
    }
}

/// Builds the facade with these features; where it cannot be built, the compiler has to give `advice`.
fn facade(root: &Path, title: &str, features: &[&str], advice: Option<&str>) -> Status {
    let expected = Expected {
        exit_code: if advice.is_some() { 101 } else { 0 },
        texts: advice.as_slice(),
    };
    match cargo(root, title, "build") {
        Ok(step) => step
            .args(&["--package", FACADE])
            .args(features)
            .run_and_expect(expected),
        Err(error) => Status::not_run(title, &with_way_out(&error)),
    }
}

/// Looks for packages in the browser's facade that are for native programs.
fn native_packages(root: &Path) -> Status {
    Step::cargo(
        root,
        "facade for the browser: no native packages",
        &["tree", "--package", FACADE, "--target", TARGET],
    )
    .args(&["--edges", "normal", "--prefix", "none"])
    .args(&BROWSERS_FEATURES)
    .run_and_refuse(&["abi_stable", "libloading", "redb", "sled"])
}

/// What stands in the report where nobody wants the tests in a browser.
pub(crate) fn left_out() -> Status {
    Status::ignored(format!("{TITLE}: left out by --no-browser"))
}

/// The error; where a person reads it, with how to do without.
fn with_way_out(error: &io::Error) -> io::Error {
    if env::var_os("CI").is_some() {
        io::Error::other(error.to_string())
    } else {
        io::Error::other(format!(
            "{error}; `cargo xtask test --no-browser` leaves these tests out"
        ))
    }
}

fn step(root: &Path) -> io::Result<Step> {
    let driver = chromedriver()?;
    let runner = runner(root)?;
    Ok(cargo(root, TITLE, "test")?
        .args(&["--no-fail-fast"])
        .args(&["--package", "netabase-driver-indexeddb"])
        // Each case of the catalogue is printed as it ends.
        .args(&["--", "--nocapture"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .env("CHROMEDRIVER", driver)
        .env("WASM_BINDGEN_TEST_TIMEOUT", TIME_LIMIT))
}

/// A command of Cargo's for the browser's target, with a compiler that has or builds the standard library.
pub(crate) fn cargo(root: &Path, title: &str, command: &str) -> io::Result<Step> {
    let step = if target::is_there(TARGET) || target::add(TARGET) {
        Step::cargo(root, title, &[command])
    } else {
        println!("browser: Debian's compiler takes its place, and builds the standard library");
        if [DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_LINKER, DEBIAN_SOURCE]
            .iter()
            .any(|path| !Path::new(path).exists())
        {
            install(COMPILER)?;
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let first = std::iter::once(PathBuf::from("/usr/bin"));
        let path =
            env::join_paths(first.chain(env::split_paths(&path))).map_err(io::Error::other)?;
        Step::program(DEBIAN_CARGO, root, title)
            .args(&[command, "-Zbuild-std=std,panic_abort"])
            .env("PATH", path)
            .env("RUSTC", DEBIAN_RUSTC)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER)
    };
    Ok(step
        .args(&["--target", TARGET])
        .env("CARGO_TARGET_DIR", root.join("target").join("wasm"))
        // One setting for every step, so that what they have in common is built once.
        .env("CARGO_PROFILE_DEV_DEBUG", "0"))
}

/// The program that drives the browser.
pub(crate) fn chromedriver() -> io::Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMEDRIVER") {
        let path = PathBuf::from(path);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(io::Error::other(format!(
                "CHROMEDRIVER is {}, and there is no such file",
                path.display()
            )))
        };
    }
    if let Some(path) = find("chromedriver") {
        return Ok(path);
    }
    println!("browser: there is no chromedriver, which the tests need: Debian's Chromium has one");
    install(BROWSER)?;
    find("chromedriver")
        .or_else(|| Some(PathBuf::from(DEBIAN_DRIVER)).filter(|path| path.is_file()))
        .ok_or_else(|| io::Error::other("there is no chromedriver"))
}

/// The test runner, of the version that the tests are built with.
pub(crate) fn runner(root: &Path) -> io::Result<PathBuf> {
    const NAME: &str = "wasm-bindgen-test-runner";
    let version = locked_version(root, "wasm-bindgen")?;
    let fits = |path: &Path| {
        Command::new(path)
            .arg("--version")
            .output()
            .is_ok_and(|output| {
                String::from_utf8_lossy(&output.stdout)
                    .trim()
                    .ends_with(&version)
            })
    };
    let folder = root
        .join("target")
        .join("tools")
        .join(format!("wasm-bindgen-{version}"));
    let own = folder.join("bin").join(NAME);
    if let Some(path) = find(NAME)
        .into_iter()
        .chain([own.clone()])
        .find(|path| fits(path))
    {
        return Ok(path);
    }
    println!(
        "browser: there is no {NAME} {version}, which the tests are run by: it is built once, in about two minutes, into target/tools"
    );
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args([
            "install",
            "wasm-bindgen-cli",
            "--version",
            &version,
            "--root",
        ])
        .arg(folder)
        // The features are for connections with TLS, which the driver of the browser has none of.
        .arg("--no-default-features")
        // It waits for the browser: what it costs is to build it.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    succeed(&mut build)?;
    Ok(own)
}

/// The version of a package in `Cargo.lock`.
fn locked_version(root: &Path, package: &str) -> io::Result<String> {
    let lock = fs::read_to_string(root.join("Cargo.lock"))?;
    let name = format!("name = \"{package}\"");
    lock.lines()
        .skip_while(|line| *line != name)
        .nth(1)
        .and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other(format!("`{package}` is not in Cargo.lock")))
}

pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Installs packages of Debian's; its lists of packages are fetched where they are missing or out of date.
fn install(packages: &[&str]) -> io::Result<()> {
    let names = packages.join(" ");
    if find("apt-get").is_none() {
        return Err(io::Error::other(format!(
            "Debian's packages {names} would do; there is no apt-get here, so install their like"
        )));
    }
    println!("browser: apt-get install {names}");
    let install = || {
        succeed(
            Command::new("apt-get")
                .args(["install", "--yes", "--no-install-recommends"])
                .args(packages)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    install()
        .or_else(|_| {
            println!("browser: apt-get update, and once more");
            succeed(Command::new("apt-get").arg("update"))?;
            install()
        })
        .map_err(|error| {
            io::Error::other(format!(
                "{error}; `apt-get install {names}`, as root, installs what is missing"
            ))
        })
}

pub(crate) fn succeed(command: &mut Command) -> io::Result<()> {
    let status = command.stdin(Stdio::null()).status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?} ended with {status}")))
}
