//! redb's own operations, by name.

use std::borrow::Cow;
use std::fs;

use netabase_core::driver::{DriverError, ErrorKind, Result};
use redb::{ReadableTableMetadata, TableError, TableHandle, TableStats};

use crate::database::RedbDatabase;
use crate::error;
use crate::layout::{Layout, with_member};
use crate::transaction::open_table;

/// Verifies every page and repairs what it can. Reads the whole file, and needs it for itself.
///
/// Answers one byte: 1 if all was well, 0 if something was damaged and has been repaired. What cannot be repaired is
/// `Corrupt`. A repair gives up commits without durability that were not on disk yet.
const CHECK_INTEGRITY: &str = "check_integrity";

/// Moves pages towards the beginning of the file and cuts its end off. Needs the file for itself.
///
/// Answers one byte: 1 if something was moved, 0 if there was nothing to gain.
pub(crate) const COMPACT: &str = "compact";

/// Answers lines of `name=value`, in UTF-8, with decimal numbers: `trees` (that hold something), `entries`,
/// `stored_bytes` (keys and values), `metadata_bytes`, `fragmented_bytes`, `leaf_pages`, `branch_pages`,
/// `tree_height` (of the highest), `file_bytes`. Of one snapshot; reads every page.
const STATS: &str = "stats";

/// Answers once for each tree that holds something, with its name.
const TREE_NAMES: &str = "tree_names";

/// Answers the length of the file in bytes, as a `u64`, little endian.
const SIZE_ON_DISK: &str = "size_on_disk";

/// Every operation, as the manifest lists them.
pub(crate) const COMMANDS: &[Cow<'static, str>] = &[
    Cow::Borrowed(CHECK_INTEGRITY),
    Cow::Borrowed(COMPACT),
    Cow::Borrowed(STATS),
    Cow::Borrowed(TREE_NAMES),
    Cow::Borrowed(SIZE_ON_DISK),
];

/// What takes an operation's answer.
type Output<'a> = &'a mut dyn FnMut(&[u8]);

/// Runs an operation. `output` is called while nothing is held, so it may use the database.
pub(crate) fn run(
    database: &RedbDatabase,
    operation: &str,
    argument: &[u8],
    output: Output<'_>,
) -> Result<()> {
    let operate: fn(&RedbDatabase, Output<'_>) -> Result<()> = match operation {
        CHECK_INTEGRITY => check_integrity,
        COMPACT => compact,
        STATS => stats,
        TREE_NAMES => tree_names,
        SIZE_ON_DISK => size_on_disk,
        _ => return Err(DriverError::unsupported(operation)),
    };
    if !argument.is_empty() {
        return Err(DriverError::new(
            ErrorKind::InvalidInput,
            format!("`{operation}` takes no argument; leave it empty"),
        ));
    }
    operate(database, output)
}

fn check_integrity(database: &RedbDatabase, output: Output<'_>) -> Result<()> {
    let sound = database.alone(CHECK_INTEGRITY, |redb| {
        redb.check_integrity().map_err(error::engine)
    })?;
    output(&[u8::from(sound)]);
    Ok(())
}

fn compact(database: &RedbDatabase, output: Output<'_>) -> Result<()> {
    let compacted = database.alone(COMPACT, |redb| redb.compact().map_err(error::engine))?;
    output(&[u8::from(compacted)]);
    Ok(())
}

fn stats(database: &RedbDatabase, output: Output<'_>) -> Result<()> {
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
    let text = format!(
        "trees={trees}\nentries={entries}\nstored_bytes={stored}\nmetadata_bytes={metadata}\n\
         fragmented_bytes={fragmented}\nleaf_pages={leaves}\nbranch_pages={branches}\ntree_height={height}\n\
         file_bytes={file}\n"
    );
    output(text.as_bytes());
    Ok(())
}

fn tree_names(database: &RedbDatabase, output: Output<'_>) -> Result<()> {
    let mut names = Vec::new();
    for_each_tree(database, |name, _, _| names.push(name.to_owned()))?;
    for name in names {
        output(name.as_bytes());
    }
    Ok(())
}

fn size_on_disk(database: &RedbDatabase, output: Output<'_>) -> Result<()> {
    output(&file_bytes(database)?.to_le_bytes());
    Ok(())
}

fn file_bytes(database: &RedbDatabase) -> Result<u64> {
    fs::metadata(database.path())
        .map(|file| file.len())
        .map_err(|error| error::engine(redb::StorageError::Io(error)))
}

/// Visits each table that holds something and is one of this driver's, in one snapshot: its name, how many entries it has,
/// and its figures.
fn for_each_tree(
    database: &RedbDatabase,
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
