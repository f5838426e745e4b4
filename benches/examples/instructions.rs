//! One step after another on one driver, for callgrind to count: `cargo xtask instructions`.
//!
//! Prints the name of each step and how many operations it does. Only what runs inside [`measured`] is to be counted.
#![forbid(unsafe_code)]

use std::path::Path;

use netabase_core::memory::Memory;
use netabase_driver_redb::Redb;
use netabase_store::config::Checksums;
use netabase_store::driver::{Driver, Durability, OpenConfig};
use netabase_store::loader::{self, SearchPath};
use netabase_store::netabase_definition_module;
use netabase_store::store::{StoreOptions, TypedStore};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Records that each step works on.
const RECORDS: u64 = 2_000;

/// Transactions that are begun and committed.
const TRANSACTIONS: u64 = 20;

#[netabase_definition_module(Counted, CountedKeys)]
mod model {
    use netabase_store::{NetabaseModel, netabase};

    /// A record without indexes.
    #[derive(NetabaseModel, Clone, Debug, bincode::Encode, bincode::Decode)]
    #[netabase(Counted)]
    pub(crate) struct Plain {
        #[primary_key]
        pub(crate) id: u64,
        pub(crate) name: String,
        pub(crate) text: String,
    }

    /// A record with an index of each kind.
    #[derive(NetabaseModel, Clone, Debug, bincode::Encode, bincode::Decode)]
    #[netabase(Counted)]
    pub(crate) struct Indexed {
        #[primary_key]
        pub(crate) id: u64,
        #[secondary_key(unique)]
        pub(crate) name: String,
        #[secondary_key]
        pub(crate) age: u32,
        pub(crate) text: String,
    }
}
use model::*;

/// The ids of all records, in an order without a pattern.
fn ids() -> impl Iterator<Item = u64> {
    // A multiplier that is odd makes this a permutation of the numbers below a power of two.
    (0..RECORDS.next_power_of_two())
        .map(|number| number.wrapping_mul(0x9E37_79B1) % RECORDS.next_power_of_two())
        .filter(|&id| id < RECORDS)
}

fn plain(id: u64) -> Plain {
    Plain {
        id,
        name: format!("user{id:08x}"),
        text: "x".repeat(200),
    }
}

fn indexed(id: u64, age: u64) -> Indexed {
    Indexed {
        id,
        name: format!("user{id:08x}"),
        age: (age % 100) as u32,
        text: "x".repeat(200),
    }
}

/// What is counted, and nothing else.
#[inline(never)]
fn measured(work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    std::hint::black_box(work)()
}

fn step(name: &str, operations: u64, mut work: impl FnMut() -> Result<()>) -> Result<()> {
    measured(&mut work)?;
    println!("{name}\t{operations}");
    Ok(())
}

fn count<E: Driver>(driver: &E, path: &Path) -> Result<()> {
    let store =
        TypedStore::<Counted, E>::open_with(driver, &OpenConfig::new(path), Durability::Immediate)?;
    let plains: Vec<_> = ids().map(plain).collect();
    let records: Vec<_> = ids().map(|id| indexed(id, id)).collect();
    let changed: Vec<_> = ids().map(|id| indexed(id, id + 1)).collect();

    let transaction = store.write()?;
    let mut tree = transaction.open_tree::<Plain>();
    step("put", RECORDS, || {
        Ok(plains
            .iter()
            .try_for_each(|record| tree.put(record).map(drop))?)
    })?;
    drop(tree);
    transaction.commit()?;

    let transaction = store.write()?;
    let mut tree = transaction.open_tree::<Indexed>();
    step("put, two indexes", RECORDS, || {
        Ok(records
            .iter()
            .try_for_each(|record| tree.put(record).map(drop))?)
    })?;
    step("put over another, one index changes", RECORDS, || {
        Ok(changed
            .iter()
            .try_for_each(|record| tree.put(record).map(drop))?)
    })?;
    drop(tree);
    transaction.commit()?;

    let transaction = store.read();
    let tree = transaction.open_tree::<Plain>();
    step("get", RECORDS, || {
        for id in ids() {
            std::hint::black_box(tree.get(PlainPrimaryKey(id))?);
        }
        Ok(())
    })?;
    step("borrowed get", RECORDS, || {
        for id in ids() {
            let length = tree.get_with(PlainPrimaryKey(id), |record| record.text.len())?;
            std::hint::black_box(length);
        }
        Ok(())
    })?;
    step("iterate", RECORDS, || {
        for entry in tree.iter()? {
            std::hint::black_box(entry?);
        }
        Ok(())
    })?;
    drop(tree);
    drop(transaction);

    let mut options = StoreOptions::from(Durability::Immediate);
    options.checksums = Checksums::Off;
    let config = match path.as_os_str().is_empty() {
        true => path.to_owned(),
        false => path.with_extension("unchecked"),
    };
    let unchecked =
        TypedStore::<Counted, E>::open_with(driver, &OpenConfig::new(&config), options)?;
    unchecked.open_tree::<Plain>().put_many(&plains)?;
    let transaction = unchecked.read();
    let tree = transaction.open_tree::<Plain>();
    step("get, no checksums", RECORDS, || {
        for id in ids() {
            std::hint::black_box(tree.get(PlainPrimaryKey(id))?);
        }
        Ok(())
    })?;
    step("iterate, no checksums", RECORDS, || {
        for entry in tree.iter()? {
            std::hint::black_box(entry?);
        }
        Ok(())
    })?;
    drop(tree);
    drop(transaction);

    let transaction = store.write()?;
    let mut tree = transaction.open_tree::<Indexed>();
    step("remove, two indexes", RECORDS, || {
        for id in ids() {
            std::hint::black_box(tree.remove(IndexedPrimaryKey(id))?);
        }
        Ok(())
    })?;
    drop(tree);
    transaction.commit()?;

    step("begin and commit a write transaction", TRANSACTIONS, || {
        for _ in 0..TRANSACTIONS {
            store.write()?.commit()?;
        }
        Ok(())
    })?;
    step("get in a transaction of its own", TRANSACTIONS, || {
        let tree = store.open_tree::<Plain>();
        for id in 0..TRANSACTIONS {
            std::hint::black_box(tree.get(PlainPrimaryKey(id))?);
        }
        Ok(())
    })
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [driver, libraries @ ..] = &arguments[..] else {
        return Err("name a driver, and the folder of its library if it is to be loaded".into());
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("database");
    match (driver.as_str(), libraries) {
        ("memory", []) => count(&Memory, Path::new("")),
        ("redb", []) => count(&Redb, &path),
        (_, [libraries]) => {
            let (name, path) = match driver.as_str() {
                "memory" => ("built-apart", Path::new("")),
                name => (name, path.as_path()),
            };
            let search = SearchPath::default()
                .with_directory(libraries)
                .without_trust_checks();
            count(&loader::load(name, &search)?, path)
        }
        _ => Err(format!("no driver `{driver}` is linked in").into()),
    }
}
