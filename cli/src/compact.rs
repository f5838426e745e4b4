//! `netabase compact`: the engine's own compaction, with the size before and after.

use std::io::{self, Write as _};

use serde_json::json;

use crate::Status;
use crate::arguments::Compact;
use crate::database::{Store, open_existing};
use crate::failure::Failure;

pub(crate) fn run(arguments: &Compact) -> Result<Status, Failure> {
    let store = open_existing(&arguments.url)?;
    let before = size(&store);
    let mut smaller = false;
    store.command("compact", &[], &mut |answer| smaller = answer == [1])?;
    let after = size(&store);
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(
            out,
            "{}",
            json!({"smaller": smaller, "bytes_before": before, "bytes_after": after})
        )?;
        return Ok(Status::Fine);
    }
    let shown = |size: Option<u64>| size.map_or("unknown".into(), |size| format!("{size} bytes"));
    let verdict = if smaller { "smaller" } else { "not smaller" };
    writeln!(out, "{verdict}: {} to {}", shown(before), shown(after))?;
    Ok(Status::Fine)
}

/// The size on disk; a driver that cannot tell has none.
fn size(store: &Store) -> Option<u64> {
    let mut size = None;
    store
        .command("size_on_disk", &[], &mut |bytes| {
            size = bytes.try_into().ok().map(u64::from_le_bytes);
        })
        .ok()?;
    size
}
