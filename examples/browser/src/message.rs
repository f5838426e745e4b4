//! Errors of the store as sentences for the person in front of the page.

use netabase_store::{ErrorKind, NetabaseError};

/// What happened and what to do about it.
pub fn of(error: &NetabaseError) -> String {
    let advice = match error.kind() {
        ErrorKind::LimitExceeded => {
            "This browser gives the page no more room; nothing was saved. Delete some places, or free space on the device."
        }
        ErrorKind::Locked => {
            "Another tab holds the data and does not let it be upgraded. Close the other tabs of this page, then reload."
        }
        ErrorKind::Closed => {
            "The data was upgraded or deleted in another tab. Reload to go on with what is there now."
        }
        ErrorKind::Conflict | ErrorKind::SnapshotLost => {
            "Another tab changed the data at the same moment; nothing was saved. Try again."
        }
        ErrorKind::SchemaMismatch => {
            "The data is of another version of this page. Close its other tabs, then reload."
        }
        ErrorKind::Unsupported => {
            "This browser does not let the page keep data. Private windows may refuse it."
        }
        _ => "The browser could not read or save the data.",
    };
    format!("{advice} ({error})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_browser_is_told_apart_from_an_upgrade_elsewhere() {
        let full = of(&NetabaseError::new(ErrorKind::LimitExceeded, "quota"));
        assert!(full.contains("room") && full.contains("quota"));
        let closed = of(&NetabaseError::new(ErrorKind::Closed, "upgraded"));
        assert!(closed.contains("Reload") && !closed.contains("room"));
        let blocked = of(&NetabaseError::new(ErrorKind::Locked, "blocked"));
        assert!(blocked.contains("Close the other tabs"));
    }
}
