//! Trees: resolved by name, independent of each other, there when somebody wrote to them.

use std::collections::BTreeSet;

use netabase_core::driver::checked::{Checked, TREE_NAME_BYTES};
use netabase_core::driver::{
    Bounds, Database, Direction, Driver, Durability, ErrorKind, Read, Result, TreeId, Write,
};

use super::{assert_refused, commit, commit_entries, committed, contents, owned, value};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;

const TREE_NAMES: Requirement = Requirement::Offers("tree_names");

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(a_name_gives_one_id_and_another_name_another),
        case!(a_tree_nobody_wrote_to_is_empty),
        case!(names_of_every_form_are_names),
        case!(names_of_no_form_are_refused),
        case!(an_id_that_was_not_given_is_refused),
        case!(many_trees_are_independent),
        case!(trees_may_hold_the_same_keys),
        case!(tree_names_lists_the_trees_that_hold_an_entry, TREE_NAMES),
        case!(asking_for_a_tree_creates_none, TREE_NAMES),
    ]
}

fn a_name_gives_one_id_and_another_name_another<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let reader = store.begin_read()?;
    let writer = store.begin_write()?;
    fn check(transaction: &impl Read) -> CaseResult {
        let ids = ["a", "b", "c"]
            .into_iter()
            .map(|name| transaction.tree(name))
            .collect::<Result<Vec<_>>>()?;
        assert_eq!(BTreeSet::from_iter(&ids).len(), 3);
        assert_eq!(transaction.tree("b")?, ids[1]);
        assert_eq!(transaction.tree("a")?, ids[0]);
        Ok(())
    }
    check(&reader)?;
    check(&writer)?;
    Ok(())
}

fn a_tree_nobody_wrote_to_is_empty<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    fn check(transaction: &impl Read) -> CaseResult {
        let tree = transaction.tree("nothing")?;
        assert_eq!(value(transaction, tree, b"k")?, None);
        assert_eq!(transaction.len(tree)?, 0);
        assert_eq!(contents(transaction, tree)?, []);
        Ok(())
    }
    check(&store.begin_read()?)?;
    let mut writer = store.begin_write()?;
    check(&writer)?;
    let tree = writer.tree("nothing")?;
    assert_eq!(writer.remove(tree, b"k", |_| ())?, None);
    writer.clear(tree)?;
    check(&writer)?;
    writer.commit(Durability::Immediate)?;
    check(&store.begin_read()?)?;
    Ok(())
}

fn names_of_every_form_are_names<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let long = "n".repeat(TREE_NAME_BYTES);
    let names = [
        "a",
        "A",
        " ",
        "a b",
        "a.b",
        "a/b",
        "../a",
        "a\0b",
        "a\nb",
        "\"quoted\"",
        "default",
        "__sled__default",
        "ß",
        "樹",
        "🌳",
        "null",
        "0",
        &long,
        &long[1..],
    ];
    commit(&store, |writer| {
        for name in names {
            let tree = writer.tree(name)?;
            writer.put(tree, b"name", name.as_bytes(), |_| ())?;
        }
        Ok(())
    })?;
    for name in names {
        assert_eq!(
            committed(&store, name)?,
            owned(&[(b"name", name.as_bytes())])
        );
    }
    if fixture.manifest().offers("tree_names") {
        let mut expected = names;
        expected.sort_unstable();
        assert_eq!(tree_names(&store)?, expected);
    }
    Ok(())
}

fn names_of_no_form_are_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let long = "n".repeat(TREE_NAME_BYTES + 1);
    let reader = store.begin_read()?;
    let writer = store.begin_write()?;
    for name in ["", &long] {
        assert_refused(reader.tree(name), ErrorKind::InvalidInput);
        assert_refused(writer.tree(name), ErrorKind::InvalidInput);
    }
    Ok(())
}

fn an_id_that_was_not_given_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let unknown = [
        TreeId(1),
        TreeId(2),
        TreeId(1000),
        TreeId(u32::MAX - 1),
        TreeId(u32::MAX),
    ];
    fn check(transaction: &impl Read, id: TreeId) {
        let kind = ErrorKind::InvalidInput;
        assert_refused(transaction.get(id, b"k", |_| ()), kind);
        assert_refused(transaction.len(id), kind);
        let cursor = transaction.cursor(id, Bounds::ALL, Direction::Forward);
        assert_refused(cursor.map(drop), kind);
    }
    for id in unknown {
        let reader = store.begin_read()?;
        check(&reader, id);
        let given = reader.tree("t")?;
        if given != id {
            check(&reader, id);
        }
        assert_eq!(value(&reader, given, b"k")?, Some(b"v".to_vec()));

        let mut writer = store.begin_write()?;
        check(&writer, id);
        assert_refused(writer.put(id, b"k", b"v", |_| ()), ErrorKind::InvalidInput);
        drop(writer);
        let mut writer = store.begin_write()?;
        assert_refused(writer.remove(id, b"k", |_| ()), ErrorKind::InvalidInput);
        drop(writer);
        let mut writer = store.begin_write()?;
        assert_refused(writer.clear(id), ErrorKind::InvalidInput);
    }
    Ok(())
}

fn many_trees_are_independent<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    const COUNT: u32 = 300;
    let store = fixture.open()?;
    commit(&store, |writer| {
        for number in 0..COUNT {
            let tree = writer.tree(&format!("tree {number}"))?;
            writer.put(tree, b"number", &number.to_be_bytes(), |_| ())?;
            writer.put(tree, &number.to_be_bytes(), b"", |_| ())?;
        }
        Ok(())
    })?;
    commit(&store, |writer| {
        for number in (0..COUNT).step_by(3) {
            let tree = writer.tree(&format!("tree {number}"))?;
            writer.clear(tree)?;
        }
        Ok(())
    })?;
    let reader = store.begin_read()?;
    let ids = (0..COUNT)
        .map(|number| reader.tree(&format!("tree {number}")))
        .collect::<Result<Vec<_>>>()?;
    for (number, tree) in (0..COUNT).zip(ids) {
        let (len, found) = if number % 3 == 0 {
            (0, None)
        } else {
            (2, Some(number.to_be_bytes().to_vec()))
        };
        assert_eq!(reader.len(tree)?, len, "tree {number}");
        assert_eq!(value(&reader, tree, b"number")?, found, "tree {number}");
    }
    Ok(())
}

fn trees_may_hold_the_same_keys<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "a", &[(b"k", b"of a")])?;
    commit_entries(&store, "ab", &[(b"k", b"of ab")])?;
    commit(&store, |writer| {
        let tree = writer.tree("a")?;
        writer.remove(tree, b"k", |_| ())
    })?;
    assert_eq!(committed(&store, "a")?, []);
    assert_eq!(committed(&store, "ab")?, owned(&[(b"k", b"of ab")]));
    Ok(())
}

/// What the operation `tree_names` answers, in order.
fn tree_names<S: Database>(store: &Checked<S>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    store.command("tree_names", b"", &mut |name| {
        names.push(String::from_utf8(name.to_vec()).expect("a name is UTF-8"));
    })?;
    names.sort_unstable();
    Ok(names)
}

fn tree_names_lists_the_trees_that_hold_an_entry<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    assert_eq!(tree_names(&store)?, [""; 0]);
    for name in ["c", "a", "b"] {
        commit_entries(&store, name, &[(b"k", b"v")])?;
    }
    assert_eq!(tree_names(&store)?, ["a", "b", "c"]);
    let mut writer = store.begin_write()?;
    let uncommitted = writer.tree("uncommitted")?;
    writer.put(uncommitted, b"k", b"v", |_| ())?;
    drop(writer);
    assert_eq!(tree_names(&store)?, ["a", "b", "c"]);
    commit(&store, |writer| {
        let (cleared, emptied) = (writer.tree("a")?, writer.tree("b")?);
        writer.clear(cleared)?;
        writer.remove(emptied, b"k", |_| ())
    })?;
    assert_eq!(tree_names(&store)?, ["c"]);
    Ok(())
}

fn asking_for_a_tree_creates_none<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let reader = store.begin_read()?;
    let tree = reader.tree("read")?;
    assert_eq!(reader.len(tree)?, 0);
    drop(reader);
    commit(&store, |writer| {
        let tree = writer.tree("asked for")?;
        writer.get(tree, b"k", |_| ())
    })?;
    assert_eq!(tree_names(&store)?, [""; 0]);
    Ok(())
}
