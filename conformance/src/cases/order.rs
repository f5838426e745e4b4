//! Keys are ordered by unsigned byte comparison.

use netabase_core::driver::{Bounds, Direction, Driver, Read, Write};
use proptest::collection::{btree_set, vec};
use proptest::prelude::any;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::{commit, commit_keys, keys};
use crate::case::{Case, CaseResult, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(bytes_compare_unsigned),
        case!(a_prefix_comes_before_what_it_begins),
        case!(order_does_not_depend_on_the_order_of_writing),
        case!(many_entries_iterate_in_order_both_ways),
        case!(arbitrary_keys_iterate_in_order),
    ]
}

fn bytes_compare_unsigned<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let all: Vec<[u8; 1]> = (0..=u8::MAX).map(|byte| [byte]).collect();
    commit_keys(&store, "t", &all)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(keys(&reader, tree, Bounds::ALL, Direction::Forward)?, all);
    Ok(())
}

fn a_prefix_comes_before_what_it_begins<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let ordered: [&[u8]; 9] = [
        b"\0",
        b"\0\0",
        b"\0\xff",
        b"a",
        b"a\0",
        b"ab",
        b"b",
        b"\xff",
        b"\xff\xff",
    ];
    let mut written = ordered;
    written.reverse();
    commit_keys(&store, "t", &written)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(
        keys(&reader, tree, Bounds::ALL, Direction::Forward)?,
        ordered
    );
    assert_eq!(
        keys(&reader, tree, Bounds::ALL, Direction::Backward)?,
        written
    );
    Ok(())
}

fn order_does_not_depend_on_the_order_of_writing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let numbers = [300u64, 1, 70_000, 512, 0, u64::MAX, 255, 256];
    for number in numbers {
        commit_keys(&store, "t", &[number.to_be_bytes()])?;
    }
    let mut ordered = numbers.map(u64::to_be_bytes);
    ordered.sort_unstable();
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(
        keys(&reader, tree, Bounds::ALL, Direction::Forward)?,
        ordered
    );
    Ok(())
}

fn many_entries_iterate_in_order_both_ways<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    const COUNT: u32 = 20_000;
    let store = fixture.open()?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for number in 0..COUNT {
            // A stride that is prime to the count visits every number once, out of order.
            let number = (u64::from(number) * 7_919 % u64::from(COUNT)) as u32;
            writer.put(tree, &number.to_be_bytes(), &number.to_le_bytes(), |_| ())?;
        }
        Ok(())
    })?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(reader.len(tree)?, u64::from(COUNT));
    let upwards = super::contents(&reader, tree)?;
    assert_eq!(upwards.len(), COUNT as usize);
    for (number, (key, value)) in (0..COUNT).zip(&upwards) {
        assert_eq!(key[..], number.to_be_bytes());
        assert_eq!(value[..], number.to_le_bytes());
    }
    let mut downwards = super::entries(&reader, tree, Bounds::ALL, Direction::Backward)?;
    downwards.reverse();
    assert!(upwards == downwards, "backward is not forward reversed");
    Ok(())
}

fn arbitrary_keys_iterate_in_order<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let sets = btree_set(vec(any::<u8>(), 1..40), 1..200);
    let mut runner = TestRunner::default();
    for round in 0..16 {
        let ordered = sets
            .new_tree(&mut runner)
            .map_err(|reason| reason.to_string())?
            .current();
        let name = format!("tree {round}");
        let written: Vec<_> = ordered.iter().rev().collect();
        commit_keys(&store, &name, &written)?;
        let reader = store.begin_read()?;
        let tree = reader.tree(&name)?;
        let found = keys(&reader, tree, Bounds::ALL, Direction::Forward)?;
        assert_eq!(found, Vec::from_iter(ordered));
    }
    Ok(())
}
