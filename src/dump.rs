//! Dump files: the trees of a database as one stream of checksummed blocks, described in `docs/dump-format.md`.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::driver::EntryWidths;
use crate::{ErrorKind, NetabaseError};

/// What a dump file begins with. The line break shows a file that was changed as if it were text.
pub const MAGIC: [u8; 8] = *b"NBDUMP\r\n";

/// The version that this release writes and reads.
pub const VERSION: u32 = 1;

const TREE: u8 = 1;
const ENTRIES: u8 = 2;
const TREE_END: u8 = 3;
const TRAILER: u8 = 4;

/// A block of entries is written when it has grown to this many bytes.
const BLOCK_BYTES: usize = 256 << 10;

/// The most trees that a dump has. A reader keeps the name of each.
pub const MAX_TREES: u64 = 100_000;

/// The longest name of a tree.
const NAME_BYTES: u32 = 255;

/// Stands for a width that is not known.
const NO_WIDTH: u32 = u32::MAX;

/// What was written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Trees.
    pub trees: u64,
    /// Entries in all trees.
    pub entries: u64,
}

/// Writes a dump. Without [`finish`](Self::finish) the file is incomplete, and a reader says so.
#[derive(Debug)]
pub struct DumpWriter<W> {
    out: Hashed<W>,
    block: Vec<u8>,
    tree_entries: Option<u64>,
    totals: Totals,
}

impl<W: Write> DumpWriter<W> {
    /// Begins a dump.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io).
    pub fn new(out: W) -> Result<Self, NetabaseError> {
        let mut out = Hashed::new(out);
        out.write_all(&MAGIC).map_err(unwritten)?;
        out.write_all(&VERSION.to_le_bytes()).map_err(unwritten)?;
        Ok(Self {
            out,
            block: Vec::new(),
            tree_entries: None,
            totals: Totals::default(),
        })
    }

    /// Begins a tree, after the end of the one before.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io); [`LimitExceeded`](ErrorKind::LimitExceeded) beyond [`MAX_TREES`].
    pub fn tree(&mut self, name: &str, widths: EntryWidths) -> Result<(), NetabaseError> {
        if self.totals.trees == MAX_TREES {
            return Err(NetabaseError::new(
                ErrorKind::LimitExceeded,
                format!(
                    "a dump has {MAX_TREES} trees at most, and the database has more; copy it instead"
                ),
            ));
        }
        self.end_tree()?;
        let width = |width: Option<u32>| width.unwrap_or(NO_WIDTH).to_le_bytes();
        let payload = [&width(widths.key), &width(widths.value), name.as_bytes()].concat();
        self.write_block(TREE, &payload)?;
        self.tree_entries = Some(0);
        self.totals.trees += 1;
        Ok(())
    }

    /// Adds an entry to the tree. The entries of a tree come in the order of their keys.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io); [`LimitExceeded`](ErrorKind::LimitExceeded) for an entry of 4 GiB;
    /// [`InvalidInput`](ErrorKind::InvalidInput) without a tree.
    pub fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<(), NetabaseError> {
        let Some(entries) = &mut self.tree_entries else {
            return Err(NetabaseError::new(
                ErrorKind::InvalidInput,
                "an entry of a dump belongs to a tree; begin one first",
            ));
        };
        *entries += 1;
        self.totals.entries += 1;
        for length in [key.len(), value.len()] {
            let length = u32::try_from(length).map_err(|_| too_large())?;
            self.block.extend_from_slice(&length.to_le_bytes());
        }
        self.block.extend_from_slice(key);
        self.block.extend_from_slice(value);
        if self.block.len() >= BLOCK_BYTES {
            self.write_entries()?;
        }
        Ok(())
    }

    /// Ends the dump and flushes it.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io).
    pub fn finish(mut self) -> Result<(W, Totals), NetabaseError> {
        self.end_tree()?;
        let hash = self.out.hash.digest128();
        let mut payload = Vec::with_capacity(32);
        payload.extend_from_slice(&self.totals.trees.to_le_bytes());
        payload.extend_from_slice(&self.totals.entries.to_le_bytes());
        payload.extend_from_slice(&hash.to_le_bytes());
        self.write_block(TRAILER, &payload)?;
        self.out.flush().map_err(unwritten)?;
        Ok((self.out.inner, self.totals))
    }

    fn end_tree(&mut self) -> Result<(), NetabaseError> {
        let Some(entries) = self.tree_entries.take() else {
            return Ok(());
        };
        self.write_entries()?;
        self.write_block(TREE_END, &entries.to_le_bytes())
    }

    fn write_entries(&mut self) -> Result<(), NetabaseError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let mut block = std::mem::take(&mut self.block);
        self.write_block(ENTRIES, &block)?;
        block.clear();
        self.block = block;
        Ok(())
    }

    fn write_block(&mut self, kind: u8, payload: &[u8]) -> Result<(), NetabaseError> {
        let length = u32::try_from(payload.len()).map_err(|_| too_large())?;
        let head = block_head(kind, length);
        let sum = checksum(head, payload);
        for part in [&head[..], payload, &sum.to_le_bytes()] {
            self.out.write_all(part).map_err(unwritten)?;
        }
        Ok(())
    }
}

/// What comes next in a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// A tree begins.
    Tree {
        /// Its name.
        name: &'a str,
        /// What is known of all of its entries.
        widths: EntryWidths,
    },
    /// An entry of that tree.
    Entry {
        /// Its key.
        key: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
}

/// Reads a dump. What it gives is to be kept only once [`next_item`](Self::next_item) has said that the dump is complete.
///
/// Lengths in the file are not trusted: a block is read once its kind and length are what a writer may have written, and
/// memory grows with the bytes that are there, one block at a time. That is 256 KiB, or one entry if it is larger, and the
/// names of at most [`MAX_TREES`] trees.
#[derive(Debug)]
pub struct DumpReader<R> {
    input: Hashed<R>,
    block: Vec<u8>,
    /// Where in the block the next entry begins.
    place: usize,
    name: String,
    seen: BTreeSet<String>,
    last_key: Vec<u8>,
    /// The number of entries read of the tree that is open.
    tree_entries: Option<u64>,
    totals: Totals,
    finished: bool,
}

impl<R: Read> DumpReader<R> {
    /// Begins to read a dump.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if this is none, [`Unsupported`](ErrorKind::Unsupported) if a newer release wrote it,
    /// [`Io`](ErrorKind::Io).
    pub fn new(input: R) -> Result<Self, NetabaseError> {
        let mut input = Hashed::new(input);
        let mut head = Vec::new();
        (&mut input)
            .take(12)
            .read_to_end(&mut head)
            .map_err(unread)?;
        let foreign = || {
            NetabaseError::new(
                ErrorKind::Corrupt,
                "this is not a dump of a database; name a file that `netabase dump` wrote",
            )
        };
        let (magic, version) = head.split_first_chunk::<8>().ok_or_else(foreign)?;
        if *magic != MAGIC {
            return Err(foreign());
        }
        let version: [u8; 4] = version.try_into().map_err(|_| truncated())?;
        match u32::from_le_bytes(version) {
            VERSION => {}
            0 => return Err(corrupt("its version is 0, which no release writes")),
            version => {
                return Err(NetabaseError::new(
                    ErrorKind::Unsupported,
                    format!(
                        "the dump has format version {version}, and this release knows {VERSION}; load it with a newer \
                         release"
                    ),
                ));
            }
        }
        Ok(Self {
            input,
            block: Vec::new(),
            place: 0,
            name: String::new(),
            seen: BTreeSet::new(),
            last_key: Vec::new(),
            tree_entries: None,
            totals: Totals::default(),
            finished: false,
        })
    }

    /// What was read so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The next tree or entry; `None` once the end was reached and all counts and checksums are right.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if the file is truncated or damaged, [`Io`](ErrorKind::Io).
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, NetabaseError> {
        loop {
            if self.finished {
                return Ok(None);
            }
            if self.place < self.block.len() {
                return self.entry().map(Some);
            }
            let before = self.input.hash.digest128();
            match (self.read_block()?, self.tree_entries) {
                (TREE, _) => return self.tree().map(Some),
                (ENTRIES, _) => self.place = 0,
                (TREE_END, Some(entries)) => {
                    if self.block != entries.to_le_bytes() {
                        return Err(corrupt("a tree has another number of entries than it says"));
                    }
                    self.tree_entries = None;
                    self.block.clear();
                }
                _ => self.trailer(before)?,
            }
        }
    }

    fn tree(&mut self) -> Result<Item<'_>, NetabaseError> {
        let damaged = || corrupt("the head of a tree is damaged");
        let (key, rest) = self.block.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (value, name) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let width = |bytes: &[u8; 4]| Some(u32::from_le_bytes(*bytes)).filter(|w| *w != NO_WIDTH);
        let widths = EntryWidths {
            key: width(key),
            value: width(value),
        };
        let name = std::str::from_utf8(name).map_err(|_| damaged())?.to_owned();
        if self.totals.trees == MAX_TREES {
            return Err(corrupt("it has more trees than any writer puts into one"));
        }
        if !self.seen.insert(name.clone()) {
            return Err(corrupt("it has the same tree twice"));
        }
        self.name = name;
        self.block.clear();
        self.place = 0;
        self.last_key.clear();
        self.tree_entries = Some(0);
        self.totals.trees += 1;
        Ok(Item::Tree {
            name: &self.name,
            widths,
        })
    }

    fn entry(&mut self) -> Result<Item<'_>, NetabaseError> {
        let damaged = || corrupt("an entry is damaged");
        let rest = self.block.get(self.place..).unwrap_or_default();
        let (key, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (value, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (key, value) = (
            u32::from_le_bytes(*key) as usize,
            u32::from_le_bytes(*value) as usize,
        );
        let (key, rest) = rest.split_at_checked(key).ok_or_else(damaged)?;
        let (value, rest) = rest.split_at_checked(value).ok_or_else(damaged)?;
        if key <= self.last_key.as_slice() {
            return Err(corrupt("its keys do not ascend"));
        }
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        self.place = self.block.len() - rest.len();
        self.tree_entries = self.tree_entries.map(|entries| entries + 1);
        self.totals.entries += 1;
        Ok(Item::Entry { key, value })
    }

    fn trailer(&mut self, hash: u128) -> Result<(), NetabaseError> {
        let expected = [
            &self.totals.trees.to_le_bytes()[..],
            &self.totals.entries.to_le_bytes(),
            &hash.to_le_bytes(),
        ]
        .concat();
        if self.block != expected {
            return Err(corrupt("its counts or its total checksum are wrong"));
        }
        let mut more = Vec::new();
        (&mut self.input)
            .take(1)
            .read_to_end(&mut more)
            .map_err(unread)?;
        if !more.is_empty() {
            return Err(corrupt("bytes follow its end"));
        }
        self.finished = true;
        Ok(())
    }

    fn read_block(&mut self) -> Result<u8, NetabaseError> {
        self.place = 0;
        self.read_exactly(5)?;
        let &[kind, a, b, c, d] = self.block.as_slice() else {
            return Err(truncated());
        };
        let length = u32::from_le_bytes([a, b, c, d]);
        let is_right = match (kind, self.tree_entries) {
            (TREE, None) => (9..=8 + NAME_BYTES).contains(&length),
            (ENTRIES, Some(_)) => length > 0,
            (TREE_END, Some(_)) => length == 8,
            (TRAILER, None) => length == 32,
            _ => return Err(corrupt("its blocks are in no order that a writer uses")),
        };
        if !is_right {
            return Err(corrupt("a block has a length that no writer gives it"));
        }
        self.block.clear();
        let length_read = length as usize;
        if length_read > BLOCK_BYTES {
            self.read_more(BLOCK_BYTES)?;
            self.check_last_entry(length_read)?;
        }
        self.read_more(length_read.saturating_add(8) - self.block.len())?;
        let (payload, sum) = self.block.split_last_chunk::<8>().ok_or_else(truncated)?;
        if u64::from_le_bytes(*sum) != checksum(block_head(kind, length), payload) {
            return Err(corrupt("the checksum of a block is wrong"));
        }
        self.block.truncate(length as usize);
        Ok(kind)
    }

    /// Puts so many bytes into the block's place. The buffer grows with what is there, not with what is announced.
    fn read_exactly(&mut self, count: usize) -> Result<(), NetabaseError> {
        self.block.clear();
        self.read_more(count)
    }

    /// Whether a block of entries that is this long ends with the entry that reaches beyond [`BLOCK_BYTES`], of which as
    /// many were read: a writer begins another block then.
    fn check_last_entry(&mut self, length: usize) -> Result<(), NetabaseError> {
        let mut end = 0_usize;
        while end < BLOCK_BYTES {
            let head = end.saturating_add(8);
            if head > length {
                break;
            }
            self.read_more(head.saturating_sub(self.block.len()))?;
            let lengths = self.block.get(end..head).unwrap_or_default();
            let Some((key, value)) = lengths.split_first_chunk::<4>() else {
                break;
            };
            let value = value.first_chunk().copied().unwrap_or_default();
            end = [*key, value].iter().fold(head, |end, length| {
                end.saturating_add(u32::from_le_bytes(*length) as usize)
            });
        }
        if end == length {
            Ok(())
        } else {
            Err(corrupt("a block has a length that no writer gives it"))
        }
    }

    /// Adds so many bytes to those in the block's place.
    fn read_more(&mut self, count: usize) -> Result<(), NetabaseError> {
        let read = (&mut self.input)
            .take(count as u64)
            .read_to_end(&mut self.block)
            .map_err(unread)?;
        if read == count {
            Ok(())
        } else {
            Err(truncated())
        }
    }
}

fn block_head(kind: u8, length: u32) -> [u8; 5] {
    let [a, b, c, d] = length.to_le_bytes();
    [kind, a, b, c, d]
}

/// The checksum of one block: over its head, and over its payload with that as seed's place.
fn checksum(head: [u8; 5], payload: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&head);
    hash.update(&xxh3_64(payload).to_le_bytes());
    hash.digest()
}

/// A stream and the checksum of all that went through it.
struct Hashed<S> {
    inner: S,
    hash: Xxh3,
}

impl<S> Hashed<S> {
    fn new(inner: S) -> Self {
        Self {
            inner,
            hash: Xxh3::new(),
        }
    }
}

impl<S> std::fmt::Debug for Hashed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hashed").finish_non_exhaustive()
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.hash.update(&out[..read]);
        Ok(read)
    }
}

#[cold]
fn corrupt(what: &str) -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Corrupt,
        format!("the dump is damaged: {what}; copy or make it again"),
    )
}

#[cold]
fn truncated() -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Corrupt,
        "the dump ends early: it was cut off, or writing it was interrupted; copy or make it again",
    )
}

#[cold]
fn too_large() -> NetabaseError {
    NetabaseError::new(
        ErrorKind::LimitExceeded,
        "an entry of 4 GiB or more has no place in a dump; copy the database with `netabase copy`",
    )
}

fn unwritten(error: io::Error) -> NetabaseError {
    NetabaseError::new(ErrorKind::Io, format!("cannot write the dump: {error}")).with_source(error)
}

fn unread(error: io::Error) -> NetabaseError {
    NetabaseError::new(ErrorKind::Io, format!("cannot read the dump: {error}")).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut writer = DumpWriter::new(Vec::new()).unwrap();
        writer
            .tree(
                "a",
                EntryWidths {
                    key: Some(1),
                    value: None,
                },
            )
            .unwrap();
        writer.entry(b"1", b"one").unwrap();
        writer.entry(b"2", b"").unwrap();
        writer.tree("empty", EntryWidths::default()).unwrap();
        let (bytes, totals) = writer.finish().unwrap();
        assert_eq!(
            totals,
            Totals {
                trees: 2,
                entries: 2
            }
        );
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<String>, NetabaseError> {
        let mut reader = DumpReader::new(bytes)?;
        let mut items = Vec::new();
        while let Some(item) = reader.next_item()? {
            items.push(format!("{item:?}"));
        }
        Ok(items)
    }

    #[test]
    fn what_was_written_is_read() {
        let items = read(&sample()).unwrap();
        assert_eq!(items.len(), 4);
        assert!(
            items[0].contains("\"a\"") && items[0].contains("Some(1)"),
            "{items:?}"
        );
        assert!(items[3].contains("\"empty\""), "{items:?}");
    }

    #[test]
    fn every_changed_byte_is_an_error() {
        let dump = sample();
        for place in 0..dump.len() {
            for change in [1, 0x80, 0xFF] {
                let mut damaged = dump.clone();
                damaged[place] ^= change;
                assert!(read(&damaged).is_err(), "byte {place} xor {change}");
            }
        }
    }

    #[test]
    fn every_truncation_and_addition_is_an_error() {
        let dump = sample();
        for length in 0..dump.len() {
            let error = read(&dump[..length]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{length}");
        }
        assert!(read(&[&dump[..], b"x"].concat()).is_err());
    }

    /// A file that goes on as long as it is read, and how many bytes were.
    struct Endless<'a> {
        start: &'a [u8],
        given: usize,
    }

    impl Read for Endless<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let rest = self.start.get(self.given..).unwrap_or_default();
            if rest.is_empty() {
                out.fill(0);
                self.given += out.len();
                return Ok(out.len());
            }
            let given = rest.len().min(out.len());
            out[..given].copy_from_slice(&rest[..given]);
            self.given += given;
            Ok(given)
        }
    }

    #[test]
    fn a_block_is_not_read_before_its_kind_and_length_are_right() {
        let tree = {
            let mut writer = DumpWriter::new(Vec::new()).unwrap();
            writer.tree("t", EntryWidths::default()).unwrap();
            writer.out.inner
        };
        let entry = [&1_u32.to_le_bytes()[..], &0_u32.to_le_bytes(), b"k"].concat();
        let many = entry.repeat(BLOCK_BYTES / entry.len() + 1);
        for (start, kind, length, payload) in [
            (&tree[..12], TREE, u32::MAX, &[][..]),
            (&tree[..12], TREE, 8, &[]),
            (&tree[..12], TREE, 264, &[]),
            (&tree[..12], ENTRIES, u32::MAX, &[]),
            (&tree[..12], TRAILER, u32::MAX, &[]),
            (&tree[..12], 5, u32::MAX, &[]),
            (&tree, TREE, 9, &[]),
            (&tree, TREE_END, 9, &[]),
            (&tree, ENTRIES, 0, &[]),
            (&tree, ENTRIES, u32::MAX, &[]),
            (&tree, ENTRIES, u32::MAX, &many),
        ] {
            let start = [start, &block_head(kind, length), payload].concat();
            let mut input = Endless {
                start: &start,
                given: 0,
            };
            let mut reader = DumpReader::new(&mut input).unwrap();
            let error = loop {
                match reader.next_item() {
                    Ok(item) => assert!(item.is_some()),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            let most = start.len().max(2 * BLOCK_BYTES);
            assert!(
                input.given <= most,
                "kind {kind}, {length}: {}",
                input.given
            );
        }
    }

    #[test]
    fn blocks_end_behind_a_large_entry_wherever_it_begins() {
        for before in [0, 1, BLOCK_BYTES - 30, BLOCK_BYTES - 20, BLOCK_BYTES - 9] {
            let mut writer = DumpWriter::new(Vec::new()).unwrap();
            writer.tree("t", EntryWidths::default()).unwrap();
            writer.entry(b"a", &vec![1; before]).unwrap();
            writer.entry(b"b", &vec![2; 3 * BLOCK_BYTES]).unwrap();
            for key in 0..100_000_u32 {
                let key = [b"c", &key.to_be_bytes()[..]].concat();
                writer.entry(&key, b"").unwrap();
            }
            let (bytes, totals) = writer.finish().unwrap();
            let mut reader = DumpReader::new(&bytes[..]).unwrap();
            while reader.next_item().unwrap().is_some() {}
            assert_eq!(reader.totals(), totals, "{before}");
        }
    }

    #[test]
    fn trees_are_counted() {
        let mut writer = DumpWriter::new(Vec::new()).unwrap();
        for number in 0..MAX_TREES {
            writer
                .tree(&number.to_string(), EntryWidths::default())
                .unwrap();
        }
        let refused = writer.tree("more", EntryWidths::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
        writer.totals.trees -= 1;
        writer.tree("more", EntryWidths::default()).unwrap();
        let (bytes, _) = writer.finish().unwrap();
        let mut reader = DumpReader::new(&bytes[..]).unwrap();
        let error = loop {
            if let Err(error) = reader.next_item() {
                break error;
            }
        };
        assert!(error.message().contains("more trees"), "{error}");
        assert_eq!(reader.totals().trees, MAX_TREES);
    }

    #[test]
    fn a_newer_version_is_named() {
        let mut dump = sample();
        dump[8] = 2;
        let error = read(&dump).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("version 2"), "{error}");
    }
}
