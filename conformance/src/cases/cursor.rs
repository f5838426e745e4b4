//! Cursors: both ways, seeking, ends, and several at a time.

use std::ops::Bound::{Excluded, Included, Unbounded};

use netabase_core::driver::{Bounds, Cursor, Direction, Driver, Read, Write};

use super::{commit_entries, commit_keys, drain, owned, value};
use crate::case::{Case, CaseResult, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(a_cursor_begins_before_the_first_entry),
        case!(a_cursor_at_its_end_stays_there),
        case!(a_cursor_over_nothing_is_at_its_end),
        case!(seek_goes_to_the_entry_at_or_after_the_key),
        case!(seek_backward_goes_to_the_entry_at_or_before_the_key),
        case!(seek_may_go_back),
        case!(seek_stays_within_the_bounds),
        case!(seek_past_the_end_ends_and_seek_back_revives),
        case!(seek_agrees_with_the_definition_everywhere),
        case!(several_cursors_move_independently),
        case!(reads_between_the_steps_do_not_disturb),
        case!(a_tree_may_be_resolved_while_a_cursor_is_open),
        case!(values_come_with_their_keys),
    ]
}

const KEYS: [&[u8]; 5] = [b"b", b"d", b"d\xff", b"f", b"h"];

fn step(cursor: &mut impl Cursor) -> netabase_core::driver::Result<Option<Vec<u8>>> {
    Ok(if cursor.advance()? {
        Some(cursor.key().to_vec())
    } else {
        None
    })
}

/// What comes next after a seek, or after opening: the rest of the keys.
fn rest(cursor: &mut impl Cursor) -> netabase_core::driver::Result<Vec<Vec<u8>>> {
    Ok(drain(cursor)?.into_iter().map(|(key, _)| key).collect())
}

fn a_cursor_begins_before_the_first_entry<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    for (direction, first) in [(Direction::Forward, b"b"), (Direction::Backward, b"h")] {
        let mut cursor = reader.cursor(tree, Bounds::ALL, direction)?;
        assert_eq!(cursor.key(), b"");
        assert_eq!(cursor.value(), b"");
        assert!(cursor.advance()?);
        assert_eq!(cursor.key(), first);
    }
    Ok(())
}

fn a_cursor_at_its_end_stays_there<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    for direction in [Direction::Forward, Direction::Backward] {
        let mut cursor = reader.cursor(tree, Bounds::ALL, direction)?;
        assert!(cursor.advance()?);
        assert_eq!(cursor.value(), b"v");
        for _ in 0..3 {
            assert!(!cursor.advance()?);
            assert_eq!(cursor.key(), b"");
            assert_eq!(cursor.value(), b"");
        }
    }
    Ok(())
}

fn a_cursor_over_nothing_is_at_its_end<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let (tree, empty) = (reader.tree("t")?, reader.tree("empty")?);
    let between = Bounds {
        lower: Excluded(b"b"),
        upper: Excluded(b"d"),
    };
    let inverted = Bounds {
        lower: Included(b"h"),
        upper: Included(b"b"),
    };
    for direction in [Direction::Forward, Direction::Backward] {
        for (tree, bounds) in [(tree, between), (tree, inverted), (empty, Bounds::ALL)] {
            let mut cursor = reader.cursor(tree, bounds, direction)?;
            assert!(!cursor.advance()?);
            cursor.seek(b"c")?;
            assert!(!cursor.advance()?);
            assert_eq!(cursor.key(), b"");
        }
    }
    Ok(())
}

fn seek_goes_to_the_entry_at_or_after_the_key<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    cursor.seek(b"d")?;
    assert_eq!(step(&mut cursor)?, Some(b"d".to_vec()));
    cursor.seek(b"e")?;
    assert_eq!(step(&mut cursor)?, Some(b"f".to_vec()));
    assert_eq!(step(&mut cursor)?, Some(b"h".to_vec()));
    assert_eq!(step(&mut cursor)?, None);
    Ok(())
}

fn seek_backward_goes_to_the_entry_at_or_before_the_key<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Backward)?;
    cursor.seek(b"f")?;
    assert_eq!(step(&mut cursor)?, Some(b"f".to_vec()));
    cursor.seek(b"e")?;
    assert_eq!(step(&mut cursor)?, Some(b"d\xff".to_vec()));
    assert_eq!(step(&mut cursor)?, Some(b"d".to_vec()));
    assert_eq!(step(&mut cursor)?, Some(b"b".to_vec()));
    assert_eq!(step(&mut cursor)?, None);
    Ok(())
}

fn seek_may_go_back<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let mut upwards = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    assert_eq!(rest(&mut upwards)?, KEYS);
    upwards.seek(b"a")?;
    assert_eq!(rest(&mut upwards)?, KEYS);
    upwards.seek(b"f")?;
    assert_eq!(rest(&mut upwards)?, KEYS[3..]);
    let mut downwards = reader.cursor(tree, Bounds::ALL, Direction::Backward)?;
    downwards.seek(b"b")?;
    assert_eq!(rest(&mut downwards)?, [b"b"]);
    downwards.seek(b"z")?;
    assert_eq!(rest(&mut downwards)?.len(), KEYS.len());
    Ok(())
}

fn seek_stays_within_the_bounds<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let bounds = Bounds {
        lower: Excluded(b"b"),
        upper: Excluded(b"h"),
    };
    let within = &KEYS[1..4];
    let mut cursor = reader.cursor(tree, bounds, Direction::Forward)?;
    for below in [&b"a"[..], b"b", b"", b"\0"] {
        cursor.seek(below)?;
        assert_eq!(rest(&mut cursor)?, within, "seek to {below:?}");
    }
    for above in [&b"h"[..], b"i", b"\xff\xff"] {
        cursor.seek(above)?;
        assert_eq!(step(&mut cursor)?, None, "seek to {above:?}");
    }
    let downwards: Vec<_> = within.iter().rev().copied().collect();
    let mut cursor = reader.cursor(tree, bounds, Direction::Backward)?;
    for above in [&b"h"[..], b"i", b"\xff\xff"] {
        cursor.seek(above)?;
        assert_eq!(rest(&mut cursor)?, downwards, "seek to {above:?}");
    }
    for below in [&b"b"[..], b"a", b""] {
        cursor.seek(below)?;
        assert_eq!(step(&mut cursor)?, None, "seek to {below:?}");
    }
    Ok(())
}

fn seek_past_the_end_ends_and_seek_back_revives<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    cursor.seek(b"z")?;
    assert_eq!(step(&mut cursor)?, None);
    assert_eq!(step(&mut cursor)?, None);
    cursor.seek(b"h")?;
    assert_eq!(step(&mut cursor)?, Some(b"h".to_vec()));
    Ok(())
}

fn seek_agrees_with_the_definition_everywhere<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    assert_seeks(&store.begin_read()?)?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.clear(tree)?;
    let committed: [&[u8]; 6] = [b"b", b"c", b"d\xff", b"d\xffx", b"h", b"z"];
    for key in committed {
        writer.put(tree, key, b"committed", |_| ())?;
    }
    writer.commit(Default::default())?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    for key in KEYS {
        writer.put(tree, key, b"own", |_| ())?;
    }
    for key in [&b"c"[..], b"d\xffx", b"z"] {
        writer.remove(tree, key, |_| ())?;
    }
    assert_seeks(&writer)
}

/// Shows that every seek within every bounds finds what it should among [`KEYS`].
fn assert_seeks(reader: &impl Read) -> CaseResult {
    let tree = reader.tree("t")?;
    let ends: [&[u8]; 8] = [b"a", b"b", b"c", b"d", b"d\xff", b"e", b"h", b"i"];
    let mut sides = vec![Unbounded];
    sides.extend(
        ends.into_iter()
            .flat_map(|end| [Included(end), Excluded(end)]),
    );
    for &lower in &sides {
        for &upper in &sides {
            let bounds = Bounds { lower, upper };
            for direction in [Direction::Forward, Direction::Backward] {
                let mut cursor = reader.cursor(tree, bounds, direction)?;
                for target in ends {
                    let mut expected: Vec<_> = KEYS
                        .into_iter()
                        .filter(|key| bounds.contains(key))
                        .filter(|key| match direction {
                            Direction::Forward => *key >= target,
                            Direction::Backward => *key <= target,
                        })
                        .collect();
                    if direction == Direction::Backward {
                        expected.reverse();
                    }
                    cursor.seek(target)?;
                    assert_eq!(
                        rest(&mut cursor)?,
                        expected,
                        "{bounds:?} {direction:?} seek to {target:?}"
                    );
                }
            }
        }
    }
    Ok(())
}

fn several_cursors_move_independently<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    commit_keys(&store, "u", &[b"u"])?;
    let reader = store.begin_read()?;
    let (tree, other) = (reader.tree("t")?, reader.tree("u")?);
    let mut upwards = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    let mut downwards = reader.cursor(tree, Bounds::ALL, Direction::Backward)?;
    let mut elsewhere = reader.cursor(other, Bounds::ALL, Direction::Forward)?;
    for (low, high) in KEYS.into_iter().zip(KEYS.into_iter().rev()) {
        assert!(upwards.advance()?);
        assert!(downwards.advance()?);
        assert_eq!((upwards.key(), downwards.key()), (low, high));
    }
    assert_eq!(step(&mut elsewhere)?, Some(b"u".to_vec()));
    drop(upwards);
    assert!(!downwards.advance()?);
    let writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let mut first = writer.cursor(tree, Bounds::ALL, Direction::Forward)?;
    let mut second = writer.cursor(tree, Bounds::ALL, Direction::Forward)?;
    assert_eq!(rest(&mut first)?, KEYS);
    assert_eq!(rest(&mut second)?, KEYS);
    Ok(())
}

fn reads_between_the_steps_do_not_disturb<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let all: [(&[u8], &[u8]); 3] = [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")];
    commit_entries(&store, "t", &all)?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, b"b", b"own", |_| ())?;
    let mut cursor = writer.cursor(tree, Bounds::ALL, Direction::Forward)?;
    for (key, expected) in [(b"a", &b"1"[..]), (b"b", b"own"), (b"c", b"3")] {
        assert!(cursor.advance()?);
        assert_eq!(value(&writer, tree, b"c")?, Some(b"3".to_vec()));
        assert_eq!(writer.len(tree)?, 3);
        let inner = writer.get(tree, b"a", |_| value(&writer, tree, b"b"))?;
        assert_eq!(inner.transpose()?, Some(Some(b"own".to_vec())));
        assert_eq!((cursor.key(), cursor.value()), (&key[..], expected));
    }
    Ok(())
}

fn a_tree_may_be_resolved_while_a_cursor_is_open<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    commit_keys(&store, "u", &[b"u"])?;
    let reader = store.begin_read()?;
    let writer = store.begin_write()?;
    resolve_beside_a_cursor(&reader)?;
    resolve_beside_a_cursor(&writer)?;
    Ok(())
}

fn resolve_beside_a_cursor(reader: &impl Read) -> CaseResult {
    let tree = reader.tree("t")?;
    let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    assert!(cursor.advance()?);
    for number in 0..40 {
        reader.tree(&format!("later {number}"))?;
    }
    let other = reader.tree("u")?;
    assert_eq!(value(reader, other, b"u")?, Some(vec![]));
    assert_eq!(cursor.key(), KEYS[0]);
    assert_eq!(rest(&mut cursor)?, KEYS[1..]);
    Ok(())
}

fn values_come_with_their_keys<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let big = vec![5; 300_000];
    let all: [(&[u8], &[u8]); 4] = [(b"a", b""), (b"b", &big), (b"c", b"c"), (b"d", b"")];
    commit_entries(&store, "t", &all)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Backward)?;
    let mut expected = owned(&all);
    expected.reverse();
    assert!(
        drain(&mut cursor)? == expected,
        "keys and values are mixed up"
    );
    Ok(())
}
