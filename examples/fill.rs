//! Fills a database of any driver with as many records as one asks for: something to measure copies and dumps with.
//!
//! `cargo run --release --example fill -- redb:./million.redb 1000000`
#![forbid(unsafe_code)]

use std::process::ExitCode;

use netabase_store::prelude::*;

use users::{User, Users};

#[netabase_definition_module(Users, UsersKeys)]
mod users {
    use netabase_store::{NetabaseModel, netabase};

    /// About 250 bytes, with an index of each kind.
    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Users)]
    pub struct User {
        #[primary_key]
        pub id: u64,
        pub name: String,
        #[secondary_key(unique)]
        pub email: String,
        #[secondary_key]
        pub age: u32,
        pub about: String,
    }
}

/// Records in one transaction.
const BATCH: u64 = 50_000;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, records] = &arguments[..] else {
        eprintln!("usage: fill URL RECORDS, such as `fill redb:./million.redb 1000000`");
        return ExitCode::from(2);
    };
    let Ok(records) = records.parse() else {
        eprintln!("`{records}` is not a number of records");
        return ExitCode::from(2);
    };
    match fill(url, records) {
        Ok(held) => {
            println!("{held} records");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("fill: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Puts the records; how many there are then.
fn fill(url: &str, records: u64) -> Result<usize, NetabaseError> {
    let store = NetabaseStore::<Users, _>::connect(url)?;
    let users = store.open_tree::<User>();
    let mut next = 0;
    while next < records {
        let end = records.min(next + BATCH);
        users.put_many((next..end).map(user))?;
        next = end;
    }
    users.len()
}

fn user(id: u64) -> User {
    User {
        id,
        name: format!("name {id}"),
        email: format!("user{id}@example.org"),
        age: (id % 100) as u32,
        about: "b".repeat(200),
    }
}
