//! A process that ends in the middle: what was committed durably is there, and of every transaction all or nothing.

mod kill;
mod long;

use std::io::{BufRead, BufReader, Write as _};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::process::{self, Child};
use std::{fs, io};

use netabase_core::driver::checked::Checked;
use netabase_core::driver::{Capabilities, Database, Driver, Durability, Read, Result, Write};
use netabase_core::store::TypedStore;

use kill::a_kill_at_any_moment_leaves_whole_transactions;
use long::a_kill_leaves_all_of_a_long_transaction_or_nothing;

use super::config::{bytes_below, read_only};
use super::{
    committed, concurrency, contents, damage, leak, persistence, power_loss, read_failure, typed,
    write_failure,
};
use crate::catalog::{Case, CaseResult, Failure, Requirement, case};
use crate::fixture::Fixture;
use crate::model::shop::{Shop, User, UserPrimaryKey};

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

/// What a process of its own does before it ends without closing anything.
type Scenario<D> = fn(&Fixture<D>) -> CaseResult;

const COMMITS: u32 = 12;

fn scenarios<D: Driver>() -> [(&'static str, Scenario<D>); 21] {
    [
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
        ("locked out", |fixture| {
            persistence::assert_held(fixture);
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
        ("repeat", leak::repeat),
        ("repeat commits", leak::repeat_commits),
        ("damaged", damage::read_damaged),
        ("long", long::write_until_killed),
        ("small", write_failure::write_little_without_space),
        ("held", concurrency::read_beside_a_held_commit),
        ("power", power_loss::write_and_say),
        ("cut", read_failure::read_what_was_cut_off),
        ("random", kill::write_until_killed),
        ("full", write_failure::fill),
        ("tiny", write_failure::open_without_space),
        ("torn", write_failure::write_without_space),
    ]
}

/// Runs a scenario and aborts the process.
pub(crate) fn run_scenario<D: Driver>(name: &str, fixture: &Fixture<D>) -> ! {
    let scenario = scenarios::<D>()
        .into_iter()
        .find(|(known, _)| *known == name);
    let outcome = match scenario {
        Some((_, run)) => run(fixture).and_then(|()| Ok(say(DONE)?)),
        None => Err("there is no such scenario".into()),
    };
    if let Err(failure) = outcome {
        eprintln!("scenario {name:?}: {failure}");
    }
    process::abort()
}

/// The last line of a scenario that did all it is to do.
pub(crate) const DONE: &str = "done";

/// Says something to the process that waits for it, at once.
pub(crate) fn say(line: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
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

/// Runs a scenario in a process of its own, to its end; gives what it said.
pub(crate) fn run<D: Driver>(fixture: &Fixture<D>, scenario: &str) -> Result<Vec<String>, Failure> {
    wait(fixture.start(scenario)?)
}

/// Waits for the end of a process that runs a scenario; gives what it said.
pub(crate) fn wait(process: Child) -> Result<Vec<String>, Failure> {
    let output = process.wait_with_output()?;
    let mut lines: Vec<_> = String::from_utf8(output.stdout)?
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(lines.pop().as_deref(), Some(DONE), "the scenario failed");
    assert!(!output.status.success(), "the process ended in order");
    Ok(lines)
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

/// Removes what is at the path of a database.
fn remove_database(path: &Path) -> io::Result<()> {
    let removed = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    removed.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
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
