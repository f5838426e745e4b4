//! LMDB's own operations, by name.

use std::borrow::Cow;

use netabase_core::driver::kit::commands::check_tree;
use netabase_core::driver::{Database, DriverError, ErrorKind, Result};

use crate::database::LmdbDatabase;

/// Answers once for each tree that holds something, with its name. Of one snapshot.
const TREE_NAMES: &str = "tree_names";

/// Answers the length of the data file in bytes, as a `u64`, little endian.
const SIZE_ON_DISK: &str = "size_on_disk";

/// Answers one byte: 1 if the database was there when it was opened, 0 if it was created then.
const WAS_RECOVERED: &str = "was_recovered";

/// Reads every entry in both directions and compares their order and number. LMDB has no checksums: a value that was
/// damaged on disk passes, and damage of LMDB's pages may end the process, as with every read.
///
/// Answers one byte, 1: all was well. What is damaged is `Corrupt`.
const CHECK_INTEGRITY: &str = "check_integrity";

/// Answers lines of `name=value`, in UTF-8, with decimal numbers: `trees` (that hold something), `entries`, `page_bytes`,
/// `leaf_pages`, `branch_pages`, `overflow_pages`, `tree_height`, `last_page`, `map_bytes`, `file_bytes`, `readers`,
/// `max_readers`.
const STATS: &str = "stats";

/// Every operation, as the manifest lists them.
pub(crate) const COMMANDS: &[Cow<'static, str>] = &[
    Cow::Borrowed(TREE_NAMES),
    Cow::Borrowed(SIZE_ON_DISK),
    Cow::Borrowed(WAS_RECOVERED),
    Cow::Borrowed(CHECK_INTEGRITY),
    Cow::Borrowed(STATS),
];

/// What takes an operation's answer.
type Output<'a> = &'a mut dyn FnMut(&[u8]);

/// Runs an operation. `output` is called while nothing is held, so it may use the database.
pub(crate) fn run(
    database: &LmdbDatabase,
    operation: &str,
    argument: &[u8],
    output: Output<'_>,
) -> Result<()> {
    let operate: fn(&LmdbDatabase, Output<'_>) -> Result<()> = match operation {
        TREE_NAMES => tree_names,
        SIZE_ON_DISK => size_on_disk,
        WAS_RECOVERED => was_recovered,
        CHECK_INTEGRITY => check_integrity,
        STATS => stats,
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

fn tree_names(database: &LmdbDatabase, output: Output<'_>) -> Result<()> {
    let trees = database.begin_read()?.all_trees()?;
    for (name, record) in trees {
        if record.entries > 0 {
            output(name.as_bytes());
        }
    }
    Ok(())
}

fn size_on_disk(database: &LmdbDatabase, output: Output<'_>) -> Result<()> {
    output(&database.shared().data().len()?.to_le_bytes());
    Ok(())
}

fn was_recovered(database: &LmdbDatabase, output: Output<'_>) -> Result<()> {
    output(&[u8::from(database.was_recovered())]);
    Ok(())
}

fn check_integrity(database: &LmdbDatabase, output: Output<'_>) -> Result<()> {
    let reader = database.begin_read()?;
    for (name, _) in reader.all_trees()? {
        check_tree(&reader, &name)?;
    }
    drop(reader);
    output(&[1]);
    Ok(())
}

fn stats(database: &LmdbDatabase, output: Output<'_>) -> Result<()> {
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
    let text = format!(
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
    );
    output(text.as_bytes());
    Ok(())
}
