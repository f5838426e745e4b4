//! Waiting for another writer: never for oneself, never for ever, and in turn. Core waits, above every driver.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use netabase_core::driver::checked::Checked;
use netabase_core::driver::{
    Capabilities, Driver, DriverError, Durability, ErrorKind, OpenConfig, Read, Result, Write,
};

use super::{assert_refused, commit_entries, committed, owned};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;

/// One writer at a time.
const IN_TURN: Requirement = Requirement::Lacks(Capabilities::OPTIMISTIC);

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(a_second_write_on_one_thread_is_refused, IN_TURN),
        case!(a_try_is_refused_beside_a_writer, IN_TURN),
        case!(
            a_wait_for_another_threads_writer_ends,
            IN_TURN,
            Requirement::Threads
        ),
        case!(
            a_wait_for_a_writer_of_this_thread_that_began_elsewhere_ends,
            IN_TURN,
            Requirement::Threads
        ),
        case!(
            a_writer_dropped_on_another_thread_gives_its_turn_on,
            Requirement::Threads
        ),
        case!(
            a_writer_committed_on_another_thread_gives_its_turn_on,
            Requirement::Threads
        ),
        case!(a_writer_that_waits_is_not_starved, Requirement::Threads),
        case!(a_close_wakes_those_that_wait, IN_TURN, Requirement::Threads),
        case!(
            many_writers_are_open_at_a_time,
            Requirement::Declares(Capabilities::OPTIMISTIC)
        ),
    ]
}

/// Too short for any writer of these cases to end meanwhile.
const SHORT: Duration = Duration::from_millis(30);

/// Opens this case's database; a write waits so long.
fn open<D: Driver>(fixture: &Fixture<D>, busy_timeout: Duration) -> Result<Checked<D::Database>> {
    fixture.open_with(&OpenConfig {
        busy_timeout,
        ..fixture.config()
    })
}

/// Shows that a write was refused, and why.
#[track_caller]
fn assert_conflict<T>(result: Result<T, DriverError>, reason: &str) {
    let Err(error) = result else {
        panic!("two writers at a time");
    };
    assert!(error.message().contains(reason), "{error:?}");
    assert!(error.kind().is_retryable(), "{error:?}");
    assert_refused(Err::<(), _>(error), ErrorKind::Conflict);
}

fn a_second_write_on_one_thread_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    // Long enough that a wait would not go unnoticed.
    let store = open(fixture, Duration::from_secs(3600))?;
    let mut first = store.begin_write()?;
    assert_conflict(store.begin_write(), "wait for itself");
    let tree = first.tree("t")?;
    first.put(tree, b"k", b"first", |_| ())?;
    assert_conflict(store.begin_write(), "wait for itself");
    first.commit(Durability::None)?;
    commit_entries(&store, "t", &[(b"l", b"second")])?;
    let dropped = store.begin_write()?;
    drop(dropped);
    store.begin_write()?.commit(Durability::None)?;
    let expected: [(&[u8], &[u8]); 2] = [(b"k", b"first"), (b"l", b"second")];
    assert_eq!(committed(&store, "t")?, owned(&expected));
    Ok(())
}

fn a_try_is_refused_beside_a_writer<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = open(fixture, Duration::from_secs(3600))?;
    let first = store.try_begin_write()?;
    assert_conflict(store.try_begin_write(), "another write transaction is open");
    first.commit(Durability::None)?;
    drop(store.try_begin_write()?);
    drop(store.begin_write()?);
    store.close();
    assert_refused(store.try_begin_write(), ErrorKind::Closed);
    Ok(())
}

fn a_wait_for_another_threads_writer_ends<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = open(fixture, SHORT)?;
    let mut first = store.begin_write()?;
    let refused = thread::scope(|scope| {
        let waiting = scope.spawn(|| store.begin_write().map(drop));
        let trying = scope.spawn(|| store.try_begin_write().map(drop));
        [waiting, trying].map(|thread| thread.join().expect("a waiting thread ends"))
    });
    let [waited, tried] = refused;
    assert_conflict(waited, "busy_timeout");
    assert_conflict(tried, "another write transaction is open");
    let tree = first.tree("t")?;
    first.put(tree, b"k", b"first", |_| ())?;
    first.commit(Durability::None)?;
    commit_entries(&store, "t", &[(b"l", b"second")])?;
    assert_eq!(committed(&store, "t")?.len(), 2);
    Ok(())
}

fn a_wait_for_a_writer_of_this_thread_that_began_elsewhere_ends<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = open(fixture, SHORT)?;
    let moved = thread::scope(|scope| {
        let beginning = scope.spawn(|| store.begin_write());
        beginning.join().expect("the beginning thread ends")
    })?;
    assert_conflict(store.begin_write(), "busy_timeout");
    drop(moved);
    drop(store.begin_write()?);
    Ok(())
}

fn a_writer_dropped_on_another_thread_gives_its_turn_on<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    let mut first = store.begin_write()?;
    let tree = first.tree("t")?;
    first.put(tree, b"k", b"first", |_| ())?;
    thread::scope(|scope| {
        scope.spawn(move || drop(first));
        // From a third thread, since this one began the first.
        let second = scope.spawn(|| commit_entries(&store, "t", &[(b"l", b"second")]));
        second.join().expect("the second writer ends")
    })?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"l", b"second")]));
    drop(store.begin_write()?);
    Ok(())
}

fn a_writer_committed_on_another_thread_gives_its_turn_on<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    for round in 0..20u8 {
        let mut writer = store.begin_write()?;
        let tree = writer.tree("t")?;
        writer.put(tree, &[round], b"", |_| ())?;
        thread::scope(|scope| {
            let committing = scope.spawn(move || writer.commit(Durability::None));
            committing.join().expect("the committing thread ends")
        })?;
    }
    assert_eq!(committed(&store, "t")?.len(), 20);
    Ok(())
}

fn a_writer_that_waits_is_not_starved<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let busy: Vec<_> = (0..2u8)
            .map(|thread| {
                let (store, ended) = (&store, &ended);
                scope.spawn(move || -> Result<()> {
                    while !ended.load(Ordering::Relaxed) {
                        commit_entries(store, "t", &[(&[thread], b"busy")])?;
                    }
                    Ok(())
                })
            })
            .collect();
        let patient = || -> Result<()> {
            for round in 0..20u8 {
                commit_entries(&store, "t", &[(b"patient", &[round])])?;
            }
            Ok(())
        };
        let waited = patient();
        ended.store(true, Ordering::Relaxed);
        for thread in busy {
            thread.join().expect("a busy thread ends")?;
        }
        waited
    })?;
    Ok(())
}

fn a_close_wakes_those_that_wait<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let first = store.begin_write()?;
    let woken = thread::scope(|scope| {
        let (sender, woken) = mpsc::channel();
        for _ in 0..3 {
            let (store, sender) = (&store, sender.clone());
            scope.spawn(move || sender.send(store.begin_write().map(drop)));
        }
        store.close();
        let woken: Vec<_> = (0..3).map(|_| woken.recv()).collect();
        drop(first);
        woken
    });
    for result in woken {
        assert_refused(result.expect("a waiting thread ends"), ErrorKind::Closed);
    }
    Ok(())
}

fn many_writers_are_open_at_a_time<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = open(fixture, Duration::from_secs(3600))?;
    let mut first = store.begin_write()?;
    let mut second = store.try_begin_write()?;
    for (writer, key) in [(&mut first, b"k"), (&mut second, b"l")] {
        let tree = writer.tree("t")?;
        writer.put(tree, key, b"", |_| ())?;
    }
    second.commit(Durability::None)?;
    first.commit(Durability::None)?;
    assert_eq!(committed(&store, "t")?.len(), 2);
    Ok(())
}
