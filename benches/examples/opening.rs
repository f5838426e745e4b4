//! What it costs to open a redb database with a check of its integrity, and to read all of it.
//!
//! `cargo run --profile dist -p benches --example opening`
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use netabase_driver_redb::Redb;
use netabase_store::driver::{Durability, OpenConfig};
use netabase_store::netabase_definition_module;
use netabase_store::store::{StoreOptions, TypedStore};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
const ROUNDS: usize = 5;

#[netabase_definition_module(Measured, MeasuredKeys)]
mod model {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel, Clone, Debug)]
    #[netabase(Measured)]
    pub(crate) struct Row {
        #[primary_key]
        pub(crate) id: u64,
        #[secondary_key]
        pub(crate) group: u32,
        pub(crate) text: String,
    }
}
use model::{Measured, Row};

fn open(path: &Path, options: &[(&str, &str)]) -> Result<TypedStore<Measured, Redb>> {
    let config = OpenConfig {
        options,
        ..OpenConfig::new(path)
    };
    let options = StoreOptions::from(Durability::None);
    Ok(TypedStore::open_with(&Redb, &config, options)?)
}

/// The median time of some rounds.
fn median(mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[ROUNDS / 2])
}

fn main() -> Result<()> {
    println!("| records | file | open | open and check | open and read all |");
    println!("|--:|--:|--:|--:|--:|");
    for records in SIZES {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("measured.redb");
        let store = open(&path, &[])?;
        store
            .open_tree::<Row>()
            .put_many((0..records).map(|id| Row {
                id,
                group: (id % 1000) as u32,
                text: "x".repeat(100),
            }))?;
        drop(store);
        let opened = median(|| open(&path, &[]).map(drop))?;
        let checked = median(|| open(&path, &[("check_integrity_on_open", "true")]).map(drop))?;
        let read = median(|| {
            let store = open(&path, &[])?;
            for entry in store.read().open_tree::<Row>().iter()? {
                black_box(entry?);
            }
            Ok(())
        })?;
        let mib = std::fs::metadata(&path)?.len() as f64 / (1024.0 * 1024.0);
        println!("| {records} | {mib:.1} MiB | {opened:.1?} | {checked:.1?} | {read:.1?} |");
    }
    Ok(())
}
