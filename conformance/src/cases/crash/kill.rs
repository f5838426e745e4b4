//! A process that is killed at a random moment: what it acknowledged is there, and exactly a number of whole transactions.
//!
//! What a transaction writes follows from its number, and each writes its number down. So the number that is found says
//! what everything else has to be.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines};
use std::mem::ManuallyDrop;
use std::process::ChildStdout;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use netabase_core::driver::command::CheckIntegrity;
use netabase_core::driver::{Driver, Durability};
use netabase_core::error::NetabaseError;
use netabase_core::store::TypedStore;

use crate::case::{CaseResult, Failure};
use crate::cases::typed::{self, ShopStore};
use crate::fixture::Fixture;
use crate::model::shop::{
    Note, NotePrimaryKey, Order, OrderPrimaryKey, Status, User, UserPrimaryKey,
};
use crate::process::{remove_database, say};
use crate::settings;

/// The note whose text is the number of transactions so far.
const COUNTER: &str = "transactions";

/// One write of a transaction.
#[derive(Debug)]
enum Change {
    PutUser(User),
    RemoveUser(u64),
    PutOrder(Order),
    RemoveOrder(OrderPrimaryKey),
    ClearOrders,
    PutNote(Note),
}

/// What the transaction of this number writes. Records are few, so that they are replaced and removed.
fn changes(number: u64) -> Vec<Change> {
    let mut random = Rng::with_seed(number);
    let mut changes: Vec<_> = (0..random.usize(1..12))
        .map(|_| change(&mut random, number))
        .collect();
    changes.push(Change::PutNote(Note {
        title: COUNTER.to_owned(),
        text: (number + 1).to_be_bytes().to_vec(),
    }));
    changes
}

fn change(random: &mut Rng, number: u64) -> Change {
    let id = random.u64(..100);
    let customer = format!("customer {}", id % 5);
    match random.u32(..100) {
        0..45 => Change::PutUser(User {
            email: format!("user{id}.{number}@example.org"),
            ..typed::user(id, random.i32(..20))
        }),
        45..60 => Change::RemoveUser(id),
        60..80 => Change::PutOrder(Order {
            customer,
            number: random.i32(-10..10),
            status: [Status::Open, Status::Paid, Status::Sent][random.usize(..3)],
            total: random.i64(..),
        }),
        80..90 => Change::RemoveOrder(OrderPrimaryKey(customer, random.i32(-10..10))),
        90..92 => Change::ClearOrders,
        _ => Change::PutNote(Note {
            title: format!("note {}", id % 7),
            text: vec![random.u8(..); random.usize(..30_000)],
        }),
    }
}

/// How durable the transaction of this number is: not all of them, so that a durable one takes others along.
fn durability(number: u64) -> Durability {
    match number % 4 {
        2 => Durability::None,
        _ => Durability::Immediate,
    }
}

/// What the store has to hold after a number of transactions.
#[derive(Default)]
struct Contents {
    transactions: u64,
    users: BTreeMap<u64, User>,
    orders: BTreeMap<(String, i32), Order>,
    notes: BTreeMap<String, Note>,
}

impl Contents {
    fn advance_to(&mut self, transactions: u64) {
        for number in self.transactions..transactions {
            for change in changes(number) {
                self.run(change);
            }
        }
        self.transactions = transactions;
    }

    fn run(&mut self, change: Change) {
        match change {
            Change::PutUser(user) => drop(self.users.insert(user.id, user)),
            Change::RemoveUser(id) => drop(self.users.remove(&id)),
            Change::PutOrder(order) => {
                let key = (order.customer.clone(), order.number);
                self.orders.insert(key, order);
            }
            Change::RemoveOrder(OrderPrimaryKey(customer, number)) => {
                self.orders.remove(&(customer, number));
            }
            Change::ClearOrders => self.orders.clear(),
            Change::PutNote(note) => drop(self.notes.insert(note.title.clone(), note)),
        }
    }

    /// Shows that the store holds this and nothing else, and that its indexes agree.
    fn assert_in<D: Driver>(&self, store: &ShopStore<D>) -> CaseResult {
        let guard = store.read();
        let users = typed::collect(guard.open_tree::<User>().iter()?)?;
        assert!(users.iter().eq(self.users.values()), "the users differ");
        let orders = typed::collect(guard.open_tree::<Order>().iter()?)?;
        assert!(orders.iter().eq(self.orders.values()), "the orders differ");
        let notes = typed::collect(guard.open_tree::<Note>().iter()?)?;
        assert!(notes.iter().eq(self.notes.values()), "the notes differ");
        typed::assert_exact_in(&guard)
    }
}

fn write<D: Driver>(store: &ShopStore<D>, number: u64) -> Result<(), NetabaseError> {
    let guard = store.write()?;
    let mut users = guard.open_tree::<User>();
    let mut orders = guard.open_tree::<Order>();
    let mut notes = guard.open_tree::<Note>();
    for change in changes(number) {
        match change {
            Change::PutUser(user) => users.put(user)?,
            Change::RemoveUser(id) => drop(users.remove(UserPrimaryKey(id))?),
            Change::PutOrder(order) => orders.put(order)?,
            Change::RemoveOrder(key) => drop(orders.remove(key)?),
            Change::ClearOrders => orders.clear()?,
            Change::PutNote(note) => notes.put(note)?,
        }
    }
    guard.commit_with(durability(number))
}

/// How many transactions the store says it holds.
fn transactions<D: Driver>(store: &ShopStore<D>) -> Result<u64, Failure> {
    let counter = NotePrimaryKey(COUNTER.to_owned());
    match store.open_tree::<Note>().get(counter)? {
        Some(note) => Ok(u64::from_be_bytes(note.text.as_slice().try_into()?)),
        None => Ok(0),
    }
}

/// Goes on where the database ends, and says which commits are durable, until the process is killed.
pub(super) fn write_until_killed<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    say("opening")?;
    let store = ManuallyDrop::new(open(fixture)?);
    for number in transactions(&store)?.. {
        write(&store, number)?;
        if durability(number) == Durability::Immediate {
            say(&(number + 1).to_string())?;
        }
    }
    Ok(())
}

fn open<D: Driver>(fixture: &Fixture<D>) -> Result<ShopStore<D>, NetabaseError> {
    TypedStore::open_with(fixture.driver(), &fixture.config(), Durability::Immediate)
}

/// Starts a process that writes, and kills it: after some transactions if `writes`, else perhaps before the first. How many
/// transactions it acknowledged, `0` if none.
fn killed<D: Driver>(fixture: &Fixture<D>, random: &mut Rng, writes: bool) -> Result<u64, Failure> {
    let mut process = fixture.start("random")?;
    let output = process.stdout.take().ok_or("the output was asked for")?;
    let mut lines = BufReader::new(output).lines();
    assert_eq!(next_line(&mut lines)?.as_deref(), Some("opening"));
    let mut acknowledged = 0;
    // Without any, it is killed while it opens the database.
    let awaited = match random.bool() || writes {
        true => random.u32(1..20),
        false => 0,
    };
    for _ in 0..awaited {
        let line = next_line(&mut lines)?.ok_or("the process ended by itself")?;
        acknowledged = line.parse()?;
    }
    thread::sleep(Duration::from_micros(random.u64(..10_000)));
    process.kill()?;
    // It may have gone on until the kill reached it.
    while let Some(line) = next_line(&mut lines)? {
        acknowledged = line.parse()?;
    }
    process.wait()?;
    Ok(acknowledged)
}

fn next_line(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<Option<String>, Failure> {
    Ok(lines.next().transpose()?)
}

pub(super) fn a_kill_at_any_moment_leaves_whole_transactions<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    settings::seeded(|mut random| {
        let mut expected = Contents::default();
        let mut in_all = 0;
        let rounds = settings::crash_rounds();
        for round in 0..rounds {
            // With few rounds, chance alone might let none of the processes write.
            let writes = in_all == 0 && round + 1 == rounds;
            // Creating a database is cut off, too.
            if random.u32(..5) == 0 {
                remove_database(fixture.path())?;
                expected = Contents::default();
            }
            let mut acknowledged = expected
                .transactions
                .max(killed(fixture, &mut random, writes)?);
            // So is the recovery from the kill before.
            if random.u32(..4) == 0 {
                acknowledged = acknowledged.max(killed(fixture, &mut random, false)?);
            }
            let store = open(fixture)?;
            if fixture.manifest().offers("check_integrity") {
                assert!(
                    store.run(CheckIntegrity)?,
                    "round {round}: the database is damaged"
                );
            }
            let found = transactions(&store)?;
            assert!(
                found >= acknowledged,
                "round {round}: {acknowledged} transactions were acknowledged, {found} are there"
            );
            in_all += found - expected.transactions;
            expected.advance_to(found);
            expected.assert_in(&store)?;
        }
        assert!(in_all > 0, "no process has written");
        Ok(())
    })
}
