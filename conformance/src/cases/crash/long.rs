//! A process that is killed while it commits thousands of changes: all of a transaction is there, or nothing of it.
//!
//! Each transaction writes its number under every key. So there is one number in the whole database.

use std::io::{BufRead, BufReader};
use std::mem::ManuallyDrop;
use std::thread;
use std::time::{Duration, Instant};

use netabase_core::driver::checked::Checked;
use netabase_core::driver::{Bounds, Database, Direction, Driver, Durability, Read, Result, Write};

use crate::case::{CaseResult, Failure};
use crate::cases::keys;
use crate::fixture::Fixture;
use crate::process::say;
use crate::settings;

/// How many entries of each tree a transaction writes, and how long their values are: many small ones, and some that are
/// larger than a page.
const TREES: [(&str, u32, usize); 2] = [("small", 2_000, 16), ("large", 16, 40_000)];

/// How many entries a transaction adds, in place of those of the one before.
const ADDED: u32 = 300;

fn write<S: Database>(store: &Checked<S>, number: u64) -> Result<()> {
    let mut writer = store.begin_write()?;
    for (name, entries, length) in TREES {
        let tree = writer.tree(name)?;
        let value = number.to_be_bytes().repeat(length / 8);
        for entry in 0..entries {
            writer.put(tree, &entry.to_be_bytes(), &value, |_| ())?;
        }
    }
    let tree = writer.tree("added")?;
    for entry in 0..ADDED {
        let key = |number: u64| [number.to_be_bytes(), u64::from(entry).to_be_bytes()].concat();
        if let Some(before) = number.checked_sub(1) {
            writer.remove(tree, &key(before), |_| ())?;
        }
        writer.put(tree, &key(number), b"", |_| ())?;
    }
    writer.commit(Durability::Immediate)
}

/// The number of the last transaction; `None` if there is none.
fn last<S: Database>(store: &Checked<S>) -> Result<Option<u64>, Failure> {
    let reader = store.begin_read()?;
    let tree = reader.tree("added")?;
    let added = keys(&reader, tree, Bounds::ALL, Direction::Forward)?;
    let Some(number) = added.first() else {
        for (name, _, _) in TREES {
            assert_eq!(reader.len(reader.tree(name)?)?, 0, "half a transaction");
        }
        return Ok(None);
    };
    let number = number[..8].to_vec();
    assert_eq!(added.len(), ADDED as usize, "half a transaction");
    assert!(
        added.iter().all(|key| key.starts_with(&number)),
        "entries of two transactions"
    );
    for (name, entries, length) in TREES {
        let tree = reader.tree(name)?;
        let found = crate::cases::contents(&reader, tree)?;
        assert_eq!(found.len(), entries as usize, "half a transaction");
        let value = number.repeat(length / 8);
        assert!(
            found.iter().all(|(_, found)| *found == value),
            "values of two transactions"
        );
    }
    Ok(Some(u64::from_be_bytes(number.as_slice().try_into()?)))
}

/// Goes on where the database ends, and says which transactions are committed, until the process is killed.
pub(super) fn write_until_killed<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = ManuallyDrop::new(fixture.open()?);
    let next = last(&store)?.map_or(0, |last| last + 1);
    say("opened")?;
    for number in next.. {
        write(&store, number)?;
        say(&number.to_string())?;
    }
    Ok(())
}

pub(super) fn a_kill_leaves_all_of_a_long_transaction_or_nothing<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    settings::seeded(|mut random| {
        for round in 0..settings::crash_rounds().div_ceil(4) {
            let mut process = fixture.start("long")?;
            let output = process.stdout.take().ok_or("the output was asked for")?;
            let mut lines = BufReader::new(output).lines();
            let mut acknowledged = None;
            let mut next = || lines.next().transpose();
            assert_eq!(next()?.as_deref(), Some("opened"));
            // As long as a transaction takes here, so that the kill comes while one is written or committed.
            let mut begun = Instant::now();
            let mut taken = Duration::ZERO;
            for _ in 0..random.u32(1..3) {
                let line = next()?.ok_or("the process ended by itself")?;
                acknowledged = Some(line.parse::<u64>()?);
                taken = begun.elapsed();
                begun = Instant::now();
            }
            thread::sleep(taken.mul_f64(random.f64()));
            process.kill()?;
            // It may have gone on until the kill reached it.
            while let Some(line) = next()? {
                acknowledged = Some(line.parse()?);
            }
            process.wait()?;
            let found = last(&fixture.open()?)?;
            assert!(
                found >= acknowledged,
                "round {round}: {acknowledged:?} was acknowledged, the last one is {found:?}"
            );
        }
        Ok(())
    })
}
