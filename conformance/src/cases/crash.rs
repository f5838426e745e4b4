//! A process that ends in the middle: what was committed durably is there, and of every transaction all or nothing.

mod kill;
mod long;

use std::io::{BufRead, BufReader};
use std::mem::ManuallyDrop;

use netabase_core::driver::checked::Checked;
use netabase_core::driver::{Capabilities, Database, Driver, Durability, Read, Result, Write};
use netabase_core::store::TypedStore;

use kill::a_kill_at_any_moment_leaves_whole_transactions;
use long::a_kill_leaves_all_of_a_long_transaction_or_nothing;

use super::config::{bytes_below, read_only};
use super::{committed, contents, typed};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;
use crate::model::shop::{Shop, User, UserPrimaryKey};
use crate::process::{Scenario, remove_database, run, say};

const PERSISTENT: Requirement = Requirement::Declares(Capabilities::PERSISTENT);
const READ_ONLY: Requirement = Requirement::Declares(Capabilities::READ_ONLY);
const DURABLE: Requirement = Requirement::Declares(Capabilities::DURABLE);

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(
            durable_commits_survive_an_abort,
            PERSISTENT,
            Requirement::OwnProcess
        ),
        case!(
            read_only_changes_no_byte_after_an_abort,
            PERSISTENT,
            READ_ONLY,
            Requirement::OwnProcess
        ),
        case!(
            an_open_transaction_does_not_survive_an_abort,
            PERSISTENT,
            Requirement::OwnProcess
        ),
        case!(
            commits_without_durability_are_kept_in_order,
            PERSISTENT,
            Requirement::OwnProcess
        ),
        case!(
            a_durable_commit_keeps_those_before_it,
            PERSISTENT,
            Requirement::OwnProcess
        ),
        case!(
            an_empty_durable_commit_keeps_those_before_it,
            PERSISTENT,
            Requirement::OwnProcess
        ),
        case!(
            a_kill_loses_nothing_that_was_acknowledged,
            PERSISTENT,
            Requirement::OwnProcess
        ),
        case!(
            typed_puts_survive_an_abort,
            PERSISTENT,
            Requirement::OwnProcess
        ),
        case!(
            a_kill_at_any_moment_leaves_whole_transactions,
            PERSISTENT,
            DURABLE,
            Requirement::OwnProcess
        ),
        case!(
            a_kill_leaves_all_of_a_long_transaction_or_nothing,
            PERSISTENT,
            Requirement::OwnProcess
        ),
    ]
}

const COMMITS: u32 = 12;

/// What a process of its own does before it ends without closing anything.
pub(crate) fn scenarios<D: Driver>() -> Vec<Scenario<D>> {
    vec![
        ("durable", |fixture| {
            let store = ManuallyDrop::new(fixture.open()?);
            (0..COMMITS)
                .try_for_each(|number| write_pair(&store, number, Durability::Immediate))?;
            Ok(())
        }),
        ("open", |fixture| {
            let store = ManuallyDrop::new(fixture.open()?);
            write_pair(&store, 0, Durability::Immediate)?;
            let mut writer = ManuallyDrop::new(store.begin_write()?);
            let (left, other) = (writer.tree("left")?, writer.tree("other")?);
            for number in 0..2_000u32 {
                writer.put(left, &number.to_be_bytes(), &[1; 1_000], |_| ())?;
                writer.put(other, &number.to_be_bytes(), b"", |_| ())?;
            }
            Ok(())
        }),
        ("deferred", |fixture| {
            let store = ManuallyDrop::new(fixture.open()?);
            (0..COMMITS).try_for_each(|number| write_pair(&store, number, Durability::None))?;
            Ok(())
        }),
        ("deferred, then durable", |fixture| {
            let store = ManuallyDrop::new(fixture.open()?);
            (1..COMMITS).try_for_each(|number| write_pair(&store, number - 1, Durability::None))?;
            write_pair(&store, COMMITS - 1, Durability::Immediate)?;
            Ok(())
        }),
        ("deferred, then empty", |fixture| {
            let store = ManuallyDrop::new(fixture.open()?);
            (0..COMMITS).try_for_each(|number| write_pair(&store, number, Durability::None))?;
            store.begin_write()?.commit(Durability::Immediate)?;
            Ok(())
        }),
        ("deferred, then without a change", |fixture| {
            let store = ManuallyDrop::new(fixture.open()?);
            (0..COMMITS).try_for_each(|number| write_pair(&store, number, Durability::None))?;
            let mut writer = store.begin_write()?;
            let tree = writer.tree("left")?;
            assert_eq!(writer.remove(tree, b"absent", |_| ())?, None);
            writer.commit(Durability::Immediate)?;
            Ok(())
        }),
        ("endless", |fixture| {
            let store = ManuallyDrop::new(fixture.open()?);
            for number in 0.. {
                write_pair(&store, number, Durability::Immediate)?;
                say(&number.to_string())?;
            }
            Ok(())
        }),
        ("typed", |fixture| {
            let store = ManuallyDrop::new(TypedStore::<Shop, D>::open_with(
                fixture.driver(),
                &fixture.config(),
                Durability::default(),
            )?);
            for id in 0..3 {
                store.open_tree::<User>().put(typed::user(id, 30))?;
            }
            Ok(())
        }),
        ("long", long::write_until_killed),
        ("random", kill::write_until_killed),
    ]
}

/// Writes one number to two trees in one transaction.
fn write_pair<S: Database>(store: &Checked<S>, number: u32, durability: Durability) -> Result<()> {
    let mut writer = store.begin_write()?;
    for tree in ["left", "right"] {
        let tree = writer.tree(tree)?;
        writer.put(tree, &number.to_be_bytes(), &[7; 200], |_| ())?;
    }
    writer.commit(durability)
}

/// How many pairs are there. They are the first ones, and whole.
fn count_pairs<S: Database>(store: &Checked<S>) -> Result<u32> {
    let reader = store.begin_read()?;
    let (left, right) = (reader.tree("left")?, reader.tree("right")?);
    let found = contents(&reader, left)?;
    assert!(
        found == contents(&reader, right)?,
        "half a transaction is there"
    );
    assert_eq!(reader.len(left)?, found.len() as u64);
    for (number, (key, value)) in (0u32..).zip(&found) {
        assert_eq!(
            key[..],
            number.to_be_bytes(),
            "a commit before others is missing"
        );
        assert_eq!(value[..], [7; 200]);
    }
    Ok(found.len() as u32)
}

fn durable_commits_survive_an_abort<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    run(fixture, "durable")?;
    let store = fixture.open()?;
    assert_eq!(count_pairs(&store)?, COMMITS);
    write_pair(&store, COMMITS, Durability::Immediate)?;
    assert_eq!(count_pairs(&store)?, COMMITS + 1);
    Ok(())
}

fn read_only_changes_no_byte_after_an_abort<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    run(fixture, "durable")?;
    let before = bytes_below(fixture.path())?;
    let store = fixture.open_with(&read_only(fixture))?;
    assert_eq!(count_pairs(&store)?, COMMITS);
    drop(store);
    assert!(
        bytes_below(fixture.path())? == before,
        "reading changed the database"
    );
    assert_eq!(count_pairs(&fixture.open()?)?, COMMITS);
    Ok(())
}

fn an_open_transaction_does_not_survive_an_abort<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    run(fixture, "open")?;
    let store = fixture.open()?;
    assert_eq!(count_pairs(&store)?, 1);
    assert_eq!(committed(&store, "other")?, []);
    Ok(())
}

fn commits_without_durability_are_kept_in_order<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    run(fixture, "deferred")?;
    let store = fixture.open()?;
    let kept = count_pairs(&store)?;
    assert!(kept <= COMMITS);
    write_pair(&store, kept, Durability::Immediate)?;
    assert_eq!(count_pairs(&store)?, kept + 1);
    Ok(())
}

fn a_durable_commit_keeps_those_before_it<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    run(fixture, "deferred, then durable")?;
    assert_eq!(count_pairs(&fixture.open()?)?, COMMITS);
    Ok(())
}

fn an_empty_durable_commit_keeps_those_before_it<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    run(fixture, "deferred, then empty")?;
    assert_eq!(count_pairs(&fixture.open()?)?, COMMITS);
    remove_database(fixture.path())?;
    run(fixture, "deferred, then without a change")?;
    assert_eq!(count_pairs(&fixture.open()?)?, COMMITS);
    Ok(())
}

fn a_kill_loses_nothing_that_was_acknowledged<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let mut expected = 0;
    for _ in 0..3 {
        let mut process = fixture.start("endless")?;
        let output = process.stdout.take().ok_or("the output was asked for")?;
        let mut acknowledged = 0;
        let mut lines = BufReader::new(output).lines();
        for line in lines.by_ref().take(10) {
            acknowledged = line?.parse::<u32>()? + 1;
        }
        process.kill()?;
        // It may have gone on until the kill reached it.
        for line in lines {
            acknowledged = line?.parse::<u32>()? + 1;
        }
        process.wait()?;
        assert!(acknowledged >= 10, "the process did not write");
        let kept = count_pairs(&fixture.open()?)?;
        assert!(
            kept >= acknowledged.max(expected),
            "{kept} of {acknowledged}"
        );
        expected = kept;
    }
    Ok(())
}

fn typed_puts_survive_an_abort<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    run(fixture, "typed")?;
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    assert_eq!(users.len()?, 3);
    assert_eq!(users.get(UserPrimaryKey(2))?, Some(typed::user(2, 30)));
    let found = users.get_by_secondary_key(typed::index::by_age(30))?;
    assert_eq!(found.len(), 3);
    typed::assert_exact(&store)
}
