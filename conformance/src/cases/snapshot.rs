//! A read transaction sees one snapshot for its whole life.

use netabase_core::driver::{
    Bounds, Capabilities, Cursor, Direction, Driver, Durability, Read, Write,
};

use super::{Entry, commit, commit_entries, committed, contents, drain, entries, owned, value};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;

const SNAPSHOTS: Requirement = Requirement::Declares(Capabilities::SNAPSHOTS);

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(a_reader_does_not_see_an_open_writer, SNAPSHOTS),
        case!(a_reader_does_not_see_later_commits, SNAPSHOTS),
        case!(
            a_tree_first_asked_for_after_a_commit_is_the_snapshots,
            SNAPSHOTS
        ),
        case!(a_cursor_does_not_see_commits_in_its_course, SNAPSHOTS),
        case!(a_cursor_opened_after_a_commit_shows_the_snapshot, SNAPSHOTS),
        case!(a_reader_does_not_see_a_later_clear, SNAPSHOTS),
        case!(a_snapshot_holds_over_many_commits, SNAPSHOTS),
        case!(readers_of_different_age_see_their_own_state, SNAPSHOTS),
        case!(a_snapshot_is_the_same_in_every_tree, SNAPSHOTS),
        case!(
            a_snapshot_holds_while_the_engine_flushes_and_compacts,
            SNAPSHOTS
        ),
        case!(a_reader_sees_commits_without_durability),
        case!(a_reader_begun_beside_a_writer_sees_the_last_commit),
    ]
}

const BEFORE: [(&[u8], &[u8]); 3] = [(b"a", b"1"), (b"b", b"2"), (b"d", b"4")];

/// Changes [`BEFORE`] in every way: an overwrite, an insertion, a removal.
fn change(writer: &mut impl Write) -> netabase_core::driver::Result<()> {
    let tree = writer.tree("t")?;
    writer.put(tree, b"a", b"changed", |_| ())?;
    writer.put(tree, b"c", b"3", |_| ())?;
    writer.remove(tree, b"d", |_| ())?;
    Ok(())
}

fn after() -> Vec<Entry> {
    owned(&[(b"a", b"changed"), (b"b", b"2"), (b"c", b"3")])
}

/// Shows by every kind of read that the reader sees [`BEFORE`].
fn assert_sees_before(reader: &impl Read) -> CaseResult {
    let tree = reader.tree("t")?;
    assert_eq!(value(reader, tree, b"a")?, Some(b"1".to_vec()));
    assert_eq!(value(reader, tree, b"c")?, None);
    assert_eq!(value(reader, tree, b"d")?, Some(b"4".to_vec()));
    assert_eq!(reader.len(tree)?, 3);
    assert_eq!(contents(reader, tree)?, owned(&BEFORE));
    let mut downwards = entries(reader, tree, Bounds::ALL, Direction::Backward)?;
    downwards.reverse();
    assert_eq!(downwards, owned(&BEFORE));
    Ok(())
}

fn a_reader_does_not_see_an_open_writer<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &BEFORE)?;
    let earlier = store.begin_read()?;
    let mut writer = store.begin_write()?;
    change(&mut writer)?;
    assert_sees_before(&earlier)?;
    let later = store.begin_read()?;
    assert_sees_before(&later)?;
    drop(writer);
    assert_sees_before(&earlier)?;
    assert_sees_before(&later)?;
    Ok(())
}

fn a_reader_does_not_see_later_commits<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &BEFORE)?;
    let reader = store.begin_read()?;
    assert_sees_before(&reader)?;
    commit(&store, change)?;
    assert_sees_before(&reader)?;
    assert_eq!(committed(&store, "t")?, after());
    drop(reader);
    assert_eq!(committed(&store, "t")?, after());
    Ok(())
}

fn a_tree_first_asked_for_after_a_commit_is_the_snapshots<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &BEFORE)?;
    let (reader, early) = (store.begin_read()?, store.begin_read()?);
    early.tree("made later")?;
    commit(&store, change)?;
    commit_entries(&store, "made later", &[(b"k", b"v")])?;
    for reader in [reader, early] {
        assert_sees_before(&reader)?;
        let tree = reader.tree("made later")?;
        assert_eq!(value(&reader, tree, b"k")?, None);
        assert_eq!(reader.len(tree)?, 0);
        assert_eq!(contents(&reader, tree)?, []);
    }
    Ok(())
}

fn a_cursor_does_not_see_commits_in_its_course<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &BEFORE)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let mut untouched = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    let mut under_way = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    let mut downwards = reader.cursor(tree, Bounds::ALL, Direction::Backward)?;
    assert!(under_way.advance()?);
    assert!(downwards.advance()?);
    commit(&store, change)?;
    assert_eq!((under_way.key(), under_way.value()), (&b"a"[..], &b"1"[..]));
    assert_eq!(drain(&mut under_way)?, owned(&BEFORE[1..]));
    assert_eq!(downwards.key(), b"d");
    assert_eq!(drain(&mut downwards)?, owned(&[BEFORE[1], BEFORE[0]]));
    assert_eq!(drain(&mut untouched)?, owned(&BEFORE));
    under_way.seek(b"b")?;
    assert_eq!(drain(&mut under_way)?, owned(&BEFORE[1..]));
    Ok(())
}

fn a_cursor_opened_after_a_commit_shows_the_snapshot<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &BEFORE)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    commit(&store, change)?;
    let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    cursor.seek(b"b")?;
    assert_eq!(drain(&mut cursor)?, owned(&BEFORE[1..]));
    Ok(())
}

fn a_reader_does_not_see_a_later_clear<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &BEFORE)?;
    let reader = store.begin_read()?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        writer.clear(tree)
    })?;
    assert_sees_before(&reader)?;
    assert_eq!(committed(&store, "t")?, []);
    Ok(())
}

fn a_snapshot_holds_over_many_commits<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for number in 0..1000u32 {
            writer.put(tree, &number.to_be_bytes(), b"first", |_| ())?;
        }
        Ok(())
    })?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let before = contents(&reader, tree)?;
    for round in 0..30u32 {
        let mut writer = store.begin_write()?;
        let tree = writer.tree("t")?;
        for number in 0..100 {
            let number = round * 50 + number;
            writer.put(tree, &number.to_be_bytes(), &[round as u8; 50], |_| ())?;
        }
        writer.remove(tree, &(999 - round).to_be_bytes(), |_| ())?;
        writer.commit(Durability::None)?;
        assert_eq!(reader.len(tree)?, 1000);
        assert_eq!(
            value(&reader, tree, &0u32.to_be_bytes())?,
            Some(b"first".to_vec())
        );
    }
    assert!(contents(&reader, tree)? == before, "the snapshot changed");
    Ok(())
}

/// How many entries each tree of the churned database has, and how long their values are: 2 MiB a transaction.
const CHURNED: u32 = 64;
const CHURNED_LENGTH: usize = 16 << 10;
/// How many transactions replace all of them: more than engines keep in memory before they write it out.
const CHURNS: u64 = if cfg!(target_family = "wasm") { 8 } else { 40 };

/// Shows that a snapshot of the churned database is the one of this transaction: by each key, and by cursors both ways.
fn assert_churned(reader: &impl Read, number: u64) -> CaseResult {
    let is_of = |value: &[u8]| {
        value.len() == CHURNED_LENGTH && value.chunks(8).all(|part| *part == number.to_be_bytes())
    };
    for name in ["left", "right"] {
        let tree = reader.tree(name)?;
        assert_eq!(reader.len(tree)?, u64::from(CHURNED));
        for direction in [Direction::Forward, Direction::Backward] {
            let mut cursor = reader.cursor(tree, Bounds::ALL, direction)?;
            let mut entries = 0;
            while cursor.advance()? {
                assert!(is_of(cursor.value()), "an entry of another transaction");
                entries += 1;
            }
            assert_eq!(entries, CHURNED, "entries are missing");
        }
        for key in (0..CHURNED).step_by(3) {
            let found = reader.get(tree, &key.to_be_bytes(), is_of)?;
            assert_eq!(found, Some(true), "a value of another transaction");
        }
    }
    Ok(())
}

fn a_snapshot_holds_while_the_engine_flushes_and_compacts<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    let churn = |number: u64| {
        let mut writer = store.begin_write()?;
        for name in ["left", "right"] {
            let tree = writer.tree(name)?;
            let value = number.to_be_bytes().repeat(CHURNED_LENGTH / 8);
            for key in 0..CHURNED {
                writer.put(tree, &key.to_be_bytes(), &value, |_| ())?;
            }
        }
        writer.commit(Durability::None)
    };
    churn(0)?;
    let oldest = store.begin_read()?;
    let tree = oldest.tree("left")?;
    let mut under_way = oldest.cursor(tree, Bounds::ALL, Direction::Forward)?;
    let mut readers = Vec::new();
    for number in 1..=CHURNS {
        churn(number)?;
        if number.is_multiple_of(8) {
            readers.push((number, store.begin_read()?));
            for command in ["flush", "compact"] {
                // An engine may refuse to compact beside readers.
                if fixture.manifest().offers(command) {
                    let _ = store.command(command, &[], &mut |_| ());
                }
            }
            assert_churned(&oldest, 0)?;
        }
        // Begun before all of it, and moved on in its course.
        if number <= CHURNED.into() {
            assert!(under_way.advance()?, "the cursor ends early");
            let key = (number as u32 - 1).to_be_bytes();
            assert_eq!(under_way.key(), key, "the cursor lost its place");
            assert!(under_way.value().iter().all(|byte| *byte == 0));
        }
    }
    for (number, reader) in &readers {
        assert_churned(reader, *number)?;
    }
    assert_churned(&oldest, 0)?;
    drop(under_way);
    drop((oldest, readers));
    assert_churned(&store.begin_read()?, CHURNS)
}

fn readers_of_different_age_see_their_own_state<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let mut readers = Vec::new();
    for number in 0..10u8 {
        readers.push(store.begin_read()?);
        commit_entries(&store, "t", &[(&[number], b"v"), (b"latest", &[number])])?;
    }
    // Neither the oldest nor the youngest first.
    for age in [4usize, 9, 0, 7, 1, 8, 3, 2, 6, 5] {
        let reader = &readers[age];
        let tree = reader.tree("t")?;
        let entries = if age == 0 { 0 } else { age as u64 + 1 };
        assert_eq!(reader.len(tree)?, entries);
        let latest = (age as u8).checked_sub(1).map(|latest| vec![latest]);
        assert_eq!(value(reader, tree, b"latest")?, latest);
    }
    Ok(())
}

fn a_snapshot_is_the_same_in_every_tree<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let write = |number: u8| {
        commit(&store, |writer| {
            for name in ["left", "right"] {
                let tree = writer.tree(name)?;
                writer.put(tree, b"k", &[number], |_| ())?;
            }
            Ok(())
        })
    };
    write(1)?;
    let reader = store.begin_read()?;
    let left = reader.tree("left")?;
    assert_eq!(value(&reader, left, b"k")?, Some(vec![1]));
    write(2)?;
    let right = reader.tree("right")?;
    assert_eq!(value(&reader, right, b"k")?, Some(vec![1]), "a torn view");
    Ok(())
}

fn a_reader_sees_commits_without_durability<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, b"k", b"v", |_| ())?;
    writer.commit(Durability::None)?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

fn a_reader_begun_beside_a_writer_sees_the_last_commit<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &BEFORE)?;
    let mut writer = store.begin_write()?;
    change(&mut writer)?;
    assert_eq!(committed(&store, "t")?, owned(&BEFORE));
    writer.commit(Durability::Immediate)?;
    assert_eq!(committed(&store, "t")?, after());
    Ok(())
}
