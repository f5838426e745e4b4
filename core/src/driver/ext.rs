//! What follows from the contract: written once here, for every driver, and not to be overridden.

use std::ops::ControlFlow;

use super::{Bounds, Cursor, Direction, Read, Result, TreeId};

/// Reads that are made of the contract's own.
pub trait ReadExt: Read {
    /// Whether there is an entry under `key`. One descent; the value is not read.
    ///
    /// # Errors
    /// What [`Read::get`] reports.
    #[inline]
    fn contains(&self, tree: TreeId, key: &[u8]) -> Result<bool> {
        Ok(self.get(tree, key, |_| ())?.is_some())
    }

    /// Hands the first entry within `bounds`, seen from `direction`, to `visit`.
    ///
    /// # Errors
    /// What [`Read::cursor`] and [`Cursor::advance`] report.
    #[inline]
    fn first<T>(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        visit: impl FnOnce(&[u8], &[u8]) -> T,
    ) -> Result<Option<T>> {
        let mut cursor = self.cursor(tree, bounds, direction)?;
        Ok(if cursor.advance()? {
            Some(visit(cursor.key(), cursor.value()))
        } else {
            None
        })
    }

    /// Hands the entries within `bounds` to `visit`, in the order of `direction`, until it breaks.
    ///
    /// # Errors
    /// What [`Read::cursor`] and [`Cursor::advance`] report.
    fn scan<B>(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<B>,
    ) -> Result<Option<B>> {
        let mut cursor = self.cursor(tree, bounds, direction)?;
        while cursor.advance()? {
            if let ControlFlow::Break(result) = visit(cursor.key(), cursor.value()) {
                return Ok(Some(result));
            }
        }
        Ok(None)
    }
}

impl<R: Read + ?Sized> ReadExt for R {}
