//! Core's resuming cursor over the driver: iteration with writes in between.

use std::ops::Bound::{Excluded, Included};

use netabase_core::driver::checked::CheckedWriter;
use netabase_core::driver::{
    Bounds, Direction, Driver, Durability, Read, Result, ResumingCursor, Write,
};

use super::{commit, commit_keys, committed, contents};
use crate::case::{Case, CaseResult, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(keys_inserted_ahead_are_seen_and_behind_are_not),
        case!(keys_removed_ahead_are_not_seen),
        case!(the_current_key_may_be_removed),
        case!(a_clear_in_its_course_ends_it),
        case!(every_entry_may_be_rewritten_in_its_course),
        case!(bounds_hold_after_a_write),
        case!(over_a_reader_it_shows_what_a_cursor_shows),
    ]
}

const KEYS: [&[u8]; 5] = [b"b", b"d", b"f", b"h", b"k"];

fn step<W: Write>(
    cursor: &mut ResumingCursor,
    writer: &CheckedWriter<W>,
) -> Result<Option<Vec<u8>>> {
    let generation = writer.generation();
    Ok(if cursor.advance(writer, generation)? {
        Some(cursor.key().to_vec())
    } else {
        None
    })
}

fn keys_inserted_ahead_are_seen_and_behind_are_not<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    for (direction, order) in [
        (
            Direction::Forward,
            [&b"b"[..], b"d", b"e", b"f", b"h", b"k", b"z"],
        ),
        (
            Direction::Backward,
            [b"k", b"h", b"f", b"d", b"c", b"b", b"a"],
        ),
    ] {
        let mut writer = store.begin_write()?;
        let tree = writer.tree("t")?;
        let mut cursor = ResumingCursor::new(tree, Bounds::ALL, direction);
        let mut found = Vec::new();
        while let Some(key) = step(&mut cursor, &writer)? {
            let new: [&[u8]; 3] = match (direction, &key[..]) {
                (Direction::Forward, b"d") => [b"c", b"a", b"e"],
                (Direction::Backward, b"d") => [b"e", b"z", b"c"],
                (Direction::Forward, b"k") => [b"j", b"i", b"z"],
                (Direction::Backward, b"b") => [b"bb", b"g", b"a"],
                _ => [b"f"; 3],
            };
            for key in new {
                writer.put(tree, key, b"", |_| ())?;
            }
            found.push(key);
        }
        assert_eq!(found, order);
    }
    Ok(())
}

fn keys_removed_ahead_are_not_seen<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let mut cursor = ResumingCursor::new(tree, Bounds::ALL, Direction::Forward);
    assert_eq!(step(&mut cursor, &writer)?, Some(b"b".to_vec()));
    writer.remove(tree, b"d", |_| ())?;
    assert_eq!(step(&mut cursor, &writer)?, Some(b"f".to_vec()));
    writer.remove(tree, b"h", |_| ())?;
    writer.remove(tree, b"k", |_| ())?;
    assert_eq!(step(&mut cursor, &writer)?, None);
    Ok(())
}

fn the_current_key_may_be_removed<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for number in 0..1_000u32 {
            writer.put(tree, &number.to_be_bytes(), b"", |_| ())?;
        }
        Ok(())
    })?;
    for direction in [Direction::Forward, Direction::Backward] {
        let mut writer = store.begin_write()?;
        let tree = writer.tree("t")?;
        let mut cursor = ResumingCursor::new(tree, Bounds::ALL, direction);
        let mut removed = 0;
        while let Some(key) = step(&mut cursor, &writer)? {
            assert_eq!(writer.remove(tree, &key, |_| ())?, Some(()));
            removed += 1;
        }
        assert_eq!(removed, 1_000);
        assert_eq!(writer.len(tree)?, 0);
    }
    Ok(())
}

fn a_clear_in_its_course_ends_it<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let mut cursor = ResumingCursor::new(tree, Bounds::ALL, Direction::Forward);
    assert!(step(&mut cursor, &writer)?.is_some());
    writer.clear(tree)?;
    assert_eq!(step(&mut cursor, &writer)?, None);
    cursor.seek(b"a");
    writer.put(tree, b"new", b"", |_| ())?;
    assert_eq!(step(&mut cursor, &writer)?, Some(b"new".to_vec()));
    Ok(())
}

fn every_entry_may_be_rewritten_in_its_course<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    const COUNT: u32 = 1_000;
    let store = fixture.open()?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for number in 0..COUNT {
            writer.put(tree, &number.to_be_bytes(), b"old", |_| ())?;
        }
        Ok(())
    })?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let mut cursor = ResumingCursor::new(tree, Bounds::ALL, Direction::Forward);
    let mut generation = writer.generation();
    while cursor.advance(&writer, generation)? {
        assert_eq!(cursor.value(), b"old");
        // Values that grow move their neighbours about within the engine's pages.
        writer.put(tree, cursor.key(), &[9; 200], |_| ())?;
        generation = writer.generation();
    }
    writer.commit(Durability::Immediate)?;
    let found = committed(&store, "t")?;
    assert_eq!(found.len(), COUNT as usize);
    assert!(found.iter().all(|(_, value)| *value == [9; 200]));
    Ok(())
}

fn bounds_hold_after_a_write<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let bounds = Bounds {
        lower: Excluded(b"b"),
        upper: Included(b"h"),
    };
    let mut cursor = ResumingCursor::new(tree, bounds, Direction::Backward);
    let mut found = Vec::new();
    while let Some(key) = step(&mut cursor, &writer)? {
        for outside in [b"a", b"i", b"z"] {
            writer.put(tree, outside, b"", |_| ())?;
        }
        found.push(key);
    }
    assert_eq!(found, [b"h", b"f", b"d"]);
    Ok(())
}

fn over_a_reader_it_shows_what_a_cursor_shows<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for number in 0..1_500u32 {
            writer.put(tree, &number.to_be_bytes(), &number.to_le_bytes(), |_| ())?;
        }
        Ok(())
    })?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let mut expected = contents(&reader, tree)?;
    for direction in [Direction::Forward, Direction::Backward] {
        let mut cursor = ResumingCursor::new(tree, Bounds::ALL, direction);
        let mut found = Vec::new();
        while cursor.advance(&reader, 0)? {
            found.push((cursor.key().to_vec(), cursor.value().to_vec()));
        }
        assert!(found == expected, "{direction:?}");
        expected.reverse();
    }
    Ok(())
}
