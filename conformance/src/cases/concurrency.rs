//! Many threads: one writer at a time, readers beside it, never a torn view.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use netabase_core::driver::checked::Checked;
use netabase_core::driver::{
    Capabilities, Database, Driver, Durability, ErrorKind, Read, Result, Write,
};

use super::{commit, commit_entries, committed, owned, power_loss, value};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;
use crate::process;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(increments_by_many_threads_add_up, Requirement::Threads),
        case!(
            a_second_writer_waits_and_sees_the_first,
            Requirement::Lacks(Capabilities::OPTIMISTIC),
            Requirement::Threads
        ),
        case!(
            a_rollback_lets_the_waiting_writer_go_on,
            Requirement::Lacks(Capabilities::OPTIMISTIC),
            Requirement::Threads
        ),
        case!(
            a_close_does_not_wait_for_a_waiting_writer,
            Requirement::Lacks(Capabilities::OPTIMISTIC),
            Requirement::Threads
        ),
        case!(readers_do_not_wait_for_a_writer, Requirement::Threads),
        case!(
            readers_do_not_wait_for_a_commit,
            Requirement::Declares(Capabilities::PERSISTENT),
            Requirement::Declares(Capabilities::DURABLE),
            Requirement::OwnProcess,
            Requirement::Linux,
            Requirement::CCompiler
        ),
        case!(readers_never_see_half_a_transaction, Requirement::Threads),
        case!(cursors_in_many_threads_read_the_same, Requirement::Threads),
        case!(
            writers_to_different_trees_lose_nothing,
            Requirement::Threads
        ),
    ]
}

fn number<S: Database>(store: &Checked<S>) -> Result<u64> {
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let found = value(&reader, tree, b"counter")?;
    Ok(decode(found.as_deref()))
}

fn decode(bytes: Option<&[u8]>) -> u64 {
    bytes.map_or(0, |bytes| {
        u64::from_be_bytes(bytes.try_into().expect("a counter has eight bytes"))
    })
}

fn increment<S: Database>(store: &Checked<S>) -> Result<()> {
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let before = decode(value(&writer, tree, b"counter")?.as_deref());
    thread::yield_now();
    writer.put(tree, b"counter", &(before + 1).to_be_bytes(), |_| ())?;
    writer.commit(Durability::None)
}

fn increments_by_many_threads_add_up<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    const THREADS: u64 = 8;
    const EACH: u64 = 40;
    let store = fixture.open()?;
    let is_optimistic = fixture.declares(Capabilities::OPTIMISTIC);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    for _ in 0..EACH {
                        // Where many may write at a time, only one of them has not been overtaken.
                        while let Err(error) = increment(&store) {
                            if !is_optimistic || error.kind() != ErrorKind::Conflict {
                                return Err(error);
                            }
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("a writing thread ends"))
    })?;
    assert_eq!(number(&store)?, THREADS * EACH);
    Ok(())
}

/// How long a writer that has to wait is given to go on wrongly.
const WRONGLY: Duration = Duration::from_millis(150);

fn second_writer<D: Driver>(
    fixture: &Fixture<D>,
    commit_first: bool,
    expected: &'static [u8],
) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"before")])?;
    let mut first = store.begin_write()?;
    let tree = first.tree("t")?;
    first.put(tree, b"k", b"first", |_| ())?;
    thread::scope(|scope| {
        let (sender, begun) = mpsc::channel();
        let second = scope.spawn({
            let store = &store;
            move || -> Result<Option<Vec<u8>>> {
                let mut writer = store.begin_write()?;
                // The test has given up if nobody listens; its own failure tells why.
                let _ = sender.send(());
                let tree = writer.tree("t")?;
                let seen = writer.put(tree, b"k", b"second", <[u8]>::to_vec)?;
                writer.commit(Durability::Immediate)?;
                Ok(seen)
            }
        });
        let waited = begun.recv_timeout(WRONGLY);
        if commit_first {
            first.commit(Durability::Immediate)?;
        } else {
            drop(first);
        }
        let seen = second.join().expect("the second writer ends")?;
        assert_eq!(
            waited,
            Err(RecvTimeoutError::Timeout),
            "two writers at a time"
        );
        assert_eq!(seen.as_deref(), Some(expected));
        CaseResult::Ok(())
    })?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"second")]));
    Ok(())
}

fn a_second_writer_waits_and_sees_the_first<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    second_writer(fixture, true, b"first")
}

fn a_rollback_lets_the_waiting_writer_go_on<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    second_writer(fixture, false, b"before")
}

fn a_close_does_not_wait_for_a_waiting_writer<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"before")])?;
    let mut first = store.begin_write()?;
    let tree = first.tree("t")?;
    first.put(tree, b"k", b"first", |_| ())?;
    thread::scope(|scope| {
        let waiting = scope.spawn(|| store.begin_write().map(drop));
        // The writer waits by then; if it did not, the case would only show less.
        thread::sleep(WRONGLY);
        let (sender, closed) = mpsc::channel();
        let closing = scope.spawn({
            let store = &store;
            move || {
                store.close();
                // The test has given up if nobody listens; its own failure tells why.
                let _ = sender.send(());
            }
        });
        let closed = closed.recv_timeout(Duration::from_secs(10));
        first.commit(Durability::Immediate)?;
        closing.join().expect("the closing thread ends");
        let waited = waiting.join().expect("the waiting writer ends");
        assert_eq!(closed, Ok(()), "the close waited for a writer");
        let error = waited.expect_err("a writer begins on a store that is closed");
        assert_eq!(error.kind(), ErrorKind::Closed);
        CaseResult::Ok(())
    })?;
    assert_eq!(
        store.begin_read().map(drop).map_err(|error| error.kind()),
        Err(ErrorKind::Closed)
    );
    Ok(())
}

fn readers_do_not_wait_for_a_writer<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, b"k", b"uncommitted", |_| ())?;
    thread::scope(|scope| {
        let (sender, done) = mpsc::channel();
        scope.spawn({
            let store = &store;
            move || sender.send(committed(store, "t"))
        });
        let found = done.recv_timeout(Duration::from_secs(20));
        // The reader must be let go before the scope waits for it, or a failure would hang.
        drop(writer);
        let found = found.expect("a reader waited for the writer")?;
        assert_eq!(found, owned(&[(b"k", b"v")]));
        Ok(())
    })
}

fn readers_never_see_half_a_transaction<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    const ACCOUNTS: u32 = 20;
    const TOTAL: i64 = 0;
    const TRANSFERS: u32 = 200;
    const READERS: usize = 3;
    let store = fixture.open()?;
    let balance = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().expect("a balance"));
    commit(&store, |writer| {
        for name in ["left", "right"] {
            let tree = writer.tree(name)?;
            for account in 0..ACCOUNTS {
                writer.put(tree, &account.to_be_bytes(), &0i64.to_be_bytes(), |_| ())?;
            }
        }
        Ok(())
    })?;
    let ended = AtomicBool::new(false);
    let views = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|_| {
                scope.spawn(|| -> Result<u32> {
                    let mut views = 0;
                    while !ended.load(Ordering::Relaxed) || views == 0 {
                        let look = || -> Result<i64> {
                            let reader = store.begin_read()?;
                            let mut sum = 0;
                            for name in ["left", "right"] {
                                let tree = reader.tree(name)?;
                                assert_eq!(reader.len(tree)?, u64::from(ACCOUNTS));
                                for (_, value) in super::contents(&reader, tree)? {
                                    sum += balance(&value);
                                }
                            }
                            Ok(sum)
                        };
                        match look() {
                            Ok(sum) => assert_eq!(sum, TOTAL, "a torn view"),
                            Err(error) if error.kind() == ErrorKind::SnapshotLost => continue,
                            Err(error) => return Err(error),
                        }
                        views += 1;
                    }
                    Ok(views)
                })
            })
            .collect();
        let mut transfer = |round: u32| -> Result<()> {
            let mut writer = store.begin_write()?;
            for (name, amount) in [("left", 1), ("right", -1)] {
                let tree = writer.tree(name)?;
                let account = (round * 7 % ACCOUNTS).to_be_bytes();
                let before = writer
                    .get(tree, &account, balance)?
                    .expect("every account is there");
                writer.put(tree, &account, &(before + amount).to_be_bytes(), |_| ())?;
            }
            writer.commit(Durability::None)
        };
        let written = (0..TRANSFERS).try_for_each(&mut transfer);
        ended.store(true, Ordering::Relaxed);
        let views = readers
            .into_iter()
            .map(|reader| reader.join().expect("a reader saw every view whole"))
            .collect::<Result<Vec<u32>>>()?;
        written.map(|()| views)
    })?;
    assert!(views.iter().all(|views| *views > 0), "{views:?}");
    Ok(())
}

fn cursors_in_many_threads_read_the_same<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for number in 0..2_000u32 {
            writer.put(tree, &number.to_be_bytes(), &[1; 40], |_| ())?;
        }
        Ok(())
    })?;
    let expected = committed(&store, "t")?;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| committed(&store, "t")))
            .collect();
        for thread in threads {
            let found = thread.join().expect("a reading thread ends")?;
            assert!(found == expected, "threads read different entries");
        }
        Ok(())
    })
}

/// In a process whose syncs are held by the library of [`power_loss`]: reads while a commit is held, and says whether it
/// could.
pub(crate) fn read_beside_a_held_commit<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"before")])?;
    let hold = power_loss::Hold::begin()?;
    thread::scope(|scope| -> CaseResult {
        let writing = scope.spawn(|| commit_entries(&store, "t", &[(b"k", b"after")]));
        while !hold.holds() {
            if writing.is_finished() {
                writing.join().expect("the writing thread ends")?;
                return Err("the commit has ended without a sync".into());
            }
            thread::yield_now();
        }
        let found = committed(&store, "t")?;
        // Where the reader has waited for the commit, the library has given up.
        let is_held = hold.end()?;
        writing.join().expect("the writing thread ends")?;
        assert!(is_held, "the reader waited for the commit");
        assert_eq!(found, owned(&[(b"k", b"before")]));
        assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"after")]));
        Ok(())
    })
}

fn readers_do_not_wait_for_a_commit<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    process::wait(power_loss::start(fixture, "held")?.0)?;
    Ok(())
}

fn writers_to_different_trees_lose_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    const EACH: u8 = 20;
    let names = ["a", "b", "c", "d"];
    let store = fixture.open()?;
    thread::scope(|scope| {
        let threads: Vec<_> = names
            .into_iter()
            .map(|name| {
                let store = &store;
                scope.spawn(move || -> Result<()> {
                    for number in 0..EACH {
                        let mut writer = store.begin_write()?;
                        let tree = writer.tree(name)?;
                        writer.put(tree, &[number], name.as_bytes(), |_| ())?;
                        writer.commit(Durability::None)?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("a writing thread ends"))
    })?;
    for name in names {
        let found = committed(&store, name)?;
        assert_eq!(found.len(), usize::from(EACH), "{name}");
        assert!(found.iter().all(|(_, value)| value == name.as_bytes()));
    }
    Ok(())
}
