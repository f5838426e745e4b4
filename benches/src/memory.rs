//! What the contenders hold in memory, each measured in a process of its own.

use std::path::Path;
use std::process::Command;

use crate::child::{Child, Task};
use crate::contender::{CACHE_MIB, Result};
use crate::data::{self, User};
use crate::engine::Engine;
use crate::options::Options;
use crate::rounds;

/// Records that a scan reads.
const SCANNED: usize = 1_000_000;
/// Records of it that are stored in one transaction.
const CHUNK: usize = 50_000;
/// MiB that a scan may take beside the engine's cache.
const SCAN_LIMIT_MIB: f64 = 32.0;
/// Records that a transaction writes.
const TRANSACTED: usize = 100_000;

/// Measures an engine, and prints what it takes; gives the names of what missed its target.
pub(crate) fn run(engine: Engine, directory: &Path) -> Result<Option<&'static str>> {
    match engine {
        Engine::Redb => scan(engine, directory),
        Engine::Sled => transaction(engine, directory).map(|()| None),
    }
}

/// Stores records and reads them through each driver.
fn scan(engine: Engine, directory: &Path) -> Result<Option<&'static str>> {
    let path = directory.join("scan");
    {
        let database = engine.contender("static")?.open(&path)?;
        for start in (0..SCANNED).step_by(CHUNK) {
            let users: Vec<_> = (start..start + CHUNK)
                .map(|id| data::user(id as u64, id as u32 % data::AGES))
                .collect();
            database.put_many(&users)?;
        }
    }
    let mut all_within = true;
    for reader in ["static", "dynamic"] {
        let mib = measured(engine, reader, Task::Scan, &path)?;
        let within = mib - CACHE_MIB as f64 <= SCAN_LIMIT_MIB;
        all_within &= within;
        println!(
            "- reading {SCANNED} records through a cursor, {reader}: {mib:.1} MiB at its peak, {CACHE_MIB} MiB of them \
             allowed to the engine's cache, {SCAN_LIMIT_MIB} MiB beside it: {}",
            if within { "ok" } else { "MISS" }
        );
    }
    rounds::remove(&path)?;
    Ok((!all_within).then_some("scan"))
}

/// Writes records in one transaction by each contender.
fn transaction(engine: Engine, directory: &Path) -> Result<()> {
    let path = directory.join("transaction");
    for writer in ["hand", "static", "dynamic"] {
        let [commit, roll_back] = [Task::Commit, Task::RollBack].map(|task| {
            let mib = measured(engine, writer, task, &path);
            rounds::remove(&path)?;
            mib
        });
        println!(
            "- a transaction of {TRANSACTED} records with two index entries each, {writer}: {:.1} MiB at its peak if it is \
             rolled back, {:.1} MiB if it is committed, what the engine then holds of the records included",
            roll_back?, commit?
        );
    }
    Ok(())
}

/// By how many MiB a process of a contender grows.
fn measured(engine: Engine, contender: &str, task: Task, path: &Path) -> Result<f64> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--engines", engine.name(), "--contender", contender])
        .args(["--child", task.name()])
        .arg(path)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| {
        let error = String::from_utf8_lossy(&output.stderr);
        format!(
            "{} by {contender} on {} failed: {text}{error}",
            task.name(),
            engine.name()
        )
        .into()
    })
}

/// The child process: prints by how many MiB it grew to its peak.
pub(crate) fn child(options: &Options, child: &Child) -> Result<()> {
    let [engine] = *options.engines else {
        return Err("a child process runs on one engine".into());
    };
    let contender = engine.contender(&options.contender)?;
    let users: Vec<User> = match child.task {
        Task::Scan => Vec::new(),
        Task::Commit | Task::RollBack => data::users(TRANSACTED),
    };
    let before;
    match child.task {
        Task::Scan => {
            before = resident_peak()?;
            if contender.open(&child.path)?.iterate()? == 0 {
                return Err("the database is empty".into());
            }
        }
        Task::Commit | Task::RollBack => {
            let database = contender.open(&child.path)?;
            before = resident_peak()?;
            if child.task == Task::Commit {
                database.put_each(&users)?;
            } else {
                database.roll_back(&users)?;
            }
        }
    }
    println!("{}", (resident_peak()? - before) as f64 / 1024.0);
    Ok(())
}

/// The most memory that this process ever held, in KiB.
fn resident_peak() -> Result<i64> {
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(|error| format!("memory is measured on Linux alone: {error}"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("the system does not tell the peak of resident memory")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
