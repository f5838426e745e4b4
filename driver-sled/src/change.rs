//! A change of one entry.

use std::collections::BTreeMap;

use sled::IVec;

/// A key's value before a transaction and after it; `None` where there is none.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) before: Option<IVec>,
    pub(crate) after: Option<IVec>,
}

/// Changes by key.
pub(crate) type Changes = BTreeMap<IVec, Change>;
