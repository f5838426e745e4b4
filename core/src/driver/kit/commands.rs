//! Common commands that are made of reads.

use crate::driver::{Bounds, Cursor, Direction, DriverError, ErrorKind, Read, Result};

/// Reads every entry of a tree in both directions, and compares their order and number.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if keys are out of order or numbers differ, or what reading reports.
pub fn check_tree<R: Read>(reader: &R, name: &str) -> Result<()> {
    let forward = count_in_order(reader, name, Direction::Forward)?;
    let backward = count_in_order(reader, name, Direction::Backward)?;
    let counted = reader.len(reader.tree(name)?)?;
    if forward == backward && forward == counted {
        return Ok(());
    }
    Err(damaged(format!(
        "the tree `{name}` has {forward} entries forwards, {backward} backwards, and {counted} by count"
    )))
}

/// The number of entries of a tree, read in this direction and found in order.
fn count_in_order<R: Read>(reader: &R, name: &str, direction: Direction) -> Result<u64> {
    let mut cursor = reader.cursor(reader.tree(name)?, Bounds::ALL, direction)?;
    let mut last = Vec::new();
    let mut entries = 0;
    while let Some((key, _)) = cursor.next_entry()? {
        let in_order = match direction {
            Direction::Forward => *last < *key,
            Direction::Backward => *last > *key,
        };
        if entries > 0 && !in_order {
            return Err(damaged(format!("the tree `{name}` has keys out of order")));
        }
        last.clear();
        last.extend_from_slice(key);
        entries += 1;
    }
    Ok(entries)
}

/// The error for what is stored and is not what the driver stores. `what` says what it is: "the tree `t` has no end".
#[cold]
#[must_use]
pub fn damaged(what: impl std::fmt::Display) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!("{what}; restore the database from a copy"),
    )
}
