//! redb's own commands.

use std::fs;

use netabase_core::driver::command::{CheckIntegrity, Compact, SizeOnDisk, Stats, TreeNames};
use netabase_core::driver::{Command as _, Result};
use redb::{ReadableTableMetadata, TableError, TableHandle, TableStats};

use crate::engine::SharedEngine;
use crate::error;
use crate::layout::{Layout, with_member};
use crate::tables::open_table;

netabase_core::commands! {
    pub(crate) const COMMANDS;
    pub(crate) fn run(database: &SharedEngine);
    CheckIntegrity => check_integrity(database),
    Compact => compact(database),
    Stats => stats(database),
    TreeNames => tree_names(database),
    SizeOnDisk => file_bytes(database),
}

/// Verifies every page and repairs what it can. Reads the whole file, and needs it for itself. What cannot be repaired is
/// `Corrupt`. A repair gives up commits without durability that were not on disk yet.
fn check_integrity(database: &SharedEngine) -> Result<bool> {
    database.alone(CheckIntegrity::NAME, false, |redb| {
        redb.check_integrity().map_err(error::engine)
    })
}

/// Moves pages towards the beginning of the file and cuts its end off. Needs the file for itself.
fn compact(database: &SharedEngine) -> Result<bool> {
    let before = file_bytes(database)?;
    // redb says whether it moved a page, and cuts the end off without that as well.
    database.alone(Compact::NAME, true, |redb| {
        redb.compact().map_err(error::engine)
    })?;
    Ok(file_bytes(database)? < before)
}

/// Lines of `name=value`, with decimal numbers: `trees` (that hold something), `entries`, `stored_bytes` (keys and
/// values), `metadata_bytes`, `fragmented_bytes`, `leaf_pages`, `branch_pages`, `tree_height` (of the highest),
/// `file_bytes`. Of one snapshot; reads every page.
fn stats(database: &SharedEngine) -> Result<String> {
    let (mut trees, mut entries, mut stored, mut metadata, mut fragmented) = (0_u64, 0, 0, 0, 0);
    let (mut leaves, mut branches, mut height) = (0, 0, 0);
    for_each_tree(database, |_, length, of_table| {
        trees += 1;
        entries += length;
        stored += of_table.stored_bytes();
        metadata += of_table.metadata_bytes();
        fragmented += of_table.fragmented_bytes();
        leaves += of_table.leaf_pages();
        branches += of_table.branch_pages();
        height = height.max(of_table.tree_height());
    })?;
    let file = file_bytes(database)?;
    Ok(format!(
        "trees={trees}\nentries={entries}\nstored_bytes={stored}\nmetadata_bytes={metadata}\n\
         fragmented_bytes={fragmented}\nleaf_pages={leaves}\nbranch_pages={branches}\ntree_height={height}\n\
         file_bytes={file}\n"
    ))
}

fn tree_names(database: &SharedEngine) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for_each_tree(database, |name, _, _| names.push(name.to_owned()))?;
    Ok(names)
}

fn file_bytes(database: &SharedEngine) -> Result<u64> {
    fs::metadata(database.path())
        .map(|file| file.len())
        .map_err(|error| error::engine(redb::StorageError::Io(error)))
}

/// Visits each table that holds something and is one of this driver's, in one snapshot: its name, how many entries it has,
/// and its figures.
fn for_each_tree(
    database: &SharedEngine,
    mut visit: impl FnMut(&str, u64, &TableStats),
) -> Result<()> {
    // Held for as long as its transaction: redb ends the transactions of a database that goes before them.
    let (_engine, transaction) = database.begin_own(|engine| {
        let transaction = error::call(|| engine.begin_read())?;
        Ok((engine, transaction))
    })?;
    error::caught(|| {
        for handle in transaction.list_tables().map_err(error::engine)? {
            let table = match open_table(&transaction, handle.name(), Layout::Varying) {
                Ok(table) => table,
                Err(
                    TableError::TableTypeMismatch { .. } | TableError::TypeDefinitionChanged { .. },
                ) => continue,
                Err(error) => return Err(error::engine(error)),
            };
            with_member!(table, table => {
                let length = table.len().map_err(error::engine)?;
                if length > 0 {
                    visit(handle.name(), length, &table.stats().map_err(error::engine)?);
                }
            });
        }
        Ok(())
    })?
}
