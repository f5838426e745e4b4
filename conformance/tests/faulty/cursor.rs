//! The defects of cursors.

use std::ops::Bound::{Excluded, Included};

use conformance_hooked::{CursorHooks, Inner};
use netabase_core::driver::{AnyCursor, Bounds, Cursor, Direction, Result, TreeId};

use super::{Fault, State, signed};

/// A cursor of a faulty driver.
pub(crate) struct FaultyCursor<'t> {
    fault: Fault,
    reopen: Box<dyn Fn() -> Result<AnyCursor<'t>> + 't>,
    /// A cursor without bounds, for the defect that seeks beyond them.
    boundless: AnyCursor<'t>,
    steps: usize,
    ended: bool,
    /// The entry that it shows instead of the current one.
    shown: Option<(Vec<u8>, Vec<u8>)>,
}

impl<'t> FaultyCursor<'t> {
    pub(super) fn open(
        state: &State,
        reader: &'t impl Inner,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<(AnyCursor<'t>, Self)> {
        let Bounds {
            mut lower,
            mut upper,
        } = bounds;
        match (state.fault, lower, upper) {
            (Fault::ExcludedLowerIsIncluded, Excluded(key), _) => lower = Included(key),
            (Fault::ExcludedUpperIsIncluded, _, Excluded(key)) => upper = Included(key),
            (Fault::IncludedUpperIsExcluded, _, Included(key)) => upper = Excluded(key),
            _ => {}
        }
        let lower = lower.map(|key| state.stored_key(key).into_owned());
        let upper = upper.map(|key| state.stored_key(key).into_owned());
        let reopen = move || {
            let bounds = Bounds {
                lower: lower.as_ref().map(Vec::as_slice),
                upper: upper.as_ref().map(Vec::as_slice),
            };
            reader.cursor(tree, bounds, direction)
        };
        let cursor = reopen()?;
        let hooks = Self {
            fault: state.fault,
            reopen: Box::new(reopen),
            boundless: reader.cursor(tree, Bounds::ALL, direction)?,
            steps: 0,
            ended: false,
            shown: None,
        };
        Ok((cursor, hooks))
    }
}

impl<'t> CursorHooks<'t> for FaultyCursor<'t> {
    fn advance(&mut self, inner: &mut AnyCursor<'t>) -> Result<bool> {
        self.steps += 1;
        if self.fault == Fault::CursorStartsAgain && self.ended {
            *inner = (self.reopen)()?;
        }
        let early = self.fault == Fault::CursorEndsEarly && self.steps > 1_000;
        let found = match inner.advance() {
            _ if early => false,
            Err(_) if self.fault == Fault::CursorEndsAtAnError => false,
            found => found?,
        };
        self.ended = !found;
        match self.fault {
            Fault::CursorEndsEarly if early => self.shown = Some((Vec::new(), Vec::new())),
            Fault::CopiesInCursors | Fault::CursorKeepsItsLastEntry if found => {
                self.shown = Some((inner.key().to_vec(), inner.value().to_vec()));
            }
            Fault::OrdersBytesAsSigned => {
                self.shown = Some((signed(inner.key()), inner.value().to_vec()));
            }
            Fault::CopiesInCursors => self.shown = None,
            _ => {}
        }
        Ok(found)
    }

    fn key<'c>(&'c self, inner: &'c AnyCursor<'t>) -> &'c [u8] {
        match &self.shown {
            Some((key, _)) => key,
            None => inner.key(),
        }
    }

    fn value<'c>(&'c self, inner: &'c AnyCursor<'t>) -> &'c [u8] {
        match &self.shown {
            Some((_, value)) => value,
            None => inner.value(),
        }
    }

    fn seek(&mut self, inner: &mut AnyCursor<'t>, key: &[u8]) -> Result<()> {
        self.ended = false;
        match self.fault {
            Fault::SeekIgnoresBounds => {
                std::mem::swap(inner, &mut self.boundless);
                inner.seek(key)
            }
            Fault::OrdersBytesAsSigned => inner.seek(&signed(key)),
            Fault::SeekSkipsTheKeyItself => {
                inner.seek(key)?;
                inner.advance()?;
                if inner.key() != key {
                    inner.seek(key)?;
                }
                Ok(())
            }
            _ => inner.seek(key),
        }
    }
}
