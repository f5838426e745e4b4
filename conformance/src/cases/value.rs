//! Values of every size, the values that were there before, and the keys that are refused.

use netabase_core::driver::checked::Checked;
use netabase_core::driver::{
    Bounds, Capabilities, Cursor, Direction, Driver, ErrorKind, Read, Result, Write,
    WriteBatchBuilder,
};

use super::{assert_refused, commit, commit_entries, committed, owned, value};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(an_empty_value_is_a_value),
        case!(an_empty_key_is_refused_and_found_nowhere),
        case!(values_of_every_size_come_back),
        case!(values_of_a_mebibyte_come_back),
        case!(a_long_key_is_a_key),
        case!(put_hands_over_the_value_before),
        case!(remove_hands_over_the_value_before),
        case!(a_value_may_grow_and_shrink),
        case!(
            a_value_is_not_copied_on_its_way,
            Requirement::Declares(Capabilities::ZERO_COPY)
        ),
        case!(
            a_value_is_not_copied_on_its_way_to_a_cursor,
            Requirement::Declares(Capabilities::ZERO_COPY)
        ),
    ]
}

fn an_empty_value_is_a_value<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"empty", b"")])?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(value(&reader, tree, b"empty")?, Some(vec![]));
    assert_eq!(value(&reader, tree, b"absent")?, None);
    assert_eq!(reader.len(tree)?, 1);
    assert_eq!(committed(&store, "t")?, owned(&[(b"empty", b"")]));
    let previous = commit(&store, |writer| {
        let tree = writer.tree("t")?;
        writer.put(tree, b"empty", b"no more", <[u8]>::to_vec)
    })?;
    assert_eq!(previous, Some(vec![]));
    Ok(())
}

fn an_empty_key_is_refused_and_found_nowhere<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    assert_refused(writer.put(tree, b"", b"v", |_| ()), ErrorKind::InvalidInput);
    let mut list = WriteBatchBuilder::new();
    list.put(tree, b"kept", b"")?.put(tree, b"", b"v")?;
    assert_refused(writer.apply(&list.as_batch()), ErrorKind::InvalidInput);
    assert_eq!(value(&writer, tree, b"")?, None);
    assert_eq!(writer.remove(tree, b"", |_| ())?, None);
    assert_eq!(writer.len(tree)?, 0, "a refused list left something");
    writer.put(tree, b"k", b"v", |_| ())?;
    writer.commit(Default::default())?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

/// Bytes that differ at every size and place.
fn pattern(size: usize) -> Vec<u8> {
    (0..size)
        .map(|place| (place.wrapping_mul(31) ^ (place >> 8) ^ size) as u8)
        .collect()
}

fn values_of_every_size_come_back<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let sizes: Vec<usize> = (0..=130)
        .chain([
            255, 256, 257, 1023, 1024, 2047, 2048, 4000, 4095, 4096, 4097, 8191, 8192, 65_535,
            65_536, 70_001,
        ])
        .collect();
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for size in &sizes {
            writer.put(tree, &size.to_be_bytes(), &pattern(*size), |_| ())?;
        }
        Ok(())
    })?;
    let found = committed(&store, "t")?;
    assert_eq!(found.len(), sizes.len());
    for (size, (key, value)) in sizes.iter().zip(&found) {
        assert_eq!(key[..], size.to_be_bytes());
        assert!(*value == pattern(*size), "value of {size} bytes differs");
    }
    Ok(())
}

fn values_of_a_mebibyte_come_back<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let sizes = [(1usize << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20];
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for size in sizes {
            writer.put(tree, &size.to_be_bytes(), &pattern(size), |_| ())?;
            assert!(
                value(writer, tree, &size.to_be_bytes())? == Some(pattern(size)),
                "{size} bytes differ within the transaction"
            );
        }
        Ok(())
    })?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    for size in sizes {
        let same = reader.get(tree, &size.to_be_bytes(), |value| value == pattern(size))?;
        assert_eq!(same, Some(true), "{size} bytes");
    }
    let previous = commit(&store, |writer| {
        let tree = writer.tree("t")?;
        writer.put(tree, &sizes[1].to_be_bytes(), b"small", |value| {
            value == pattern(sizes[1])
        })
    })?;
    assert_eq!(previous, Some(true));
    Ok(())
}

fn a_long_key_is_a_key<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let limit = fixture.manifest().limits.key_bytes;
    let longest = if limit == 0 {
        60_000
    } else {
        limit.min(60_000)
    };
    let store = fixture.open()?;
    let mut long = pattern(longest as usize);
    let first = long.clone();
    if let Some(last) = long.last_mut() {
        *last = last.wrapping_add(1);
    }
    commit_entries(&store, "t", &[(&first, b"first"), (&long, b"second")])?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(value(&reader, tree, &first)?, Some(b"first".to_vec()));
    assert_eq!(value(&reader, tree, &long)?, Some(b"second".to_vec()));
    Ok(())
}

fn put_hands_over_the_value_before<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"committed")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let mut put = |key: &[u8], value: &[u8]| writer.put(tree, key, value, <[u8]>::to_vec);
    assert_eq!(put(b"new", b"1")?, None);
    assert_eq!(put(b"new", b"2")?, Some(b"1".to_vec()));
    assert_eq!(put(b"new", b"2")?, Some(b"2".to_vec()));
    assert_eq!(put(b"k", b"own")?, Some(b"committed".to_vec()));
    assert_eq!(put(b"k", b"own again")?, Some(b"own".to_vec()));
    Ok(())
}

fn remove_hands_over_the_value_before<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"committed")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    assert_eq!(writer.remove(tree, b"absent", <[u8]>::to_vec)?, None);
    let removed = writer.remove(tree, b"k", <[u8]>::to_vec)?;
    assert_eq!(removed, Some(b"committed".to_vec()));
    assert_eq!(writer.remove(tree, b"k", <[u8]>::to_vec)?, None);
    assert_eq!(writer.put(tree, b"k", b"again", <[u8]>::to_vec)?, None);
    let removed = writer.remove(tree, b"k", <[u8]>::to_vec)?;
    assert_eq!(removed, Some(b"again".to_vec()));
    Ok(())
}

fn a_value_may_grow_and_shrink<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    for size in [10, 100_000, 0, 5_000, 1, 200_000, 3] {
        commit_entries(&store, "t", &[(b"k", &pattern(size)), (b"l", b"beside")])?;
        let found = committed(&store, "t")?;
        assert!(
            found == owned(&[(b"k", &pattern(size)), (b"l", b"beside")]),
            "after a value of {size} bytes"
        );
    }
    Ok(())
}

/// Sizes of values that an engine may store, and hand out, in different ways.
const SIZES: [usize; 8] = [1, 8, 23, 64, 300, 1_000, 5_000, 100_000];

/// Commits a value of each size, under its size.
fn commit_sizes<D: Driver>(fixture: &Fixture<D>) -> Result<Checked<D::Database>> {
    let store = fixture.open()?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for size in SIZES {
            writer.put(tree, &size.to_be_bytes(), &pattern(size), |_| ())?;
        }
        Ok(())
    })?;
    Ok(store)
}

fn a_value_is_not_copied_on_its_way<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = commit_sizes(fixture)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    for size in SIZES {
        // Two copies that live at the same time lie at two addresses; the engine's own memory is at one.
        let same = reader.get(tree, &size.to_be_bytes(), |outer| {
            reader.get(tree, &size.to_be_bytes(), |inner| {
                std::ptr::eq(outer, inner)
            })
        })?;
        assert_eq!(
            same.transpose()?.flatten(),
            Some(true),
            "a value of {size} bytes was copied"
        );
    }
    Ok(())
}

fn a_value_is_not_copied_on_its_way_to_a_cursor<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = commit_sizes(fixture)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    for direction in [Direction::Forward, Direction::Backward] {
        let mut cursor = reader.cursor(tree, Bounds::ALL, direction)?;
        let mut seen = 0;
        while cursor.advance()? {
            let (key, value) = (cursor.key(), cursor.value());
            let same = reader.get(tree, key, |other| std::ptr::eq(value, other))?;
            let size = value.len();
            assert_eq!(same, Some(true), "a value of {size} bytes was copied");
            seen += 1;
        }
        assert_eq!(seen, SIZES.len());
    }
    Ok(())
}
