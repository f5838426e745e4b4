//! The types that cross the driver ABI, version 1.0: `#[repr(C)]`, and the same as in `include/netabase_driver.h`. They
//! may change until the first release, and never after it.
//!
//! `docs/abi.md` explains each of them. From that release on, [`Entry`], [`VTable`] and [`Manifest`] grow at their end in later minor
//! versions, and state their size. Every other type stays as it is; what a later version adds to [`OpenConfig`] or
//! [`ErrorBuffer`] lies behind the fields shown here, and the `size` in front says that it is there.

// What `abi_stable`'s derive generates beside the types: accessors and prefix types that nobody here uses.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "abi_stable's derive generates undocumented items; the types themselves are documented and tested"
)]

use std::mem::offset_of;
use std::{ptr, slice};

use abi_stable::StableAbi;

/// The first bytes of every [`Entry`].
pub const MAGIC: [u8; 8] = *b"netabase";
/// The version of this ABI; another major version is another ABI.
pub const ABI_MAJOR: u32 = 1;
/// The minor version that this library writes, and the newest that it knows.
pub const ABI_MINOR: u32 = 0;
/// What the symbol of an [`Entry`] begins with; the driver's name follows, each `-` written as `_`.
pub const SYMBOL_PREFIX: &str = "netabase_driver_";

/// [`Entry::flags`]: the driver was built to abort on a panic, so that a panic of it ends the process.
pub const FLAG_PANIC_ABORT: u64 = 1;
/// [`Entry::flags`]: the driver is written in Rust and [`Entry::layout`] describes its types.
pub const FLAG_RUST: u64 = 1 << 1;

/// [`OpenConfig::flags`]: create the database if there is none.
pub const OPEN_CREATE_IF_MISSING: u64 = 1;
/// [`OpenConfig::flags`]: remove all that an existing database holds.
pub const OPEN_TRUNCATE: u64 = 1 << 1;
/// [`OpenConfig::flags`]: open for reading only.
pub const OPEN_READ_ONLY: u64 = 1 << 2;
/// [`OpenConfig::flags`]: [`OpenConfig::cache_bytes`] is set; without it the engine decides.
pub const OPEN_CACHE_BYTES: u64 = 1 << 3;

/// `database_begin`: a read transaction.
pub const BEGIN_READ: u32 = 0;
/// `database_begin`: a write transaction.
pub const BEGIN_WRITE: u32 = 1;

/// [`Bound::kind`]: no bound.
pub const BOUND_UNBOUNDED: u32 = 0;
/// [`Bound::kind`]: up to and with the key.
pub const BOUND_INCLUDED: u32 = 1;
/// [`Bound::kind`]: up to and without the key.
pub const BOUND_EXCLUDED: u32 = 2;

/// Done; where a value can be absent: it was there.
pub const OK: u32 = 0;
/// Done; the value was not there, or there is no further entry.
pub const ABSENT: u32 = u32::MAX;

/// `txn_tree`: keys, or values, have no fixed width, or none that the host knows.
pub const WIDTH_VARIES: u32 = u32::MAX;

/// The longest token of a commit, in bytes; the host drops a longer one.
pub const TOKEN_BYTES: usize = 4096;

/// Borrowed bytes. The pointer may be null or dangling where the length is 0.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Slice {
    /// The first byte.
    pub data: *const u8,
    /// The number of bytes.
    pub length: usize,
}

impl Slice {
    /// No bytes.
    pub const EMPTY: Self = Self {
        data: ptr::null(),
        length: 0,
    };

    /// These bytes, for as long as they are borrowed; nothing checks that.
    #[inline]
    #[must_use]
    pub const fn new(bytes: &[u8]) -> Self {
        Self {
            data: bytes.as_ptr(),
            length: bytes.len(),
        }
    }

    /// Whether there can be such bytes: the pointer is not null unless there are none, and no more than memory can hold.
    #[inline]
    #[must_use]
    pub const fn is_possible(self) -> bool {
        self.length == 0 || (!self.data.is_null() && self.length <= isize::MAX as usize)
    }

    /// The bytes; `None` if the pointer is null although the length is not 0, or if no memory can be that long.
    ///
    /// # Safety
    /// A pointer that is not null, with a length that is not 0, points to that many initialised bytes, which nothing
    /// writes to for `'a`.
    #[inline]
    #[must_use]
    pub const unsafe fn get<'a>(self) -> Option<&'a [u8]> {
        if self.length == 0 {
            return Some(&[]);
        }
        if !self.is_possible() {
            return None;
        }
        // SAFETY: the pointer is not null, the length is possible, and the caller vouches for the bytes and `'a`.
        Some(unsafe { slice::from_raw_parts(self.data, self.length) })
    }
}

// SAFETY: a `Slice` is a pointer and a number; the code that reads through it vouches for the memory.
unsafe impl Send for Slice {}
// SAFETY: as above; a shared `Slice` only lets the pointer be copied.
unsafe impl Sync for Slice {}

/// A database of a driver; only the driver knows what is in it.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Database {
    private: [u8; 0],
}

/// A transaction of a driver; only the driver knows what is in it.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Transaction {
    private: [u8; 0],
}

/// A cursor of a driver; only the driver knows what is in it.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Cursor {
    private: [u8; 0],
}

/// What a visitor is given back; only the host knows what is in it.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Context {
    private: [u8; 0],
}

/// A function of the host that is shown bytes, which it borrows until it returns. Null where the host does not want
/// them.
///
/// It does not unwind: a host written in Rust catches its own panics.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Visit {
    /// Called with the context that came with it.
    pub function: Option<unsafe extern "C" fn(context: *mut Context, bytes: Slice)>,
}

/// Where a driver writes what went wrong. The host owns it, memory and all.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct ErrorBuffer {
    /// The size of this struct in bytes, as the host knows it.
    pub size: usize,
    /// Where the message goes: UTF-8, followed by its causes, each after a NUL.
    pub message: *mut u8,
    /// How many bytes there is room for.
    pub capacity: usize,
    /// The full length of the message, larger than `capacity` if it did not fit. The host sets it to 0 before the call.
    pub length: usize,
}

/// The name and value of one option.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct OpenOption {
    /// UTF-8.
    pub name: Slice,
    /// UTF-8.
    pub value: Slice,
}

/// How to open a database. A driver refuses a flag that it does not know with `Unsupported`.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct OpenConfig {
    /// The size of this struct in bytes, as the host knows it.
    pub size: usize,
    /// A sum of the `OPEN_` flags.
    pub flags: u64,
    /// Where the database is: a path (its bytes on Unix, UTF-8 elsewhere) or a URL. Empty for an engine that keeps
    /// nothing.
    pub location: Slice,
    /// Size of the engine's cache in bytes, if `OPEN_CACHE_BYTES` is set.
    pub cache_bytes: u64,
    /// The options of this engine alone.
    pub options: *const OpenOption,
    /// How many there are.
    pub options_length: usize,
}

/// One end of a range of keys.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Bound {
    /// One of the `BOUND_` numbers.
    pub kind: u32,
    /// 0.
    pub reserved: u32,
    /// The key, unless the kind is `BOUND_UNBOUNDED`.
    pub key: Slice,
}

/// A range of keys.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Bounds {
    /// Where it begins.
    pub lower: Bound,
    /// Where it ends.
    pub upper: Bound,
}

/// What a driver says of itself. Appended to in later minor versions.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
#[sabi(kind(Prefix(prefix_ref = ManifestRef, prefix_fields = ManifestPrefix)))]
#[sabi(missing_field(panic))]
pub struct Manifest {
    /// The size of this struct in bytes, as the driver knows it.
    pub size: usize,
    /// The engine's name, UTF-8.
    pub engine: Slice,
    /// The engine's version, UTF-8.
    pub engine_version: Slice,
    /// The bits of [`Capabilities`](crate::driver::Capabilities).
    pub capabilities: u64,
    /// The largest key in bytes; 0 is no limit, here and below.
    pub key_bytes: u64,
    /// The largest value in bytes.
    pub value_bytes: u64,
    /// The largest sum of keys and values that one transaction may write, in bytes.
    pub transaction_bytes: u64,
    /// The commands that `database_command` runs, UTF-8.
    pub commands: *const Slice,
    /// How many there are.
    #[sabi(last_prefix_field)]
    pub commands_length: usize,
}

// SAFETY: a driver's manifest is constant, with all that it points to, for as long as the driver is loaded.
unsafe impl Send for Manifest {}
// SAFETY: as above.
unsafe impl Sync for Manifest {}

/// The one data symbol of a driver. The first four fields never move, in no version. Appended to in later minor
/// versions.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
#[sabi(kind(Prefix(prefix_ref = EntryRef, prefix_fields = EntryPrefix)))]
#[sabi(missing_field(panic))]
pub struct Entry {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`ABI_MAJOR`] of the ABI that the driver was written against.
    pub abi_major: u32,
    /// [`ABI_MINOR`] of the ABI that the driver was written against.
    pub abi_minor: u32,
    /// The size of this struct in bytes, as the driver knows it.
    pub entry_size: usize,
    /// The size of the table at `vtable` in bytes, as the driver knows it.
    pub vtable_size: usize,
    /// A sum of the `FLAG_` flags.
    pub flags: u64,
    /// The driver's name, `[a-z0-9][a-z0-9-]*`.
    pub name: Slice,
    /// The driver's own version, UTF-8.
    pub version: Slice,
    /// What the driver says of itself.
    #[sabi(unsafe_change_type = ManifestRef)]
    pub manifest: *const Manifest,
    /// The driver's functions.
    #[sabi(unsafe_change_type = VTableRef)]
    pub vtable: *const VTable,
    /// `abi_stable`'s header for these types if `FLAG_RUST` is set, else null.
    #[sabi(last_prefix_field)]
    pub layout: *const Context,
}

// SAFETY: a driver's entry is constant, with all that it points to, for as long as the driver is loaded.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}
// SAFETY: this is how `abi_stable` names the same entry.
unsafe impl Send for EntryPrefix {}
// SAFETY: as above.
unsafe impl Sync for EntryPrefix {}

/// The functions of a driver, each with its parameters, in the order of the table. Everything that repeats them is made
/// from this list. A function that can fail has a pointer to an [`ErrorBuffer`] behind its parameters and returns a `u32`.
macro_rules! functions {
    ($then:ident!) => {
        $then! {
            required {
                /// Opens a database; writes its handle to `database`.
                open(config: *const OpenConfig, database: *mut *mut Database, error: *mut ErrorBuffer) -> u32;
                /// Gives the handle up. Transactions that are open go on.
                database_close(database: *mut Database);
                /// Begins a transaction (`BEGIN_READ`, `BEGIN_WRITE`); writes its handle to `transaction`.
                database_begin(database: *mut Database, mode: u32, transaction: *mut *mut Transaction, error: *mut ErrorBuffer) -> u32;
                /// Gives the handle up; rolls back what was written and not committed.
                txn_close(transaction: *mut Transaction);
                /// Resolves a tree by name; writes its id to `tree`. Every key of it has `key_width` bytes and every value
                /// `value_width`, or [`WIDTH_VARIES`]; a driver may ignore that.
                txn_tree(transaction: *mut Transaction, name: Slice, key_width: u32, value_width: u32, tree: *mut u32, error: *mut ErrorBuffer) -> u32;
                /// Shows the value under `key` to `visit`, once; `ABSENT` if there is none.
                txn_get(transaction: *mut Transaction, tree: u32, key: Slice, visit: Visit, context: *mut Context, error: *mut ErrorBuffer) -> u32;
                /// Stores `value` under `key`, shows the previous value to `previous`, once; `ABSENT` if there was none.
                txn_put(transaction: *mut Transaction, tree: u32, key: Slice, value: Slice, previous: Visit, context: *mut Context, error: *mut ErrorBuffer) -> u32;
                /// Removes `key`, shows the previous value to `previous`, once; `ABSENT` if there was none.
                txn_remove(transaction: *mut Transaction, tree: u32, key: Slice, previous: Visit, context: *mut Context, error: *mut ErrorBuffer) -> u32;
                /// Makes what was written permanent, with a [`Durability`](crate::driver::Durability); ends the
                /// transaction. Its handle is closed apart from that. Where the outcome is not known, shows the token that
                /// asks for it to `token`, if there is one.
                txn_commit(transaction: *mut Transaction, durability: u32, token: Visit, context: *mut Context, error: *mut ErrorBuffer) -> u32;
                /// Opens a cursor in a [`Direction`](crate::driver::Direction); writes its handle to `cursor`.
                cursor_open(transaction: *mut Transaction, tree: u32, bounds: *const Bounds, direction: u32, cursor: *mut *mut Cursor, error: *mut ErrorBuffer) -> u32;
                /// Moves to the next entry and writes it to `key` and `value`, borrowed until the next call with this
                /// cursor or a write in its transaction; `ABSENT` if there is none.
                cursor_next(cursor: *mut Cursor, key: *mut Slice, value: *mut Slice, error: *mut ErrorBuffer) -> u32;
                /// Gives the handle up.
                #[sabi(last_prefix_field)]
                cursor_close(cursor: *mut Cursor);
            }
            optional {
                /// Optional. Moves so that the next entry is the first at or after `key`, in the cursor's direction.
                cursor_seek(cursor: *mut Cursor, key: Slice, error: *mut ErrorBuffer) -> u32;
                /// Optional. Writes the number of entries of a tree to `entries`.
                txn_len(transaction: *mut Transaction, tree: u32, entries: *mut u64, error: *mut ErrorBuffer) -> u32;
                /// Optional. Removes every entry of a tree.
                txn_clear(transaction: *mut Transaction, tree: u32, error: *mut ErrorBuffer) -> u32;
                /// Optional; the host makes it of the others where it is absent. Runs an encoded
                /// [`WriteBatch`](crate::driver::WriteBatch).
                txn_apply(transaction: *mut Transaction, batch: Slice, error: *mut ErrorBuffer) -> u32;
                /// Optional. Runs one of the commands of the manifest; shows what it returns to `output`, in as many pieces
                /// as it likes.
                database_command(database: *mut Database, command: Slice, argument: Slice, output: Visit, context: *mut Context, error: *mut ErrorBuffer) -> u32;
                /// Optional. Writes the [`CommitOutcome`](crate::driver::CommitOutcome) of the commit that gave `token` to
                /// `outcome`.
                database_commit_outcome(database: *mut Database, token: Slice, outcome: *mut u32, error: *mut ErrorBuffer) -> u32;
            }
        }
    };
}

macro_rules! define_functions {
    (
        required { $($(#[$attribute:meta])* $name:ident($($parameters:tt)*) $(-> $status:ident)?;)* }
        optional { $($(#[$o_attribute:meta])* $o_name:ident($($o_parameters:tt)*) -> $o_status:ident;)* }
    ) => {
        /// A driver's functions. Appended to in later minor versions.
        ///
        /// Each returns [`OK`], [`ABSENT`] where that has a meaning, or the number of an
        /// [`ErrorKind`](crate::error::ErrorKind), with a message in `error`. The slots up to `cursor_close` have to be
        /// there; one of the others may be null or beyond the table's end.
        #[repr(C)]
        #[derive(StableAbi, Clone, Copy)]
        #[sabi(kind(Prefix(prefix_ref = VTableRef, prefix_fields = VTablePrefix)))]
        #[sabi(missing_field(panic))]
        pub struct VTable {
            $($(#[$attribute])* pub $name: Option<unsafe extern "C" fn($($parameters)*) $(-> $status)?>,)*
            $($(#[$o_attribute])* pub $o_name: Option<unsafe extern "C" fn($($o_parameters)*) -> $o_status>,)*
        }

        /// The functions of a [`VTable`] that is known to have those that no driver can do without.
        #[derive(Clone, Copy)]
        pub(super) struct Calls {
            $(pub(super) $name: unsafe extern "C" fn($($parameters)*) $(-> $status)?,)*
            $(pub(super) $o_name: Option<unsafe extern "C" fn($($o_parameters)*) -> $o_status>,)*
        }

        impl Calls {
            /// The functions of `table`, or the name of the first that it has to have and has not.
            pub(super) fn of(table: &VTable) -> Result<Self, &'static str> {
                Ok(Self {
                    $($name: table.$name.ok_or(stringify!($name))?,)*
                    $($o_name: table.$o_name,)*
                })
            }
        }
    };
}

functions!(define_functions!);

/// Every type with its size and the offset of each field, for a pointer of 64 bits. Held at compile time. From the first
/// release on, fields are only ever appended.
macro_rules! layouts {
    ($then:ident!) => {
        $then! {
            Slice[16] { data: 0, length: 8 }
            Visit[8] { function: 0 }
            ErrorBuffer[32] { size: 0, message: 8, capacity: 16, length: 24 }
            OpenOption[32] { name: 0, value: 16 }
            OpenConfig[56] { size: 0, flags: 8, location: 16, cache_bytes: 32, options: 40, options_length: 48 }
            Bound[24] { kind: 0, reserved: 4, key: 8 }
            Bounds[48] { lower: 0, upper: 24 }
            Manifest[88] { size: 0, engine: 8, engine_version: 24, capabilities: 40, key_bytes: 48, value_bytes: 56, transaction_bytes: 64, commands: 72, commands_length: 80 }
            Entry[96] { magic: 0, abi_major: 8, abi_minor: 12, entry_size: 16, vtable_size: 24, flags: 32, name: 40, version: 56, manifest: 72, vtable: 80, layout: 88 }
            VTable[144] { open: 0, database_close: 8, database_begin: 16, txn_close: 24, txn_tree: 32, txn_get: 40, txn_put: 48, txn_remove: 56, txn_commit: 64, cursor_open: 72, cursor_next: 80, cursor_close: 88, cursor_seek: 96, txn_len: 104, txn_clear: 112, txn_apply: 120, database_command: 128, database_commit_outcome: 136 }
        }
    };
}

macro_rules! assert_layouts {
    ($($type:ident[$size:literal] { $($field:ident: $offset:literal),* })*) => {
        #[cfg(target_pointer_width = "64")]
        const _: () = {
            $(
                assert!(size_of::<$type>() == $size, concat!("the size of ", stringify!($type)));
                assert!(align_of::<$type>() == 8, concat!("the alignment of ", stringify!($type)));
                $(
                    assert!(
                        offset_of!($type, $field) == $offset,
                        concat!("the offset of ", stringify!($type), "::", stringify!($field))
                    );
                )*
            )*
        };
    };
}

layouts!(assert_layouts!);

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use std::any::type_name;
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::{env, fs};

    use super::*;
    use crate::driver::{Capabilities, CommitOutcome, Direction, Durability, ErrorKind};

    fn type_of<T, F>(_: fn(&T) -> &F) -> &'static str {
        type_name::<F>()
    }

    /// Each type in C's words: its name, then the fields.
    macro_rules! describe {
        ($($type:ident[$size:literal] { $($field:ident: $offset:literal),* })*) => {
            [$((
                stringify!($type),
                size_of::<$type>(),
                vec![$((
                    stringify!($field),
                    offset_of!($type, $field),
                    type_of(|value: &$type| &value.$field),
                )),*],
            )),*]
        };
    }

    fn file(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    #[test]
    fn the_layout_is_the_one_that_is_recorded() {
        let mut text = String::new();
        for (name, size, fields) in layouts!(describe!) {
            writeln!(text, "{name}: {size} bytes").unwrap();
            for (field, offset, field_type) in fields {
                writeln!(text, "{offset:>5} {field}: {}", short(field_type)).unwrap();
            }
            text.push('\n');
        }
        let golden = file("tests/golden/abi_1_0.txt");
        if env::var_os("NETABASE_BLESS").is_some() {
            fs::create_dir_all(golden.parent().unwrap()).unwrap();
            fs::write(&golden, &text).unwrap();
        }
        assert_eq!(
            text,
            fs::read_to_string(&golden).unwrap(),
            "the layout differs from {}; until the first release, write it anew with NETABASE_BLESS=1, later append to a \
             later version instead",
            golden.display()
        );
    }

    /// `OpenConfig` as `open_config`, `VTable` as `vtable`.
    fn snake(name: &str) -> String {
        let mut snake = String::new();
        for (index, letter) in name.replace("VTable", "Vtable").char_indices() {
            if letter.is_uppercase() && index > 0 {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        }
        snake
    }

    /// A Rust type without the paths of its parts.
    fn short(rust: &str) -> String {
        rust.replace("netabase_core::abi::layout::", "")
            .replace("core::option::Option<", "Option<")
    }

    /// `*const Slice` as `const netabase_slice *`.
    fn c_type(rust: &str) -> String {
        if let Some(target) = rust.strip_prefix("*mut ") {
            return format!("{} *", c_type(target));
        }
        if let Some(target) = rust.strip_prefix("*const ") {
            return format!("const {} *", c_type(target));
        }
        match rust {
            "usize" => "size_t".to_owned(),
            "u8" | "u32" | "u64" => format!("uint{}_t", &rust[1..]),
            name => format!("netabase_{}", snake(name)),
        }
    }

    /// The definition of `name` as a Rust type in C's words.
    fn c_typedef(rust: &str, name: &str) -> String {
        let signature = rust
            .strip_prefix("Option<unsafe extern \"C\" fn(")
            .and_then(|signature| signature.strip_suffix('>')?.rsplit_once(')'));
        if let Some((parameters, result)) = signature {
            let result = match result.strip_prefix(" -> ") {
                Some(result) => c_type(result),
                None => "void".to_owned(),
            };
            let parameters: Vec<_> = parameters.split(", ").map(c_type).collect();
            return format!("typedef {result} (*{name})({});", parameters.join(", "));
        }
        match rust
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("; "))
        {
            Some((element, length)) => format!("typedef {} {name}[{length};", c_type(element)),
            None => format!("typedef {} {name};", c_type(rust)),
        }
    }

    #[test]
    fn the_page_says_the_same() {
        let page = fs::read_to_string(file("../docs/abi.md")).unwrap();
        for (name, size, fields) in layouts!(describe!) {
            let name = format!("netabase_{}", snake(name));
            if name == "netabase_visit" {
                continue;
            }
            let start = [
                format!("`{name}`, {size} bytes"),
                format!("`{name}` ({size} bytes)"),
            ]
            .iter()
            .find_map(|text| page.find(text))
            .unwrap_or_else(|| panic!("nothing says that {name} has {size} bytes"));
            for (field, offset, _) in fields {
                let row = format!("| {offset} | ");
                let cell = format!("`{field}`");
                let code = format!("{offset} ");
                let is_said = page[start..].lines().take(30).any(|line| {
                    let mut codes = line.split('`').skip(1).step_by(2);
                    (line.starts_with(&row) && line.contains(&cell))
                        || codes.any(|text| {
                            text.starts_with(&code) && text.rsplit([' ', '*']).next() == Some(field)
                        })
                });
                assert!(is_said, "nothing says that {name}.{field} is at {offset}");
            }
        }
        for kind in ErrorKind::ALL {
            let number = kind.code();
            assert!(
                page.contains(&format!("| {number} | ")),
                "no number {number}"
            );
        }
        for name in Capabilities::from_bits(u64::MAX).names() {
            assert!(
                page.contains(&format!("| {name} |")),
                "no capability {name}"
            );
        }
    }

    #[test]
    fn the_c_header_says_the_same() {
        let mut source = String::from("#include \"netabase_driver.h\"\n");
        for (struct_name, _, fields) in layouts!(describe!) {
            let struct_name = snake(struct_name);
            for (field, _, field_type) in fields {
                let rust = match (&*struct_name, field) {
                    // Opaque, and nothing of the host's: C says `void`.
                    ("entry", "layout") => continue,
                    _ => short(field_type),
                };
                let name = format!("rust_{struct_name}_{field}");
                writeln!(source, "{}", c_typedef(&rust, &name)).unwrap();
                let place = match &*struct_name {
                    "visit" => "(netabase_visit *)0".to_owned(),
                    _ => format!("&((netabase_{struct_name} *)0)->{field}"),
                };
                writeln!(
                    source,
                    "_Static_assert(_Generic({place}, {name} *: 1, default: 0), \"{struct_name}.{field} is not {}\");",
                    rust.replace('"', "'")
                )
                .unwrap();
            }
        }
        let mut checked =
            BTreeSet::from(["DRIVER_H", "EXPORT", "MAGIC"].map(|name| format!("NETABASE_{name}")));
        let mut check = |left: String, right: u64| {
            checked.insert(left.clone());
            writeln!(
                source,
                "_Static_assert({left} == {right}ull, \"{left} is not {right}\");",
            )
            .unwrap();
        };
        for (name, size, fields) in layouts!(describe!) {
            let name = snake(name);
            check(format!("sizeof(netabase_{name})"), size as u64);
            if name == "visit" {
                continue;
            }
            for (field, offset, _) in fields {
                check(format!("offsetof(netabase_{name}, {field})"), offset as u64);
            }
        }
        for kind in ErrorKind::ALL {
            let name = snake(&kind.to_string()).to_uppercase();
            check(format!("NETABASE_{name}"), kind.code().into());
        }
        for capability in Capabilities::from_bits(u64::MAX).names() {
            let name = capability.replace('-', "_").to_uppercase();
            let name = if name == "READ_ONLY" {
                "CAN_READ_ONLY".to_owned()
            } else {
                name
            };
            let bit = (0..64)
                .map(|bit| Capabilities::from_bits(1 << bit))
                .find(|one| one.names().eq([capability]))
                .unwrap();
            check(format!("NETABASE_{name}"), bit.bits());
        }
        for (name, value) in [
            ("ABI_MAJOR", ABI_MAJOR),
            ("ABI_MINOR", ABI_MINOR),
            ("BEGIN_READ", BEGIN_READ),
            ("BEGIN_WRITE", BEGIN_WRITE),
            ("BOUND_UNBOUNDED", BOUND_UNBOUNDED),
            ("BOUND_INCLUDED", BOUND_INCLUDED),
            ("BOUND_EXCLUDED", BOUND_EXCLUDED),
            ("WIDTH_VARIES", WIDTH_VARIES),
            ("FORWARD", Direction::Forward as u32),
            ("BACKWARD", Direction::Backward as u32),
            ("DURABILITY_NONE", Durability::None as u32),
            ("DURABILITY_IMMEDIATE", Durability::Immediate as u32),
            ("COMMITTED", CommitOutcome::Committed as u32),
            ("NOT_COMMITTED", CommitOutcome::NotCommitted as u32),
            ("OUTCOME_UNKNOWN", CommitOutcome::Unknown as u32),
            ("OK", OK),
            ("ABSENT", ABSENT),
        ] {
            check(format!("NETABASE_{name}"), value.into());
        }
        for (name, value) in [
            ("FLAG_PANIC_ABORT", FLAG_PANIC_ABORT),
            ("FLAG_RUST", FLAG_RUST),
            ("OPEN_CREATE_IF_MISSING", OPEN_CREATE_IF_MISSING),
            ("OPEN_TRUNCATE", OPEN_TRUNCATE),
            ("OPEN_READ_ONLY", OPEN_READ_ONLY),
            ("OPEN_CACHE_BYTES", OPEN_CACHE_BYTES),
        ] {
            check(format!("NETABASE_{name}"), value);
        }
        let header = fs::read_to_string(file("../include/netabase_driver.h")).unwrap();
        for line in header.lines() {
            if let Some(definition) = line.strip_prefix("#define ") {
                let name = definition.split(' ').next().unwrap();
                assert!(checked.contains(name), "nothing says what {name} has to be");
            }
        }
        source.push_str("const uint8_t magic[8] = NETABASE_MAGIC;\n");
        let folder = env::temp_dir().join(format!("netabase-abi-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("check.c"), &source).unwrap();
        let output = Command::new("cc")
            .args([
                "-std=c11",
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Werror",
                "-fsyntax-only",
                "-I",
            ])
            .arg(file("../include"))
            .arg(folder.join("check.c"))
            .output()
            .expect("a C compiler, `cc`, is installed");
        fs::remove_dir_all(&folder).unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
