//! Entries that are wrong, over functions that are right: those of the memory driver.

use std::borrow::Cow;
use std::mem::offset_of;
use std::ptr;

use netabase_core::abi::export::{self, Export};
use netabase_core::abi::layout::{
    ABI_MINOR, Entry, FLAG_PANIC_ABORT, FLAG_RUST, Manifest, SYMBOL_PREFIX, Slice, VTable,
};
use netabase_core::driver::{self, Capabilities, Driver, Limits, OpenConfig, Result};
use netabase_core::memory::{Memory, MemoryDatabase};

use crate::tampered;

pub(crate) static MANIFEST: driver::Manifest = driver::Manifest {
    name: Cow::Borrowed("good"),
    version: Cow::Borrowed("1.2.3"),
    engine: Cow::Borrowed("memory"),
    engine_version: Cow::Borrowed("4.5.6"),
    capabilities: Capabilities::SNAPSHOTS.with(Capabilities::ZERO_COPY),
    limits: Limits::NONE,
    commands: Cow::Borrowed(&[Cow::Borrowed("tree_names")]),
};

/// The memory driver under another name.
pub(crate) struct Good;

impl Driver for Good {
    type Database = MemoryDatabase;

    fn manifest(&self) -> &driver::Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<MemoryDatabase> {
        Memory.open(config)
    }
}

impl Export for Good {
    type Driver = Self;

    fn driver() -> &'static Self {
        &Self
    }
}

netabase_core::export_driver!(netabase_driver_good: Good = Good, manifest: MANIFEST);

static COMMANDS: [Slice; export::command_count(&MANIFEST)] = export::commands(&MANIFEST);
pub(crate) static RAW_MANIFEST: Manifest = export::manifest(&MANIFEST, &COMMANDS);
pub(crate) static VTABLE: VTable = export::vtable::<Good>();

/// A good entry under the name that belongs to `symbol`, which `name` spells with `-`.
pub(crate) const fn good(symbol: &'static str, name: &'static str) -> Entry {
    assert!(symbol.len() == SYMBOL_PREFIX.len() + name.len());
    Entry {
        name: Slice::new(name.as_bytes()),
        ..export::entry(
            "netabase_driver_good",
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

entry!(netabase_driver_bad_plain, "bad-plain", plain, {});
entry!(netabase_driver_bad_wrong_magic, "bad-wrong-magic", good, { magic: *b"notabase" });
entry!(netabase_driver_bad_newer_major, "bad-newer-major", good, { abi_major: 2 });
entry!(netabase_driver_bad_older_major, "bad-older-major", good, { abi_major: 0 });
entry!(netabase_driver_bad_short_entry, "bad-short-entry", good, { entry_size: offset_of!(Entry, layout) });
entry!(netabase_driver_bad_wrong_name, "bad-other-name", good, {});
entry!(netabase_driver_bad_null_name, "bad-null-name", good, { name: Slice { data: ptr::null(), length: 13 } });
entry!(netabase_driver_bad_invalid_name, "bad-invalid-name", good, { name: Slice::new(b"bad-\xFF") });
entry!(netabase_driver_bad_invalid_version, "bad-invalid-version", good, { version: Slice::new(b"\xFF") });
entry!(netabase_driver_bad_null_vtable, "bad-null-vtable", good, { vtable: ptr::null() });
entry!(netabase_driver_bad_null_manifest, "bad-null-manifest", good, { manifest: ptr::null() });
entry!(netabase_driver_bad_short_vtable, "bad-short-vtable", plain, { vtable_size: offset_of!(VTable, cursor_close) });
entry!(netabase_driver_bad_panic_abort, "bad-panic-abort", good, { flags: FLAG_RUST | FLAG_PANIC_ABORT });
entry!(netabase_driver_bad_no_layout, "bad-no-layout", good, { layout: ptr::null() });
entry!(netabase_driver_bad_changed_field, "bad-changed-field", good, { layout: tampered::changed() });
entry!(netabase_driver_bad_changed_function, "bad-changed-function", good, { layout: tampered::changed_function() });

/// A manifest whose size is stated too small.
static SHORT_MANIFEST: Manifest = Manifest {
    size: offset_of!(Manifest, commands_length),
    ..export::manifest(&MANIFEST, &COMMANDS)
};
entry!(netabase_driver_bad_short_manifest, "bad-short-manifest", good, { manifest: &SHORT_MANIFEST });

/// Lists and texts that are longer than any, of which nothing but the beginning is there.
static ENDLESS_COMMANDS: Manifest = Manifest {
    commands_length: 1 << 60,
    ..export::manifest(&MANIFEST, &COMMANDS)
};
entry!(netabase_driver_bad_endless_commands, "bad-endless-commands", good, { manifest: &ENDLESS_COMMANDS });
static ENDLESS_ENGINE: Manifest = Manifest {
    engine: Slice {
        data: b"memory".as_ptr(),
        length: 1 << 40,
    },
    ..export::manifest(&MANIFEST, &COMMANDS)
};
entry!(netabase_driver_bad_endless_engine, "bad-endless-engine", good, { manifest: &ENDLESS_ENGINE });
entry!(netabase_driver_bad_endless_version, "bad-endless-version", good, { version: Slice { data: b"1".as_ptr(), length: usize::MAX } });

/// A list that no list of its type can be at.
static ODD_COMMANDS: Manifest = Manifest {
    commands: ptr::without_provenance(align_of::<Slice>() * 1024 + 1),
    ..export::manifest(&MANIFEST, &COMMANDS)
};
entry!(netabase_driver_bad_odd_commands, "bad-odd-commands", good, { manifest: &ODD_COMMANDS });

// A minor version before the optional functions: its table ends behind the last required one.
entry!(netabase_driver_bad_older_minor, "bad-older-minor", plain, { vtable_size: offset_of!(VTable, cursor_seek) });

/// A table without a function that no driver can do without.
static WITHOUT_GET: VTable = VTable {
    txn_get: None,
    ..export::vtable::<Good>()
};
entry!(netabase_driver_bad_null_slot, "bad-null-slot", good, { vtable: &WITHOUT_GET });

/// A table without those that a driver can do without.
static WITHOUT_OPTIONAL: VTable = VTable {
    cursor_seek: None,
    txn_len: None,
    txn_clear: None,
    txn_apply: None,
    database_command: None,
    ..export::vtable::<Good>()
};
entry!(netabase_driver_bad_null_optional_slots, "bad-null-optional-slots", good, { vtable: &WITHOUT_OPTIONAL });

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
    ..export::manifest(&MANIFEST, &COMMANDS)
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
pub(crate) static netabase_driver_bad_newer_minor: Newer<Entry> = Newer::new(Entry {
    layout: tampered::newer(),
    ..newer("netabase_driver_bad_newer_minor", "bad-newer-minor")
});

// SAFETY: the name is not used by anything else.
#[unsafe(no_mangle)]
pub(crate) static netabase_driver_bad_newer_minor_plain: Newer<Entry> = Newer::new(Entry {
    flags: 0,
    layout: ptr::null(),
    ..newer(
        "netabase_driver_bad_newer_minor_plain",
        "bad-newer-minor-plain",
    )
});
