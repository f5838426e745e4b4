//! The memory that reading a million records through a cursor takes.

use std::path::Path;
use std::process::Command;

use crate::contender::{CACHE_MIB, Contender, Result};
use crate::data;

/// Records that are read.
const RECORDS: usize = 1_000_000;
/// Records that are stored in one transaction.
const CHUNK: usize = 50_000;
/// MiB that the scan may take beside the engine's cache.
const LIMIT_MIB: f64 = 32.0;

/// Stores the records with `writer`, reads them in a process of its own for each of `readers`, and prints what that took.
/// Gives whether all stayed within the limit.
pub(crate) fn run(
    directory: &Path,
    writer: &dyn Contender,
    readers: &[&str],
    drivers: Option<&Path>,
) -> Result<bool> {
    let path = directory.join("scan.redb");
    {
        let database = writer.open(&path)?;
        for start in (0..RECORDS).step_by(CHUNK) {
            let users: Vec<_> = (start..start + CHUNK)
                .map(|id| data::user(id as u64, id as u32 % data::AGES))
                .collect();
            database.put_many(&users)?;
        }
    }
    let mut all_within = true;
    for reader in readers {
        let mut child = Command::new(std::env::current_exe()?);
        child
            .arg("--scanned")
            .arg(&path)
            .args(["--contender", reader]);
        if let Some(drivers) = drivers {
            child.arg("--drivers").arg(drivers);
        }
        let output = child.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let Ok(mib) = text.trim().parse::<f64>() else {
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(format!("the scan by {reader} failed: {text}{error}").into());
        };
        let within = mib - CACHE_MIB as f64 <= LIMIT_MIB;
        all_within &= within;
        println!(
            "- reading {RECORDS} records through a cursor, {reader}: {mib:.1} MiB at its peak, {CACHE_MIB} MiB of them \
             allowed to the engine's cache, {LIMIT_MIB} MiB beside it: {}",
            if within { "ok" } else { "MISS" }
        );
    }
    std::fs::remove_file(&path)?;
    Ok(all_within)
}

/// The child process: reads all records, and prints by how many MiB the process grew from before it opened the database
/// to its peak.
pub(crate) fn child(contender: &dyn Contender, path: &Path) -> Result<()> {
    let before = resident_peak()?;
    let database = contender.open(path)?;
    let digest = database.iterate()?;
    if digest == 0 {
        return Err("the database is empty".into());
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
