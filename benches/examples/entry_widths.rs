//! What it is worth to tell an engine how wide the entries of a tree are: size of the file, and time, with and without.
//!
//! `cargo run --profile dist -p benches --example entry_widths`
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use netabase_driver_redb::Redb;
use netabase_store::driver::checked::Checked;
use netabase_store::driver::command::Compact;
use netabase_store::driver::{
    Bounds, Cursor as _, Direction, Durability, EntryWidths, OpenConfig, Read as _, Write as _,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Entries of each tree.
const ENTRIES: u64 = 200_000;

/// Rounds, of which the fastest counts.
const ROUNDS: usize = 5;

/// A tree of the typed layer: what it is, and the lengths of its keys and values.
const TREES: [(&str, usize, usize); 4] = [
    ("index of a u32, records with a u64 key", 12, 0),
    ("index of a u64, records with a u64 key", 16, 0),
    ("unique index of a u64", 8, 8),
    ("index of a Uuid, records with a Uuid key", 32, 0),
];

/// What was measured of one layout.
#[derive(Clone, Copy)]
struct Measured {
    bytes: u64,
    put: Duration,
    get: Duration,
    iterate: Duration,
}

/// Keys that do not ascend, each once.
fn key(number: u64, length: usize) -> Vec<u8> {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    mixed.iter().copied().cycle().take(length).collect()
}

fn measure(path: &Path, key_length: usize, value_length: usize, told: bool) -> Result<Measured> {
    let _ = fs::remove_file(path);
    let store = Checked::open(&Redb, &OpenConfig::new(path))?;
    let widths = EntryWidths {
        key: told.then_some(u32::try_from(key_length)?),
        value: told.then_some(u32::try_from(value_length)?),
    };
    let mut keys: Vec<_> = (0..ENTRIES).map(|number| key(number, key_length)).collect();
    let asked = keys.clone();
    keys.sort_unstable();
    let value = vec![7; value_length];
    let start = Instant::now();
    let mut writer = store.begin_write()?;
    let tree = writer.sized_tree("entries", widths)?;
    for key in &keys {
        writer.put(tree, key, &value, |_| ())?;
    }
    writer.commit(Durability::Immediate)?;
    let put = start.elapsed();
    store.run(&Compact)?;
    let reader = store.begin_read()?;
    let tree = reader.sized_tree("entries", widths)?;
    let start = Instant::now();
    for key in &asked {
        if reader.get(tree, key, <[u8]>::len)? != Some(value_length) {
            return Err("an entry is missing".into());
        }
    }
    let get = start.elapsed();
    let start = Instant::now();
    let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    let mut found = 0;
    while cursor.next_entry()?.is_some() {
        found += 1;
    }
    let iterate = start.elapsed();
    if found != ENTRIES {
        return Err("entries are missing".into());
    }
    Ok(Measured {
        bytes: fs::metadata(path)?.len(),
        put,
        get,
        iterate,
    })
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("database");
    println!("told / not told, {ENTRIES} entries, the fastest of {ROUNDS} rounds");
    println!("| tree | bytes, not told | bytes | put | get | iterate |");
    println!("|---|--:|--:|--:|--:|--:|");
    for (name, key_length, value_length) in TREES {
        let mut best: [Option<Measured>; 2] = [None, None];
        for _ in 0..ROUNDS {
            for (told, best) in [false, true].into_iter().zip(&mut best) {
                let now = measure(&path, key_length, value_length, told)?;
                let before = best.unwrap_or(now);
                *best = Some(Measured {
                    bytes: now.bytes,
                    put: now.put.min(before.put),
                    get: now.get.min(before.get),
                    iterate: now.iterate.min(before.iterate),
                });
            }
        }
        let [Some(without), Some(with)] = best else {
            return Err("there were no rounds".into());
        };
        let ratio = |with: Duration, without: Duration| with.as_secs_f64() / without.as_secs_f64();
        println!(
            "| {name} | {} | {:.2} | {:.2} | {:.2} | {:.2} |",
            without.bytes,
            with.bytes as f64 / without.bytes as f64,
            ratio(with.put, without.put),
            ratio(with.get, without.get),
            ratio(with.iterate, without.iterate),
        );
    }
    Ok(())
}
