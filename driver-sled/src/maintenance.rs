//! sled's own operations, by name.

use std::sync::Arc;

use netabase_core::driver::command::{
    CheckIntegrity, Flush, GenerateId, SizeOnDisk, TemporaryBytes, TreeNames, WasRecovered,
};
use netabase_core::driver::ext::ReadExt;
use netabase_core::driver::kit::commands::check_tree;
use netabase_core::driver::{Bounds, Direction, Read, Result};

use crate::engine::Shared;
use crate::error;
use crate::transaction::SledReader;

netabase_core::commands! {
    pub(crate) const COMMANDS;
    pub(crate) fn run(database: &Arc<Shared>);
    Flush => database.flush().map(|bytes| bytes as u64),
    // The numbers ascend and have gaps.
    GenerateId => {
        database.check_writable()?;
        database.engine().generate_id().map_err(error::engine)
    },
    SizeOnDisk => database.engine().size_on_disk().map_err(error::engine),
    WasRecovered => Ok(database.engine().was_recovered()),
    TreeNames => tree_names(database),
    CheckIntegrity => check_integrity(database),
    TemporaryBytes => Ok(database.copied_bytes()),
}

/// Of one snapshot.
fn tree_names(database: &Arc<Shared>) -> Result<Vec<String>> {
    let reader = SledReader::begin(Arc::clone(database));
    let mut names = Vec::new();
    for name in database.names() {
        let tree = reader.tree(&name)?;
        let first = reader.first(tree, Bounds::ALL, Direction::Forward, |_, _| ())?;
        names.extend(first.map(|()| name.into()));
    }
    Ok(names)
}

/// Reads every entry in both directions and compares their order and number. sled verifies the checksum of each page
/// that it reads from disk. What is damaged is `Corrupt`.
fn check_integrity(database: &Arc<Shared>) -> Result<bool> {
    let reader = SledReader::begin(Arc::clone(database));
    for name in database.names() {
        check_tree(&reader, &name)?;
    }
    Ok(true)
}
