//! What an opening asks for: each field is honoured or refused, none is ignored.

use netabase_core::driver::{DriverError, ErrorKind, OpenConfig, Result};

/// Refuses what has no meaning for this engine.
///
/// An engine on disk takes `config.location.as_path()`, and acts on `create_if_missing` and `truncate`; see `docs/writing-a-driver.md`.
pub(crate) fn check(config: &OpenConfig<'_>) -> Result<()> {
    if let Some((name, _)) = config.options.first() {
        return Err(invalid(format!(
            "there is no option `{name}`; this driver has none"
        )));
    }
    if !config.location.is_empty() {
        return Err(invalid("nothing is kept on disk; leave the location empty"));
    }
    if config.read_only {
        return Err(unsupported(
            "a database that begins empty cannot be opened read-only",
        ));
    }
    if config.cache_bytes.is_some() {
        return Err(unsupported(
            "everything is in memory; leave the cache's size open",
        ));
    }
    if !config.create_if_missing {
        return Err(DriverError::new(
            ErrorKind::NotFound,
            "no database is there before it is opened; set `create_if_missing`",
        ));
    }
    Ok(())
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> DriverError {
    DriverError::new(ErrorKind::InvalidInput, message)
}

fn unsupported(message: &'static str) -> DriverError {
    DriverError::new(ErrorKind::Unsupported, message)
}
