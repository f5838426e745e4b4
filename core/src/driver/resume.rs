//! A cursor that survives writes: it keeps a position, not a borrow, and reads ahead in batches.

use super::kit::bounds::CursorBounds;
use super::{Bounds, Cursor, Direction, Read, Result, Resume, TreeId};

/// Entries of the first batch after an opening, a seek or a write.
const FIRST_BATCH: usize = 4;
/// Entries of the largest batch.
const LARGEST_BATCH: usize = 256;
/// A batch takes no further entry once it holds this many bytes.
const BATCH_BYTES: usize = 64 * 1024;

/// A cursor over a transaction that may write between two steps.
///
/// A [`Cursor`] borrows its transaction, so that nothing can be written while it is open. This one borrows nothing: it
/// is handed the transaction at each step, and shows the state at that step. It gives each time the first entry
/// strictly after the last key that it gave; what was inserted ahead is seen, what was removed is not.
///
/// It reads ahead into a buffer of its own. `generation` tells it when to throw that away: a caller passes the same
/// number for as long as the transaction was not written to, such as
/// [`CheckedWriter::generation`](super::checked::CheckedWriter::generation), or any constant over a read transaction.
///
/// # Cost
/// A step copies one entry. Every 4th, then 8th, up to 256th step opens a cursor of the engine, which is one descent;
/// after a write it begins with 4 again. The buffer holds up to 64 KiB and one entry.
///
/// # Examples
/// ```
/// use netabase_core::driver::{Bounds, Direction, DriverError, ResumingCursor, TreeId, Write};
///
/// fn double_all<W: Write>(transaction: &mut W, tree: TreeId) -> Result<(), DriverError> {
///     let mut cursor = ResumingCursor::new(tree, Bounds::ALL, Direction::Forward);
///     let mut generation = 0;
///     while cursor.advance(transaction, generation)? {
///         let twice = [cursor.value(), cursor.value()].concat();
///         transaction.put(tree, cursor.key(), &twice, |_| ())?;
///         generation += 1;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct ResumingCursor {
    tree: TreeId,
    bounds: CursorBounds,
    direction: Direction,
    /// Where the next batch begins, unless the current entry says it.
    start: Start,
    start_key: Vec<u8>,
    batch: Batch,
    /// The number of entries in the next batch.
    batch_size: usize,
    /// The state of the transaction that the batch shows.
    generation: u64,
    /// Nothing follows the batch in the state that it shows.
    batch_is_last: bool,
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Bounds,
    Key(Resume),
}

impl ResumingCursor {
    /// A cursor before the first entry of `direction` within `bounds`.
    #[must_use]
    pub fn new(tree: TreeId, bounds: Bounds<'_>, direction: Direction) -> Self {
        Self {
            tree,
            bounds: bounds.into(),
            direction,
            start: Start::Bounds,
            start_key: Vec::new(),
            batch: Batch::default(),
            batch_size: FIRST_BATCH,
            generation: 0,
            batch_is_last: false,
            ended: false,
        }
    }

    /// The tree that it moves over.
    #[must_use]
    pub fn tree(&self) -> TreeId {
        self.tree
    }

    /// Moves to the next entry as `reader` shows it now; `false` when there is none. After `false` or an error the
    /// cursor stays at its end, until a [`seek`](Self::seek).
    ///
    /// # Errors
    /// What [`Read::cursor`] and [`Cursor::advance`] report.
    #[inline]
    pub fn advance<R: Read>(&mut self, reader: &R, generation: u64) -> Result<bool> {
        if generation == self.generation && self.batch.advance() {
            return Ok(true);
        }
        self.refill(reader, generation)
    }

    /// The key of the current entry; empty before the first and after the last.
    #[inline]
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.batch.key()
    }

    /// The value of the current entry, as it was at the last step; empty before the first and after the last.
    #[inline]
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.batch.value()
    }

    /// Moves so that the next [`advance`](Self::advance) gives the first entry, in the cursor's direction and within
    /// its bounds, at or after `key`. May move backwards as well.
    pub fn seek(&mut self, key: &[u8]) {
        self.start = Start::Key(Resume::At);
        self.start_key.clear();
        self.start_key.extend_from_slice(key);
        self.batch.clear();
        self.batch_size = FIRST_BATCH;
        self.batch_is_last = false;
        self.ended = false;
    }

    #[cold]
    fn refill<R: Read>(&mut self, reader: &R, generation: u64) -> Result<bool> {
        let written = generation != self.generation;
        if self.ended || (self.batch_is_last && !written) {
            self.end();
            return Ok(false);
        }
        if self.batch.is_on_entry() {
            self.start = Start::Key(Resume::After);
            self.start_key.clear();
            self.start_key.extend_from_slice(self.batch.key());
        }
        if written {
            self.batch_size = FIRST_BATCH;
        }
        self.generation = generation;
        let filled = self.fill(reader);
        self.batch_size = (self.batch_size * 2).min(LARGEST_BATCH);
        match filled {
            Ok(()) if self.batch.advance() => Ok(true),
            Ok(()) => {
                self.end();
                Ok(false)
            }
            Err(error) => {
                self.end();
                Err(error)
            }
        }
    }

    fn fill<R: Read>(&mut self, reader: &R) -> Result<()> {
        self.batch.clear();
        let bounds = match self.start {
            Start::Bounds => self.bounds.get(),
            Start::Key(at) => self
                .bounds
                .get()
                .resumed(self.direction, &self.start_key, at),
        };
        if bounds.is_empty() {
            self.batch_is_last = true;
            return Ok(());
        }
        let mut cursor = reader.cursor(self.tree, bounds, self.direction)?;
        self.batch_is_last = loop {
            if self.batch.len() >= self.batch_size || self.batch.bytes() >= BATCH_BYTES {
                break false;
            }
            if !cursor.advance()? {
                break true;
            }
            self.batch.push(cursor.key(), cursor.value());
        };
        Ok(())
    }

    fn end(&mut self) {
        self.ended = true;
        self.batch.clear();
    }
}

/// Entries one behind the other in one buffer, and a position among them.
#[derive(Debug, Clone, Default)]
struct Batch {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// The number of entries that were given out; the last of them is the current one.
    given: usize,
    current: Entry,
}

/// Where an entry lies: its key from `begin`, its value from `middle`, up to `end`.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    begin: usize,
    middle: usize,
    end: usize,
}

impl Batch {
    #[inline]
    fn advance(&mut self) -> bool {
        let Some(entry) = self.entries.get(self.given) else {
            return false;
        };
        self.current = *entry;
        self.given += 1;
        true
    }

    fn is_on_entry(&self) -> bool {
        self.given > 0
    }

    #[inline]
    fn key(&self) -> &[u8] {
        &self.bytes[self.current.begin..self.current.middle]
    }

    #[inline]
    fn value(&self) -> &[u8] {
        &self.bytes[self.current.middle..self.current.end]
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn push(&mut self, key: &[u8], value: &[u8]) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.entries.push(Entry {
            begin,
            middle,
            end: self.bytes.len(),
        });
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.given = 0;
        self.current = Entry::default();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeMap;
    use std::collections::btree_map;
    use std::ops::Bound;

    use proptest::prelude::*;

    use super::*;
    use crate::driver::{DriverError, ErrorKind};

    #[derive(Default)]
    struct Tree {
        entries: BTreeMap<Vec<u8>, Vec<u8>>,
        opened: Cell<usize>,
        fails_at: Option<Vec<u8>>,
    }

    impl Tree {
        fn of(keys: impl IntoIterator<Item = u8>) -> Self {
            Self {
                entries: keys
                    .into_iter()
                    .map(|key| (vec![key], vec![key, key]))
                    .collect(),
                ..Self::default()
            }
        }

        fn insert(&mut self, key: u8) {
            self.entries.insert(vec![key], vec![key, key]);
        }
    }

    struct TreeCursor<'t> {
        range: btree_map::Range<'t, Vec<u8>, Vec<u8>>,
        direction: Direction,
        current: Option<(&'t Vec<u8>, &'t Vec<u8>)>,
        fails_at: Option<&'t Vec<u8>>,
    }

    impl Cursor for TreeCursor<'_> {
        fn advance(&mut self) -> Result<bool> {
            self.current = match self.direction {
                Direction::Forward => self.range.next(),
                Direction::Backward => self.range.next_back(),
            };
            match self.current {
                Some((key, _)) if Some(key) == self.fails_at => {
                    Err(DriverError::new(ErrorKind::Io, "the disk is on fire"))
                }
                current => Ok(current.is_some()),
            }
        }

        fn key(&self) -> &[u8] {
            self.current.map_or(&[], |(key, _)| key)
        }

        fn value(&self) -> &[u8] {
            self.current.map_or(&[], |(_, value)| value)
        }

        fn seek(&mut self, _: &[u8]) -> Result<()> {
            unreachable!("a resuming cursor opens a new cursor instead")
        }
    }

    impl Read for Tree {
        type Cursor<'t> = TreeCursor<'t>;

        fn tree(&self, _: &str) -> Result<TreeId> {
            Ok(TreeId(0))
        }

        fn get<R>(
            &self,
            _: TreeId,
            key: &[u8],
            visit: impl FnOnce(&[u8]) -> R,
        ) -> Result<Option<R>> {
            Ok(self.entries.get(key).map(|value| visit(value)))
        }

        fn cursor(
            &self,
            _: TreeId,
            bounds: Bounds<'_>,
            direction: Direction,
        ) -> Result<Self::Cursor<'_>> {
            assert!(!bounds.is_empty(), "empty bounds reach no driver");
            self.opened.set(self.opened.get() + 1);
            Ok(TreeCursor {
                range: self.entries.range::<[u8], _>((bounds.lower, bounds.upper)),
                direction,
                current: None,
                fails_at: self.fails_at.as_ref(),
            })
        }

        fn len(&self, _: TreeId) -> Result<u64> {
            Ok(self.entries.len() as u64)
        }
    }

    fn cursor(direction: Direction) -> ResumingCursor {
        ResumingCursor::new(TreeId(0), Bounds::ALL, direction)
    }

    fn step(cursor: &mut ResumingCursor, tree: &Tree, generation: u64) -> Option<u8> {
        if cursor.advance(tree, generation).unwrap() {
            assert_eq!(cursor.value(), [cursor.key(), cursor.key()].concat());
            Some(cursor.key()[0])
        } else {
            assert!(cursor.key().is_empty() && cursor.value().is_empty());
            None
        }
    }

    #[test]
    fn a_seek_stays_within_the_bounds() {
        let tree = Tree::of(0..100);
        let bounds = Bounds {
            lower: Bound::Excluded(&[10]),
            upper: Bound::Included(&[20]),
        };
        let mut forward = ResumingCursor::new(TreeId(0), bounds, Direction::Forward);
        forward.seek(&[15]);
        assert_eq!(step(&mut forward, &tree, 0), Some(15));
        forward.seek(&[0]);
        assert_eq!(step(&mut forward, &tree, 0), Some(11));
        forward.seek(&[21]);
        assert_eq!(step(&mut forward, &tree, 0), None);
        let mut backward = ResumingCursor::new(TreeId(0), bounds, Direction::Backward);
        backward.seek(&[99]);
        assert_eq!(step(&mut backward, &tree, 0), Some(20));
        backward.seek(&[10]);
        assert_eq!(step(&mut backward, &tree, 0), None);
    }

    #[test]
    fn empty_bounds_reach_no_driver() {
        let tree = Tree::of(0..100);
        let bounds = Bounds {
            lower: Bound::Included(&[20]),
            upper: Bound::Excluded(&[20]),
        };
        let mut cursor = ResumingCursor::new(TreeId(0), bounds, Direction::Forward);
        assert_eq!(step(&mut cursor, &tree, 0), None);
        assert_eq!(tree.opened.get(), 0);
    }

    #[test]
    fn an_error_is_reported_and_then_the_cursor_is_at_its_end() {
        let tree = Tree {
            fails_at: Some(vec![2]),
            ..Tree::of(0..100)
        };
        let mut cursor = cursor(Direction::Forward);
        let error = cursor.advance(&tree, 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(step(&mut cursor, &tree, 0), None);
    }

    #[test]
    fn batches_grow_and_shrink_again_after_a_write() {
        let tree = Tree::of(0..=255);
        let mut cursor = cursor(Direction::Forward);
        while step(&mut cursor, &tree, 0).is_some() {}
        assert_eq!(
            tree.opened.get(),
            7,
            "4 + 8 + 16 + 32 + 64 + 128 and the rest"
        );
        cursor.seek(&[0]);
        tree.opened.set(0);
        for generation in 0..10 {
            step(&mut cursor, &tree, generation);
        }
        assert_eq!(tree.opened.get(), 10);
        assert_eq!(cursor.batch.len(), FIRST_BATCH);
    }

    #[test]
    fn a_batch_takes_large_values_one_by_one() {
        let mut tree = Tree::default();
        for key in 1..10 {
            tree.entries.insert(vec![key], vec![0; BATCH_BYTES]);
        }
        let mut cursor = cursor(Direction::Forward);
        for key in 1..10 {
            assert!(cursor.advance(&tree, 0).unwrap());
            assert_eq!(cursor.key(), [key]);
            assert_eq!(cursor.batch.len(), 1);
        }
        assert!(!cursor.advance(&tree, 0).unwrap());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u8),
        Remove(u8),
        Advance,
        Seek(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            1 => any::<u8>().prop_map(Step::Insert),
            1 => any::<u8>().prop_map(Step::Remove),
            8 => Just(Step::Advance),
            1 => any::<u8>().prop_map(Step::Seek),
        ];
        proptest::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn each_step_gives_the_first_entry_after_the_last_key(
            keys in proptest::collection::btree_set(any::<u8>(), 0..100),
            backward: bool,
            steps in steps(),
        ) {
            let direction = if backward { Direction::Backward } else { Direction::Forward };
            let mut tree = Tree::of(keys);
            let mut cursor = cursor(direction);
            let mut generation = 0;
            // Everything before `from` in the cursor's direction was passed; `None` is the end.
            let mut from = Some(if backward { 255i32 } else { 0 });
            for step in steps {
                match step {
                    Step::Insert(key) => {
                        tree.insert(key);
                        generation += 1;
                    }
                    Step::Remove(key) => {
                        tree.entries.remove(&[key][..]);
                        generation += 1;
                    }
                    Step::Seek(key) => {
                        cursor.seek(&[key]);
                        from = Some(i32::from(key));
                    }
                    Step::Advance => {
                        let mut keys = tree.entries.keys().map(|key| key[0]);
                        let expected = from.and_then(|from| if backward {
                            keys.rfind(|key| i32::from(*key) <= from)
                        } else {
                            keys.find(|key| i32::from(*key) >= from)
                        });
                        prop_assert_eq!(super::tests::step(&mut cursor, &tree, generation), expected);
                        from = expected.map(|key| i32::from(key) + if backward { -1 } else { 1 });
                    }
                }
            }
        }
    }
}
