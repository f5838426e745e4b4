//! Lists of operations: in order, over several trees, all or none.

use netabase_core::driver::{
    Driver, Durability, ErrorKind, Read, TreeId, Write, WriteBatch, WriteBatchBuilder,
};

use super::{assert_refused, commit, commit_entries, committed, owned, value};
use crate::case::{Case, CaseResult, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(a_list_runs_in_order_over_several_trees),
        case!(an_empty_list_changes_nothing),
        case!(a_list_and_single_writes_see_each_other),
        case!(a_list_is_rolled_back_with_its_transaction),
        case!(a_malformed_list_is_refused_whole),
        case!(a_list_with_an_unknown_tree_leaves_nothing),
        case!(a_list_may_be_long),
    ]
}

fn a_list_runs_in_order_over_several_trees<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "cleared", &[(b"old", b"1")])?;
    commit_entries(&store, "kept", &[(b"gone", b"1"), (b"there", b"1")])?;
    commit(&store, |writer| {
        let (cleared, kept) = (writer.tree("cleared")?, writer.tree("kept")?);
        let mut list = WriteBatchBuilder::new();
        list.put(cleared, b"lost", b"2")?
            .clear(cleared)
            .put(cleared, b"new", b"2")?
            .remove(kept, b"gone")?
            .remove(kept, b"absent")?
            .remove(kept, b"")?
            .put(kept, b"there", b"2")?
            .put(kept, b"there", b"3")?
            .put(kept, b"brief", b"")?
            .remove(kept, b"brief")?;
        writer.apply(&list.as_batch())
    })?;
    assert_eq!(committed(&store, "cleared")?, owned(&[(b"new", b"2")]));
    assert_eq!(committed(&store, "kept")?, owned(&[(b"there", b"3")]));
    Ok(())
}

fn an_empty_list_changes_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    commit(&store, |writer| {
        writer.apply(&WriteBatchBuilder::new().as_batch())?;
        writer.apply_encoded(b"")
    })?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

fn a_list_and_single_writes_see_each_other<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, b"a", b"single", |_| ())?;
    let mut list = WriteBatchBuilder::new();
    list.remove(tree, b"a")?.put(tree, b"b", b"listed")?;
    writer.apply(&list.as_batch())?;
    assert_eq!(value(&writer, tree, b"a")?, None);
    assert_eq!(value(&writer, tree, b"b")?, Some(b"listed".to_vec()));
    assert_eq!(writer.len(tree)?, 1);
    let previous = writer.put(tree, b"b", b"single", <[u8]>::to_vec)?;
    assert_eq!(previous, Some(b"listed".to_vec()));
    Ok(())
}

fn a_list_is_rolled_back_with_its_transaction<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let mut list = WriteBatchBuilder::new();
    list.clear(tree).put(tree, b"new", b"")?;
    writer.apply(&list.as_batch())?;
    drop(writer);
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

fn a_malformed_list_is_refused_whole<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let mut list = WriteBatchBuilder::new();
    list.put(tree, b"first", b"v")?.put(tree, b"second", b"v")?;
    let whole = list.as_batch().as_bytes().to_vec();
    let first = {
        let mut list = WriteBatchBuilder::new();
        list.put(tree, b"first", b"v")?;
        list.as_batch().as_bytes().len()
    };
    for end in (1..whole.len()).filter(|end| *end != first) {
        assert_refused(writer.apply_encoded(&whole[..end]), ErrorKind::InvalidInput);
        assert_refused(WriteBatch::parse(&whole[..end]), ErrorKind::InvalidInput);
        assert_eq!(writer.len(tree)?, 0, "{end} bytes of a list left something");
    }
    let mut unknown_kind = whole.clone();
    unknown_kind[first] = 200;
    assert_refused(writer.apply_encoded(&unknown_kind), ErrorKind::InvalidInput);
    assert_eq!(writer.len(tree)?, 0);
    writer.apply_encoded(&whole)?;
    writer.commit(Durability::Immediate)?;
    assert_eq!(committed(&store, "t")?.len(), 2);
    Ok(())
}

fn a_list_with_an_unknown_tree_leaves_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    let mut list = WriteBatchBuilder::new();
    list.put(tree, b"first", b"v")?
        .put(TreeId(77), b"k", b"v")?
        .put(tree, b"last", b"v")?;
    assert_refused(writer.apply(&list.as_batch()), ErrorKind::InvalidInput);
    assert_refused(writer.commit(Durability::Immediate), ErrorKind::Closed);
    assert_eq!(committed(&store, "t")?, []);
    Ok(())
}

fn a_list_may_be_long<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    const COUNT: u32 = 5_000;
    let store = fixture.open()?;
    commit(&store, |writer| {
        let trees = [writer.tree("a")?, writer.tree("b")?];
        let mut list = WriteBatchBuilder::new();
        for number in 0..COUNT {
            let tree = trees[number as usize % trees.len()];
            list.put(tree, &number.to_be_bytes(), &number.to_le_bytes())?;
        }
        writer.apply(&list.as_batch())
    })?;
    for (place, name) in ["a", "b"].into_iter().enumerate() {
        let found = committed(&store, name)?;
        assert_eq!(found.len(), COUNT as usize / 2);
        let numbers = (place as u32..COUNT).step_by(2);
        for (number, (key, value)) in numbers.zip(found) {
            assert_eq!(
                (key, value),
                (number.to_be_bytes().into(), number.to_le_bytes().into())
            );
        }
    }
    Ok(())
}
