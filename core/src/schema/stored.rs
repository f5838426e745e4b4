//! What a database records, as it is read by programs that have its models and by those that do not.

use std::collections::BTreeMap;

use super::record::{CHECKSUMS, INCOMPLETE_KEY, SCHEMA_KEY, SCHEMA_TREE, Schema};
use crate::driver::Read;
use crate::error::{ErrorKind, NetabaseError};

/// What this release keeps up when it writes.
const KNOWN: &[&str] = &[CHECKSUMS];

/// The schema record of a database; `None` if it has none.
///
/// # Errors
/// As [`Schema::parse`], or an error of the engine.
pub fn read(reader: &impl Read) -> Result<Option<Schema>, NetabaseError> {
    let tree = reader.tree(SCHEMA_TREE)?;
    reader.get(tree, SCHEMA_KEY, Schema::parse)?.transpose()
}

/// Refuses to write to a database that requires of its writers what this release does not know.
///
/// # Errors
/// [`SchemaMismatch`](ErrorKind::SchemaMismatch), naming it.
pub fn check_writable(schema: &Schema) -> Result<(), NetabaseError> {
    let unknown = |name: &&String| !KNOWN.contains(&name.as_str());
    match schema.requires.iter().find(unknown) {
        None => Ok(()),
        Some(name) => Err(NetabaseError::new(
            ErrorKind::SchemaMismatch,
            format!(
                "a program that writes to this database must keep up its `{name}`, which this release does not know; use a newer \
                 release, or open it `read_only`"
            ),
        )),
    }
}

/// The names that people know these trees by, in order.
pub(crate) fn shown_names(schema: Option<&Schema>, names: Vec<String>) -> Vec<String> {
    let shown: BTreeMap<_, _> = (schema.into_iter().flat_map(Schema::model_trees))
        .map(|(name, shown, _)| (name, shown))
        .collect();
    let mut names: Vec<String> = (names.into_iter())
        .map(|name| shown.get(&name).cloned().unwrap_or(name))
        .collect();
    names.sort_unstable();
    names
}

/// Refuses a database that a copy did not fill to its end.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if it has the [mark](INCOMPLETE_KEY), or an error of the engine.
pub fn check_complete(reader: &impl Read) -> Result<(), NetabaseError> {
    let schema = reader.tree(SCHEMA_TREE)?;
    match reader.get(schema, INCOMPLETE_KEY, |origin| {
        String::from_utf8_lossy(origin).into_owned()
    })? {
        None => Ok(()),
        Some(origin) => Err(NetabaseError::new(
            ErrorKind::Corrupt,
            format!(
                "the database is incomplete: filling it by `{origin}` was interrupted, or is under way; empty it, and fill \
                 it again"
            ),
        )),
    }
}
