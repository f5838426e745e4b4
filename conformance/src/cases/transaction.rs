//! Write transactions: they see their own writes, end all or nothing, and come one after the other.

use netabase_core::driver::ext::ReadExt;
use netabase_core::driver::{
    Bounds, Direction, Driver, Durability, ErrorKind, Read, TreeId, Write,
};

use super::{
    EACH_OR_SOME, assert_refused, commit, commit_entries, committed, contents, entries, keys,
    owned, value,
};
use crate::case::{Case, CaseResult, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(get_sees_own_writes),
        case!(cursors_see_own_writes_both_ways),
        case!(len_counts_own_writes),
        case!(clear_removes_every_entry),
        case!(writes_after_clear_are_kept),
        case!(commit_makes_writes_visible),
        case!(commit_without_durability_makes_writes_visible),
        case!(commits_build_on_each_other),
        case!(an_empty_commit_changes_nothing),
        case!(drop_rolls_back_every_tree),
        case!(drop_rolls_back_removals_and_clears),
        case!(a_rolled_back_transaction_leaves_room_for_the_next),
        case!(a_commit_covers_every_tree),
        case!(a_failed_write_lets_the_transaction_only_be_rolled_back),
        case!(a_refused_write_leaves_the_transaction_usable),
        case!(a_large_transaction_commits),
        case!(a_large_transaction_rolls_back),
        case!(everything_can_be_removed_again),
    ]
}

fn get_sees_own_writes<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"a", b"old"), (b"b", b"old")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, b"a", b"new", |_| ())?;
    writer.put(tree, b"c", b"new", |_| ())?;
    writer.remove(tree, b"b", |_| ())?;
    assert_eq!(value(&writer, tree, b"a")?, Some(b"new".to_vec()));
    assert_eq!(value(&writer, tree, b"b")?, None);
    assert_eq!(value(&writer, tree, b"c")?, Some(b"new".to_vec()));
    assert!(writer.contains(tree, b"a")?);
    assert!(!writer.contains(tree, b"b")?);
    Ok(())
}

fn cursors_see_own_writes_both_ways<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"a", b"1"), (b"c", b"1"), (b"e", b"1")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, b"b", b"2", |_| ())?;
    writer.put(tree, b"c", b"2", |_| ())?;
    writer.remove(tree, b"e", |_| ())?;
    writer.put(tree, b"f", b"2", |_| ())?;
    let mut expected = owned(&[(b"a", b"1"), (b"b", b"2"), (b"c", b"2"), (b"f", b"2")]);
    assert_eq!(contents(&writer, tree)?, expected);
    let first = writer.first(tree, Bounds::ALL, Direction::Forward, |key, _| key.to_vec())?;
    assert_eq!(first, Some(b"a".to_vec()));
    let last = writer.first(tree, Bounds::ALL, Direction::Backward, |key, _| {
        key.to_vec()
    })?;
    assert_eq!(last, Some(b"f".to_vec()));
    expected.reverse();
    let downwards = entries(&writer, tree, Bounds::ALL, Direction::Backward)?;
    assert_eq!(downwards, expected);
    Ok(())
}

fn len_counts_own_writes<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"a", b""), (b"b", b"")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    assert_eq!(writer.len(tree)?, 2);
    writer.put(tree, b"c", b"", |_| ())?;
    assert_eq!(writer.len(tree)?, 3, "after a put");
    writer.put(tree, b"c", b"again", |_| ())?;
    assert_eq!(writer.len(tree)?, 3, "after an overwrite");
    writer.remove(tree, b"a", |_| ())?;
    assert_eq!(writer.len(tree)?, 2, "after a removal");
    writer.remove(tree, b"a", |_| ())?;
    assert_eq!(writer.len(tree)?, 2, "after removing what is gone");
    writer.clear(tree)?;
    assert_eq!(writer.len(tree)?, 0, "after a clear");
    Ok(())
}

fn clear_removes_every_entry<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"a", b"1"), (b"b", b"2")])?;
    commit_entries(&store, "other", &[(b"a", b"1")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, b"own", b"3", |_| ())?;
    writer.clear(tree)?;
    assert_eq!(value(&writer, tree, b"a")?, None);
    assert_eq!(value(&writer, tree, b"own")?, None);
    assert_eq!(contents(&writer, tree)?, []);
    let never = writer.tree("never written to")?;
    writer.clear(never)?;
    writer.commit(Durability::Immediate)?;
    assert_eq!(committed(&store, "t")?, []);
    assert_eq!(committed(&store, "other")?, owned(&[(b"a", b"1")]));
    Ok(())
}

fn writes_after_clear_are_kept<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"a", b"1"), (b"b", b"2")])?;
    let previous = commit(&store, |writer| {
        let tree = writer.tree("t")?;
        writer.clear(tree)?;
        writer.put(tree, b"b", b"3", <[u8]>::to_vec)
    })?;
    assert_eq!(previous, None, "a cleared value was handed over");
    assert_eq!(committed(&store, "t")?, owned(&[(b"b", b"3")]));
    Ok(())
}

fn commit_makes_writes_visible<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"a", b"1"), (b"b", b"2")])?;
    assert_eq!(
        committed(&store, "t")?,
        owned(&[(b"a", b"1"), (b"b", b"2")])
    );
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        writer.put(tree, b"a", b"3", |_| ())?;
        writer.remove(tree, b"b", |_| ())
    })?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"a", b"3")]));
    Ok(())
}

fn commit_without_durability_makes_writes_visible<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    for number in 0..10u8 {
        let mut writer = store.begin_write()?;
        let tree = writer.tree("t")?;
        writer.put(tree, &[number], b"v", |_| ())?;
        writer.commit(Durability::None)?;
        assert_eq!(committed(&store, "t")?.len(), usize::from(number) + 1);
    }
    Ok(())
}

fn commits_build_on_each_other<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    for number in 0..20u8 {
        let durability = if number % 2 == 0 {
            Durability::None
        } else {
            Durability::Immediate
        };
        let mut writer = store.begin_write()?;
        let tree = writer.tree("t")?;
        let before = writer.put(tree, b"count", &[number], |value| value.to_vec())?;
        assert_eq!(before, number.checked_sub(1).map(|before| vec![before]));
        writer.commit(durability)?;
    }
    assert_eq!(committed(&store, "t")?, owned(&[(b"count", &[19])]));
    Ok(())
}

fn an_empty_commit_changes_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"a", b"1")])?;
    store.begin_write()?.commit(Durability::Immediate)?;
    store.begin_write()?.commit(Durability::None)?;
    let writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    assert_eq!(writer.len(tree)?, 1);
    writer.commit(Durability::Immediate)?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"a", b"1")]));
    Ok(())
}

fn drop_rolls_back_every_tree<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let names = ["first", "second", "third"];
    commit_entries(&store, "first", &[(b"k", b"old")])?;
    let mut writer = store.begin_write()?;
    for name in names {
        let tree = writer.tree(name)?;
        writer.put(tree, b"k", b"new", |_| ())?;
        writer.put(tree, b"l", b"new", |_| ())?;
    }
    drop(writer);
    assert_eq!(committed(&store, "first")?, owned(&[(b"k", b"old")]));
    assert_eq!(committed(&store, "second")?, []);
    assert_eq!(committed(&store, "third")?, []);
    let writer = store.begin_write()?;
    let first = writer.tree("first")?;
    assert_eq!(contents(&writer, first)?, owned(&[(b"k", b"old")]));
    assert_eq!(writer.len(first)?, 1);
    Ok(())
}

fn drop_rolls_back_removals_and_clears<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let all: [(&[u8], &[u8]); 2] = [(b"a", b"1"), (b"b", b"2")];
    commit_entries(&store, "removed", &all)?;
    commit_entries(&store, "cleared", &all)?;
    let mut writer = store.begin_write()?;
    let removed = writer.tree("removed")?;
    writer.remove(removed, b"a", |_| ())?;
    writer.remove(removed, b"b", |_| ())?;
    let cleared = writer.tree("cleared")?;
    writer.clear(cleared)?;
    drop(writer);
    assert_eq!(committed(&store, "removed")?, owned(&all));
    assert_eq!(committed(&store, "cleared")?, owned(&all));
    Ok(())
}

fn a_rolled_back_transaction_leaves_room_for_the_next<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    for number in 0..50u8 {
        let mut writer = store.begin_write()?;
        let tree = writer.tree("t")?;
        writer.put(tree, &[number], b"v", |_| ())?;
        if number % 5 == 0 {
            writer.commit(Durability::None)?;
        }
    }
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let kept: Vec<_> = (0..50u8).step_by(5).map(|number| [number]).collect();
    assert_eq!(keys(&reader, tree, Bounds::ALL, Direction::Forward)?, kept);
    Ok(())
}

fn a_commit_covers_every_tree<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let names: Vec<String> = (0..10).map(|number| format!("tree {number}")).collect();
    commit(&store, |writer| {
        let trees = names
            .iter()
            .map(|name| writer.tree(name))
            .collect::<Result<Vec<TreeId>, _>>()?;
        for round in 0..3u8 {
            for tree in &trees {
                writer.put(*tree, &[round], &tree.0.to_be_bytes(), |_| ())?;
            }
        }
        Ok(())
    })?;
    let reader = store.begin_read()?;
    let mut values = Vec::new();
    for name in &names {
        let tree = reader.tree(name)?;
        let found = contents(&reader, tree)?;
        assert_eq!(found.len(), 3, "{name}");
        values.push(found[0].1.clone());
    }
    values.sort();
    values.dedup();
    assert_eq!(values.len(), names.len(), "two trees share their entries");
    Ok(())
}

fn a_failed_write_lets_the_transaction_only_be_rolled_back<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, b"k", b"v", |_| ())?;
    let unknown = TreeId(12_345);
    assert_refused(
        writer.put(unknown, b"k", b"v", |_| ()),
        ErrorKind::InvalidInput,
    );
    assert_refused(writer.put(tree, b"k", b"v", |_| ()), ErrorKind::Closed);
    assert_refused(writer.get(tree, b"k", |_| ()), ErrorKind::Closed);
    assert_refused(writer.len(tree), ErrorKind::Closed);
    assert_refused(writer.tree("t"), ErrorKind::Closed);
    assert_refused(writer.clear(tree), ErrorKind::Closed);
    assert_refused(writer.commit(Durability::Immediate), ErrorKind::Closed);
    assert_eq!(committed(&store, "t")?, []);
    commit_entries(&store, "t", &[(b"next", b"")])?;
    Ok(())
}

fn a_refused_write_leaves_the_transaction_usable<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    assert_refused(writer.put(tree, b"", b"v", |_| ()), ErrorKind::InvalidInput);
    assert_refused(writer.tree(""), ErrorKind::InvalidInput);
    assert_refused(writer.apply_encoded(b"\x09"), ErrorKind::InvalidInput);
    assert_refused(
        writer.get(TreeId(999), b"k", |_| ()),
        ErrorKind::InvalidInput,
    );
    writer.put(tree, b"k", b"v", |_| ())?;
    writer.commit(Durability::Immediate)?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

const MANY: u32 = 10_000;

fn a_large_transaction_commits<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit(&store, |writer| {
        let (left, right) = (writer.tree("left")?, writer.tree("right")?);
        for number in 0..MANY {
            writer.put(left, &number.to_be_bytes(), &[7; 100], |_| ())?;
            writer.put(right, &number.to_le_bytes(), b"", |_| ())?;
        }
        Ok(())
    })?;
    let reader = store.begin_read()?;
    let (left, right) = (reader.tree("left")?, reader.tree("right")?);
    assert_eq!(reader.len(left)?, u64::from(MANY));
    assert_eq!(reader.len(right)?, u64::from(MANY));
    for number in (0..MANY).step_by(EACH_OR_SOME) {
        let right_size = match reader.get(right, &number.to_le_bytes(), <[u8]>::len)? {
            Some(size) => size,
            None => panic!("{number} is missing"),
        };
        assert_eq!(right_size, 0);
    }
    assert!(
        contents(&reader, left)?
            .iter()
            .all(|(_, value)| *value == [7; 100])
    );
    Ok(())
}

fn a_large_transaction_rolls_back<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(&5u32.to_be_bytes(), b"old")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    for number in 0..MANY {
        writer.put(tree, &number.to_be_bytes(), &[7; 100], |_| ())?;
    }
    drop(writer);
    let found = committed(&store, "t")?;
    assert_eq!(found, owned(&[(&5u32.to_be_bytes(), b"old")]));
    Ok(())
}

fn everything_can_be_removed_again<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let count = 3_000u32;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for number in 0..count {
            writer.put(tree, &number.to_be_bytes(), &number.to_be_bytes(), |_| ())?;
        }
        Ok(())
    })?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        // Every other one first, so that pages empty unevenly.
        for number in (0..count).step_by(2).chain((1..count).step_by(2)) {
            let removed = writer.remove(tree, &number.to_be_bytes(), <[u8]>::to_vec)?;
            assert_eq!(removed, Some(number.to_be_bytes().to_vec()));
        }
        assert_eq!(writer.len(tree)?, 0);
        Ok(())
    })?;
    assert_eq!(committed(&store, "t")?, []);
    commit_entries(&store, "t", &[(b"again", b"")])?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"again", b"")]));
    Ok(())
}
