//! Entries that are wrong, over functions that are right: those of the memory driver.

use std::borrow::Cow;
use std::mem::offset_of;
use std::ptr;

use netabase_core::abi::export::{self, Export};
use netabase_core::abi::layout::{
    ABI_MINOR, Entry, FLAG_PANIC_ABORT, FLAG_RUST, Manifest, SYMBOL_PREFIX, Slice, VTable,
};
use netabase_core::driver::{self, Capabilities, Driver, Limits, OpenConfig, Result};
use netabase_core::memory::{Memory, MemoryStore};

use crate::tampered;

pub(crate) static MANIFEST: driver::Manifest = driver::Manifest {
    name: Cow::Borrowed("zoo-good"),
    version: Cow::Borrowed("1.2.3"),
    engine: Cow::Borrowed("memory"),
    engine_version: Cow::Borrowed("4.5.6"),
    capabilities: Capabilities::SNAPSHOTS.with(Capabilities::ZERO_COPY),
    limits: Limits::NONE,
    operations: Cow::Borrowed(&[Cow::Borrowed("tree_names")]),
};

/// The memory driver under another name.
pub(crate) struct Good;

impl Driver for Good {
    type Store = MemoryStore;

    fn manifest(&self) -> &driver::Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<MemoryStore> {
        Memory.open(config)
    }
}

impl Export for Good {
    type Driver = Self;

    fn driver() -> &'static Self {
        &Self
    }
}

netabase_core::export_driver!(netabase_driver_zoo_good: Good = Good, manifest: MANIFEST);

static OPERATIONS: [Slice; export::operation_count(&MANIFEST)] = export::operations(&MANIFEST);
pub(crate) static RAW_MANIFEST: Manifest = export::manifest(&MANIFEST, &OPERATIONS);
pub(crate) static VTABLE: VTable = export::vtable::<Good>();

/// A good entry under the name that belongs to `symbol`, which `name` spells with `-`.
pub(crate) const fn good(symbol: &'static str, name: &'static str) -> Entry {
    assert!(symbol.len() == SYMBOL_PREFIX.len() + name.len());
    Entry {
        name: Slice::new(name.as_bytes()),
        ..export::entry(
            "netabase_driver_zoo_good",
            &MANIFEST,
            &RAW_MANIFEST,
            &VTABLE,
            false,
        )
    }
}

/// As one written in C: without a description of its types.
pub(crate) const fn plain(symbol: &'static str, name: &'static str) -> Entry {
    Entry {
        flags: 0,
        layout: ptr::null(),
        ..good(symbol, name)
    }
}

/// Exports an entry under the symbol that is its name.
macro_rules! entry {
    ($symbol:ident, $name:literal, $make:ident, { $($field:ident: $value:expr),* $(,)? }) => {
        // SAFETY: the name is not used by anything else.
        #[unsafe(no_mangle)]
        pub(crate) static $symbol: Entry = Entry {
            $($field: $value,)*
            ..$make(stringify!($symbol), $name)
        };
    };
}
pub(crate) use entry;

entry!(netabase_driver_zoo_plain, "zoo-plain", plain, {});
entry!(netabase_driver_zoo_wrong_magic, "zoo-wrong-magic", good, { magic: *b"notabase" });
entry!(netabase_driver_zoo_newer_major, "zoo-newer-major", good, { abi_major: 2 });
entry!(netabase_driver_zoo_older_major, "zoo-older-major", good, { abi_major: 0 });
entry!(netabase_driver_zoo_short_entry, "zoo-short-entry", good, { entry_size: offset_of!(Entry, layout) });
entry!(netabase_driver_zoo_wrong_name, "zoo-other-name", good, {});
entry!(netabase_driver_zoo_null_name, "zoo-null-name", good, { name: Slice { data: ptr::null(), length: 13 } });
entry!(netabase_driver_zoo_invalid_name, "zoo-invalid-name", good, { name: Slice::new(b"zoo-\xFF") });
entry!(netabase_driver_zoo_invalid_version, "zoo-invalid-version", good, { version: Slice::new(b"\xFF") });
entry!(netabase_driver_zoo_null_vtable, "zoo-null-vtable", good, { vtable: ptr::null() });
entry!(netabase_driver_zoo_null_manifest, "zoo-null-manifest", good, { manifest: ptr::null() });
entry!(netabase_driver_zoo_short_vtable, "zoo-short-vtable", plain, { vtable_size: offset_of!(VTable, cursor_close) });
entry!(netabase_driver_zoo_panic_abort, "zoo-panic-abort", good, { flags: FLAG_RUST | FLAG_PANIC_ABORT });
entry!(netabase_driver_zoo_no_layout, "zoo-no-layout", good, { layout: ptr::null() });
entry!(netabase_driver_zoo_changed_field, "zoo-changed-field", good, { layout: tampered::changed() });
entry!(netabase_driver_zoo_changed_function, "zoo-changed-function", good, { layout: tampered::changed_function() });

/// A manifest whose size is stated too small.
static SHORT_MANIFEST: Manifest = Manifest {
    size: offset_of!(Manifest, operations_length),
    ..export::manifest(&MANIFEST, &OPERATIONS)
};
entry!(netabase_driver_zoo_short_manifest, "zoo-short-manifest", good, { manifest: &SHORT_MANIFEST });

// A minor version before the optional functions: its table ends behind the last required one.
entry!(netabase_driver_zoo_older_minor, "zoo-older-minor", plain, { vtable_size: offset_of!(VTable, cursor_seek) });

/// A table without a function that no driver can do without.
static WITHOUT_GET: VTable = VTable {
    txn_get: None,
    ..export::vtable::<Good>()
};
entry!(netabase_driver_zoo_null_slot, "zoo-null-slot", good, { vtable: &WITHOUT_GET });

/// A table without those that a driver can do without.
static WITHOUT_OPTIONAL: VTable = VTable {
    cursor_seek: None,
    txn_len: None,
    txn_clear: None,
    txn_apply: None,
    store_maintain: None,
    ..export::vtable::<Good>()
};
entry!(netabase_driver_zoo_null_optional_slots, "zoo-null-optional-slots", good, { vtable: &WITHOUT_OPTIONAL });

/// A later minor version: everything that may grow has grown.
#[repr(C)]
pub(crate) struct Newer<T> {
    known: T,
    appended: [usize; 4],
}

impl<T> Newer<T> {
    const fn new(known: T) -> Self {
        Self {
            known,
            appended: [usize::MAX; 4],
        }
    }

    const fn size() -> usize {
        size_of::<Self>()
    }
}

static NEWER_VTABLE: Newer<VTable> = Newer::new(export::vtable::<Good>());
static NEWER_MANIFEST: Newer<Manifest> = Newer::new(Manifest {
    size: Newer::<Manifest>::size(),
    ..export::manifest(&MANIFEST, &OPERATIONS)
});

const fn newer(symbol: &'static str, name: &'static str) -> Entry {
    Entry {
        abi_minor: ABI_MINOR + 1,
        entry_size: Newer::<Entry>::size(),
        vtable_size: Newer::<VTable>::size(),
        vtable: &raw const NEWER_VTABLE.known,
        manifest: &raw const NEWER_MANIFEST.known,
        ..good(symbol, name)
    }
}

// SAFETY: the name is not used by anything else.
#[unsafe(no_mangle)]
pub(crate) static netabase_driver_zoo_newer_minor: Newer<Entry> = Newer::new(Entry {
    layout: tampered::newer(),
    ..newer("netabase_driver_zoo_newer_minor", "zoo-newer-minor")
});

// SAFETY: the name is not used by anything else.
#[unsafe(no_mangle)]
pub(crate) static netabase_driver_zoo_newer_minor_plain: Newer<Entry> = Newer::new(Entry {
    flags: 0,
    layout: ptr::null(),
    ..newer(
        "netabase_driver_zoo_newer_minor_plain",
        "zoo-newer-minor-plain",
    )
});
