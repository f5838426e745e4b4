//! What a transaction has read, as an engine needs it to find out whether it still holds.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::driver::{Bounds, Direction, Result, Resume, TreeId};

/// What an optimistic transaction has read of the database: all that its outcome depends on.
///
/// Recorded above the driver, and handed to [`AsyncWrite::commit`](super::AsyncWrite::commit). What the transaction read
/// of its own writes is left out, and so is what the driver fetched for it and nobody looked at. A key within a range is
/// not listed beside it.
///
/// A commit may keep the transaction if, at the moment of the commit, each of these reads would give what it gave: every
/// key is as it was, with the same value or absent; every range holds the same entries, neither more nor fewer; every
/// tree whose length was read has so many entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSet {
    trees: BTreeMap<TreeId, TreeReads>,
}

/// What a transaction has read of one tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreeReads {
    /// Whether there was an entry, by key.
    keys: BTreeMap<Vec<u8>, bool>,
    /// The ends of the ranges by their beginnings: from the beginning up to the end without it. `None` is the end of
    /// the tree. No two overlap or touch.
    ranges: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    len: Option<u64>,
}

impl ReadSet {
    /// Whether nothing was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// The trees that were read, by the ids that the transaction gave.
    pub fn trees(&self) -> impl Iterator<Item = (TreeId, &TreeReads)> {
        self.trees.iter().map(|(id, reads)| (*id, reads))
    }

    /// Adds that a key was read; `found` says whether it was there.
    pub fn add_key(&mut self, tree: TreeId, key: &[u8], found: bool) {
        let reads = self.trees.entry(tree).or_default();
        if !reads.covers(key) && !reads.keys.contains_key(key) {
            reads.keys.insert(key.to_vec(), found);
        }
    }

    /// Adds that every entry within `bounds` was read. Bounds of which nothing can be within add nothing.
    pub fn add_range(&mut self, tree: TreeId, bounds: Bounds<'_>) {
        if bounds.is_empty() {
            return;
        }
        // Right behind a key is that key with a zero appended.
        let behind = |key: &[u8]| [key, &[0]].concat();
        let start = match bounds.lower {
            Bound::Unbounded => Vec::new(),
            Bound::Included(key) => key.to_vec(),
            Bound::Excluded(key) => behind(key),
        };
        let end = match bounds.upper {
            Bound::Unbounded => None,
            Bound::Included(key) => Some(behind(key)),
            Bound::Excluded(key) => Some(key.to_vec()),
        };
        if end.as_ref().is_none_or(|end| start < *end) {
            self.trees.entry(tree).or_default().add(start, end);
        }
    }

    /// Adds that a page was read, of so many entries at most; `last` is the key of its last entry. A page that its limit
    /// ended says nothing of what lies behind.
    pub(crate) fn add_page(
        &mut self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        limit: usize,
        entries: &[(Vec<u8>, Vec<u8>)],
    ) {
        let covered = match entries.last() {
            _ if entries.len() < limit => bounds,
            Some((last, _)) => {
                let back = match direction {
                    Direction::Forward => Direction::Backward,
                    Direction::Backward => Direction::Forward,
                };
                bounds.resumed(back, last, Resume::At)
            }
            None => return,
        };
        self.add_range(tree, covered);
    }

    /// Adds that the number of entries was read.
    pub fn add_len(&mut self, tree: TreeId, len: u64) {
        self.trees.entry(tree).or_default().len = Some(len);
    }

    /// Adds what another one holds.
    pub(crate) fn merge(&mut self, other: Self) {
        for (tree, TreeReads { keys, ranges, len }) in other.trees {
            let reads = self.trees.entry(tree).or_default();
            for (start, end) in ranges {
                reads.add(start, end);
            }
            for (key, found) in keys {
                if !reads.covers(&key) {
                    reads.keys.entry(key).or_insert(found);
                }
            }
            reads.len = reads.len.or(len);
        }
    }

    /// The same with other ids.
    pub(crate) fn translated(self, mut id: impl FnMut(TreeId) -> Result<TreeId>) -> Result<Self> {
        let trees = self.trees.into_iter();
        let trees = trees.map(|(tree, reads)| Ok((id(tree)?, reads)));
        Ok(Self {
            trees: trees.collect::<Result<_>>()?,
        })
    }
}

impl TreeReads {
    /// The keys that were read outside of all [`ranges`](Self::ranges), in order, and whether there was an entry.
    pub fn keys(&self) -> impl Iterator<Item = (&[u8], bool)> {
        self.keys
            .iter()
            .map(|(key, found)| (key.as_slice(), *found))
    }

    /// The ranges of which every entry was read, in order, with gaps between them. Each lower bound is unbounded or
    /// included, each upper bound unbounded or excluded; it may be one byte longer than the longest key.
    pub fn ranges(&self) -> impl Iterator<Item = Bounds<'_>> {
        self.ranges.iter().map(|(start, end)| Bounds {
            lower: match start.as_slice() {
                [] => Bound::Unbounded,
                start => Bound::Included(start),
            },
            upper: end.as_deref().map_or(Bound::Unbounded, Bound::Excluded),
        })
    }

    /// The number of entries, if it was read.
    #[must_use]
    pub fn len_read(&self) -> Option<u64> {
        self.len
    }

    /// Whether a range holds `key`.
    fn covers(&self, key: &[u8]) -> bool {
        let mut before = self
            .ranges
            .range::<[u8], _>((Bound::Unbounded, Bound::Included(key)));
        before
            .next_back()
            .is_some_and(|(_, end)| end.as_deref().is_none_or(|end| key < end))
    }

    fn add(&mut self, mut start: Vec<u8>, mut end: Option<Vec<u8>>) {
        let reaches =
            |end: &Option<Vec<u8>>, key: &[u8]| end.as_deref().is_none_or(|end| end >= key);
        let mut before = self
            .ranges
            .range::<[u8], _>((Bound::Unbounded, Bound::Included(start.as_slice())));
        if let Some((first, last)) = before.next_back()
            && reaches(last, &start)
        {
            start.clone_from(first);
        }
        let touched: Vec<_> = self
            .ranges
            .range(start.clone()..)
            .take_while(|(first, _)| reaches(&end, first))
            .map(|(first, _)| first.clone())
            .collect();
        for first in touched {
            let last = self.ranges.remove(&first).flatten();
            end = end.zip(last).map(|(end, last)| end.max(last));
        }
        let upper = end.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let within: Vec<_> = self
            .keys
            .range((Bound::Included(start.clone()), upper))
            .map(|(key, _)| key.clone())
            .collect();
        for key in within {
            self.keys.remove(&key);
        }
        self.ranges.insert(start, end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TREE: TreeId = TreeId(3);

    fn bounds<'b>(lower: Bound<&'b [u8]>, upper: Bound<&'b [u8]>) -> Bounds<'b> {
        Bounds { lower, upper }
    }

    fn reads(set: &ReadSet) -> &TreeReads {
        &set.trees[&TREE]
    }

    #[test]
    fn a_page_that_its_limit_ended_covers_up_to_its_last_key() {
        let entries = [(b"b".to_vec(), vec![]), (b"d".to_vec(), vec![])];
        let all = bounds(Bound::Unbounded, Bound::Unbounded);
        let covered = |direction, limit, entries: &[_]| {
            let mut set = ReadSet::default();
            set.add_page(TREE, all, direction, limit, entries);
            set.trees.remove(&TREE).map_or(Vec::new(), |reads| {
                reads.ranges.into_iter().collect::<Vec<_>>()
            })
        };
        let range =
            |start: &[u8], end: Option<&[u8]>| vec![(start.to_vec(), end.map(<[u8]>::to_vec))];
        assert_eq!(
            covered(Direction::Forward, 2, &entries),
            range(b"", Some(b"d\0"))
        );
        assert_eq!(covered(Direction::Forward, 3, &entries), range(b"", None));
        assert_eq!(covered(Direction::Forward, 3, &[]), range(b"", None));
        assert_eq!(covered(Direction::Forward, 0, &[]), []);
        let backwards = [entries[1].clone(), entries[0].clone()];
        assert_eq!(
            covered(Direction::Backward, 2, &backwards),
            range(b"b", None)
        );
    }

    #[test]
    fn what_is_known_already_is_not_listed_again() {
        let mut set = ReadSet::default();
        set.add_key(TREE, b"c", true);
        set.add_key(TREE, b"x", false);
        set.add_range(TREE, bounds(Bound::Included(b"b"), Bound::Excluded(b"d")));
        set.add_key(TREE, b"b", true);
        set.add_key(TREE, b"d", true);
        set.add_range(TREE, bounds(Bound::Excluded(b"m"), Bound::Included(b"m")));
        let keys: Vec<_> = reads(&set).keys().collect();
        assert_eq!(keys, [(&b"d"[..], true), (b"x", false)]);
        assert_eq!(reads(&set).ranges().count(), 1);
        set.add_len(TREE, 7);
        let mut other = ReadSet::default();
        other.add_range(TREE, bounds(Bound::Included(b"w"), Bound::Unbounded));
        other.merge(set);
        let keys: Vec<_> = reads(&other).keys().collect();
        assert_eq!(keys, [(&b"d"[..], true)]);
        assert_eq!(reads(&other).ranges().count(), 2);
        assert_eq!(reads(&other).len_read(), Some(7));
    }

    fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
        let key = || proptest::collection::vec(0..3u8, 1..4);
        prop_oneof![
            key().prop_map(Bound::Included),
            key().prop_map(Bound::Excluded),
            Just(Bound::Unbounded),
        ]
    }

    proptest! {
        #[test]
        fn ranges_hold_exactly_the_keys_that_were_read(
            added in proptest::collection::vec((bound(), bound()), 0..6),
            probes in proptest::collection::vec(proptest::collection::vec(0..3u8, 1..4), 40),
        ) {
            let mut set = ReadSet::default();
            for (lower, upper) in &added {
                set.add_range(TREE, bounds(
                    lower.as_ref().map(Vec::as_slice),
                    upper.as_ref().map(Vec::as_slice),
                ));
            }
            let none = TreeReads::default();
            let reads = set.trees.get(&TREE).unwrap_or(&none);
            for key in &probes {
                let expected = added.iter().any(|(lower, upper)| {
                    bounds(
                        lower.as_ref().map(Vec::as_slice),
                        upper.as_ref().map(Vec::as_slice),
                    )
                    .contains(key)
                });
                prop_assert_eq!(reads.covers(key), expected, "{:?}", key);
                prop_assert_eq!(reads.ranges().any(|range| range.contains(key)), expected);
            }
            let ranges: Vec<_> = reads.ranges.iter().collect();
            for pair in ranges.windows(2) {
                prop_assert!(pair[0].1.as_ref().is_some_and(|end| end < pair[1].0));
            }
        }
    }
}
