//! What a commit makes of the leaves that it touches: which are written anew, which are split, merged or removed.
//!
//! A leaf is kept under a key that is not above its first key and above every key of the leaf before it. Entries of a tree
//! that has no leaf under such a key begin a leaf under the empty key.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::leaf::{self, Damaged, Entry, HEADER, size_of};

/// A key, and the value to be put under it; `None` if it is to be removed.
pub(crate) type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// A leaf as it is in the database.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// The key that it is kept under.
    pub(crate) key: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    /// Whether there is no other leaf between the one before it in the list and it.
    pub(crate) follows: bool,
}

/// What is to be done to the leaves of a tree.
#[derive(Debug, Default)]
pub(crate) struct Rewrite {
    /// The leaves to be written, by the keys that they are kept under.
    pub(crate) puts: Vec<(Vec<u8>, Vec<u8>)>,
    /// What the leaves to be removed are kept under.
    pub(crate) removals: Vec<Vec<u8>>,
    /// By how much the number of entries grows.
    pub(crate) growth: i64,
}

impl Rewrite {
    /// Lays changes over leaves. Both ascend; each change whose key lies in a leaf finds that leaf in the list. A leaf gets no
    /// longer than `limit` bytes, unless it is of one entry.
    pub(crate) fn of(
        leaves: &[Loaded],
        changes: &[Change<'_>],
        limit: usize,
    ) -> Result<Self, Damaged> {
        let mut rewrite = Self::default();
        let mut after = BTreeMap::new();
        let until = |end: usize| match leaves.get(end) {
            Some(next) => changes.partition_point(|(key, _)| *key < next.key.as_slice()),
            None => changes.len(),
        };
        let mut done = until(0);
        let mut group = Group::new(&[], Vec::new(), &changes[..done], &mut rewrite.growth);
        for (place, loaded) in leaves.iter().enumerate() {
            let end = until(place + 1);
            let entries = leaf::entries(&loaded.bytes)?;
            let last = entries.last().map(|(key, _)| *key);
            let next = leaves.get(place + 1).map(|next| next.key.as_slice());
            if entries[0].0 < loaded.key.as_slice() || next.is_some() && last >= next {
                return Err(Damaged);
            }
            let own = Group::new(
                &loaded.key,
                entries,
                &changes[done..end],
                &mut rewrite.growth,
            );
            done = end;
            if loaded.follows && group.takes(&own, limit) {
                group.append(own);
            } else {
                group.finish(limit, &mut after);
                group = own;
            }
        }
        group.finish(limit, &mut after);
        for loaded in leaves {
            match after.get(loaded.key.as_slice()) {
                None => rewrite.removals.push(loaded.key.clone()),
                Some(bytes) if *bytes == loaded.bytes => {
                    after.remove(loaded.key.as_slice());
                }
                Some(_) => {}
            }
        }
        rewrite.puts = after
            .into_iter()
            .map(|(key, bytes)| (key.to_vec(), bytes))
            .collect();
        Ok(rewrite)
    }
}

/// Entries that come to one leaf, or to several from its place on.
struct Group<'a> {
    /// What its first leaf is kept under.
    key: &'a [u8],
    entries: Vec<Entry<'a>>,
    size: usize,
    /// Whether all that was added was added behind what there was.
    appended: bool,
}

impl<'a> Group<'a> {
    fn new(
        key: &'a [u8],
        before: Vec<Entry<'a>>,
        changes: &[Change<'a>],
        growth: &mut i64,
    ) -> Self {
        let first = changes.iter().find(|(_, value)| value.is_some());
        let appended = match (before.last(), first) {
            (Some((last, _)), Some((first, _))) => last < first,
            (None, _) | (_, None) => true,
        };
        let count = before.len() as i64;
        let entries = merged(before, changes);
        *growth += entries.len() as i64 - count;
        Self {
            key,
            size: entries.iter().map(|entry| size_of(*entry)).sum(),
            entries,
            appended,
        }
    }

    /// Whether the next group fits into the same leaf.
    fn takes(&self, next: &Self, limit: usize) -> bool {
        !self.entries.is_empty() && HEADER + self.size + next.size <= limit
    }

    fn append(&mut self, next: Self) {
        self.entries.extend(next.entries);
        self.size += next.size;
    }

    fn finish(self, limit: usize, after: &mut BTreeMap<&'a [u8], Vec<u8>>) {
        for (place, part) in self.parts(limit).into_iter().enumerate() {
            let entries = &self.entries[part];
            let key = match place {
                0 => self.key,
                _ => entries[0].0,
            };
            after.insert(key, leaf::encode(entries));
        }
    }

    /// Which entries go into which leaf.
    fn parts(&self, limit: usize) -> Vec<Range<usize>> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        // What is appended to again and again leaves full leaves behind; elsewhere each part gets room to grow.
        let aim = match self.appended {
            true => limit,
            false => self.size / self.size.div_ceil(limit - HEADER),
        };
        let is_large = |size: usize| size > limit / 2;
        let splits = HEADER + self.size > limit;
        let mut parts = Vec::new();
        let (mut start, mut filled, mut last) = (0, HEADER, 0);
        for (place, entry) in self.entries.iter().enumerate() {
            let size = size_of(*entry);
            let full =
                filled + size > limit || filled - HEADER >= aim || is_large(size) || is_large(last);
            if splits && full && place > start {
                parts.push(start..place);
                (start, filled) = (place, HEADER);
            }
            filled += size;
            last = size;
        }
        parts.push(start..self.entries.len());
        parts
    }
}

/// Entries with changes laid over them.
fn merged<'a>(before: Vec<Entry<'a>>, changes: &[Change<'a>]) -> Vec<Entry<'a>> {
    let mut after = Vec::with_capacity(before.len() + changes.len());
    let mut before = before.into_iter().peekable();
    for (key, value) in changes {
        while let Some(entry) = before.next_if(|(other, _)| other < key) {
            after.push(entry);
        }
        before.next_if(|(other, _)| other == key);
        if let Some(value) = value {
            after.push((*key, *value));
        }
    }
    after.extend(before);
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 68;

    /// Numbers that look random, the same in each run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % end as u64) as usize
        }
    }

    /// An object store, and what a commit loads of it.
    #[derive(Default)]
    struct Leaves {
        kept: BTreeMap<Vec<u8>, Vec<u8>>,
        count: i64,
        written: usize,
    }

    impl Leaves {
        fn commit(&mut self, changes: &BTreeMap<Vec<u8>, Option<Vec<u8>>>, sees_neighbours: bool) {
            let mut touched: Vec<_> = changes
                .keys()
                .filter_map(|key| self.kept.range(..=key.clone()).next_back())
                .collect();
            touched.dedup();
            let mut loaded: Vec<Loaded> = Vec::new();
            for (key, bytes) in touched {
                let before = self.kept.range(..key.clone()).next_back();
                let last = loaded.last().map(|loaded| &loaded.key);
                loaded.push(Loaded {
                    key: key.clone(),
                    bytes: bytes.clone(),
                    follows: sees_neighbours
                        && last.is_some()
                        && last == before.map(|(key, _)| key),
                });
            }
            let changes: Vec<Change<'_>> = changes
                .iter()
                .map(|(key, value)| (key.as_slice(), value.as_deref()))
                .collect();
            let rewrite = Rewrite::of(&loaded, &changes, LIMIT).unwrap();
            for key in &rewrite.removals {
                assert!(self.kept.remove(key).is_some());
            }
            for (key, bytes) in rewrite.puts {
                assert_ne!(self.kept.get(&key), Some(&bytes), "written for nothing");
                self.kept.insert(key, bytes);
                self.written += 1;
            }
            self.count += rewrite.growth;
        }

        fn put(&mut self, keys: impl IntoIterator<Item = Vec<u8>>, value: &[u8]) {
            let changes = keys.into_iter().map(|key| (key, Some(value.to_vec())));
            self.commit(&changes.collect(), true);
        }

        /// All entries, after a look at whether the leaves are as they should be.
        fn entries(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
            let mut all = BTreeMap::new();
            let ends = self.kept.keys().skip(1).map(Some).chain([None]);
            for ((start, bytes), end) in self.kept.iter().zip(ends) {
                let entries = leaf::entries(bytes).unwrap();
                assert!(bytes.len() <= LIMIT || entries.len() == 1);
                for (key, value) in entries {
                    assert!(start.as_slice() <= key);
                    assert!(end.is_none_or(|end| key < end.as_slice()));
                    all.insert(key.to_vec(), value.to_vec());
                }
            }
            assert_eq!(usize::try_from(self.count), Ok(all.len()));
            all
        }
    }

    fn number(number: usize) -> Vec<u8> {
        (number as u16).to_be_bytes().to_vec()
    }

    #[test]
    fn random_commits_leave_what_a_map_has() {
        for seed in 1..=40 {
            let mut numbers = Numbers(seed * 0x9E37_79B9);
            let mut leaves = Leaves::default();
            let mut map = BTreeMap::new();
            for _ in 0..150 {
                let removes = numbers.below(4);
                let most = [1, 3, 40][numbers.below(3)];
                let mut changes = BTreeMap::new();
                for _ in 0..=numbers.below(most) {
                    let mut key = number(numbers.below(300));
                    key.truncate(1 + numbers.below(2));
                    key.resize(key.len() + numbers.below(9) / 8 * 70, 0);
                    let size = [0, 5, 20, 40, 200][numbers.below(5)];
                    let value = (numbers.below(4) >= removes).then(|| vec![seed as u8; size]);
                    match &value {
                        Some(value) => map.insert(key.clone(), value.clone()),
                        None => map.remove(&key),
                    };
                    changes.insert(key, value);
                }
                leaves.commit(&changes, numbers.below(2) == 0);
                assert_eq!(leaves.entries(), map);
            }
            let all = map.into_keys().map(|key| (key, None)).collect();
            leaves.commit(&all, true);
            assert!(leaves.kept.is_empty());
        }
    }

    #[test]
    fn appending_leaves_full_leaves_behind() {
        let mut leaves = Leaves::default();
        for key in 0..1000 {
            leaves.put([number(key)], b"value");
        }
        // A leaf holds seven of nine bytes each.
        assert_eq!(leaves.entries().len(), 1000);
        assert_eq!(leaves.kept.len(), 143);
        let mut bulk = Leaves::default();
        bulk.put((0..1000).map(number), b"value");
        assert_eq!(bulk.kept, leaves.kept);
    }

    #[test]
    fn leaves_that_are_inserted_into_keep_room() {
        let mut numbers = Numbers(1);
        let mut leaves = Leaves::default();
        for _ in 0..2000 {
            leaves.put([number(numbers.below(60_000))], b"value");
        }
        let filled = leaves.entries().len() * 9;
        assert!(filled > leaves.kept.len() * LIMIT / 2);
        assert!(leaves.written < 3000, "{}", leaves.written);
    }

    #[test]
    fn a_large_entry_has_a_leaf_of_its_own() {
        for size in [40, 1000] {
            let large = vec![1; size];
            let mut leaves = Leaves::default();
            leaves.put((0..10).map(number), b"");
            leaves.put([number(5)], &large);
            assert_eq!(leaves.kept.len(), 3);
            let written = leaves.written;
            leaves.put([number(4), number(6)], b"new");
            assert_eq!(leaves.written, written + 2);
            assert_eq!(leaves.entries()[&number(5)], large);
        }
        let mut bulk: BTreeMap<_, _> = (0..7).map(|key| (number(key), Some(Vec::new()))).collect();
        bulk.insert(number(3), Some(vec![1; 40]));
        let mut leaves = Leaves::default();
        leaves.commit(&bulk, true);
        assert_eq!(leaves.kept.len(), 3);
    }

    #[test]
    fn neighbours_that_have_shrunk_become_one_leaf() {
        let mut leaves = Leaves::default();
        leaves.put((0..70).map(number), b"value");
        assert_eq!(leaves.kept.len(), 10);
        let gone = |key: &usize| key % 7 != 3;
        let changes = (0..70).filter(gone).map(|key| (number(key), None));
        leaves.commit(&changes.collect(), true);
        assert_eq!(leaves.entries().len(), 10);
        assert_eq!(leaves.kept.len(), 2);
    }

    #[test]
    fn what_changes_nothing_is_not_written() {
        let mut leaves = Leaves::default();
        leaves.put((0..50).map(number), b"value");
        let written = leaves.written;
        leaves.put((0..50).step_by(7).map(number), b"value");
        leaves.commit(&BTreeMap::from([(vec![9], None)]), true);
        assert_eq!(leaves.written, written);
    }

    #[test]
    fn leaves_out_of_order_are_damaged() {
        let loaded = |key: &[u8], entries: &[Entry<'_>]| Loaded {
            key: key.to_vec(),
            bytes: leaf::encode(entries),
            follows: true,
        };
        let below = [loaded(b"b", &[(b"a", b"")])];
        let beyond = [loaded(b"", &[(b"c", b"")]), loaded(b"b", &[(b"b", b"")])];
        for leaves in [&below[..], &beyond[..]] {
            let outcome = Rewrite::of(leaves, &[], LIMIT);
            assert_eq!(outcome.unwrap_err(), Damaged);
        }
    }
}
