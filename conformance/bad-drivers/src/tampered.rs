//! Descriptions of types that differ from those of `netabase-core` and bear their names.

use abi_stable::library::{
    CheckTypeLayout, LibHeader, RootModule, RootModuleError, RootModuleResult,
};
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::RErr;
use netabase_core::abi::layout::Context;

extern "C" fn no_module() -> RootModuleResult {
    RErr(RootModuleError::Unwound)
}

/// A module of types and the header that describes them.
macro_rules! description {
    (
        $(#[$attribute:meta])* $module:ident,
        flags: $flags:ty,
        key: $key:ty,
        vtable: { $($slot:ident),* },
        entry: { $($field:ident),* }
    ) => {
        $(#[$attribute])*
        pub(crate) const fn $module() -> *const Context {
            (&raw const $module::HEADER).cast()
        }

        mod $module {
            #![allow(
                dead_code, missing_docs, missing_debug_implementations, unreachable_pub,
                reason = "only the description of these types is used"
            )]

            use abi_stable::StableAbi;
            use netabase_core::abi::layout::{
                Bounds, Context, Cursor, ErrorBuffer, ManifestRef, OpenConfig, Slice, Database, Transaction, Visit,
            };

            use super::*;

            pub(super) static HEADER: LibHeader = {
                // SAFETY: the constructor gives no module at all, so that there is none of another type.
                unsafe { LibHeader::from_constructor::<EntryRef>(no_module, CheckTypeLayout::Yes) }
            };

            impl RootModule for EntryRef {
                abi_stable::declare_root_module_statics! {EntryRef}
                const BASE_NAME: &'static str = "netabase_driver";
                const NAME: &'static str = "netabase_driver";
                const VERSION_STRINGS: VersionStrings = abi_stable::package_version_strings!();
            }

            #[repr(C)]
            #[derive(StableAbi, Clone, Copy)]
            #[sabi(kind(Prefix(prefix_ref = EntryRef, prefix_fields = EntryPrefix)))]
            #[sabi(missing_field(panic))]
            pub struct Entry {
                pub magic: [u8; 8],
                pub abi_major: u32,
                pub abi_minor: u32,
                pub entry_size: usize,
                pub vtable_size: usize,
                pub flags: $flags,
                pub name: Slice,
                pub version: Slice,
                #[sabi(unsafe_change_type = ManifestRef)]
                pub manifest: *const Context,
                #[sabi(unsafe_change_type = VTableRef)]
                pub vtable: *const VTable,
                #[sabi(last_prefix_field)]
                pub layout: *const Context,
                $(pub $field: [usize; 4],)*
            }

            // SAFETY: there is no value of this type.
            unsafe impl Send for EntryPrefix {}
            // SAFETY: there is no value of this type.
            unsafe impl Sync for EntryPrefix {}

            #[repr(C)]
            #[derive(StableAbi, Clone, Copy)]
            #[sabi(kind(Prefix(prefix_ref = VTableRef, prefix_fields = VTablePrefix)))]
            #[sabi(missing_field(panic))]
            pub struct VTable {
                pub open: Option<
                    unsafe extern "C" fn(config: *const OpenConfig, database: *mut *mut Database, error: *mut ErrorBuffer) -> u32,
                >,
                pub database_close: Option<unsafe extern "C" fn(database: *mut Database)>,
                pub database_begin: Option<
                    unsafe extern "C" fn(
                        database: *mut Database, mode: u32, transaction: *mut *mut Transaction, error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                pub txn_close: Option<unsafe extern "C" fn(transaction: *mut Transaction)>,
                pub txn_tree: Option<
                    unsafe extern "C" fn(
                        transaction: *mut Transaction, name: Slice, key_width: u32, value_width: u32,
                        tree: *mut u32, error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                pub txn_get: Option<
                    unsafe extern "C" fn(
                        transaction: *mut Transaction, tree: u32, key: $key, visit: Visit, context: *mut Context,
                        error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                pub txn_put: Option<
                    unsafe extern "C" fn(
                        transaction: *mut Transaction, tree: u32, key: Slice, value: Slice, previous: Visit,
                        context: *mut Context, error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                pub txn_remove: Option<
                    unsafe extern "C" fn(
                        transaction: *mut Transaction, tree: u32, key: Slice, previous: Visit, context: *mut Context,
                        error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                pub txn_commit: Option<
                    unsafe extern "C" fn(
                        transaction: *mut Transaction, durability: u32, token: Visit, context: *mut Context,
                        error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                pub cursor_open: Option<
                    unsafe extern "C" fn(
                        transaction: *mut Transaction, tree: u32, bounds: *const Bounds, direction: u32,
                        cursor: *mut *mut Cursor, error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                pub cursor_next: Option<
                    unsafe extern "C" fn(
                        cursor: *mut Cursor, key: *mut Slice, value: *mut Slice, error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                #[sabi(last_prefix_field)]
                pub cursor_close: Option<unsafe extern "C" fn(cursor: *mut Cursor)>,
                pub cursor_seek: Option<
                    unsafe extern "C" fn(cursor: *mut Cursor, key: Slice, error: *mut ErrorBuffer) -> u32,
                >,
                pub txn_len: Option<
                    unsafe extern "C" fn(
                        transaction: *mut Transaction, tree: u32, entries: *mut u64, error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                pub txn_clear: Option<
                    unsafe extern "C" fn(transaction: *mut Transaction, tree: u32, error: *mut ErrorBuffer) -> u32,
                >,
                pub txn_apply: Option<
                    unsafe extern "C" fn(transaction: *mut Transaction, batch: Slice, error: *mut ErrorBuffer) -> u32,
                >,
                pub database_command: Option<
                    unsafe extern "C" fn(
                        database: *mut Database, command: Slice, argument: Slice, output: Visit, context: *mut Context,
                        error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                pub database_commit_outcome: Option<
                    unsafe extern "C" fn(
                        database: *mut Database, token: Slice, outcome: *mut u32, error: *mut ErrorBuffer,
                    ) -> u32,
                >,
                $(pub $slot: Option<unsafe extern "C" fn(database: *mut Database)>,)*
            }
        }
    };
}

description! {
    /// A field of the entry has another type of the same size.
    changed,
    flags: [u8; 8],
    key: Slice,
    vtable: {},
    entry: {}
}

description! {
    /// A parameter of a function is a pointer instead of a value.
    changed_function,
    flags: u64,
    key: *const Slice,
    vtable: {},
    entry: {}
}

description! {
    /// A later minor version: fields are appended, none is changed.
    newer,
    flags: u64,
    key: Slice,
    vtable: { store_new, store_newer, store_newest, store_last },
    entry: { appended }
}
