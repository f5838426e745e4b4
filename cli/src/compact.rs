//! `netabase compact`: the engine's own compaction, with the size before and after.

use netabase_store::driver::command;
use serde_json::json;

use crate::arguments::OneDatabase;
use crate::database::{Store, open_existing};
use crate::failure::Failure;
use crate::output::lines;
use crate::status::Status;

pub(crate) fn run(arguments: &OneDatabase) -> Result<Status, Failure> {
    let store = open_existing(&arguments.url)?;
    let before = size(&store);
    let smaller = store.run(&command::Compact)?;
    let after = size(&store);
    let mut out = lines();
    if arguments.json {
        out.json(&json!({"smaller": smaller, "bytes_before": before, "bytes_after": after}))?;
        return Ok(Status::Fine);
    }
    let shown = |size: Option<u64>| size.map_or("unknown".into(), |size| format!("{size} bytes"));
    let verdict = if smaller { "smaller" } else { "not smaller" };
    out.line(format_args!(
        "{verdict}: {} to {}",
        shown(before),
        shown(after)
    ))?;
    Ok(Status::Fine)
}

/// The size on disk; a driver that cannot tell has none.
pub(crate) fn size(store: &Store) -> Option<u64> {
    store.run(&command::SizeOnDisk).ok()
}
