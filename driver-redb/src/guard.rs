//! Values that are pinned to their read transaction.

use std::fmt;

use redb::AccessGuard;

use crate::layout::{Bytes, VARIES};

/// A value in redb's own page, for as long as its read transaction lives.
pub struct RedbGuard<'t>(Guard<'t>);

/// By the width of the values of the tree.
enum Guard<'t> {
    Varying(AccessGuard<'t, Bytes<VARIES>>),
    Empty(AccessGuard<'t, Bytes<0>>),
    Eight(AccessGuard<'t, Bytes<8>>),
}

impl<'t> From<AccessGuard<'t, Bytes<VARIES>>> for RedbGuard<'t> {
    #[inline]
    fn from(guard: AccessGuard<'t, Bytes<VARIES>>) -> Self {
        Self(Guard::Varying(guard))
    }
}

impl<'t> From<AccessGuard<'t, Bytes<0>>> for RedbGuard<'t> {
    #[inline]
    fn from(guard: AccessGuard<'t, Bytes<0>>) -> Self {
        Self(Guard::Empty(guard))
    }
}

impl<'t> From<AccessGuard<'t, Bytes<8>>> for RedbGuard<'t> {
    #[inline]
    fn from(guard: AccessGuard<'t, Bytes<8>>) -> Self {
        Self(Guard::Eight(guard))
    }
}

impl AsRef<[u8]> for RedbGuard<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Guard::Varying(guard) => guard.value(),
            Guard::Empty(guard) => guard.value(),
            Guard::Eight(guard) => guard.value(),
        }
    }
}

impl fmt::Debug for RedbGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedbGuard").field(&self.as_ref()).finish()
    }
}
