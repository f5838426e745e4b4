//! What was committed is there when the database is opened again, and nothing else is.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use netabase_core::driver::{
    Bounds, Capabilities, Direction, Driver, Durability, ErrorKind, OpenConfig, Read, Write,
};

use super::{assert_refused, commit, commit_entries, committed, contents, entries, owned, value};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;
use crate::process;

const PERSISTENT: Requirement = Requirement::Declares(Capabilities::PERSISTENT);

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(what_was_committed_is_there_again, PERSISTENT),
        case!(
            what_was_committed_without_durability_is_there_after_an_orderly_close,
            PERSISTENT
        ),
        case!(what_was_rolled_back_is_not_there, PERSISTENT),
        case!(an_open_transaction_is_rolled_back_by_the_close, PERSISTENT),
        case!(a_database_nothing_was_written_to_opens_again, PERSISTENT),
        case!(large_databases_are_there_again, PERSISTENT),
        case!(many_openings_leave_everything_in_place, PERSISTENT),
        case!(
            a_database_that_was_closed_opens_again_while_processes_are_started,
            PERSISTENT,
            Requirement::Files,
            Requirement::Threads
        ),
        case!(a_reader_of_an_empty_database_reads_nothing),
        case!(
            a_second_handle_is_refused,
            PERSISTENT,
            Requirement::Lacks(Capabilities::MULTI_PROCESS)
        ),
        case!(
            a_database_is_held_until_its_last_transaction_is_gone,
            PERSISTENT,
            Requirement::Lacks(Capabilities::MULTI_PROCESS)
        ),
        case!(
            another_process_is_refused_for_as_long_as_the_handle_is_open,
            PERSISTENT,
            Requirement::Lacks(Capabilities::MULTI_PROCESS),
            Requirement::OwnProcess
        ),
        case!(
            nothing_is_there_again_where_nothing_is_kept,
            Requirement::Lacks(Capabilities::PERSISTENT)
        ),
    ]
}

fn what_was_committed_is_there_again<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let all: [(&[u8], &[u8]); 3] = [(b"a", b""), (b"b", b"2"), (b"\xff", &[3; 5000])];
    commit_entries(&store, "t", &all)?;
    commit_entries(&store, "u", &all[..1])?;
    drop(store);
    let store = fixture.open()?;
    assert!(committed(&store, "t")? == owned(&all));
    assert_eq!(committed(&store, "u")?, owned(&all[..1]));
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(reader.len(tree)?, 3);
    Ok(())
}

fn what_was_committed_without_durability_is_there_after_an_orderly_close<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    for round in 0..3u8 {
        let store = fixture.open()?;
        for number in 0..5u8 {
            let mut writer = store.begin_write()?;
            let tree = writer.tree("t")?;
            writer.put(tree, &[round, number], b"v", |_| ())?;
            writer.commit(Durability::None)?;
        }
        if round == 1 {
            store.close();
        }
        drop(store);
        let count = committed(&fixture.open()?, "t")?.len();
        assert_eq!(count, 5 * (usize::from(round) + 1));
    }
    Ok(())
}

fn what_was_rolled_back_is_not_there<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"a", b"1"), (b"b", b"2")])?;
    let mut writer = store.begin_write()?;
    let (tree, other) = (writer.tree("t")?, writer.tree("other")?);
    writer.put(tree, b"a", b"changed", |_| ())?;
    writer.remove(tree, b"b", |_| ())?;
    writer.put(other, b"k", b"v", |_| ())?;
    drop(writer);
    drop(store);
    let store = fixture.open()?;
    assert_eq!(
        committed(&store, "t")?,
        owned(&[(b"a", b"1"), (b"b", b"2")])
    );
    assert_eq!(committed(&store, "other")?, []);
    Ok(())
}

fn an_open_transaction_is_rolled_back_by_the_close<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.clear(tree)?;
    drop(store);
    drop(writer);
    assert_eq!(committed(&fixture.open()?, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

fn a_database_nothing_was_written_to_opens_again<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    drop(fixture.open()?);
    let store = fixture.open_with(&OpenConfig {
        create_if_missing: false,
        ..fixture.config()
    })?;
    assert_eq!(committed(&store, "t")?, []);
    Ok(())
}

fn large_databases_are_there_again<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    const COUNT: u32 = 20_000;
    let store = fixture.open()?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for number in 0..COUNT {
            writer.put(tree, &number.to_be_bytes(), &[number as u8; 60], |_| ())?;
        }
        writer.put(tree, b"\xffbig", &vec![9; 2 << 20], |_| ())
    })?;
    drop(store);
    let store = fixture.open()?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(reader.len(tree)?, u64::from(COUNT) + 1);
    assert!(value(&reader, tree, b"\xffbig")? == Some(vec![9; 2 << 20]));
    let found = entries(&reader, tree, Bounds::ALL, Direction::Backward)?;
    for (number, (key, value)) in (0..COUNT).rev().zip(&found[1..]) {
        assert_eq!(key[..], number.to_be_bytes());
        assert!(
            *value == [number as u8; 60],
            "the value of {number} differs"
        );
    }
    Ok(())
}

fn many_openings_leave_everything_in_place<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    for round in 0..10u8 {
        let store = fixture.open()?;
        let found = committed(&store, "t")?;
        let expected: Vec<_> = (0..round).map(|round| (vec![round], vec![round])).collect();
        assert_eq!(found, expected);
        commit_entries(&store, "t", &[(&[round], &[round])])?;
    }
    Ok(())
}

/// A process that is started has every open file until it executes its program, and with it a lock that was left to the
/// closing of the file.
fn a_database_that_was_closed_opens_again_while_processes_are_started<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let nothing = fixture.path().with_file_name("no-program");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = End(&is_over);
        for _ in 0..3 {
            scope.spawn(|| start_processes(&nothing, &is_over));
        }
        (0..60u8).try_for_each(|round| {
            let store = fixture.open()?;
            commit_entries(&store, "t", &[(&[round], b"v")])
        })
    })?;
    assert_eq!(committed(&fixture.open()?, "t")?.len(), 60);
    Ok(())
}

/// Says that it is over, however it ends.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts processes that find no program to execute, one after the other.
fn start_processes(program: &Path, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        assert!(Command::new(program).status().is_err());
    }
}

fn a_reader_of_an_empty_database_reads_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(value(&reader, tree, b"k")?, None);
    assert_eq!(reader.len(tree)?, 0);
    assert_eq!(contents(&reader, tree)?, []);
    Ok(())
}

fn a_second_handle_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    assert_held(fixture);
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    commit_entries(&store, "t", &[(b"l", b"w")])?;
    drop(store);
    assert_eq!(committed(&fixture.open()?, "t")?.len(), 2);
    Ok(())
}

fn a_database_is_held_until_its_last_transaction_is_gone<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let (reader, writer) = (store.begin_read()?, store.begin_write()?);
    drop(store);
    assert_held(fixture);
    drop(reader);
    assert_held(fixture);
    drop(writer);
    assert_eq!(committed(&fixture.open()?, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

/// Shows that somebody holds the database, so that nobody else opens it.
pub(crate) fn assert_held<D: Driver>(fixture: &Fixture<D>) {
    for truncate in [false, true] {
        let config = OpenConfig {
            truncate,
            ..fixture.config()
        };
        assert_refused(fixture.open_with(&config).map(drop), ErrorKind::Locked);
    }
}

fn another_process_is_refused_for_as_long_as_the_handle_is_open<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    process::run(fixture, "locked out")?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    drop(store);
    process::run(fixture, "durable")?;
    assert_eq!(committed(&fixture.open()?, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

fn nothing_is_there_again_where_nothing_is_kept<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let other = fixture.open()?;
    assert_eq!(committed(&other, "t")?, []);
    drop(store);
    assert_eq!(committed(&fixture.open()?, "t")?, []);
    Ok(())
}
