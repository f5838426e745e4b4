//! Limits: exactly at one is taken, one above is refused and changes nothing.

use netabase_core::driver::{Driver, Durability, ErrorKind, Read, Write, WriteBatchBuilder};

use super::{assert_refused, commit_entries, committed, value};
use crate::case::{Case, CaseResult, Limit, Requirement, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(a_key_at_the_limit_is_taken, Requirement::Limit(Limit::Key)),
        case!(
            a_key_above_the_limit_is_refused,
            Requirement::Limit(Limit::Key)
        ),
        case!(
            a_value_at_the_limit_is_taken,
            Requirement::Limit(Limit::Value)
        ),
        case!(
            a_value_above_the_limit_is_refused,
            Requirement::Limit(Limit::Value)
        ),
        case!(
            a_transaction_at_the_limit_is_taken,
            Requirement::Limit(Limit::Transaction)
        ),
        case!(
            a_transaction_above_the_limit_is_refused,
            Requirement::Limit(Limit::Transaction)
        ),
    ]
}

fn bytes<D: Driver>(fixture: &Fixture<D>, limit: Limit) -> usize {
    usize::try_from(limit.of(&fixture.manifest().limits)).expect("the limit was found feasible")
}

fn a_key_at_the_limit_is_taken<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let key = vec![b'k'; bytes(fixture, Limit::Key)];
    commit_entries(&store, "t", &[(&key, b"v")])?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(value(&reader, tree, &key)?, Some(b"v".to_vec()));
    Ok(())
}

fn a_key_above_the_limit_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let key = vec![b'k'; bytes(fixture, Limit::Key) + 1];
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    assert_refused(
        writer.put(tree, &key, b"v", |_| ()),
        ErrorKind::LimitExceeded,
    );
    let mut list = WriteBatchBuilder::new();
    list.put(tree, b"first", b"")?.put(tree, &key, b"v")?;
    assert_refused(writer.apply(&list.as_batch()), ErrorKind::LimitExceeded);
    assert_eq!(value(&writer, tree, &key)?, None);
    assert_eq!(writer.remove(tree, &key, |_| ())?, None);
    let mut list = WriteBatchBuilder::new();
    list.remove(tree, &key)?.put(tree, b"k", b"v")?;
    writer.apply(&list.as_batch())?;
    writer.commit(Durability::Immediate)?;
    assert_eq!(committed(&store, "t")?.len(), 1);
    Ok(())
}

fn a_value_at_the_limit_is_taken<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let large = vec![b'v'; bytes(fixture, Limit::Value)];
    commit_entries(&store, "t", &[(b"k", &large)])?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert!(value(&reader, tree, b"k")? == Some(large));
    Ok(())
}

fn a_value_above_the_limit_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let large = vec![b'v'; bytes(fixture, Limit::Value) + 1];
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    assert_refused(
        writer.put(tree, b"k", &large, |_| ()),
        ErrorKind::LimitExceeded,
    );
    assert_eq!(value(&writer, tree, b"k")?, None);
    writer.put(tree, b"k", b"v", |_| ())?;
    writer.commit(Durability::Immediate)?;
    assert_eq!(committed(&store, "t")?.len(), 1);
    Ok(())
}

/// Sizes of values that, with a key of four bytes each, fill a transaction to its limit.
fn filling<D: Driver>(fixture: &Fixture<D>) -> Vec<usize> {
    const KEY: usize = 4;
    let whole = bytes(fixture, Limit::Transaction);
    let largest = match bytes(fixture, Limit::Value) {
        0 => 1 << 20,
        limit => limit.min(1 << 20),
    };
    let mut sizes = vec![largest; whole / (KEY + largest)];
    let rest = whole % (KEY + largest);
    if rest > KEY {
        sizes.push(rest - KEY);
    }
    sizes
}

fn a_transaction_at_the_limit_is_taken<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let sizes = filling(fixture);
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    for (number, size) in (0u32..).zip(&sizes) {
        writer.put(tree, &number.to_be_bytes(), &vec![1; *size], |_| ())?;
    }
    writer.commit(Durability::Immediate)?;
    assert_eq!(committed(&store, "t")?.len(), sizes.len());
    Ok(())
}

fn a_transaction_above_the_limit_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let sizes = filling(fixture);
    for (number, size) in (0u32..).zip(&sizes) {
        writer.put(tree, &number.to_be_bytes(), &vec![1; *size], |_| ())?;
    }
    let beyond = writer.put(tree, b"beyond", b"the limit", |_| ());
    assert_refused(beyond, ErrorKind::LimitExceeded);
    writer.commit(Durability::Immediate)?;
    assert_eq!(committed(&store, "t")?.len(), sizes.len());
    Ok(())
}
