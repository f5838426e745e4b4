//! sled's own operations, by name.

use std::borrow::Cow;
use std::sync::Arc;

use netabase_core::driver::ext::ReadExt;
use netabase_core::driver::kit::commands::check_tree;
use netabase_core::driver::{Bounds, Direction, DriverError, ErrorKind, Read, Result};

use crate::engine::Shared;
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
    database: &Arc<Shared>,
    operation: &str,
    argument: &[u8],
    output: Output<'_>,
) -> Result<()> {
    let operate: fn(&Arc<Shared>, Output<'_>) -> Result<()> = match operation {
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

fn flush(database: &Arc<Shared>, output: Output<'_>) -> Result<()> {
    let bytes = database.flush()? as u64;
    output(&bytes.to_le_bytes());
    Ok(())
}

fn generate_id(database: &Arc<Shared>, output: Output<'_>) -> Result<()> {
    let id = database.engine().generate_id().map_err(error::engine)?;
    output(&id.to_le_bytes());
    Ok(())
}

fn size_on_disk(database: &Arc<Shared>, output: Output<'_>) -> Result<()> {
    let bytes = database.engine().size_on_disk().map_err(error::engine)?;
    output(&bytes.to_le_bytes());
    Ok(())
}

fn was_recovered(database: &Arc<Shared>, output: Output<'_>) -> Result<()> {
    output(&[u8::from(database.engine().was_recovered())]);
    Ok(())
}

fn tree_names(database: &Arc<Shared>, output: Output<'_>) -> Result<()> {
    let reader = SledReader::begin(Arc::clone(database));
    let mut names = Vec::new();
    for name in database.names() {
        let tree = reader.tree(&name)?;
        let first = reader.first(tree, Bounds::ALL, Direction::Forward, |_, _| ())?;
        names.extend(first.map(|()| name));
    }
    drop(reader);
    for name in names {
        output(name.as_bytes());
    }
    Ok(())
}

fn check_integrity(database: &Arc<Shared>, output: Output<'_>) -> Result<()> {
    let reader = SledReader::begin(Arc::clone(database));
    for name in database.names() {
        check_tree(&reader, &name)?;
    }
    drop(reader);
    output(&[1]);
    Ok(())
}
