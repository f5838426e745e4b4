//! `cargo xtask page`: builds, serves, tests and measures the page of `examples/browser`.

mod bench;
mod drive;
mod serve;

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::browser;
use crate::report::{Counts, Report};
use crate::step::Status;

const USAGE: &str = "\
Usage: cargo xtask page [OPTION]

Builds the page of examples/browser into target/page and says how large it is. Any web server can serve the folder.

Options:
  --serve [PORT]    Serve the page on localhost, port 8080 unless another one is given, until it is interrupted
  --test            Drive the page in headless Chromium, and take a screenshot of it: target/page/screenshot.png
  --bench [ROUNDS]  Compare the typed layer on IndexedDB with IndexedDB by hand, in one page in headless Chromium
  --help            Show this text
";
const TITLE: &str = "browser: the page of examples/browser, driven in headless Chromium";
const SOURCE: &str = "examples/browser/web";
const PACKAGE: &str = "netabase-example-browser";
/// The files that the page cannot do without, all of which the service worker keeps.
const FILES: [&str; 6] = [
    "index.html",
    "style.css",
    "start.js",
    "icon.svg",
    "places.js",
    "places_bg.wasm",
];

pub(crate) fn run(root: &Path, options: &[&str]) -> ExitCode {
    let done = match options {
        [] => build(root).map(drop),
        ["--serve"] => serve_on(root, 8080),
        ["--serve", port] => match port.parse() {
            Ok(port) => serve_on(root, port),
            Err(_) => return usage(),
        },
        ["--test"] => {
            let mut report = Report::default();
            report.add(outcome(root));
            print!("\n{}", report.summary());
            return if report.failed() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
        }
        ["--bench"] => measure(root, 15),
        ["--bench", rounds] => match rounds.parse() {
            Ok(rounds @ 1..) => measure(root, rounds),
            _ => return usage(),
        },
        ["--help"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => return usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("page: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}

/// What stands in the report where nobody wants the tests in a browser.
pub(crate) fn left_out() -> Status {
    Status::ignored(format!("{TITLE}: left out by --no-browser"))
}

/// Builds the page and drives it in a browser. Each thing that it has to do counts as one test.
pub(crate) fn outcome(root: &Path) -> Status {
    println!("\n==> {TITLE}");
    let start = Instant::now();
    let mut counts = Counts::default();
    let complaint = build(root)
        .and_then(|folder| drive::run(&folder, &mut counts))
        .err()
        .map(|error| error.to_string());
    if complaint.is_some() {
        counts.failed = 1;
    }
    Status {
        title: TITLE.to_owned(),
        duration: start.elapsed(),
        counts,
        complaint,
    }
}

fn serve_on(root: &Path, port: u16) -> io::Result<()> {
    let server = serve::Server::start(&build(root)?, port)?;
    println!("page: {} (interrupt to stop)", server.address());
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// Builds what is measured, apart from the page, and measures it.
fn measure(root: &Path, rounds: u32) -> io::Result<()> {
    let folder = fresh(root, "page-bench")?;
    let wasm = compile(root, "dist", &["--features", "bench"])?;
    bind(root, &wasm, &folder)?;
    copy(&root.join(SOURCE).join("bench"), &folder)?;
    bench::run(&folder, rounds)
}

/// Builds the page; gives its folder.
fn build(root: &Path) -> io::Result<PathBuf> {
    let folder = fresh(root, "page")?;
    let wasm = compile(root, "web", &[])?;
    bind(root, &wasm, &folder)?;
    let program = folder.join("places_bg.wasm");
    optimize(&program)?;
    copy(&root.join(SOURCE), &folder)?;
    let mut hasher = DefaultHasher::new();
    for file in FILES {
        hasher.write(&fs::read(folder.join(file))?);
    }
    // The page's address without a file name is kept beside the files.
    let files: Vec<_> = ["./"].into_iter().chain(FILES).collect();
    let worker = folder.join("worker.js");
    let text = fs::read_to_string(&worker)?
        .replace("@VERSION@", &format!("{:016x}", hasher.finish()))
        .replace("@FILES@", &serde_json::to_string(&files)?);
    fs::write(&worker, text)?;
    let size = fs::metadata(&program)?.len();
    match compressed(&program) {
        Ok(compressed) => println!(
            "page: places_bg.wasm is {} KiB, {} KiB compressed by gzip",
            size.div_ceil(1024),
            compressed.div_ceil(1024)
        ),
        Err(_) => println!("page: places_bg.wasm is {} KiB", size.div_ceil(1024)),
    }
    Ok(folder)
}

fn fresh(root: &Path, name: &str) -> io::Result<PathBuf> {
    let folder = root.join("target").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Compiles the example; gives the file that comes of it.
fn compile(root: &Path, profile: &str, options: &[&str]) -> io::Result<PathBuf> {
    let title = format!("page: build, profile `{profile}`");
    let outcome = browser::cargo(root, &title, "build")?
        .args(&["--package", PACKAGE, "--lib", "--profile", profile])
        .args(options)
        .run();
    match outcome.complaint {
        Some(complaint) => Err(io::Error::other(format!("the build: {complaint}"))),
        None => Ok(root
            .join("target/wasm")
            .join(browser::TARGET)
            .join(profile)
            .join("places.wasm")),
    }
}

/// Writes the program and its JavaScript.
fn bind(root: &Path, wasm: &Path, folder: &Path) -> io::Result<()> {
    // It is installed together with the test runner.
    let bindgen = browser::runner(root)?.with_file_name("wasm-bindgen");
    let mut command = Command::new(bindgen);
    command
        .args(["--target", "web", "--no-typescript", "--out-name", "places"])
        .arg("--out-dir")
        .arg(folder)
        .arg(wasm);
    browser::succeed(&mut command)
}

/// Has `wasm-opt` make the program smaller, where it is installed.
fn optimize(program: &Path) -> io::Result<()> {
    let Some(optimizer) = browser::find("wasm-opt") else {
        return Ok(());
    };
    let mut command = Command::new(optimizer);
    command
        .args(["-Oz", "--all-features"])
        .arg(program)
        .arg("-o")
        .arg(program);
    browser::succeed(&mut command)
}

/// Copies the files of a folder, without those in folders.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// How many bytes gzip makes of a file.
fn compressed(file: &Path) -> io::Result<u64> {
    let mut gzip = Command::new("gzip")
        .args(["-9", "--stdout"])
        .stdin(fs::File::open(file)?)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = Vec::new();
    if let Some(pipe) = &mut gzip.stdout {
        pipe.read_to_end(&mut output)?;
    }
    gzip.wait()?;
    Ok(output.len() as u64)
}
