//! The types that cross the driver ABI as version 1.0 defined them: a copy that never changes once 1.0 is released.

// `docs/abi.md` explains each type and number.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    dead_code,
    reason = "a copy of what is documented elsewhere; abi_stable's derive generates the rest"
)]

use std::slice;

use abi_stable::StableAbi;

pub const FLAG_RUST: u64 = 1 << 1;

pub const OPEN_CREATE_IF_MISSING: u64 = 1;
pub const OPEN_TRUNCATE: u64 = 1 << 1;

pub const BEGIN_WRITE: u32 = 1;

pub const BOUND_INCLUDED: u32 = 1;
pub const BOUND_EXCLUDED: u32 = 2;

pub const BACKWARD: u32 = 1;

pub const SNAPSHOTS: u64 = 1 << 3;

pub const OK: u32 = 0;
pub const ABSENT: u32 = u32::MAX;
pub const NOT_FOUND: u32 = 1;
pub const CLOSED: u32 = 8;
pub const UNSUPPORTED: u32 = 11;
pub const INVALID_INPUT: u32 = 17;

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Slice {
    pub data: *const u8,
    pub length: usize,
}

impl Slice {
    pub const fn new(bytes: &[u8]) -> Self {
        Self {
            data: bytes.as_ptr(),
            length: bytes.len(),
        }
    }

    /// The bytes.
    ///
    /// # Safety
    /// A length that is not 0 is that of bytes which nothing writes to for `'a`.
    pub unsafe fn get<'a>(self) -> &'a [u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the caller vouches for the bytes.
        unsafe { slice::from_raw_parts(self.data, self.length) }
    }
}

// SAFETY: a `Slice` is a pointer and a number; whoever reads through it vouches for the memory.
unsafe impl Send for Slice {}
// SAFETY: as above; a shared `Slice` only lets the pointer be copied.
unsafe impl Sync for Slice {}

#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Database {
    private: [u8; 0],
}

#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Transaction {
    private: [u8; 0],
}

#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Cursor {
    private: [u8; 0],
}

#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Context {
    private: [u8; 0],
}

#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Visit {
    pub function: Option<unsafe extern "C" fn(context: *mut Context, bytes: Slice)>,
}

#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct ErrorBuffer {
    pub size: usize,
    pub message: *mut u8,
    pub capacity: usize,
    pub length: usize,
}

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct OpenOption {
    pub name: Slice,
    pub value: Slice,
}

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct OpenConfig {
    pub size: usize,
    pub flags: u64,
    pub location: Slice,
    pub cache_bytes: u64,
    pub options: *const OpenOption,
    pub options_length: usize,
}

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Bound {
    pub kind: u32,
    pub reserved: u32,
    pub key: Slice,
}

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct Bounds {
    pub lower: Bound,
    pub upper: Bound,
}

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
#[sabi(kind(Prefix(prefix_ref = ManifestRef, prefix_fields = ManifestPrefix)))]
#[sabi(missing_field(panic))]
pub struct Manifest {
    pub size: usize,
    pub engine: Slice,
    pub engine_version: Slice,
    pub capabilities: u64,
    pub key_bytes: u64,
    pub value_bytes: u64,
    pub transaction_bytes: u64,
    pub commands: *const Slice,
    #[sabi(last_prefix_field)]
    pub commands_length: usize,
}

// SAFETY: a driver's manifest is constant, with all that it points to, for as long as the driver is loaded.
unsafe impl Send for Manifest {}
// SAFETY: as above.
unsafe impl Sync for Manifest {}

#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
#[sabi(kind(Prefix(prefix_ref = EntryRef, prefix_fields = EntryPrefix)))]
#[sabi(missing_field(panic))]
pub struct Entry {
    pub magic: [u8; 8],
    pub abi_major: u32,
    pub abi_minor: u32,
    pub entry_size: usize,
    pub vtable_size: usize,
    pub flags: u64,
    pub name: Slice,
    pub version: Slice,
    #[sabi(unsafe_change_type = ManifestRef)]
    pub manifest: *const Manifest,
    #[sabi(unsafe_change_type = VTableRef)]
    pub vtable: *const VTable,
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

#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
#[sabi(kind(Prefix(prefix_ref = VTableRef, prefix_fields = VTablePrefix)))]
#[sabi(missing_field(panic))]
pub struct VTable {
    pub open: Option<
        unsafe extern "C" fn(
            config: *const OpenConfig,
            database: *mut *mut Database,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub database_close: Option<unsafe extern "C" fn(database: *mut Database)>,
    pub database_begin: Option<
        unsafe extern "C" fn(
            database: *mut Database,
            mode: u32,
            transaction: *mut *mut Transaction,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub txn_close: Option<unsafe extern "C" fn(transaction: *mut Transaction)>,
    pub txn_tree: Option<
        unsafe extern "C" fn(
            transaction: *mut Transaction,
            name: Slice,
            key_width: u32,
            value_width: u32,
            tree: *mut u32,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub txn_get: Option<
        unsafe extern "C" fn(
            transaction: *mut Transaction,
            tree: u32,
            key: Slice,
            visit: Visit,
            context: *mut Context,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub txn_put: Option<
        unsafe extern "C" fn(
            transaction: *mut Transaction,
            tree: u32,
            key: Slice,
            value: Slice,
            previous: Visit,
            context: *mut Context,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub txn_remove: Option<
        unsafe extern "C" fn(
            transaction: *mut Transaction,
            tree: u32,
            key: Slice,
            previous: Visit,
            context: *mut Context,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub txn_commit: Option<
        unsafe extern "C" fn(
            transaction: *mut Transaction,
            durability: u32,
            token: Visit,
            context: *mut Context,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub cursor_open: Option<
        unsafe extern "C" fn(
            transaction: *mut Transaction,
            tree: u32,
            bounds: *const Bounds,
            direction: u32,
            cursor: *mut *mut Cursor,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub cursor_next: Option<
        unsafe extern "C" fn(
            cursor: *mut Cursor,
            key: *mut Slice,
            value: *mut Slice,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    #[sabi(last_prefix_field)]
    pub cursor_close: Option<unsafe extern "C" fn(cursor: *mut Cursor)>,
    pub cursor_seek: Option<
        unsafe extern "C" fn(cursor: *mut Cursor, key: Slice, error: *mut ErrorBuffer) -> u32,
    >,
    pub txn_len: Option<
        unsafe extern "C" fn(
            transaction: *mut Transaction,
            tree: u32,
            entries: *mut u64,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub txn_clear: Option<
        unsafe extern "C" fn(
            transaction: *mut Transaction,
            tree: u32,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub txn_apply: Option<
        unsafe extern "C" fn(
            transaction: *mut Transaction,
            batch: Slice,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub database_command: Option<
        unsafe extern "C" fn(
            database: *mut Database,
            command: Slice,
            argument: Slice,
            output: Visit,
            context: *mut Context,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
    pub database_commit_outcome: Option<
        unsafe extern "C" fn(
            database: *mut Database,
            token: Slice,
            outcome: *mut u32,
            error: *mut ErrorBuffer,
        ) -> u32,
    >,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(
    size_of::<Manifest>() == 88
        && size_of::<Entry>() == 96
        && size_of::<VTable>() == 144
        && size_of::<OpenConfig>() == 56
        && size_of::<ErrorBuffer>() == 32
        && size_of::<Bounds>() == 48
);
