//! A driver that knows version 1.0 of the driver ABI and nothing of netabase_store: what was built against 1.0 in Rust.
//!
//! It keeps a copy of the interface as 1.0 defined it (`layout`). Neither changes when the ABI grows: a host of any later
//! minor version has to load this driver as it is.

#![allow(
    non_upper_case_globals,
    reason = "the name of the symbol is part of the driver ABI"
)]

mod driver;
mod layout;

use std::ptr;

use abi_stable::library::{
    CheckTypeLayout, LibHeader, RootModule, RootModuleError, RootModuleResult,
};
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::RErr;
use layout::{Entry, EntryRef, FLAG_RUST, Manifest, Slice};

static HEADER: LibHeader = {
    // SAFETY: the constructor gives no module at all, so that there is none of another type.
    unsafe { LibHeader::from_constructor::<EntryRef>(no_module, CheckTypeLayout::Yes) }
};

impl RootModule for EntryRef {
    abi_stable::declare_root_module_statics! {EntryRef}
    const BASE_NAME: &'static str = "netabase_driver";
    const NAME: &'static str = "netabase_driver";
    const VERSION_STRINGS: VersionStrings = abi_stable::package_version_strings!();
}

extern "C" fn no_module() -> RootModuleResult {
    RErr(RootModuleError::Unwound)
}

static MANIFEST: Manifest = Manifest {
    size: size_of::<Manifest>(),
    engine: Slice::new(b"ordered maps"),
    engine_version: Slice::new(b"1"),
    capabilities: layout::SNAPSHOTS,
    key_bytes: 0,
    value_bytes: 0,
    transaction_bytes: 0,
    commands: ptr::null(),
    commands_length: 0,
};

// SAFETY: the name is not used by anything else.
#[unsafe(no_mangle)]
static netabase_driver_frozen_1_0: Entry = Entry {
    magic: *b"netabase",
    abi_major: 1,
    abi_minor: 0,
    entry_size: size_of::<Entry>(),
    vtable_size: size_of::<layout::VTable>(),
    flags: FLAG_RUST,
    name: Slice::new(b"frozen-1-0"),
    version: Slice::new(b"1.0.0"),
    manifest: &raw const MANIFEST,
    vtable: &raw const driver::VTABLE,
    layout: (&raw const HEADER).cast(),
};
