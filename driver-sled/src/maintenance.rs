//! sled's own operations, by name.

use std::borrow::Cow;

use netabase_core::driver::{
    Bounds, Cursor, Direction, DriverError, ErrorKind, Read, Result, TreeId,
};

use crate::database::SledDatabase;
use crate::error;
use crate::transaction::SledReader;

/// Puts everything that was committed on disk, also what was committed without durability.
///
/// Answers the number of bytes that were written for it, as a `u64`, little endian.
const FLUSH: &str = "flush";

/// Answers a number that this database never gave before and will never give again, as a `u64`, little endian. The
/// numbers ascend and have gaps.
const GENERATE_ID: &str = "generate_id";

/// Answers the length of the database's files in bytes, as a `u64`, little endian.
const SIZE_ON_DISK: &str = "size_on_disk";

/// Answers one byte: 1 if the database was there when it was opened, 0 if it was created then.
const WAS_RECOVERED: &str = "was_recovered";

/// Answers once for each tree that holds something, with its name. Of one snapshot.
const TREE_NAMES: &str = "tree_names";

/// Reads every entry in both directions and compares their order and number. sled verifies the checksum of each page
/// that it reads from disk.
///
/// Answers one byte, 1: all was well. What is damaged is `Corrupt`.
const CHECK_INTEGRITY: &str = "check_integrity";

/// Every operation, as the manifest lists them.
pub(crate) const COMMANDS: &[Cow<'static, str>] = &[
    Cow::Borrowed(FLUSH),
    Cow::Borrowed(GENERATE_ID),
    Cow::Borrowed(SIZE_ON_DISK),
    Cow::Borrowed(WAS_RECOVERED),
    Cow::Borrowed(TREE_NAMES),
    Cow::Borrowed(CHECK_INTEGRITY),
];

/// What takes an operation's answer.
type Output<'a> = &'a mut dyn FnMut(&[u8]);

/// Runs an operation. `output` is called while nothing is held, so it may use the database.
pub(crate) fn run(
    database: &SledDatabase,
    operation: &str,
    argument: &[u8],
    output: Output<'_>,
) -> Result<()> {
    let operate: fn(&SledDatabase, Output<'_>) -> Result<()> = match operation {
        FLUSH => flush,
        GENERATE_ID => generate_id,
        SIZE_ON_DISK => size_on_disk,
        WAS_RECOVERED => was_recovered,
        TREE_NAMES => tree_names,
        CHECK_INTEGRITY => check_integrity,
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

fn flush(database: &SledDatabase, output: Output<'_>) -> Result<()> {
    output(&database.flush()?.to_le_bytes());
    Ok(())
}

fn generate_id(database: &SledDatabase, output: Output<'_>) -> Result<()> {
    let id = database.engine().generate_id().map_err(error::engine)?;
    output(&id.to_le_bytes());
    Ok(())
}

fn size_on_disk(database: &SledDatabase, output: Output<'_>) -> Result<()> {
    let bytes = database.engine().size_on_disk().map_err(error::engine)?;
    output(&bytes.to_le_bytes());
    Ok(())
}

fn was_recovered(database: &SledDatabase, output: Output<'_>) -> Result<()> {
    output(&[u8::from(database.engine().was_recovered())]);
    Ok(())
}

fn tree_names(database: &SledDatabase, output: Output<'_>) -> Result<()> {
    let reader = database.reader();
    let mut names = database.names();
    let mut failure = None;
    names.retain(|name| {
        let holds_something = reader.tree(name).and_then(|tree| {
            reader
                .cursor(tree, Bounds::ALL, Direction::Forward)?
                .advance()
        });
        holds_something.unwrap_or_else(|error| {
            failure = Some(error);
            false
        })
    });
    drop(reader);
    if let Some(error) = failure {
        return Err(error);
    }
    for name in names {
        output(name.as_bytes());
    }
    Ok(())
}

fn check_integrity(database: &SledDatabase, output: Output<'_>) -> Result<()> {
    let reader = database.reader();
    for name in database.names() {
        let tree = reader.tree(&name)?;
        let forward = check_order(&reader, tree, &name, Direction::Forward)?;
        let backward = check_order(&reader, tree, &name, Direction::Backward)?;
        let counted = reader.len(tree)?;
        if forward != backward || forward != counted {
            return Err(damaged(
                &name,
                &format!(
                    "has {forward} entries forwards, {backward} backwards, and {counted} by count"
                ),
            ));
        }
    }
    drop(reader);
    output(&[1]);
    Ok(())
}

/// The number of entries of a tree, read in this direction and found in order.
fn check_order(reader: &SledReader, tree: TreeId, name: &str, direction: Direction) -> Result<u64> {
    let mut cursor = reader.cursor(tree, Bounds::ALL, direction)?;
    let mut last: Option<Vec<u8>> = None;
    let mut entries = 0;
    while cursor.advance()? {
        let key = cursor.key();
        let in_order = last.as_deref().is_none_or(|last| match direction {
            Direction::Forward => last < key,
            Direction::Backward => last > key,
        });
        if !in_order {
            return Err(damaged(name, "has keys out of order"));
        }
        let last = last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
        entries += 1;
    }
    Ok(entries)
}

fn damaged(name: &str, what: &str) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!("the tree `{name}` {what}; restore the database from a copy"),
    )
}
