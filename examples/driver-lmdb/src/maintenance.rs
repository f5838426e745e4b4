//! LMDB's own operations, by name.

use netabase_core::driver::command::{CheckIntegrity, SizeOnDisk, Stats, TreeNames, WasRecovered};
use netabase_core::driver::kit::commands::check_tree;
use netabase_core::driver::{Database, Result};

use crate::database::LmdbDatabase;

netabase_core::commands! {
    pub(crate) const COMMANDS;
    pub(crate) fn run(database: &LmdbDatabase);
    TreeNames => tree_names(database),
    SizeOnDisk => database.shared().data().len(),
    WasRecovered => Ok(database.was_recovered()),
    CheckIntegrity => check_integrity(database),
    Stats => stats(database),
}

/// Of one snapshot.
fn tree_names(database: &LmdbDatabase) -> Result<Vec<String>> {
    let trees = database.begin_read()?.all_trees()?;
    Ok(trees
        .into_iter()
        .filter(|(_, record)| record.entries > 0)
        .map(|(name, _)| name)
        .collect())
}

/// Reads every entry in both directions and compares their order and number. LMDB has no checksums: a value that was
/// damaged on disk passes, and damage of LMDB's pages may end the process, as with every read. What is damaged is
/// `Corrupt`.
fn check_integrity(database: &LmdbDatabase) -> Result<bool> {
    let reader = database.begin_read()?;
    for (name, _) in reader.all_trees()? {
        check_tree(&reader, &name)?;
    }
    Ok(true)
}

/// Lines of `name=value`, with decimal numbers: `trees` (that hold something), `entries`, `page_bytes`, `leaf_pages`,
/// `branch_pages`, `overflow_pages`, `tree_height`, `last_page`, `map_bytes`, `file_bytes`, `readers`, `max_readers`.
fn stats(database: &LmdbDatabase) -> Result<String> {
    let shared = database.shared();
    let reader = database.begin_read()?;
    let (mut trees, mut entries) = (0_u64, 0_u64);
    for (_, record) in reader.all_trees()? {
        trees += u64::from(record.entries > 0);
        entries += record.entries;
    }
    let pages = reader.statistics()?;
    drop(reader);
    let env = shared.env().info();
    Ok(format!(
        "trees={trees}\nentries={entries}\npage_bytes={}\nleaf_pages={}\nbranch_pages={}\noverflow_pages={}\n\
         tree_height={}\nlast_page={}\nmap_bytes={}\nfile_bytes={}\nreaders={}\nmax_readers={}\n",
        pages.page_size,
        pages.leaf_pages,
        pages.branch_pages,
        pages.overflow_pages,
        pages.depth,
        env.last_page_number,
        env.map_size,
        shared.data().len()?,
        env.number_of_readers,
        env.maximum_number_of_readers,
    ))
}
