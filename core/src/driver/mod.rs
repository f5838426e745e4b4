//! The driver contract: ordered trees of bytes, transactions over them, and what every engine promises.
//!
//! A driver is a type that implements [`Driver`]; its store implements [`Database`], its transactions [`Read`] and
//! [`Write`], its cursors [`Cursor`]. The set is small on purpose: whatever can be derived from it is written once, in
//! [`ext`] and above, and limits and states are checked once, in [`checked`].
//!
//! # What every driver promises
//! - Keys are ordered by unsigned byte comparison. Values may be empty; keys may not.
//! - Write transactions are serialisable: they have the effect of running one after another. A write transaction covers
//!   any number of trees and is atomic, in memory and after a crash. Its reads see its own writes.
//! - There is one writer at a time. Core makes the writers of one handle [wait](checked::Checked::begin_write) for each
//!   other; the driver makes them wait for those of other handles and processes, if it allows any. Under
//!   [`Capabilities::OPTIMISTIC`] there may be many, and none waits for another: each reads the snapshot that it began
//!   with, and [`commit`](Write::commit) fails with [`Conflict`](ErrorKind::Conflict), with nothing kept, if a commit
//!   since then has changed what it read. What it read are the values of keys, those that were absent included, the
//!   ranges that its cursors passed over, and the lengths of trees. The driver may take more for changed than was, but
//!   not for ever: the only transaction commits.
//! - A commit has one of three outcomes. `Ok`: the transaction is kept. [`CommitUnknown`](ErrorKind::CommitUnknown): it
//!   is kept in whole or not at all, and the driver cannot tell which; nothing above the driver retries it. Any other
//!   error: nothing of it is kept, now or later.
//! - A read transaction sees one snapshot for its whole life. An engine that cannot hold one reports
//!   [`SnapshotLost`](ErrorKind::SnapshotLost) and never shows a torn view.
//! - [`Durability::Immediate`]: on disk when `commit` returns. [`Durability::None`]: atomic and ordered, may be lost
//!   in a crash, kept by an orderly close. A driver that loses such commits to a failing device, and goes on, refuses
//!   one transaction with [`CommitsLost`](ErrorKind::CommitsLost) before it shows a state without them.
//! - Dropping a write transaction rolls it back. Handles may be dropped in any order.
//! - A tree that nobody wrote to is empty; reading it is not an error.
//! - No call panics on anything that a caller, a file or the operating system can cause.

mod any;
pub mod asynchronous;
pub mod checked;
pub mod command;
pub mod ext;
pub mod kit;
mod location;
mod manifest;
mod pinned;
mod resume;
mod write_batch;

use std::ops::Bound;
use std::time::Duration;

use crate::config::BUSY_TIMEOUT;
pub use crate::error::{CommitToken, DriverError, ErrorKind};
pub use any::{AnyCursor, AnyDatabase, AnyDriver, AnyReader, AnyWriter};
pub use command::{Command, CommandOutput};
pub use location::Location;
pub use manifest::{Capabilities, Limits, Manifest};
pub use pinned::PinnedRead;
pub use resume::ResumingCursor;
pub use write_batch::{OperationsIter, WriteBatch, WriteBatchBuilder, WriteOp};

/// The result of a driver's operation.
pub type Result<T, E = DriverError> = std::result::Result<T, E>;

/// One storage engine.
pub trait Driver: Send + Sync + 'static {
    /// An open database of this engine.
    type Database: Database;

    /// What this driver is, offers and allows. The same for the driver's whole life.
    fn manifest(&self) -> &Manifest;

    /// Opens the database that `config` names.
    ///
    /// An implementor honours every field of `config` or refuses the ones it cannot with
    /// [`Unsupported`](ErrorKind::Unsupported), and leaves a file that is not its own as it is, byte for byte.
    ///
    /// # Errors
    /// - [`NotFound`](ErrorKind::NotFound): there is no database and `create_if_missing` is off.
    /// - [`Locked`](ErrorKind::Locked): another handle, here or in another process, holds it.
    /// - [`Corrupt`](ErrorKind::Corrupt): there is something that this engine did not write.
    /// - [`InvalidInput`](ErrorKind::InvalidInput), [`Unsupported`](ErrorKind::Unsupported): a field has no meaning
    ///   for this engine, a location that is not one of its own among them.
    /// - [`Io`](ErrorKind::Io): the operating system refused.
    fn open(&self, config: &OpenConfig<'_>) -> Result<Self::Database>;
}

/// How a driver opens a database.
#[derive(Debug, Clone, Copy)]
pub struct OpenConfig<'a> {
    /// Where the database is: a path, a URL, or nothing, as the engine takes it.
    pub location: Location<'a>,
    /// Size of the engine's cache in bytes; `None` leaves it to the engine.
    pub cache_bytes: Option<u64>,
    /// Create the database if there is none.
    pub create_if_missing: bool,
    /// Remove all that an existing database holds.
    pub truncate: bool,
    /// Open for reading only.
    pub read_only: bool,
    /// How long [`Checked::begin_write`](checked::Checked::begin_write) waits for another write transaction of the same
    /// handle. Core waits, above the driver, so that a driver has no use for it; one that was loaded does not get it.
    pub busy_timeout: Duration,
    /// Options of this engine alone, as name and value. An unknown name or value is
    /// [`InvalidInput`](ErrorKind::InvalidInput), and the message lists the known ones.
    pub options: &'a [(&'a str, &'a str)],
}

impl<'a> OpenConfig<'a> {
    /// The defaults at this path or URL: create if missing, keep what is there, read and write.
    #[must_use]
    pub fn new(location: impl Into<Location<'a>>) -> Self {
        Self {
            location: location.into(),
            cache_bytes: None,
            create_if_missing: true,
            truncate: false,
            read_only: false,
            busy_timeout: BUSY_TIMEOUT,
            options: &[],
        }
    }
}

impl<'a> From<&'a crate::config::FileConfig> for OpenConfig<'a> {
    fn from(config: &'a crate::config::FileConfig) -> Self {
        Self {
            location: Location::from(&config.path),
            cache_bytes: config
                .cache_size_mb
                .map(|megabytes| (megabytes as u64).saturating_mul(1024 * 1024)),
            create_if_missing: config.create_if_missing,
            truncate: config.truncate,
            read_only: config.read_only,
            busy_timeout: config.busy_timeout,
            options: &[],
        }
    }
}

/// An open database. Shared by threads; transactions keep what they need of it alive.
pub trait Database: Send + Sync + 'static {
    /// A read transaction: one snapshot.
    type Reader: Read + Send + 'static;
    /// A write transaction.
    type Writer: Write + Send + 'static;

    /// Begins a read transaction. Never waits for a writer.
    ///
    /// # Errors
    /// An error of the engine.
    fn begin_read(&self) -> Result<Self::Reader>;

    /// Begins a write transaction.
    ///
    /// Unless the driver is [optimistic](Capabilities::OPTIMISTIC), core calls this only while no other writer of this
    /// handle is open: dropping or committing it has returned. So a driver need not order its own writers. Where other
    /// handles or processes may write to the same database, it waits for their writers here. Called without core, while a
    /// writer is open, it waits or returns [`Conflict`](ErrorKind::Conflict), and keeps both writers' commits whole;
    /// [`kit::turn`] refuses for it.
    ///
    /// Core refuses the call on a store that was opened read-only before it reaches the driver.
    ///
    /// # Errors
    /// An error of the engine.
    fn begin_write(&self) -> Result<Self::Writer>;

    /// Runs one of the engine's [commands](command) by name; hands each part of what it returns to `output`.
    ///
    /// [`commands!`](crate::commands) writes this from a driver's list. The commands of a driver are in
    /// [`Manifest::commands`]; the argument is the command's [fields](Command::argument), the output in the form of its
    /// [`Output`](CommandOutput). The common ones have no fields:
    ///
    /// | name | type | output |
    /// |---|---|---|
    /// | `tree_names` | [`TreeNames`](command::TreeNames) | the name of each tree that holds an entry, one output a name |
    /// | `size_on_disk` | [`SizeOnDisk`](command::SizeOnDisk) | `u64`, in bytes |
    /// | `temporary_bytes` | [`TemporaryBytes`](command::TemporaryBytes) | `u64`, in bytes |
    /// | `check_integrity` | [`CheckIntegrity`](command::CheckIntegrity) | one byte: 1 if the database was sound, 0 if damage was found and repaired |
    /// | `compact` | [`Compact`](command::Compact) | one byte: 1 if the database was made smaller |
    /// | `flush` | [`Flush`](command::Flush) | `u64`, the bytes written |
    /// | `generate_id` | [`GenerateId`](command::GenerateId) | `u64`, never given before in this database |
    /// | `was_recovered` | [`WasRecovered`](command::WasRecovered) | one byte: 1 if the database was there before it was opened |
    /// | `stats` | [`Stats`](command::Stats) | UTF-8 text, a line `name=value` for each figure |
    ///
    /// Numbers are little endian. Core refuses a name that the manifest does not list, and `compact` and `generate_id` on
    /// a store that was opened read-only, before they reach the driver. A driver refuses those of its own that write.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a name that is not in the manifest,
    /// [`InvalidInput`](ErrorKind::InvalidInput) for an argument that the command does not take,
    /// [`ReadOnly`](ErrorKind::ReadOnly) for one that writes on a store that was opened read-only, or an error of the
    /// engine.
    fn command(&self, name: &str, argument: &[u8], output: &mut dyn FnMut(&[u8])) -> Result<()> {
        let _ = (argument, output);
        Err(DriverError::unsupported(name))
    }

    /// The outcome of an earlier commit that failed with [`CommitUnknown`](ErrorKind::CommitUnknown) and gave this token.
    ///
    /// The handle may be another one of the same database, in another process. A driver that gives tokens implements
    /// this, and says how long it remembers. Once it has returned [`Committed`](CommitOutcome::Committed) or
    /// [`NotCommitted`](CommitOutcome::NotCommitted) for a token, it never returns the other.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the driver gives no tokens, [`InvalidInput`](ErrorKind::InvalidInput)
    /// for bytes that are not a token of its own, or an error of the engine.
    fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
        let _ = token;
        Err(DriverError::unsupported("commit_outcome"))
    }
}

/// What became of a commit, asked for with its [token](CommitToken).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum CommitOutcome {
    /// All of the transaction is kept.
    Committed = 0,
    /// Nothing of the transaction is kept, and nothing will be.
    NotCommitted = 1,
    /// The engine cannot tell: it has not decided yet, or does not remember any more.
    Unknown = 2,
}

/// A tree as a transaction knows it: resolved from its name once, then used for each operation.
///
/// An id is meaningful only to the transaction that gave it. For an id that it did not give, a driver returns
/// [`InvalidInput`](ErrorKind::InvalidInput).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct TreeId(pub u32);

impl TreeId {
    /// The error for an id that the transaction did not give.
    #[must_use]
    pub fn unknown(self) -> DriverError {
        DriverError::new(
            ErrorKind::InvalidInput,
            format!(
                "tree id {} does not belong to this transaction; ids are not shared between transactions",
                self.0
            ),
        )
    }
}

/// What a caller knows beforehand of every entry of a tree.
///
/// `None` says nothing: the lengths may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryWidths {
    /// The length of every key in bytes.
    pub key: Option<u32>,
    /// The length of every value in bytes.
    pub value: Option<u32>,
}

/// The direction of a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Direction {
    /// From the smallest key up.
    Forward = 0,
    /// From the largest key down.
    Backward = 1,
}

/// What a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum Durability {
    /// Atomic and ordered after earlier commits; may be lost in a crash, kept by an orderly close.
    None = 0,
    /// On disk when `commit` returns.
    #[default]
    Immediate = 1,
}

/// The keys that a cursor covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds<'a> {
    /// Where the keys begin.
    pub lower: Bound<&'a [u8]>,
    /// Where the keys end.
    pub upper: Bound<&'a [u8]>,
}

impl<'a> Bounds<'a> {
    /// Every key.
    pub const ALL: Bounds<'static> = Bounds {
        lower: Bound::Unbounded,
        upper: Bound::Unbounded,
    };

    /// Whether no key at all can lie within: the bounds are inverted, or equal with an end excluded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (self.lower, self.upper) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
            (
                Bound::Included(lower) | Bound::Excluded(lower),
                Bound::Included(upper) | Bound::Excluded(upper),
            ) => lower >= upper,
        }
    }

    /// Whether `key` lies within.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.reaches_down_to(key) && self.reaches_up_to(key)
    }

    /// Whether `key` is not below the lower bound.
    #[must_use]
    pub fn reaches_down_to(&self, key: &[u8]) -> bool {
        match self.lower {
            Bound::Unbounded => true,
            Bound::Included(lower) => key >= lower,
            Bound::Excluded(lower) => key > lower,
        }
    }

    /// Whether `key` is not above the upper bound.
    #[must_use]
    pub fn reaches_up_to(&self, key: &[u8]) -> bool {
        match self.upper {
            Bound::Unbounded => true,
            Bound::Included(upper) => key <= upper,
            Bound::Excluded(upper) => key < upper,
        }
    }

    /// These bounds without the keys that a cursor of this direction has to pass before it is at `key`.
    ///
    /// `at` says whether `key` itself is still to come.
    #[must_use]
    pub fn resumed(self, direction: Direction, key: &'a [u8], at: Resume) -> Self {
        let bound = match at {
            Resume::At => Bound::Included(key),
            Resume::After => Bound::Excluded(key),
        };
        match direction {
            Direction::Forward if self.reaches_down_to(key) => Self {
                lower: bound,
                ..self
            },
            Direction::Backward if self.reaches_up_to(key) => Self {
                upper: bound,
                ..self
            },
            Direction::Forward | Direction::Backward => self,
        }
    }
}

/// Whether a resumed cursor gives the key that it resumes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// The key itself, if it is there, comes first.
    At,
    /// The key itself is left out.
    After,
}

/// The smallest key above every key that begins with `prefix`; `None` if there is none.
///
/// Written to the buffer's place: what `prefix` held is shortened and incremented.
#[must_use]
pub fn prefix_end(mut prefix: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            return Some(prefix);
        }
    }
    None
}

/// Reading, in a read or a write transaction.
pub trait Read {
    /// A cursor over one tree.
    type Cursor<'t>: Cursor
    where
        Self: 't;

    /// Resolves a tree by name. The name is valid UTF-8, not empty, and at most 255 bytes long.
    ///
    /// A tree need not exist: it is empty until somebody writes to it, and asking for it in a read transaction creates
    /// nothing. Asking for the same name again gives an id for the same tree.
    ///
    /// # Errors
    /// An error of the engine.
    fn tree(&self, name: &str) -> Result<TreeId>;

    /// [`tree`](Self::tree), with the widths of its entries, as far as they are known.
    ///
    /// They are a hint, which an engine may use when it creates the tree, to store it in less room or find its entries
    /// faster. A tree that is there already stays as it is, whatever the widths. The caller keeps to the widths: an
    /// entry of another one is [`InvalidInput`](ErrorKind::InvalidInput) if the engine used the hint, and stored like
    /// any other if it did not. The keys of a [`get`](Self::get), of a
    /// [`remove`](Write::remove) and of [`Bounds`] may have any length.
    ///
    /// # Errors
    /// An error of the engine.
    #[inline]
    fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId> {
        let _ = widths;
        self.tree(name)
    }

    /// Hands the value stored under `key` to `visit`, without a copy; `None` if there is none.
    ///
    /// # Errors
    /// An error of the engine.
    fn get<R>(&self, tree: TreeId, key: &[u8], visit: impl FnOnce(&[u8]) -> R)
    -> Result<Option<R>>;

    /// Opens a cursor over the keys within `bounds`, before the first entry of its direction.
    ///
    /// Core does not pass bounds that [are empty](Bounds::is_empty) on to the driver.
    ///
    /// # Errors
    /// An error of the engine.
    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self::Cursor<'_>>;

    /// The number of entries in a tree.
    ///
    /// # Errors
    /// An error of the engine.
    fn len(&self, tree: TreeId) -> Result<u64>;
}

/// Writing. Dropping a write transaction without [`commit`](Self::commit) rolls it back.
pub trait Write: Read {
    /// Stores `value` under `key`; hands the value that was there before to `previous`.
    ///
    /// The value that was there costs no second descent. `None` means there was none.
    ///
    /// # Errors
    /// An error of the engine. Core then lets the transaction only be rolled back.
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>>;

    /// Removes `key`; hands the value that was there to `previous`. `None` means there was none.
    ///
    /// # Errors
    /// An error of the engine. Core then lets the transaction only be rolled back.
    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>>;

    /// Removes every entry of a tree.
    ///
    /// # Errors
    /// An error of the engine. Core then lets the transaction only be rolled back.
    fn clear(&mut self, tree: TreeId) -> Result<()>;

    /// Runs a list of operations in order, all or none.
    ///
    /// Core has checked the list against the limits. The provided form is right for every engine; one that has a
    /// batch call of its own, or a network between, may do better.
    ///
    /// # Errors
    /// An error of the engine. Core then lets the transaction only be rolled back, so that none is kept.
    fn apply(&mut self, batch: &WriteBatch<'_>) -> Result<()> {
        for operation in batch {
            match operation {
                WriteOp::Put { tree, key, value } => {
                    self.put(tree, key, value, |_| ())?;
                }
                WriteOp::Remove { tree, key } => {
                    self.remove(tree, key, |_| ())?;
                }
                WriteOp::Clear { tree } => self.clear(tree)?,
            }
        }
        Ok(())
    }

    /// Makes the transaction's writes permanent, all at once.
    ///
    /// # Errors
    /// - [`Conflict`](ErrorKind::Conflict), on an [optimistic](Capabilities::OPTIMISTIC) driver: another commit has
    ///   changed what this transaction read.
    /// - [`CommitUnknown`](ErrorKind::CommitUnknown): the transaction is kept in whole or not at all, and the engine
    ///   cannot tell which. The error carries a [token](DriverError::with_commit_token) if
    ///   [`Database::commit_outcome`] can find out later.
    /// - An error of the engine.
    ///
    /// Nothing of the transaction is kept then, except perhaps after `CommitUnknown`.
    fn commit(self, durability: Durability) -> Result<()>;
}

/// A position among the entries of one tree, moving in one direction.
pub trait Cursor {
    /// Moves to the next entry; `false` when there is none. After `false` or an error the cursor stays at its end.
    ///
    /// # Errors
    /// An error of the engine. An error is never shown as an early end.
    fn advance(&mut self) -> Result<bool>;

    /// The key of the current entry, valid until the cursor moves; empty before the first and after the last.
    fn key(&self) -> &[u8];

    /// The value of the current entry, valid until the cursor moves; empty before the first and after the last.
    fn value(&self) -> &[u8];

    /// [`advance`](Self::advance), and the key and value of the entry moved to; `None` at the end.
    ///
    /// A driver that gives them out faster in one step than one by one has its own form.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    #[inline]
    fn next_entry(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        Ok(if self.advance()? {
            Some((self.key(), self.value()))
        } else {
            None
        })
    }

    /// Moves so that the next [`advance`](Self::advance) gives the first entry, in the cursor's direction and within
    /// its bounds, at or after `key`. May move backwards as well.
    ///
    /// # Errors
    /// An error of the engine.
    fn seek(&mut self, key: &[u8]) -> Result<()>;
}
