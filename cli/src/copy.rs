//! `netabase copy`: one snapshot of any driver's database to a database of any driver.

use netabase_store::driver::{Bounds, Cursor as _, Direction, Read as _};
use netabase_store::{ErrorKind, NetabaseError};
use serde_json::json;

use crate::arguments::Transfer;
use crate::database::{Snapshot, Tree, open_source};
use crate::failure::Failure;
use crate::fill::{Fill, Room, Summary};
use crate::output::lines;
use crate::progress::Progress;
use crate::status::Status;

pub(crate) fn run(arguments: &Transfer) -> Result<Status, Failure> {
    let store = open_source(arguments)?;
    let snapshot = Snapshot::of(&store)?;
    check_room(&snapshot, Room::of(&arguments.target)?)?;
    let origin = format!("netabase copy {} …", arguments.source);
    let mut fill = Fill::begin(&arguments.target, &origin, arguments.overwrite)?;
    each_entry(&snapshot, "copying", |step| match step {
        Step::Tree(tree) => fill.tree(&tree.name, tree.widths),
        Step::Entry(key, value) => fill.put(key, value),
    })?;
    let summary = fill.finish()?;
    report(&summary, arguments.json)?;
    Ok(Status::Fine)
}

/// A tree that begins, or an entry of it.
pub(crate) enum Step<'a> {
    Tree(&'a Tree),
    Entry(&'a [u8], &'a [u8]),
}

/// Walks over every tree of a snapshot, the schema record first: it says what the others are.
pub(crate) fn each_entry(
    snapshot: &Snapshot,
    what: &str,
    mut visit: impl FnMut(Step<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let of_schema = Tree::of_schema();
    let trees = || [&of_schema].into_iter().chain(&snapshot.trees);
    let mut total = 0;
    for tree in trees() {
        let entries = snapshot.reader.len(snapshot.tree(tree)?)?;
        total = entries.saturating_add(total);
    }
    let mut progress = Progress::new(what, Some(total));
    for tree in trees() {
        visit(Step::Tree(tree))?;
        let id = snapshot.tree(tree)?;
        let mut cursor = snapshot
            .reader
            .cursor(id, Bounds::ALL, Direction::Forward)?;
        let mut last: Option<Vec<u8>> = None;
        while let Some((key, value)) = cursor.next_entry()? {
            // Found here and not when the copy is needed.
            match &mut last {
                Some(last) if **last >= *key => return Err(disordered(&tree.shown)),
                Some(last) => {
                    last.clear();
                    last.extend_from_slice(key);
                }
                none => *none = Some(key.to_vec()),
            }
            visit(Step::Entry(key, value))?;
            progress.advance();
        }
    }
    Ok(())
}

/// Looks for entries that the target will not take, before it loses what it holds and gigabytes are written. Reads only trees
/// whose entries may be too large.
fn check_room(snapshot: &Snapshot, room: Room) -> Result<(), Failure> {
    if !room.is_bounded() {
        return Ok(());
    }
    let mut progress = Progress::new("checking", None);
    for tree in snapshot
        .trees
        .iter()
        .filter(|tree| room.may_lack(tree.widths))
    {
        let id = snapshot.tree(tree)?;
        let mut cursor = snapshot
            .reader
            .cursor(id, Bounds::ALL, Direction::Forward)?;
        while let Some((key, value)) = cursor.next_entry()? {
            room.check(&tree.shown, key, value)?;
            progress.advance();
        }
    }
    Ok(())
}

fn disordered(tree: &str) -> Failure {
    NetabaseError::new(
        ErrorKind::Corrupt,
        "the keys of the tree do not ascend, so that no copy of it could be read; check its disk and driver",
    )
    .in_tree(tree.to_owned())
    .into()
}

/// Says what a database was filled with.
pub(crate) fn report(summary: &Summary, json: bool) -> Result<(), Failure> {
    let mut out = lines();
    if json {
        let trees: Vec<_> = summary
            .trees
            .iter()
            .map(|(name, (_, sum))| {
                json!({
                    "name": summary.shown(name), "entries": sum.entries, "xxh3": format!("{:032x}", sum.checksum),
                })
            })
            .collect();
        out.json(&json!({"entries": summary.entries, "trees": trees}))?;
        return Ok(());
    }
    let mut rows = vec![["tree", "entries", "xxh3"].map(String::from).to_vec()];
    for (name, (_, sum)) in &summary.trees {
        rows.push(vec![
            summary.shown(name).to_owned(),
            sum.entries.to_string(),
            format!("{:032x}", sum.checksum),
        ]);
    }
    out.table(&rows, &[1])?;
    out.line(format_args!(
        "{} entries, read back and verified",
        summary.entries
    ))?;
    Ok(())
}
