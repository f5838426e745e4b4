//! What checksums cost: reads and writes of a database with them against one without, in turns.
//!
//! `cargo run --profile dist -p benches --example checksums`
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use netabase_driver_redb::Redb;
use netabase_driver_sled::Sled;
use netabase_store::config::Checksums;
use netabase_store::driver::{Driver, Durability, OpenConfig};
use netabase_store::netabase_definition_module;
use netabase_store::store::{StoreOptions, TypedStore};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Records of each database, of about 250 bytes.
const RECORDS: u64 = 100_000;

/// Reads of single records in a round.
const GETS: u64 = 50_000;

/// Rounds, of which the median counts.
const ROUNDS: usize = 21;

#[netabase_definition_module(Measured, MeasuredKeys)]
mod model {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel, Clone, Debug)]
    #[netabase(Measured)]
    pub(crate) struct Row {
        #[primary_key]
        pub(crate) id: u64,
        pub(crate) name: String,
        pub(crate) text: String,
    }
}
use model::{Measured, Row, RowPrimaryKey};

fn row(id: u64) -> Row {
    Row {
        id,
        name: format!("row {id:08x}"),
        text: "x".repeat(220),
    }
}

fn open<E: Driver>(
    driver: &E,
    path: &Path,
    checksums: Checksums,
) -> Result<TypedStore<Measured, E>> {
    let mut options = StoreOptions::from(Durability::None);
    options.checksums = checksums;
    Ok(TypedStore::open_with(
        driver,
        &OpenConfig::new(path),
        options,
    )?)
}

fn timed(run: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed())
}

fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_unstable_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn compare<E: Driver>(driver: &E, name: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let rows: Vec<_> = (0..RECORDS).map(row).collect();
    let plain = open(driver, &folder.path().join("plain"), Checksums::Off)?;
    let checked = open(driver, &folder.path().join("checked"), Checksums::Records)?;
    let stores = [&plain, &checked];
    for store in stores {
        store.open_tree::<Row>().put_many(&rows)?;
    }
    type Work<'a, E> = Box<dyn Fn(&TypedStore<Measured, E>) -> Result<()> + 'a>;
    let works: [(&str, Work<'_, E>); 4] = [
        (
            "get",
            Box::new(|store| {
                let transaction = store.read();
                let tree = transaction.open_tree::<Row>();
                for number in 0..GETS {
                    let id = number.wrapping_mul(0x9E37_79B1) % RECORDS;
                    black_box(tree.get(RowPrimaryKey(id))?);
                }
                Ok(())
            }),
        ),
        (
            "get, borrowed",
            Box::new(|store| {
                let transaction = store.read();
                let tree = transaction.open_tree::<Row>();
                for number in 0..GETS {
                    let id = number.wrapping_mul(0x9E37_79B1) % RECORDS;
                    black_box(tree.get_with(RowPrimaryKey(id), |row| row.text.len())?);
                }
                Ok(())
            }),
        ),
        (
            "iterate",
            Box::new(|store| {
                let transaction = store.read();
                for entry in transaction.open_tree::<Row>().iter()? {
                    black_box(entry?);
                }
                Ok(())
            }),
        ),
        (
            "bulk put",
            Box::new(|store| Ok(store.open_tree::<Row>().put_many(&rows[..10_000])?)),
        ),
    ];
    for (what, work) in &works {
        let mut ratios = Vec::new();
        for round in 0..ROUNDS {
            let mut times = [Duration::ZERO; 2];
            // Each goes first as often as the other.
            for turn in 0..2 {
                let which = (round + turn) % 2;
                times[which] = timed(|| work(stores[which]))?;
            }
            ratios.push(times[1].as_secs_f64() / times[0].as_secs_f64());
        }
        println!("| {name} | {what} | {:.3} |", median(ratios));
    }
    Ok(())
}

fn main() -> Result<()> {
    println!("with checksums / without, the median of {ROUNDS} rounds");
    println!("| driver | row | ratio |");
    println!("|---|---|--:|");
    compare(&Redb, "redb")?;
    compare(&Sled, "sled")
}
