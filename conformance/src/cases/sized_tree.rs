//! Trees that are resolved with the widths of their entries: the widths are a hint and change nothing that is seen.

use std::collections::BTreeMap;
use std::ops::Bound;

use netabase_core::driver::checked::Checked;
use netabase_core::driver::{
    Bounds, Database, Direction, Driver, Durability, EntryWidths, ErrorKind, Read, Write,
};

use super::{EACH_OR_SOME, Entry, commit, contents, entries, value};
use crate::case::{Case, CaseResult, case};
use crate::fixture::Fixture;

/// Widths of keys in bytes: those that engines have an eye for, and their neighbours.
const KEY_WIDTHS: [u32; 14] = [1, 2, 3, 4, 7, 8, 9, 12, 15, 16, 20, 24, 32, 255];

/// Widths of values in bytes.
const VALUE_WIDTHS: [Option<u32>; 6] = [None, Some(0), Some(1), Some(8), Some(9), Some(600)];

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(entries_of_every_width_are_kept_in_order),
        case!(bounds_and_keys_of_another_width_are_looked_up_all_the_same),
        case!(a_tree_keeps_its_entries_whatever_widths_it_is_asked_for_with),
        case!(an_entry_of_another_width_is_stored_or_refused_and_nothing_is_lost),
        case!(an_emptied_tree_takes_entries_of_new_widths),
        case!(ascending_entries_of_every_width_are_kept),
    ]
}

/// A tree's name, which says its widths.
fn name(widths: EntryWidths) -> String {
    format!("{:?}-{:?}", widths.key, widths.value)
}

fn every_width() -> impl Iterator<Item = EntryWidths> {
    let keys = KEY_WIDTHS.map(Some).into_iter().chain([None]);
    keys.flat_map(|key| VALUE_WIDTHS.map(|value| EntryWidths { key, value }))
}

/// Entries of these widths; what has none gets lengths that differ. Their keys differ in the first and in the last byte.
fn sample(widths: EntryWidths) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let bytes = |width: Option<u32>, number: u8, shortest: usize| {
        let length = width.map_or(shortest + usize::from(number % 7), |width| width as usize);
        let mut bytes = vec![number / 16; length];
        if let Some(last) = bytes.last_mut() {
            *last = number.wrapping_mul(67);
        }
        bytes
    };
    (0..=250)
        .map(|number| (bytes(widths.key, number, 1), bytes(widths.value, number, 0)))
        .collect()
}

fn as_entries(sample: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<Entry> {
    sample
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn put_sample<S: Database>(store: &Checked<S>, widths: EntryWidths) -> CaseResult {
    commit(store, |writer| {
        let tree = writer.sized_tree(&name(widths), widths)?;
        // Neither upwards nor downwards.
        let sample = as_entries(&sample(widths));
        for index in 0..sample.len() {
            let (key, value) = &sample[index * 97 % sample.len()];
            writer.put(tree, key, value, |_| ())?;
        }
        Ok(())
    })?;
    Ok(())
}

fn entries_of_every_width_are_kept_in_order<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    for widths in every_width() {
        put_sample(&store, widths)?;
    }
    let reader = store.begin_read()?;
    for widths in every_width() {
        let mut expected = as_entries(&sample(widths));
        let tree = reader.sized_tree(&name(widths), widths)?;
        assert_eq!(reader.len(tree)?, expected.len() as u64, "{widths:?}");
        assert_eq!(contents(&reader, tree)?, expected, "{widths:?}");
        for (key, stored) in expected.iter().step_by(EACH_OR_SOME) {
            assert_eq!(
                value(&reader, tree, key)?.as_ref(),
                Some(stored),
                "{widths:?}"
            );
        }
        expected.reverse();
        assert_eq!(
            entries(&reader, tree, Bounds::ALL, Direction::Backward)?,
            expected,
            "{widths:?}"
        );
    }
    Ok(())
}

fn bounds_and_keys_of_another_width_are_looked_up_all_the_same<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    for width in KEY_WIDTHS {
        let widths = EntryWidths {
            key: Some(width),
            value: None,
        };
        put_sample(&store, widths)?;
        let expected = as_entries(&sample(widths));
        let middle = &expected[expected.len() / 2].0;
        let shorter = &middle[..middle.len() / 2];
        let longer = [middle, &b"longer"[..]].concat();
        for other in [shorter, &longer] {
            let mut writer = store.begin_write()?;
            let tree = writer.sized_tree(&name(widths), widths)?;
            if !other.is_empty() {
                assert_eq!(value(&writer, tree, other)?, None, "{widths:?}");
                assert_eq!(writer.remove(tree, other, |_| ())?, None, "{widths:?}");
            }
            for direction in [Direction::Forward, Direction::Backward] {
                for bounds in [
                    Bounds {
                        lower: Bound::Included(other),
                        upper: Bound::Unbounded,
                    },
                    Bounds {
                        lower: Bound::Unbounded,
                        upper: Bound::Excluded(other),
                    },
                ] {
                    let mut within = expected.clone();
                    within.retain(|(key, _)| bounds.contains(key));
                    if direction == Direction::Backward {
                        within.reverse();
                    }
                    assert_eq!(
                        entries(&writer, tree, bounds, direction)?,
                        within,
                        "{widths:?} {bounds:?}"
                    );
                }
            }
            writer.commit(Durability::Immediate)?;
        }
    }
    Ok(())
}

fn a_tree_keeps_its_entries_whatever_widths_it_is_asked_for_with<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let widths = |key, value| EntryWidths { key, value };
    let every = [
        widths(None, None),
        widths(Some(8), None),
        widths(Some(12), Some(0)),
        widths(None, Some(8)),
        widths(Some(8), Some(8)),
    ];
    let store = fixture.open()?;
    for created in every {
        put_sample(&store, created)?;
        let expected = as_entries(&sample(created));
        for asked in every {
            let reader = store.begin_read()?;
            let tree = reader.sized_tree(&name(created), asked)?;
            assert_eq!(contents(&reader, tree)?, expected, "{created:?} {asked:?}");
            assert_eq!(reader.sized_tree(&name(created), created)?, tree);
            assert_eq!(reader.tree(&name(created))?, tree);
            let mut writer = store.begin_write()?;
            let tree = writer.sized_tree(&name(created), asked)?;
            let (key, stored) = &expected[7];
            assert_eq!(
                writer.put(tree, key, stored, <[u8]>::to_vec)?.as_ref(),
                Some(stored)
            );
            assert_eq!(contents(&writer, tree)?, expected, "{created:?} {asked:?}");
            writer.commit(Durability::Immediate)?;
        }
    }
    Ok(())
}

fn an_entry_of_another_width_is_stored_or_refused_and_nothing_is_lost<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let widths = EntryWidths {
        key: Some(8),
        value: Some(8),
    };
    let store = fixture.open()?;
    put_sample(&store, widths)?;
    let mut expected = sample(widths);
    let odd: [(&[u8], &[u8]); 4] = [
        (b"short", b"8 bytes."),
        (b"a long key", b"8 bytes."),
        (b"8 bytes.", b"short"),
        (b"8 bytes.", b"a long value"),
    ];
    for (key, stored) in odd {
        let mut writer = store.begin_write()?;
        let tree = writer.sized_tree(&name(widths), widths)?;
        match writer.put(tree, key, stored, |_| ()) {
            Ok(_) => {
                writer.commit(Durability::Immediate)?;
                expected.insert(key.into(), stored.into());
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
                drop(writer);
            }
        }
        let reader = store.begin_read()?;
        let tree = reader.tree(&name(widths))?;
        assert_eq!(contents(&reader, tree)?, as_entries(&expected));
    }
    Ok(())
}

fn an_emptied_tree_takes_entries_of_new_widths<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let every: Vec<_> = every_width().step_by(5).collect();
    let store = fixture.open()?;
    for pair in every.windows(2) {
        for in_one_transaction in [true, false] {
            let mut writer = store.begin_write()?;
            let tree = writer.sized_tree("tree", pair[0])?;
            for (key, value) in sample(pair[0]) {
                writer.put(tree, &key, &value, |_| ())?;
            }
            writer.clear(tree)?;
            if !in_one_transaction {
                writer.commit(Durability::Immediate)?;
                writer = store.begin_write()?;
            }
            let tree = writer.sized_tree("tree", pair[1])?;
            for (key, value) in sample(pair[1]) {
                writer.put(tree, &key, &value, |_| ())?;
            }
            assert_eq!(
                contents(&writer, tree)?,
                as_entries(&sample(pair[1])),
                "{pair:?}"
            );
            writer.clear(tree)?;
            writer.commit(Durability::Immediate)?;
        }
    }
    Ok(())
}

fn ascending_entries_of_every_width_are_kept<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    for widths in every_width() {
        let expected = as_entries(&sample(widths));
        commit(&store, |writer| {
            let tree = writer.sized_tree(&name(widths), widths)?;
            for (key, value) in &expected {
                assert_eq!(writer.put(tree, key, value, |_| ())?, None);
            }
            // Once more, over what is there.
            for (key, value) in &expected {
                assert_eq!(writer.put(tree, key, value, |_| ())?, Some(()));
            }
            Ok(())
        })?;
        let reader = store.begin_read()?;
        let tree = reader.tree(&name(widths))?;
        assert_eq!(contents(&reader, tree)?, expected, "{widths:?}");
    }
    Ok(())
}
