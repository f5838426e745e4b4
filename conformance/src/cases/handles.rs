//! Handles: dropped in every order, used after a close, held by threads, left by panics.

use netabase_core::driver::{
    Bounds, Capabilities, Cursor, Database, Direction, Driver, Durability, ErrorKind, Read, Write,
};

use super::{
    assert_panics, assert_refused, commit, commit_entries, committed, contents, owned,
    panic_quietly, value,
};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(a_closed_store_begins_no_transaction),
        case!(closing_twice_is_no_error),
        case!(open_transactions_go_on_after_a_close),
        case!(a_writer_commits_after_a_close),
        case!(handles_may_be_dropped_in_every_order),
        case!(
            what_was_committed_is_there_whatever_order_handles_were_dropped_in,
            Requirement::Declares(Capabilities::PERSISTENT)
        ),
        case!(transactions_may_move_to_other_threads, Requirement::Threads),
        case!(stores_of_one_driver_are_independent),
        case!(
            a_panicking_visitor_leaves_reads_usable,
            Requirement::Unwinding
        ),
        case!(
            a_panicking_visitor_rolls_the_writer_back,
            Requirement::Unwinding
        ),
    ]
}

fn a_closed_store_begins_no_transaction<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    store.close();
    assert_refused(store.begin_read().map(drop), ErrorKind::Closed);
    assert_refused(store.begin_write().map(drop), ErrorKind::Closed);
    let maintained = store.command("tree_names", b"", &mut |_| ());
    assert_refused(maintained, ErrorKind::Closed);
    Ok(())
}

fn closing_twice_is_no_error<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    store.close();
    store.close();
    assert_refused(store.begin_read().map(drop), ErrorKind::Closed);
    Ok(())
}

fn open_transactions_go_on_after_a_close<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let all: [(&[u8], &[u8]); 2] = [(b"a", b"1"), (b"b", b"2")];
    commit_entries(&store, "t", &all)?;
    let reader = store.begin_read()?;
    let writer = store.begin_write()?;
    let tree = reader.tree("t")?;
    let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    assert!(cursor.advance()?);
    store.close();
    assert_eq!(cursor.key(), b"a");
    assert!(cursor.advance()?);
    assert_eq!(cursor.key(), b"b");
    assert_eq!(value(&reader, tree, b"a")?, Some(b"1".to_vec()));
    let late = reader.tree("never written to")?;
    assert_eq!(reader.len(late)?, 0);
    let in_writer = writer.tree("t")?;
    assert_eq!(contents(&writer, in_writer)?, owned(&all));
    Ok(())
}

fn a_writer_commits_after_a_close<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    store.close();
    let tree = writer.tree("t")?;
    writer.put(tree, b"k", b"v", |_| ())?;
    writer.commit(Durability::Immediate)?;
    drop(store);
    if fixture.declares(Capabilities::PERSISTENT) {
        assert_eq!(committed(&fixture.open()?, "t")?, owned(&[(b"k", b"v")]));
    }
    Ok(())
}

/// Every order of `0..count`.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for next in 0..count {
        all = all
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |place| {
                    let mut longer = order.clone();
                    longer.insert(place, next);
                    longer
                })
            })
            .collect();
    }
    all
}

/// Opens a store, two readers and a writer on the unchecked driver and drops them in this order, reading from what is
/// left after each step.
fn drop_in_order<D: Driver>(driver: &D, path: &std::path::Path, order: &[usize]) -> CaseResult {
    type Writer<D> = <<D as Driver>::Database as Database>::Writer;
    let opened = driver.open(&netabase_core::driver::OpenConfig::new(path))?;
    let mut before: Writer<D> = opened.begin_write()?;
    let tree = before.tree("t")?;
    before.put(tree, b"k", b"committed", |_| ())?;
    before.commit(Durability::Immediate)?;

    let mut readers = [Some(opened.begin_read()?), Some(opened.begin_read()?)];
    let mut open_writer = opened.begin_write()?;
    let tree = open_writer.tree("t")?;
    open_writer.put(tree, b"k", b"rolled back", |_| ())?;
    let mut writer = Some(open_writer);
    let mut store = Some(opened);
    for handle in order {
        match handle {
            0 => drop(store.take()),
            1 => drop(writer.take()),
            reader => drop(readers[reader - 2].take()),
        }
        for reader in readers.iter().flatten() {
            let tree = reader.tree("t")?;
            let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
            assert!(cursor.advance()?);
            assert_eq!(cursor.value(), b"committed", "order {order:?}");
        }
        if let Some(writer) = &writer {
            let found = value(writer, tree, b"k")?;
            assert_eq!(found, Some(b"rolled back".to_vec()), "order {order:?}");
        }
        if let Some(store) = &store {
            let reader = store.begin_read()?;
            let tree = reader.tree("t")?;
            let found = value(&reader, tree, b"k")?;
            assert_eq!(found, Some(b"committed".to_vec()), "order {order:?}");
        }
    }
    Ok(())
}

fn handles_may_be_dropped_in_every_order<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    for order in permutations(4) {
        drop_in_order(fixture.driver(), &fixture.other_path(), &order)?;
    }
    Ok(())
}

fn what_was_committed_is_there_whatever_order_handles_were_dropped_in<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    for order in permutations(4) {
        drop_in_order(fixture.driver(), fixture.path(), &order)?;
        let store = fixture.open()?;
        let found = committed(&store, "t")?;
        assert_eq!(found, owned(&[(b"k", b"committed")]), "order {order:?}");
    }
    Ok(())
}

fn transactions_may_move_to_other_threads<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, b"here", b"1", |_| ())?;
    let written = std::thread::spawn(move || {
        writer.put(tree, b"there", b"2", |_| ())?;
        writer.commit(Durability::Immediate)
    });
    written.join().expect("the writing thread ends")?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let read = std::thread::spawn(move || contents(&reader, tree));
    let found = read.join().expect("the reading thread ends")?;
    assert_eq!(found, owned(&[(b"here", b"1"), (b"there", b"2")]));
    Ok(())
}

fn stores_of_one_driver_are_independent<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let paths = [fixture.other_path(), fixture.other_path()];
    let open =
        |index: usize| fixture.open_with(&netabase_core::driver::OpenConfig::new(&paths[index]));
    let (first, second) = (open(0)?, open(1)?);
    let mut writer = first.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, b"k", b"first", |_| ())?;
    // The writer of one store does not keep the other waiting.
    commit_entries(&second, "t", &[(b"k", b"second")])?;
    writer.commit(Durability::Immediate)?;
    assert_eq!(committed(&first, "t")?, owned(&[(b"k", b"first")]));
    drop(first);
    assert_eq!(committed(&second, "t")?, owned(&[(b"k", b"second")]));
    Ok(())
}

/// Runs what is to panic with a payload of its own, which the panic hook does not print.
fn a_panicking_visitor_leaves_reads_usable<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_panics(|| reader.get(tree, b"k", |_| panic_quietly()));
    assert_eq!(value(&reader, tree, b"k")?, Some(b"v".to_vec()));
    assert_eq!(contents(&reader, tree)?, owned(&[(b"k", b"v")]));
    drop(reader);
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

fn a_panicking_visitor_rolls_the_writer_back<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    assert_panics(|| {
        commit(&store, |writer| {
            let tree = writer.tree("t")?;
            writer.put(tree, b"l", b"lost", |_| ())?;
            writer.put(tree, b"k", b"lost", |_| panic_quietly())
        })
    });
    assert_panics(|| {
        commit(&store, |writer| {
            let tree = writer.tree("t")?;
            writer.remove(tree, b"k", |_| panic_quietly())
        })
    });
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    commit_entries(&store, "t", &[(b"next", b"")])?;
    assert_eq!(committed(&store, "t")?.len(), 2);
    Ok(())
}
