//! Where trees and their entries lie in LMDB's one ordered map: a number before each key.
//!
//! | key | value |
//! |---|---|
//! | `0` | [`FORMAT`], the number of the next new tree |
//! | `1`, name of a tree | the tree's number, the number of its entries, the CRC-32 of both and the name |
//! | number of a tree, key | value |
//!
//! The numbers of trees begin at [`FIRST_TREE`] and are never given twice. Before a key, and in values, a number is big
//! endian: 4 bytes for trees, 8 for entries.

use std::ops::Bound;

use heed::types::Bytes;
use heed::{Database, RoTxn, RwTxn};
use netabase_core::driver::kit::commands::damaged;
use netabase_core::driver::{Bounds, DriverError, ErrorKind, Result};

use crate::error;

/// LMDB's one database.
pub(crate) type Engine<'e> = Database<'e, Bytes, Bytes>;

/// The largest key that LMDB takes.
const ENGINE_KEY_BYTES: usize = 511;
/// The length of the number before a key.
const PREFIX_BYTES: usize = size_of::<u32>();
/// The largest key of a tree.
pub(crate) const KEY_BYTES: usize = ENGINE_KEY_BYTES - PREFIX_BYTES;

const FORMAT_KEY: [u8; PREFIX_BYTES] = 0_u32.to_be_bytes();
const NAMES: u32 = 1;
const FIRST_TREE: u32 = 16;

/// How the record begins that tells this driver's data from others'; its last byte is the version.
const FORMAT: [u8; 16] = *b"netabase-lmdb\0\0\x02";

/// A tree's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TreeRecord {
    pub(crate) number: u32,
    pub(crate) entries: u64,
}

impl TreeRecord {
    fn encode(self, name: &[u8]) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.number.to_be_bytes());
        bytes[4..12].copy_from_slice(&self.entries.to_be_bytes());
        let checksum = checksum(name, &bytes[..12]);
        bytes[12..].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    fn decode(name: &[u8], bytes: &[u8]) -> Result<Self> {
        bytes
            .split_first_chunk()
            .and_then(|(number, rest)| {
                let (entries, stored) = rest.split_first_chunk()?;
                let is_whole = checksum(name, &bytes[..12]).to_be_bytes() == stored;
                is_whole.then_some(Self {
                    number: u32::from_be_bytes(*number),
                    entries: u64::from_be_bytes(*entries),
                })
            })
            .filter(|record| record.number >= FIRST_TREE)
            .ok_or_else(|| damaged("the record of a tree is damaged"))
    }
}

fn checksum(name: &[u8], numbers: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(numbers);
    hasher.update(name);
    hasher.finalize()
}

/// Writes the key of an entry to `buffer`.
#[inline]
pub(crate) fn entry_key(buffer: &mut Vec<u8>, tree: u32, key: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(&tree.to_be_bytes());
    buffer.extend_from_slice(key);
}

/// The key of an entry as the tree has it.
#[inline]
pub(crate) fn stripped(key: &[u8]) -> &[u8] {
    key.get(PREFIX_BYTES..).unwrap_or_default()
}

/// Bounds of LMDB's keys.
#[derive(Debug)]
pub(crate) struct EngineBounds {
    lower: Bound<Vec<u8>>,
    upper: Bound<Vec<u8>>,
}

impl EngineBounds {
    /// The bounds as LMDB's iterators take them.
    pub(crate) fn range(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (
            self.lower.as_ref().map(Vec::as_slice),
            self.upper.as_ref().map(Vec::as_slice),
        )
    }
}

/// The keys of a tree within `bounds`.
///
/// LMDB refuses a key that it could not hold even where it only looks for it, and the bounds of a cursor may have any
/// length. No key lies between a longer one and its beginning that is just not too long; so that takes its place.
pub(crate) fn engine_bounds(tree: u32, bounds: Bounds<'_>) -> EngineBounds {
    let at = |key: &[u8]| {
        let mut buffer = Vec::with_capacity(PREFIX_BYTES + key.len().min(KEY_BYTES));
        entry_key(&mut buffer, tree, &key[..key.len().min(KEY_BYTES)]);
        buffer
    };
    let lower = match bounds.lower {
        Bound::Included(key) if key.len() <= KEY_BYTES => Bound::Included(at(key)),
        Bound::Included(key) | Bound::Excluded(key) => Bound::Excluded(at(key)),
        Bound::Unbounded => Bound::Included(at(&[])),
    };
    let upper = match bounds.upper {
        Bound::Excluded(key) if key.len() <= KEY_BYTES => Bound::Excluded(at(key)),
        Bound::Included(key) | Bound::Excluded(key) => Bound::Included(at(key)),
        Bound::Unbounded => match tree.checked_add(1) {
            Some(next) => Bound::Excluded(next.to_be_bytes().to_vec()),
            None => Bound::Unbounded,
        },
    };
    EngineBounds { lower, upper }
}

/// The record of the tree of this name; `None` if nobody wrote to it yet.
///
/// LMDB checks no page of its own, and finds nothing under a name that was damaged. So a tree is called unwritten only where
/// the record of every tree that was written is there and whole. That looks at all of them, which a tree with a record is
/// spared.
pub(crate) fn tree(
    engine: Engine<'_>,
    transaction: &RoTxn<'_>,
    name: &str,
) -> Result<Option<TreeRecord>> {
    let mut key = Vec::with_capacity(PREFIX_BYTES + name.len());
    entry_key(&mut key, NAMES, name.as_bytes());
    if let Some(record) = engine.get(transaction, &key).map_err(error::engine)? {
        return TreeRecord::decode(name.as_bytes(), record).map(Some);
    }
    let Format::Ours { next } = format(engine, transaction)? else {
        return Err(damaged("the record of the format is damaged"));
    };
    match trees(engine, transaction)?.len() == (next - FIRST_TREE) as usize {
        true => Ok(None),
        false => Err(damaged("the record of a tree is missing")),
    }
}

/// Writes the record of the tree of this name.
pub(crate) fn put_tree(
    engine: Engine<'_>,
    transaction: &mut RwTxn<'_>,
    name: &str,
    record: TreeRecord,
) -> Result<()> {
    let mut key = Vec::with_capacity(PREFIX_BYTES + name.len());
    entry_key(&mut key, NAMES, name.as_bytes());
    engine
        .put(transaction, &key, &record.encode(name.as_bytes()))
        .map_err(error::engine)
}

/// Every tree that was ever written to, by name.
pub(crate) fn trees(
    engine: Engine<'_>,
    transaction: &RoTxn<'_>,
) -> Result<Vec<(String, TreeRecord)>> {
    let bounds = engine_bounds(NAMES, Bounds::ALL);
    engine
        .range(transaction, &bounds.range())
        .map_err(error::engine)?
        .map(|record| {
            let (key, value) = record.map_err(error::engine)?;
            let name = stripped(key);
            let record = TreeRecord::decode(name, value)?;
            let name = String::from_utf8(name.to_vec())
                .map_err(|_| damaged("the name of a tree is damaged"))?;
            Ok((name, record))
        })
        .collect()
}

/// What the record of the format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// There is no record, nor anything else.
    Blank,
    /// This driver's, and the number of the next new tree.
    Ours { next: u32 },
    /// Another program's data.
    Foreign,
}

pub(crate) fn format(engine: Engine<'_>, transaction: &RoTxn<'_>) -> Result<Format> {
    let Some(record) = engine
        .get(transaction, &FORMAT_KEY)
        .map_err(error::engine)?
    else {
        let blank = engine.is_empty(transaction).map_err(error::engine)?;
        return Ok(if blank {
            Format::Blank
        } else {
            Format::Foreign
        });
    };
    let next = record
        .strip_prefix(&FORMAT)
        .and_then(|next| Some(u32::from_be_bytes(next.try_into().ok()?)));
    Ok(match next {
        Some(next) if next >= FIRST_TREE => Format::Ours { next },
        Some(_) | None => Format::Foreign,
    })
}

/// Writes the record of the format.
pub(crate) fn put_format(engine: Engine<'_>, transaction: &mut RwTxn<'_>, next: u32) -> Result<()> {
    let mut record = FORMAT.to_vec();
    record.extend_from_slice(&next.to_be_bytes());
    engine
        .put(transaction, &FORMAT_KEY, &record)
        .map_err(error::engine)
}

/// Writes the record of the format of a database without trees.
pub(crate) fn put_first_format(engine: Engine<'_>, transaction: &mut RwTxn<'_>) -> Result<()> {
    put_format(engine, transaction, FIRST_TREE)
}

/// The number after `next`.
pub(crate) fn number_after(next: u32) -> Result<u32> {
    next.checked_add(1).ok_or_else(|| {
        DriverError::new(
            ErrorKind::LimitExceeded,
            "the database has had as many trees as there are numbers; copy it to a new one",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(key: &[u8], bounds: &EngineBounds) -> bool {
        use std::ops::RangeBounds;
        let mut engine_key = Vec::new();
        entry_key(&mut engine_key, 20, key);
        RangeBounds::<[u8]>::contains(&bounds.range(), &engine_key[..])
    }

    #[test]
    fn bounds_longer_than_any_key_cut_where_they_should() {
        let longest = [b'k'; KEY_BYTES];
        let longer = [b'k'; KEY_BYTES + 1];
        let mut above = longest;
        above[KEY_BYTES - 1] = b'l';
        for key in [&longest[..], &longest[..1], &above, b"a", b"z"] {
            for (lower, upper) in [
                (Bound::Included(&longer[..]), Bound::Unbounded),
                (Bound::Excluded(&longer[..]), Bound::Unbounded),
                (Bound::Unbounded, Bound::Included(&longer[..])),
                (Bound::Unbounded, Bound::Excluded(&longer[..])),
                (Bound::Included(&longest[..]), Bound::Included(&longest[..])),
                (Bound::Excluded(&longest[..]), Bound::Unbounded),
                (Bound::Unbounded, Bound::Excluded(&longest[..])),
            ] {
                let bounds = Bounds { lower, upper };
                let found = within(key, &engine_bounds(20, bounds));
                assert_eq!(found, bounds.contains(key), "{key:?} in {bounds:?}");
            }
        }
    }

    #[test]
    fn the_bounds_of_a_tree_leave_its_neighbours_out() {
        let bounds = engine_bounds(20, Bounds::ALL);
        assert!(within(&[0], &bounds) && within(&[255; KEY_BYTES], &bounds));
        for other in [
            engine_bounds(19, Bounds::ALL),
            engine_bounds(21, Bounds::ALL),
        ] {
            assert!(!within(&[0], &other) && !within(&[255; KEY_BYTES], &other));
        }
    }

    #[test]
    fn a_damaged_record_of_a_tree_is_corrupt() {
        let record = TreeRecord {
            number: 17,
            entries: 3,
        };
        let bytes = record.encode(b"t");
        assert_eq!(TreeRecord::decode(b"t", &bytes).unwrap(), record);
        for (name, damaged) in [
            (b"t", &bytes[..15]),
            (b"t", &[0; 16]),
            (b"t", &[]),
            (b"u", &bytes),
        ] {
            let error = TreeRecord::decode(name, damaged).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }
}
