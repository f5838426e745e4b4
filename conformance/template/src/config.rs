//! What an opening asks for: each field is honoured or refused, none is ignored.

use netabase_core::driver::kit::options;
use netabase_core::driver::{OpenConfig, Result};

/// Refuses what has no meaning for this engine.
///
/// An engine on disk takes `options::path`, and acts on `create_if_missing` and `truncate`; see `docs/writing-a-driver.md`.
pub(crate) fn check(config: &OpenConfig<'_>) -> Result<()> {
    options::in_memory(config, "this driver")
}
