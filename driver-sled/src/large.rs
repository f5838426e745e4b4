//! Values too long for one of sled's pages: cut into chunks, which lie in a tree of the driver's own, and put together.
//!
//! # Why
//! sled writes a page longer than a quarter of a segment of its log to a file of its own. If that fails, as on a full
//! device, sled keeps a part of the transaction and cannot be closed any more. So the driver never lets a page become
//! that long: segments are large, keys are bounded, and no stored value is longer than [`ROOT`].
//!
//! # What is stored
//! A value of up to [`CHUNK`] bytes is stored as it is. Of a longer one the user's tree holds a *root record*: its first
//! `CHUNK` bytes, a number that no other value has, and its length. That is longer than any value that is stored as it
//! is, and so known by its length. The rest lies in the tree of chunks under the value's number and the chunk's.
//!
//! A chunk is written and removed in the transaction that writes or removes its root record, and never changed. It is
//! written before the root record and removed after it, so that whatever sled leaves of a transaction, there is no root
//! record without its chunks. Each number is higher than that of every chunk there is, so that a root record leads to its own
//! chunks or, while a commit removes them, to none.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use netabase_core::driver::kit::commands;
use netabase_core::driver::{DriverError, ErrorKind, Result};
use sled::IVec;

use crate::change::{Change, Changes};
use crate::error;

/// How long a segment of sled's log is, in bytes. sled's own default is 512 KiB, its maximum 16 MiB.
///
/// Measured, 4 MiB cost a small database nothing but the time to write the rest of a segment when it is opened again
/// (19 ms instead of 6 ms) and the length of its file; 16 MiB cost 84 ms and three times the memory.
pub(crate) const SEGMENT: usize = 4 << 20;

/// The longest page that sled keeps in its log: `max_buf_size` in sled's `pagecache/logger.rs`, less the header.
pub(crate) const PAGE: usize = SEGMENT / 4 - 20 - 32;

/// More entries than a leaf can come to have.
///
/// sled splits a leaf of more than 16 entries before it puts another one into it (`should_split` in `node.rs`, asked by
/// `view_for_key` in `tree.rs`), and merges one of fewer than 4 into its neighbour; the thread that merged two goes on to
/// the result, and splits it. So 17 and 3 for each thread that is stopped between the two: 15 of them at once.
const LEAF_ENTRIES: usize = 64;

/// More entries than an index page can come to have: 257, and 63 for each thread that is stopped, as above.
const INDEX_ENTRIES: usize = 512;

/// More bytes than sled stores with an entry for the lengths of its key and value, or for the page that it leads to.
const ENTRY: usize = 32;

/// The longest key, in bytes. A page holds two more as its bounds.
pub(crate) const KEY: usize = 2000;

/// The longest value that is stored as it is, and how long the pieces of a longer one are, in bytes.
pub(crate) const CHUNK: usize = 12 << 10;

/// The number of a large value, and its length.
const TAIL: usize = 16;

/// The length of a root record.
const ROOT: usize = CHUNK + TAIL;

const _: () = {
    assert!((LEAF_ENTRIES + 2) * (KEY + ROOT + ENTRY) <= PAGE);
    assert!((INDEX_ENTRIES + 2) * (KEY + ENTRY) <= PAGE);
};

/// What sled calls the tree of chunks.
pub(crate) const TREE: &[u8] = b"\0chunks";

/// The length of a key in that tree: the value's number, and the chunk's among those of the value.
const CHUNK_KEY: usize = 12;

/// Memory that is taken on a root record's word, in bytes. What a damaged one promises may be any number.
const TRUSTED: usize = 16 << 20;

/// Whether a value is stored in several pieces, or a stored one is a root record.
#[inline]
pub(crate) fn is_large(value: &[u8]) -> bool {
    value.len() > CHUNK
}

/// What a transaction changes in the tree of chunks.
#[derive(Default)]
pub(crate) struct ChunkChanges {
    /// Written before any root record is.
    pub(crate) added: Changes,
    /// Removed after every root record was.
    pub(crate) removed: Changes,
}

impl ChunkChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// The tree of chunks.
#[derive(Default)]
pub(crate) struct Chunks {
    /// Empty until a commit writes a large value.
    tree: OnceLock<sled::Tree>,
    /// The number of the next large value.
    next: AtomicU64,
}

/// What a root record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Root {
    number: u64,
    bytes: u64,
}

impl Root {
    fn read(stored: &[u8]) -> Result<Self> {
        let tail = stored
            .split_last_chunk::<8>()
            .filter(|_| stored.len() == ROOT)
            .and_then(|(rest, bytes)| Some((rest.last_chunk::<8>()?, bytes)));
        let Some((number, bytes)) = tail else {
            return Err(damaged("has a value of a length that is never stored"));
        };
        let root = Self {
            number: u64::from_be_bytes(*number),
            bytes: u64::from_be_bytes(*bytes),
        };
        root.chunks().map(|_| root)
    }

    fn write(self, value: &[u8]) -> IVec {
        let mut root = Vec::with_capacity(ROOT);
        root.extend_from_slice(&value[..CHUNK]);
        root.extend_from_slice(&self.number.to_be_bytes());
        root.extend_from_slice(&self.bytes.to_be_bytes());
        root.into()
    }

    /// The number of chunks, beside the one in the root record; at least one.
    fn chunks(self) -> Result<u32> {
        let rest = self.bytes.saturating_sub(CHUNK as u64);
        match u32::try_from(rest.div_ceil(CHUNK as u64)) {
            Ok(chunks) if chunks > 0 => Ok(chunks),
            _ => Err(damaged("has a value of an impossible length")),
        }
    }

    fn key(self, chunk: u32) -> [u8; CHUNK_KEY] {
        let mut key = [0; CHUNK_KEY];
        key[..8].copy_from_slice(&self.number.to_be_bytes());
        key[8..].copy_from_slice(&chunk.to_be_bytes());
        key
    }
}

impl Chunks {
    /// The chunks of a database, with the tree that sled has for them.
    pub(crate) fn existing(tree: sled::Tree) -> Result<Self> {
        let next = match tree.last().map_err(error::engine)? {
            None => 0,
            Some((key, _)) => match key.first_chunk() {
                Some(number) if key.len() == CHUNK_KEY => {
                    u64::from_be_bytes(*number).checked_add(1)
                }
                _ => None,
            }
            .ok_or_else(|| damaged("has a chunk under a key that is none"))?,
        };
        Ok(Self {
            tree: tree.into(),
            next: next.into(),
        })
    }

    /// sled's tree; `None` as long as no large value was ever committed.
    pub(crate) fn tree(&self) -> Option<&sled::Tree> {
        self.tree.get()
    }

    /// sled's tree, made with `make` if there is none.
    pub(crate) fn tree_or_make(
        &self,
        make: impl FnOnce() -> sled::Result<sled::Tree>,
    ) -> Result<&sled::Tree> {
        if let Some(tree) = self.tree.get() {
            return Ok(tree);
        }
        let tree = make().map_err(error::engine)?;
        Ok(self.tree.get_or_init(|| tree))
    }

    /// The whole of a value that nobody removes meanwhile.
    #[inline]
    pub(crate) fn whole(&self, stored: IVec) -> Result<IVec> {
        if is_large(&stored) {
            self.assembled(&stored)?.ok_or_else(incomplete)
        } else {
            Ok(stored)
        }
    }

    /// The value of a root record; `None` if a chunk is missing.
    #[cold]
    pub(crate) fn assembled(&self, stored: &[u8]) -> Result<Option<IVec>> {
        let root = Root::read(stored)?;
        let Some(tree) = self.tree() else {
            return Ok(None);
        };
        let mut left = usize::try_from(root.bytes).map_err(|_| too_large())?;
        let mut value = Vec::with_capacity(left.min(TRUSTED));
        value.extend_from_slice(&stored[..CHUNK]);
        left -= CHUNK;
        for number in 0..root.chunks()? {
            let Some(chunk) = tree.get(root.key(number)).map_err(error::engine)? else {
                return Ok(None);
            };
            if chunk.len() != left.min(CHUNK) {
                return Err(damaged("has a chunk of the wrong length"));
            }
            value.extend_from_slice(&chunk);
            left -= chunk.len();
        }
        Ok(Some(value.into()))
    }

    /// Adds to `changes` the chunks of a value that is to be stored; gives its root record.
    pub(crate) fn cut(&self, value: &IVec, changes: &mut ChunkChanges) -> Result<IVec> {
        let root = Root {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            bytes: value.len() as u64,
        };
        for chunk in 0..root.chunks().map_err(|_| too_large())? {
            let start = (chunk as usize + 1) * CHUNK;
            let length = CHUNK.min(value.len() - start);
            let change = Change {
                before: None,
                after: Some(IVec::from(&value[start..start + length])),
            };
            changes.added.insert(IVec::from(&root.key(chunk)), change);
        }
        Ok(root.write(value))
    }

    /// Adds to `changes` the removal of all chunks of a root record.
    pub(crate) fn discard(stored: &[u8], changes: &mut ChunkChanges) -> Result<()> {
        let root = Root::read(stored)?;
        for chunk in 0..root.chunks()? {
            let change = Change {
                before: None,
                after: None,
            };
            changes.removed.insert(IVec::from(&root.key(chunk)), change);
        }
        Ok(())
    }
}

/// The error for a value of which something is missing.
#[cold]
pub(crate) fn incomplete() -> DriverError {
    damaged("has a value of which a chunk is missing")
}

#[cold]
fn damaged(what: &str) -> DriverError {
    commands::damaged(format_args!("the database {what}"))
}

#[cold]
fn too_large() -> DriverError {
    DriverError::new(
        ErrorKind::LimitExceeded,
        "the value is too large to be kept in memory; split it into several",
    )
}
