//! Many writers at a time: what one has read is what it was when it commits, or it does not commit.

use std::ops::Bound;

use netabase_core::driver::checked::CheckedWriter;
use netabase_core::driver::{
    Bounds, Capabilities, Direction, Driver, Durability, ErrorKind, OpenConfig, Read, Result,
    TreeId, Write,
};

use super::{Entry, commit, commit_entries, committed, contents, entries, owned, value};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;

/// Many writers at a time.
const MANY: Requirement = Requirement::Declares(Capabilities::OPTIMISTIC);

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(a_commit_after_a_change_of_what_it_read_keeps_nothing, MANY),
        case!(a_writer_reads_one_snapshot, MANY),
        case!(what_a_dropped_writer_wrote_is_no_change, MANY),
    ]
}

const KEPT: [(&[u8], &[u8]); 3] = [(b"a", b"1"), (b"c", b"3"), (b"e", b"5")];

type Writer<W> = CheckedWriter<W>;
type Run<W> = fn(&mut Writer<W>, TreeId) -> Result<()>;

fn read_range<W: Write>(writer: &Writer<W>, tree: TreeId) -> Result<Vec<Entry>> {
    let bounds = Bounds {
        lower: Bound::Included(b"b"),
        upper: Bound::Excluded(b"d"),
    };
    entries(writer, tree, bounds, Direction::Forward)
}

/// What a transaction reads, by a name.
fn reads<W: Write>() -> [(&'static str, Run<W>); 4] {
    [
        ("a key", |writer, tree| {
            value(writer, tree, b"c").map(|found| assert!(found.is_some()))
        }),
        ("an absent key", |writer, tree| {
            value(writer, tree, b"cc").map(|found| assert!(found.is_none()))
        }),
        ("a range", |writer, tree| {
            read_range(writer, tree).map(|found| assert_eq!(found.len(), 1))
        }),
        ("the length", |writer, tree| {
            writer.len(tree).map(|length| assert_eq!(length, 3))
        }),
    ]
}

/// What another one changes, by a name, and the reads above that it changes.
fn changes<W: Write>() -> [(&'static str, Run<W>, &'static [&'static str]); 4] {
    [
        (
            "an overwrite",
            |writer, tree| writer.put(tree, b"c", b"x", |_| ()).map(drop),
            &["a key", "a range"],
        ),
        (
            "an insert",
            |writer, tree| writer.put(tree, b"cc", b"x", |_| ()).map(drop),
            &["an absent key", "a range", "the length"],
        ),
        (
            "a removal",
            |writer, tree| writer.remove(tree, b"c", |_| ()).map(drop),
            &["a key", "a range", "the length"],
        ),
        (
            "a clear",
            |writer, tree| writer.clear(tree),
            &["a key", "a range", "the length"],
        ),
    ]
}

fn a_commit_after_a_change_of_what_it_read_keeps_nothing<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    for (change, make, changed) in changes() {
        for (read, run) in reads()
            .into_iter()
            .filter(|(read, _)| changed.contains(read))
        {
            let store = fixture.open_with(&OpenConfig {
                truncate: true,
                ..fixture.config()
            })?;
            commit_entries(&store, "t", &KEPT)?;
            let mut writer = store.begin_write()?;
            let tree = writer.tree("t")?;
            // Elsewhere, so that what it writes is in nobody's way.
            let other = writer.tree("other")?;
            writer.put(other, b"k", b"v", |_| ())?;
            let refused = run(&mut writer, tree).and_then(|()| {
                commit(&store, |writer| {
                    let tree = writer.tree("t")?;
                    make(writer, tree)
                })?;
                writer.commit(Durability::Immediate)
            });
            let kind = refused.map_err(|error| error.kind());
            assert_eq!(kind, Err(ErrorKind::Conflict), "{read} and {change}");
            assert_eq!(
                committed(&store, "other")?,
                owned(&[]),
                "{read} and {change}"
            );
        }
    }
    Ok(())
}

fn a_writer_reads_one_snapshot<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &KEPT)?;
    let writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    // A driver may take its snapshot with the first read.
    assert_eq!(value(&writer, tree, b"a")?.as_deref(), Some(&b"1"[..]));
    commit_entries(&store, "t", &[(b"a", b"x"), (b"b", b"x"), (b"c", b"x")])?;
    let seen = contents(&writer, tree);
    match (seen, writer.len(tree)) {
        (Ok(seen), Ok(length)) => {
            assert_eq!(seen, owned(&KEPT));
            assert_eq!(length, 3);
        }
        // A driver may notice before the commit.
        (Err(error), _) | (_, Err(error)) => assert_eq!(error.kind(), ErrorKind::Conflict),
    }
    Ok(())
}

fn what_a_dropped_writer_wrote_is_no_change<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &KEPT)?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    assert_eq!(writer.len(tree)?, 3);
    assert_eq!(read_range(&writer, tree)?.len(), 1);
    let mut dropped = store.begin_write()?;
    let its_tree = dropped.tree("t")?;
    dropped.clear(its_tree)?;
    drop(dropped);
    writer.put(tree, b"c", b"mine", |_| ())?;
    writer.commit(Durability::Immediate)?;
    let expected: [(&[u8], &[u8]); 3] = [KEPT[0], (b"c", b"mine"), KEPT[2]];
    assert_eq!(committed(&store, "t")?, owned(&expected));
    Ok(())
}
