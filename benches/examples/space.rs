//! Space on disk: bytes a record of the typed layer, with and without checksums, against layouts written by hand.
//!
//! `cargo run --profile dist -p benches --example space`
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;

use netabase_driver_redb::Redb;
use netabase_driver_sled::Sled;
use netabase_store::config::Checksums;
use netabase_store::driver::command::Compact;
use netabase_store::driver::{Driver, Durability, OpenConfig};
use netabase_store::netabase_definition_module;
use netabase_store::store::{StoreOptions, TypedStore};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const RECORDS: u64 = 100_000;
/// Records of each transaction.
const BATCH: u64 = 1_000;

#[netabase_definition_module(Measured, MeasuredKeys)]
mod model {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel, Clone, Debug)]
    #[netabase(Measured)]
    pub(crate) struct User {
        #[primary_key]
        pub(crate) id: u64,
        #[secondary_key(unique)]
        pub(crate) email: String,
        #[secondary_key]
        pub(crate) age: u32,
        pub(crate) text: String,
    }
}
use model::{Measured, User};

/// How much text a record holds.
const TEXTS: [usize; 2] = [20, 200];

/// The order in which records come: their keys ascend, or jump about.
#[derive(Clone, Copy)]
struct Order {
    name: &'static str,
    factor: u64,
}

const ORDERS: [Order; 2] = [
    Order {
        name: "ascending",
        factor: 1,
    },
    Order {
        name: "shuffled",
        factor: 48_271,
    },
];

fn user(place: u64, order: Order, text: usize) -> User {
    let id = place * order.factor % RECORDS;
    User {
        id,
        email: format!("user{id:08}@example.org"),
        age: (id % 80) as u32,
        text: "x".repeat(text),
    }
}

fn bytes_below(path: &Path) -> Result<u64> {
    if path.is_file() {
        return Ok(fs::metadata(path)?.len());
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        bytes += bytes_below(&entry?.path())?;
    }
    Ok(bytes)
}

fn typed<E: Driver>(
    driver: &E,
    path: &Path,
    checksums: Checksums,
    users: impl Fn(u64) -> User,
) -> Result<()> {
    let mut options = StoreOptions::from(Durability::None);
    options.checksums = checksums;
    let store = TypedStore::<Measured, E>::open_with(driver, &OpenConfig::new(path), options)?;
    for first in (0..RECORDS).step_by(BATCH as usize) {
        let tree = store.open_tree::<User>();
        tree.put_many((first..first + BATCH).map(&users))?;
    }
    if driver.manifest().offers("compact") {
        store.run(Compact)?;
    }
    Ok(())
}

/// What somebody writes who needs the same records and look-ups from redb.
fn redb_by_hand(path: &Path, users: impl Fn(u64) -> User) -> Result<()> {
    use redb::TableDefinition;
    const USERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("users");
    const BY_EMAIL: TableDefinition<'_, &str, u64> = TableDefinition::new("by_email");
    const BY_AGE: TableDefinition<'_, (u32, u64), ()> = TableDefinition::new("by_age");
    let mut database = redb::Database::create(path)?;
    for first in (0..RECORDS).step_by(BATCH as usize) {
        let mut transaction = database.begin_write()?;
        transaction.set_durability(redb::Durability::None)?;
        {
            let mut table = transaction.open_table(USERS)?;
            let mut by_email = transaction.open_table(BY_EMAIL)?;
            let mut by_age = transaction.open_table(BY_AGE)?;
            for place in first..first + BATCH {
                let user = users(place);
                let value = (&user.email, user.age, &user.text);
                let value = bincode::encode_to_vec(value, bincode::config::standard())?;
                table.insert(user.id, &*value)?;
                by_email.insert(&*user.email, user.id)?;
                by_age.insert((user.age, user.id), ())?;
            }
        }
        transaction.commit()?;
    }
    while database.compact()? {}
    Ok(())
}

/// The same from sled, with segments of this length.
fn sled_by_hand(path: &Path, segment: usize, users: impl Fn(u64) -> User) -> Result<()> {
    use sled::Transactional as _;
    let database = sled::Config::new()
        .path(path)
        .segment_size(segment)
        .open()?;
    let table = database.open_tree("users")?;
    let by_email = database.open_tree("by_email")?;
    let by_age = database.open_tree("by_age")?;
    for first in (0..RECORDS).step_by(BATCH as usize) {
        let users: Vec<_> = (first..first + BATCH).map(&users).collect();
        (&table, &by_email, &by_age)
            .transaction(|(table, by_email, by_age)| {
                for user in &users {
                    let id = user.id.to_be_bytes();
                    let value = (&user.email, user.age, &user.text);
                    let value = bincode::encode_to_vec(value, bincode::config::standard());
                    table.insert(&id, value.unwrap_or_default())?;
                    by_email.insert(user.email.as_bytes(), &id)?;
                    let age = [&user.age.to_be_bytes()[..], &id].concat();
                    by_age.insert(age, &[])?;
                }
                Ok::<_, sled::transaction::ConflictableTransactionError<()>>(())
            })
            .map_err(|error| format!("{error:?}"))?;
    }
    database.flush()?;
    Ok(())
}

fn main() -> Result<()> {
    println!(
        "Bytes of the closed database a record, {RECORDS} records with two indexes; compacted where the engine can.\n"
    );
    println!("| engine | keys | text | by hand | typed, no checksums | typed | typed / hand |");
    println!("|---|---|--:|--:|--:|--:|--:|");
    for order in ORDERS {
        for text in TEXTS {
            let users = |place| user(place, order, text);
            let folder = tempfile::tempdir()?;
            let at = |name: &str| folder.path().join(name);
            let row = |engine: &str, names: [&str; 3]| -> Result<()> {
                let [hand, plain, checked] = names.map(|name| bytes_below(&at(name)));
                let (hand, plain, checked) = (hand?, plain?, checked?);
                let each = |bytes: u64| bytes as f64 / RECORDS as f64;
                println!(
                    "| {engine} | {} | {text} | {:.1} | {:.1} | {:.1} | {:.2} |",
                    order.name,
                    each(hand),
                    each(plain),
                    each(checked),
                    checked as f64 / hand as f64
                );
                Ok(())
            };
            redb_by_hand(&at("redb hand"), users)?;
            typed(&Redb, &at("redb plain"), Checksums::Off, users)?;
            typed(&Redb, &at("redb checked"), Checksums::Records, users)?;
            row("redb", ["redb hand", "redb plain", "redb checked"])?;
            sled_by_hand(&at("sled hand"), 512 << 10, users)?;
            sled_by_hand(&at("sled hand 4"), 4 << 20, users)?;
            typed(&Sled, &at("sled plain"), Checksums::Off, users)?;
            typed(&Sled, &at("sled checked"), Checksums::Records, users)?;
            row(
                "sled, by hand with its own segments",
                ["sled hand", "sled plain", "sled checked"],
            )?;
            row(
                "sled, by hand with the driver's segments",
                ["sled hand 4", "sled plain", "sled checked"],
            )?;
        }
    }
    Ok(())
}
