//! A driver behind the table of functions whose every answer is fuzzed: wrong lengths, null with and without length,
//! handles that are null, values shown twice or never, late errors. The host must neither panic nor read what it was not
//! given, and close each handle once.
#![no_main]
#![allow(unsafe_code, reason = "a driver in the form of the ABI is pointers")]

use std::cell::RefCell;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use netabase_core::abi::DynamicDriver;
use netabase_core::abi::export::{self, command_count};
use netabase_core::abi::layout::{
    self, Bounds, Context, Cursor, Database, Entry, ErrorBuffer, Slice, Transaction, VTable, Visit,
};
use netabase_core::abi::layout::{ABSENT, OK};
use netabase_core::driver;
use netabase_core::driver::checked::Checked;
use netabase_core::driver::{
    Capabilities, Cursor as _, Durability, Limits, Manifest, OpenConfig, Read as _, Write as _,
};
use netabase_store::{NetabaseError, Store, netabase_definition_module};

#[netabase_definition_module(Zoo, ZooKeys)]
mod models {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Zoo)]
    pub struct Animal {
        #[primary_key]
        pub id: u16,
        #[secondary_key(unique)]
        pub name: String,
        #[secondary_key]
        pub legs: u8,
        pub notes: Vec<String>,
    }
}

use models::{
    Animal, AnimalLegsSecondaryKey, AnimalNameSecondaryKey, AnimalPrimaryKey, AnimalSecondaryKeys,
    Zoo,
};

/// What the driver answers, one byte after the other; when they are used up, everything fails.
struct Script {
    bytes: Vec<u8>,
    at: usize,
    /// Handles that are open, by kind.
    open: [i64; 3],
}

thread_local! {
    static SCRIPT: RefCell<Script> = const {
        RefCell::new(Script { bytes: Vec::new(), at: 0, open: [0; 3] })
    };
}

fn next() -> Option<u8> {
    SCRIPT.with_borrow_mut(|script| {
        let byte = script.bytes.get(script.at).copied();
        script.at += 1;
        byte
    })
}

fn opened(kind: usize, by: i64) {
    SCRIPT.with_borrow_mut(|script| {
        script.open[kind] += by;
        assert!(script.open[kind] >= 0, "a handle was closed twice");
    });
}

/// Bytes for the host: some that are there for as long as the process, or a slice that is no slice.
fn bytes() -> Slice {
    let selector = next().unwrap_or(0);
    let length = usize::from(next().unwrap_or(0));
    match selector % 8 {
        0 => Slice {
            data: ptr::null(),
            length: 0,
        },
        1 => Slice {
            data: ptr::null(),
            length,
        },
        2 => Slice {
            data: ptr::dangling(),
            length: 0,
        },
        3 => Slice {
            data: [0u8; 1].as_ptr(),
            length: usize::MAX - length,
        },
        4 => Slice::new(b"\x05netab\0\0\0\0\0\0\0\0\0\0\0"),
        _ => {
            // What the script says, kept for good: the host may look at it until the next call.
            let text: Vec<u8> = (0..length).map_while(|_| next()).collect();
            KEPT.with_borrow_mut(|kept| {
                kept.push(text.into_boxed_slice());
                Slice::new(&kept[kept.len() - 1])
            })
        }
    }
}

thread_local! {
    static KEPT: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// A status, and what comes with it: an error may state any length for its text, and write none of it.
fn status(error: *mut ErrorBuffer) -> u32 {
    match next() {
        None => {
            // SAFETY: the host gives a buffer that nobody else uses.
            unsafe { (*error).length = 0 };
            1
        }
        Some(byte @ 0..=159) => {
            if byte % 16 == 0 {
                ABSENT
            } else {
                OK
            }
        }
        Some(byte) => {
            let length = match byte % 4 {
                0 => 0,
                1 => usize::from(next().unwrap_or(0)),
                2 => usize::MAX,
                _ => 1 << 20,
            };
            // SAFETY: as above.
            let error = unsafe { &mut *error };
            error.length = length;
            for index in 0..length.min(error.capacity) {
                let Some(byte) = next() else { break };
                // SAFETY: the place is within the buffer's capacity.
                unsafe { error.message.add(index).write(byte) };
            }
            u32::from(next().unwrap_or(0)).wrapping_sub(1)
        }
    }
}

fn show(visit: Visit, context: *mut Context) {
    let times = next().unwrap_or(0) % 4;
    for _ in 0..times {
        let slice = bytes();
        if let Some(function) = visit.function {
            // SAFETY: the host's visitor takes its context, and any slice that is null, impossible or readable.
            unsafe { function(context, slice) }
        }
    }
}

fn handle<T>(kind: usize, place: *mut *mut T) {
    if next().is_some_and(|byte| byte % 32 != 0) {
        opened(kind, 1);
        // SAFETY: the host gives a place for the handle.
        unsafe { place.write(ptr::dangling_mut()) };
    }
}

unsafe extern "C" fn open(
    _: *const layout::OpenConfig,
    store: *mut *mut Database,
    error: *mut ErrorBuffer,
) -> u32 {
    let status = status(error);
    if status == OK {
        handle(0, store);
    }
    status
}

unsafe extern "C" fn database_close(_: *mut Database) {
    opened(0, -1);
}

unsafe extern "C" fn database_begin(
    _: *mut Database,
    _: u32,
    transaction: *mut *mut Transaction,
    error: *mut ErrorBuffer,
) -> u32 {
    let status = status(error);
    if status == OK {
        handle(1, transaction);
    }
    status
}

unsafe extern "C" fn txn_close(_: *mut Transaction) {
    opened(1, -1);
}

unsafe extern "C" fn txn_tree(
    _: *mut Transaction,
    _: Slice,
    _: u32,
    _: u32,
    tree: *mut u32,
    error: *mut ErrorBuffer,
) -> u32 {
    let id = next().unwrap_or(0);
    // SAFETY: the host gives a place for the id.
    unsafe { tree.write(u32::from(id) << 24 | u32::from(id)) };
    status(error)
}

unsafe extern "C" fn txn_get(
    _: *mut Transaction,
    _: u32,
    _: Slice,
    visit: Visit,
    context: *mut Context,
    error: *mut ErrorBuffer,
) -> u32 {
    show(visit, context);
    status(error)
}

unsafe extern "C" fn txn_put(
    _: *mut Transaction,
    _: u32,
    _: Slice,
    _: Slice,
    visit: Visit,
    context: *mut Context,
    error: *mut ErrorBuffer,
) -> u32 {
    show(visit, context);
    status(error)
}

unsafe extern "C" fn txn_commit(
    _: *mut Transaction,
    _: u32,
    token: Visit,
    context: *mut Context,
    error: *mut ErrorBuffer,
) -> u32 {
    show(token, context);
    status(error)
}

unsafe extern "C" fn cursor_open(
    _: *mut Transaction,
    _: u32,
    _: *const Bounds,
    _: u32,
    cursor: *mut *mut Cursor,
    error: *mut ErrorBuffer,
) -> u32 {
    let status = status(error);
    if status == OK {
        handle(2, cursor);
    }
    status
}

unsafe extern "C" fn cursor_next(
    _: *mut Cursor,
    key: *mut Slice,
    value: *mut Slice,
    error: *mut ErrorBuffer,
) -> u32 {
    let status = status(error);
    // SAFETY: the host gives a place for the key.
    unsafe { key.write(bytes()) };
    // SAFETY: the host gives a place for the value.
    unsafe { value.write(bytes()) };
    status
}

unsafe extern "C" fn cursor_close(_: *mut Cursor) {
    opened(2, -1);
}

unsafe extern "C" fn cursor_seek(_: *mut Cursor, _: Slice, error: *mut ErrorBuffer) -> u32 {
    status(error)
}

unsafe extern "C" fn txn_len(
    _: *mut Transaction,
    _: u32,
    length: *mut u64,
    error: *mut ErrorBuffer,
) -> u32 {
    let entries = match next().unwrap_or(0) {
        255 => u64::MAX,
        small => u64::from(small / 64),
    };
    // SAFETY: the host gives a place for the number.
    unsafe { length.write(entries) };
    status(error)
}

unsafe extern "C" fn txn_clear(_: *mut Transaction, _: u32, error: *mut ErrorBuffer) -> u32 {
    status(error)
}

unsafe extern "C" fn txn_apply(_: *mut Transaction, _: Slice, error: *mut ErrorBuffer) -> u32 {
    status(error)
}

unsafe extern "C" fn database_command(
    _: *mut Database,
    _: Slice,
    _: Slice,
    visit: Visit,
    context: *mut Context,
    error: *mut ErrorBuffer,
) -> u32 {
    show(visit, context);
    status(error)
}

unsafe extern "C" fn database_commit_outcome(
    _: *mut Database,
    _: Slice,
    outcome: *mut u32,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the host gives a place for the outcome.
    unsafe { outcome.write(u32::from(next().unwrap_or(0) % 4)) };
    status(error)
}

static VTABLE: VTable = VTable {
    open: Some(open),
    database_close: Some(database_close),
    database_begin: Some(database_begin),
    txn_close: Some(txn_close),
    txn_tree: Some(txn_tree),
    txn_get: Some(txn_get),
    txn_put: Some(txn_put),
    txn_remove: Some(txn_get),
    txn_commit: Some(txn_commit),
    cursor_open: Some(cursor_open),
    cursor_next: Some(cursor_next),
    cursor_close: Some(cursor_close),
    cursor_seek: Some(cursor_seek),
    txn_len: Some(txn_len),
    txn_clear: Some(txn_clear),
    txn_apply: Some(txn_apply),
    database_command: Some(database_command),
    database_commit_outcome: Some(database_commit_outcome),
};

static MANIFEST: Manifest = Manifest {
    name: std::borrow::Cow::Borrowed("hostile"),
    version: std::borrow::Cow::Borrowed("1.0.0"),
    engine: std::borrow::Cow::Borrowed("none"),
    engine_version: std::borrow::Cow::Borrowed("0"),
    capabilities: Capabilities::SNAPSHOTS,
    limits: Limits::NONE,
    commands: std::borrow::Cow::Borrowed(&[
        std::borrow::Cow::Borrowed("tree_names"),
        std::borrow::Cow::Borrowed("size_on_disk"),
        std::borrow::Cow::Borrowed("stats"),
        std::borrow::Cow::Borrowed("compact"),
    ]),
};

static COMMANDS: [Slice; command_count(&MANIFEST)] = export::commands(&MANIFEST);
static RAW_MANIFEST: layout::Manifest = export::manifest(&MANIFEST, &COMMANDS);
static ENTRY: Entry = Entry {
    flags: 0,
    layout: ptr::null(),
    ..export::entry(
        "netabase_driver_hostile",
        &MANIFEST,
        &RAW_MANIFEST,
        &VTABLE,
        false,
    )
};

fn hostile() -> DynamicDriver {
    static DRIVER: OnceLock<DynamicDriver> = OnceLock::new();
    *DRIVER.get_or_init(|| {
        // SAFETY: entry, manifest and table are statics; that the functions keep to the ABI as far as memory goes is what
        // they are written for.
        unsafe { DynamicDriver::from_entry(&raw const ENTRY, "hostile") }
            .expect("the entry is right")
    })
}

fn animal(number: u8) -> Animal {
    Animal {
        id: u16::from(number),
        name: format!("animal {number}"),
        legs: number % 5,
        notes: vec!["a note".to_owned(); usize::from(number % 3)],
    }
}

/// Most entries that are taken from an iterator: the driver may never come to an end.
const MOST: usize = 64;

fn typed(calls: &[u8]) -> Result<(), NetabaseError> {
    let store = Store::<Zoo, DynamicDriver>::open_with(
        &hostile(),
        &OpenConfig::new(Path::new("")),
        Durability::Immediate,
    )?;
    for &call in calls {
        let number = call / 16;
        let tree = store.open_tree::<Animal>();
        let by_legs = || AnimalSecondaryKeys::Legs(AnimalLegsSecondaryKey(number % 5));
        match call % 16 {
            0 => drop(tree.put(animal(number))),
            1 => drop(tree.get(AnimalPrimaryKey(u16::from(number)))),
            2 => drop(tree.remove(AnimalPrimaryKey(u16::from(number)))),
            3 => drop(tree.discard(AnimalPrimaryKey(u16::from(number)))),
            4 => drop(tree.get_by_secondary_key(by_legs())),
            5 => drop(tree.len()),
            6 => drop(tree.clear()),
            7 => drop(tree.put_many((0..number).map(animal))),
            8 => {
                let transaction = store.read();
                let view = transaction.open_tree::<Animal>();
                if let Ok(animals) = view.iter() {
                    animals.take(MOST).for_each(drop);
                }
                if let Ok(animals) = view.range(AnimalPrimaryKey(2)..AnimalPrimaryKey(9)) {
                    animals.rev().take(MOST).for_each(drop);
                }
            }
            9 => {
                let transaction = store.read();
                let view = transaction.open_tree::<Animal>();
                let name = AnimalNameSecondaryKey(format!("animal {number}"));
                if let Ok(animals) = view.by(name) {
                    animals.take(MOST).for_each(drop);
                }
                if let Ok(animals) = view.range_by(AnimalLegsSecondaryKey(0)..) {
                    let mut animals = animals.take(MOST);
                    while let (Some(_), Some(_)) = (animals.next(), animals.next()) {}
                }
                drop((view.first(), view.last()));
            }
            10 => {
                let Ok(transaction) = store.write() else {
                    continue;
                };
                let mut view = transaction.open_tree::<Animal>();
                for number in 0..number {
                    drop(view.put(animal(number)));
                    drop(view.get(AnimalPrimaryKey(u16::from(number))));
                }
                drop(view.remove(AnimalPrimaryKey(1)));
                drop(transaction.commit());
            }
            11 => drop(store.tree_names()),
            12 => drop(tree.get_with(AnimalPrimaryKey(7), |view| view.name.len())),
            13 => drop(tree.get_many((0..u16::from(number)).map(AnimalPrimaryKey))),
            14 => drop(tree.remove_many((0..u16::from(number)).map(AnimalPrimaryKey))),
            _ => store.close(),
        }
    }
    Ok(())
}

fn raw(calls: &[u8]) -> driver::Result<()> {
    let store = Checked::open(&hostile(), &OpenConfig::new(Path::new("")))?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    for &call in calls {
        match call % 8 {
            0 => drop(writer.put(tree, b"key", b"value", <[u8]>::to_vec)),
            1 => drop(writer.remove(tree, b"key", <[u8]>::to_vec)),
            2 => drop(writer.get(tree, b"key", <[u8]>::to_vec)),
            3 => drop(writer.clear(tree)),
            4 => drop(writer.len(tree)),
            5 => drop(store.command("stats", b"", &mut |bytes| drop(bytes.to_vec()))),
            _ => {
                let mut cursor =
                    writer.cursor(tree, driver::Bounds::ALL, driver::Direction::Backward)?;
                for step in 0..MOST {
                    if step % 16 == usize::from(call / 16) {
                        drop(cursor.seek(b"somewhere"));
                    }
                    if !cursor.advance()? {
                        break;
                    }
                    drop((cursor.key().to_vec(), cursor.value().to_vec()));
                }
            }
        }
    }
    writer.commit(Durability::Immediate)
}

fuzz_target!(|input: (Vec<u8>, Vec<u8>, bool)| {
    let (calls, answers, through_types) = input;
    let calls = &calls[..calls.len().min(32)];
    SCRIPT.set(Script {
        bytes: answers,
        at: 0,
        open: [0; 3],
    });
    if through_types {
        drop(typed(calls));
    } else {
        drop(raw(calls));
    }
    SCRIPT.with_borrow(|script| assert_eq!(script.open, [0; 3], "handles are left open"));
    KEPT.with_borrow_mut(Vec::clear);
});
