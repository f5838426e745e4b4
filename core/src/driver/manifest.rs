//! What a driver says of itself: who it is, what a caller may rely on, and how large things may be.

use std::borrow::Cow;
use std::fmt;
use std::ops::BitOr;

/// What a driver says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The name that it is loaded by: `[a-z0-9][a-z0-9-]*`.
    pub name: Cow<'static, str>,
    /// The driver's own version.
    pub version: Cow<'static, str>,
    /// The engine's name.
    pub engine: Cow<'static, str>,
    /// The engine's version.
    pub engine_version: Cow<'static, str>,
    /// What a caller may rely on.
    pub capabilities: Capabilities,
    /// How large things may be.
    pub limits: Limits,
    /// The commands that [`Database::command`](super::Database::command) runs.
    pub commands: Cow<'static, [Cow<'static, str>]>,
}

impl Manifest {
    /// Whether [`Database::command`](super::Database::command) runs a command of this name.
    #[must_use]
    pub fn offers(&self, command: &str) -> bool {
        self.commands.iter().any(|name| name == command)
    }
}

/// The largest sizes that an engine takes; `0` means that the engine sets none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Largest key, in bytes.
    pub key_bytes: u64,
    /// Largest value, in bytes.
    pub value_bytes: u64,
    /// Largest sum of keys and values that one transaction may write, in bytes.
    pub transaction_bytes: u64,
}

impl Limits {
    /// No limits beyond the machine's.
    pub const NONE: Self = Self {
        key_bytes: 0,
        value_bytes: 0,
        transaction_bytes: 0,
    };
}

/// A set of things that a caller may rely on.
///
/// Each is defined by what can be observed, so that the conformance suite shows it present where it is declared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct Capabilities(u64);

impl Capabilities {
    /// None.
    pub const NONE: Self = Self(0);
    /// What was committed is there when the database is opened again.
    pub const PERSISTENT: Self = Self(1);
    /// [`Durability::Immediate`](super::Durability::Immediate) survives the loss of power.
    pub const DURABLE: Self = Self(1 << 1);
    /// [`Durability::None`](super::Durability::None) is cheaper than `Immediate`: it does not wait for the disk.
    pub const DEFERRED: Self = Self(1 << 2);
    /// A read transaction keeps its snapshot for as long as it lives; it never reports `SnapshotLost`.
    pub const SNAPSHOTS: Self = Self(1 << 3);
    /// Values are handed out from the engine's own memory, without a copy.
    pub const ZERO_COPY: Self = Self(1 << 4);
    /// Several processes may hold the database open for writing at the same time.
    pub const MULTI_PROCESS: Self = Self(1 << 5);
    /// The database can be opened read-only.
    pub const READ_ONLY: Self = Self(1 << 6);
    /// Several write transactions may be open at the same time, each on the snapshot that it began with.
    /// [`commit`](super::Write::commit) fails with [`Conflict`](super::ErrorKind::Conflict), and nothing is kept, if
    /// another commit has changed what the transaction read. Without it, there is one writer at a time.
    pub const OPTIMISTIC: Self = Self(1 << 7);
    /// The engine keeps the number of a tree's entries apart from them: [`len`](super::Read::len) costs the same for every
    /// tree, and a tree that has lost entries to damage holds fewer than it says. A read of all records compares the two.
    pub const COUNTED: Self = Self(1 << 8);
    /// Reading files that were damaged gives errors, and never ends the process. Engines in memory-safe languages that check
    /// what they read can promise it; one that trusts the bytes of a mapped file cannot.
    pub const SURVIVES_DAMAGE: Self = Self(1 << 9);

    const NAMES: [(Self, &'static str); 10] = [
        (Self::PERSISTENT, "persistent"),
        (Self::DURABLE, "durable"),
        (Self::DEFERRED, "deferred"),
        (Self::SNAPSHOTS, "snapshots"),
        (Self::ZERO_COPY, "zero-copy"),
        (Self::MULTI_PROCESS, "multi-process"),
        (Self::READ_ONLY, "read-only"),
        (Self::OPTIMISTIC, "optimistic"),
        (Self::COUNTED, "counted"),
        (Self::SURVIVES_DAMAGE, "survives-damage"),
    ];

    /// Whether all of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// This set and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set as bits, as it crosses the driver ABI.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The set with these bits. Bits that this version does not know are kept and ignored.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The names of the capabilities in this set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .filter(move |(flag, _)| self.contains(*flag))
            .map(|(_, name)| name)
    }
}

impl BitOr for Capabilities {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
