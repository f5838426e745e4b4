//! What the loader and the host side of the ABI say of each bad driver; the process outlives all of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use netabase_core::abi::{DynamicDatabase, DynamicDriver, DynamicWriter};
use netabase_core::driver::{
    Bounds, CommitOutcome, CommitToken, Cursor as _, Database, Direction, Driver, DriverError,
    Durability, ErrorKind, OpenConfig, Read, TreeId, Write, WriteBatchBuilder,
};
use netabase_core::error::NetabaseError;
use netabase_core::loader::{self, SearchPath};
use tempfile::TempDir;

fn file_name(stem: &str) -> String {
    format!(
        "{}{stem}{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    )
}

fn driver_file(name: &str) -> String {
    file_name(&format!("netabase_driver_{}", name.replace('-', "_")))
}

/// The library with all drivers, which Cargo puts beside the test.
fn library() -> PathBuf {
    let library = env::current_exe()
        .unwrap()
        .with_file_name(file_name("conformance_bad_drivers"));
    assert!(library.is_file(), "{} is missing", library.display());
    library
}

/// A directory in which the library bears the file name of this driver.
fn cage(name: &str) -> TempDir {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::hard_link(library(), directory.path().join(driver_file(name))).unwrap();
    directory
}

/// As [`cage`], with a file of its own.
fn cage_of_its_own(name: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::copy(library(), directory.path().join(driver_file(name))).unwrap();
    directory
}

/// Nowhere else, and whatever permissions the machine gives to what is built there.
fn search(directory: &Path) -> SearchPath {
    SearchPath::none()
        .with_directory(directory)
        .without_trust_checks()
}

fn load(name: &str) -> Result<DynamicDriver, NetabaseError> {
    loader::load(name, &search(cage(name).path()))
}

/// The message with which a driver is rejected.
fn rejection(name: &str) -> String {
    let error = load(name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DriverRejected, "{error}");
    assert_eq!(error.driver(), Some(name));
    let message = error.to_string();
    assert!(message.contains(&driver_file(name)), "{message}");
    assert!(message.len() < 2000, "{message}");
    message
}

#[track_caller]
fn assert_rejected(name: &str, parts: &[&str]) {
    let message = rejection(name);
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

fn open(driver: &DynamicDriver, options: &[(&str, &str)]) -> Result<DynamicDatabase, DriverError> {
    driver.open(&OpenConfig {
        options,
        ..OpenConfig::new(Path::new(""))
    })
}

/// Puts, reads, scans and commits.
fn works(driver: &DynamicDriver) -> DynamicDatabase {
    let store = open(driver, &[]).unwrap();
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("tree").unwrap();
    assert_eq!(writer.put(tree, b"key", b"value", |_| ()).unwrap(), None);
    assert_eq!(
        writer.put(tree, b"key", b"other", <[u8]>::to_vec).unwrap(),
        Some(b"value".to_vec())
    );
    writer.commit(Durability::Immediate).unwrap();
    let reader = store.begin_read().unwrap();
    let tree = reader.tree("tree").unwrap();
    assert_eq!(
        reader.get(tree, b"key", <[u8]>::to_vec).unwrap(),
        Some(b"other".to_vec())
    );
    let mut cursor = reader
        .cursor(tree, Bounds::ALL, Direction::Forward)
        .unwrap();
    assert!(cursor.advance().unwrap());
    assert_eq!((cursor.key(), cursor.value()), (&b"key"[..], &b"other"[..]));
    assert!(!cursor.advance().unwrap());
    drop(cursor);
    drop(reader);
    store
}

#[test]
fn a_good_driver_loads_and_works() {
    let driver = load("good").unwrap();
    let manifest = driver.manifest();
    assert_eq!(manifest.name, "good");
    assert_eq!(manifest.version, "1.2.3");
    assert_eq!(manifest.engine_version, "4.5.6");
    assert!(manifest.offers("tree_names"));
    assert_eq!(driver.abi_version(), (1, 0));
    assert!(driver.layout_checked());
    assert!(!driver.aborts_on_panic());
    let store = works(&driver);
    let mut names = Vec::new();
    store
        .command("tree_names", &[], &mut |name| names.push(name.to_vec()))
        .unwrap();
    assert_eq!(names, [b"tree".to_vec()]);
    let error = store.command("fly", &[], &mut |_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_driver_without_a_description_of_its_types_loads_and_works() {
    let driver = load("bad-plain").unwrap();
    assert!(!driver.layout_checked());
    works(&driver);
}

#[test]
fn wrong_magic_is_rejected() {
    assert_rejected("bad-wrong-magic", &["notabase", "netabase"]);
}

#[test]
fn another_major_version_is_rejected() {
    assert_rejected(
        "bad-newer-major",
        &["version 2.0", "1.0", "use a newer `netabase_store`"],
    );
    assert_rejected(
        "bad-older-major",
        &["version 0.0", "1.0", "use a newer release of the driver"],
    );
}

#[test]
fn sizes_that_are_too_small_are_rejected() {
    assert_rejected("bad-short-entry", &["its entry states 88 bytes"]);
    assert_rejected(
        "bad-short-vtable",
        &["its table of functions states 88 bytes"],
    );
    assert_rejected("bad-short-manifest", &["its manifest states"]);
}

#[test]
fn null_and_invalid_parts_of_an_entry_are_rejected() {
    assert_rejected("bad-null-vtable", &["its table of functions is null"]);
    assert_rejected("bad-null-manifest", &["its manifest is null"]);
    assert_rejected("bad-null-name", &["its name is null"]);
    assert_rejected("bad-invalid-name", &["its name is not UTF-8"]);
    assert_rejected("bad-invalid-version", &["its version is not UTF-8"]);
}

/// There is no memory behind what an entry says is there.
#[test]
fn lists_and_texts_without_an_end_are_rejected() {
    let entries = (1_u64 << 60).to_string();
    assert_rejected("bad-endless-commands", &["its list of commands", &entries]);
    assert_rejected("bad-endless-engine", &["its engine's name states", "bytes"]);
    assert_rejected("bad-endless-version", &["its version states", "bytes"]);
    assert_rejected("bad-odd-commands", &["its list of commands", "not aligned"]);
}

#[test]
fn a_driver_of_another_name_is_rejected() {
    assert_rejected("bad-wrong-name", &["its name is `bad-other-name`"]);
}

#[test]
fn a_changed_field_is_rejected_before_the_first_call() {
    assert_rejected("bad-changed-field", &["Entry", "flags", "u64", "rebuild"]);
    assert_rejected(
        "bad-changed-function",
        &["txn_get/param_2", "Slice", "rebuild"],
    );
    let error = load("bad-changed-field").unwrap_err();
    let rejected = error.source().unwrap();
    let report = rejected.source().expect("the whole report is kept");
    assert!(report.to_string().len() > 1000);
}

#[test]
fn a_driver_that_hides_its_types_is_rejected() {
    assert_rejected("bad-no-layout", &["no description of its types"]);
}

#[test]
fn an_older_minor_version_loads_and_what_it_lacks_is_unsupported() {
    for name in ["bad-older-minor", "bad-null-optional-slots"] {
        let store = works(&load(name).unwrap());
        let error = store.command("tree_names", &[], &mut |_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("tree").unwrap();
        assert_eq!(writer.len(tree).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(
            writer.clear(tree).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
        let mut cursor = writer
            .cursor(tree, Bounds::ALL, Direction::Forward)
            .unwrap();
        assert_eq!(
            cursor.seek(b"a").unwrap_err().kind(),
            ErrorKind::Unsupported
        );
        drop(cursor);
        let mut list = WriteBatchBuilder::new();
        list.put(tree, b"new", b"1")
            .unwrap()
            .remove(tree, b"key")
            .unwrap();
        writer.apply(&list.as_batch()).unwrap();
        assert!(writer.get(tree, b"new", |_| ()).unwrap().is_some());
        assert!(writer.get(tree, b"key", |_| ()).unwrap().is_none());
    }
}

#[test]
fn a_newer_minor_version_loads_and_works() {
    for name in ["bad-newer-minor", "bad-newer-minor-plain"] {
        let driver = load(name).unwrap();
        assert_eq!(driver.abi_version(), (1, 1));
        works(&driver);
    }
}

#[test]
fn a_null_function_that_no_driver_can_do_without_is_rejected() {
    assert_rejected("bad-null-slot", &["`txn_get` is null"]);
}

#[test]
fn a_driver_that_aborts_on_panic_says_so() {
    let driver = load("bad-panic-abort").unwrap();
    assert!(driver.aborts_on_panic());
    works(&driver);
}

#[test]
fn a_file_that_is_no_library_is_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(driver_file("text"));
    fs::write(&file, "this is no library").unwrap();
    let error = loader::load("text", &search(directory.path())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DriverRejected);
    let message = error.to_string();
    assert!(
        message.contains("it is not a library that can be loaded here"),
        "{message}"
    );
    assert!(
        !message.contains("dlopen failed"),
        "the reason is kept: {message}"
    );
}

#[test]
fn an_empty_file_is_rejected() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(driver_file("empty")), "").unwrap();
    let error = loader::load("empty", &search(directory.path())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DriverRejected);
    assert!(error.to_string().contains("the file is empty"), "{error}");
}

#[test]
fn a_directory_is_rejected() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(driver_file("folder"))).unwrap();
    let error = loader::load("folder", &search(directory.path())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DriverRejected);
    assert!(error.to_string().contains("it is a directory"), "{error}");
}

#[test]
fn a_missing_file_is_not_found_and_the_places_are_listed() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let search = search(first.path()).with_directory(second.path());
    let error = loader::load("missing", &search).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DriverNotFound);
    let message = error.to_string();
    for directory in [&first, &second] {
        let place = directory.path().join(driver_file("missing"));
        assert!(message.contains(place.to_str().unwrap()), "{message}");
    }
    assert!(message.contains(loader::ENVIRONMENT_VARIABLE), "{message}");
    let error = loader::load_path(first.path().join(driver_file("missing"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DriverNotFound);
}

#[test]
fn a_library_without_the_symbol_is_rejected() {
    assert_rejected(
        "bad-nobody",
        &["no symbol `netabase_driver_bad_nobody`", "export_driver!"],
    );
}

#[test]
fn a_path_is_no_name() {
    for name in ["../good", "/bad-good", "bad_good", "", "-bad"] {
        let error = loader::load(name, &SearchPath::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}");
    }
}

#[test]
fn a_path_loads_the_driver_that_its_file_is_named_after() {
    let directory = cage("good");
    let file = directory.path().join(driver_file("good"));
    let driver = loader::load_trusted_path(&file).unwrap();
    assert_eq!(driver.manifest().name, "good");
    let error = loader::load_trusted_path(library()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DriverRejected);
    assert!(
        error.to_string().contains("is not named as a driver"),
        "{error}"
    );
}

#[test]
fn a_rejected_candidate_does_not_end_the_search() {
    let (bad, good) = (tempfile::tempdir().unwrap(), cage("good"));
    fs::write(bad.path().join(driver_file("good")), "damaged").unwrap();
    let driver = loader::load("good", &search(bad.path()).with_directory(good.path())).unwrap();
    works(&driver);
}

#[test]
fn one_file_is_one_driver_and_another_file_another() {
    let (one, other) = (cage("good"), cage_of_its_own("good"));
    let same = cage("good");
    let driver = |directory: &TempDir| loader::load("good", &search(directory.path())).unwrap();
    assert_eq!(driver(&one), driver(&one));
    assert_eq!(driver(&one), driver(&same));
    assert_ne!(driver(&one), driver(&other));
    let address = |driver: DynamicDriver| std::ptr::from_ref(driver.manifest());
    let manifest = |directory: &TempDir| address(driver(directory));
    assert_eq!(manifest(&one), manifest(&same));
    assert_ne!(manifest(&one), manifest(&other));
}

#[test]
fn several_drivers_and_stores_live_side_by_side() {
    let (good, plain) = (load("good").unwrap(), load("bad-plain").unwrap());
    let stores = [works(&good), works(&good), works(&plain)];
    for (number, store) in stores.iter().enumerate() {
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("tree").unwrap();
        writer
            .put(tree, b"number", &[number as u8], |_| ())
            .unwrap();
        writer.commit(Durability::None).unwrap();
    }
    for (number, store) in stores.iter().enumerate() {
        let reader = store.begin_read().unwrap();
        let tree = reader.tree("tree").unwrap();
        let value = reader.get(tree, b"number", <[u8]>::to_vec).unwrap();
        assert_eq!(value, Some(vec![number as u8]));
    }
}

/// A store whose function of this name panics, with the entry `key` in the tree `tree`.
fn trapped(function: &str) -> DynamicDatabase {
    open(&load("bad-panicking").unwrap(), &[("panic", function)]).unwrap()
}

#[track_caller]
fn assert_panicked<T: std::fmt::Debug>(result: Result<T, DriverError>, function: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DriverPanicked, "{error}");
    let message = error.message();
    assert!(
        message.contains(&format!("trapped in {function}")),
        "{message}"
    );
}

#[track_caller]
fn assert_closed<T: std::fmt::Debug>(result: Result<T, DriverError>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert!(error.message().contains("panic"), "{error}");
}

#[test]
fn a_panic_while_opening_is_an_error() {
    let driver = load("bad-panicking").unwrap();
    assert_panicked(open(&driver, &[("panic", "open")]), "open");
    open(&driver, &[("panic", "")]).unwrap();
}

#[test]
fn a_panic_of_a_store_is_an_error_and_the_store_goes_on() {
    let store = trapped("begin_read");
    assert_panicked(store.begin_read(), "begin_read");
    drop(store.begin_write().unwrap());
    let store = trapped("begin_write");
    assert_panicked(store.begin_write(), "begin_write");
    drop(store.begin_read().unwrap());
    let store = trapped("command");
    assert_panicked(store.command("tree_names", &[], &mut |_| ()), "command");
    drop(store.begin_read().unwrap());
}

#[test]
fn a_panic_in_a_drop_is_contained() {
    for function in ["drop_store", "drop_reader", "drop_writer", "drop_cursor"] {
        let store = trapped(function);
        let reader = store.begin_read().unwrap();
        drop(reader.cursor(TreeId(0), Bounds::ALL, Direction::Forward));
        let tree = reader.tree("tree").unwrap();
        let cursor = reader
            .cursor(tree, Bounds::ALL, Direction::Forward)
            .unwrap();
        drop(cursor);
        drop(reader);
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("tree").unwrap();
        writer.put(tree, b"key", b"value", |_| ()).unwrap();
        drop(writer);
        drop(store.begin_write().unwrap());
        drop(store);
    }
}

#[test]
fn a_panic_of_a_read_transaction_ends_it_alone() {
    for function in [
        "tree", "get", "cursor", "len", "advance", "key", "value", "seek",
    ] {
        let store = trapped(function);
        let others = trapped("");
        let other = others.begin_read().unwrap();
        let reader = store.begin_read().unwrap();
        match function {
            "tree" => assert_panicked(reader.tree("tree"), function),
            "get" => assert_panicked(reader.get(TreeId(0), b"key", |_| ()), function),
            "len" => assert_panicked(reader.len(TreeId(0)), function),
            "cursor" => assert_panicked(
                reader.cursor(TreeId(0), Bounds::ALL, Direction::Forward),
                function,
            ),
            _ => {
                let mut writer = store.begin_write().unwrap();
                let tree = writer.tree("tree").unwrap();
                writer.put(tree, b"key", b"value", |_| ()).unwrap();
                writer.commit(Durability::Immediate).unwrap();
                let reader = store.begin_read().unwrap();
                let tree = reader.tree("tree").unwrap();
                let mut cursor = reader
                    .cursor(tree, Bounds::ALL, Direction::Forward)
                    .unwrap();
                match function {
                    "seek" => assert_panicked(cursor.seek(b"key"), function),
                    _ => assert_panicked(cursor.advance(), function),
                }
                assert!(cursor.key().is_empty() && cursor.value().is_empty());
                assert!(!cursor.advance().unwrap());
                assert_closed(reader.len(tree));
                continue;
            }
        }
        assert_closed(reader.tree("tree"));
        assert_closed(reader.get(TreeId(0), b"key", |_| ()));
        assert_closed(reader.len(TreeId(0)));
        assert_closed(reader.cursor(TreeId(0), Bounds::ALL, Direction::Forward));
        drop(reader);
        drop(store.begin_read().unwrap());
        other.tree("tree").unwrap();
    }
}

fn write(writer: &mut DynamicWriter, tree: TreeId, function: &str) -> Result<(), DriverError> {
    match function {
        "put" => writer.put(tree, b"key", b"value", |_| ()).map(drop),
        "remove" => writer.remove(tree, b"key", |_| ()).map(drop),
        "clear" => writer.clear(tree),
        "apply" => {
            let mut list = WriteBatchBuilder::new();
            list.put(tree, b"key", b"value")?;
            writer.apply(&list.as_batch())
        }
        "get" => writer.get(tree, b"key", |_| ()).map(drop),
        "len" => writer.len(tree).map(drop),
        function => panic!("{function} is not listed"),
    }
}

#[test]
fn a_panic_of_a_write_transaction_ends_it_and_rolls_it_back() {
    let functions = ["put", "remove", "clear", "apply", "get", "len"];
    for function in functions {
        let store = trapped(function);
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("tree").unwrap();
        if function != "put" {
            writer.put(tree, b"before", b"value", |_| ()).unwrap();
        }
        assert_panicked(write(&mut writer, tree, function), function);
        for later in functions {
            assert_closed(write(&mut writer, tree, later));
        }
        assert_closed(writer.cursor(tree, Bounds::ALL, Direction::Forward));
        // It was rolled back: the next writer does not wait for this one, which is still open.
        let mut next = store.begin_write().unwrap();
        let tree = next.tree("tree").unwrap();
        let mut cursor = next.cursor(tree, Bounds::ALL, Direction::Forward).unwrap();
        assert!(!cursor.advance().unwrap(), "{function}");
        drop(cursor);
        if function != "put" {
            next.put(tree, b"after", b"value", |_| ()).unwrap();
        }
        next.commit(Durability::Immediate).unwrap();
        assert_closed(writer.commit(Durability::Immediate));
    }
}

#[test]
fn a_panic_of_a_commit_keeps_nothing() {
    let store = trapped("commit");
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("tree").unwrap();
    writer.put(tree, b"key", b"value", |_| ()).unwrap();
    assert_panicked(writer.commit(Durability::Immediate), "commit");
    let reader = store.begin_read().unwrap();
    let tree = reader.tree("tree").unwrap();
    assert_eq!(reader.len(tree).unwrap(), 0);
    drop(store.begin_write().unwrap());
}

#[test]
fn a_panic_of_the_hosts_visitor_passes_through_the_driver() {
    let store = works(&load("good").unwrap());
    let reader = store.begin_read().unwrap();
    let tree = reader.tree("tree").unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        reader.get(tree, b"key", |_| std::panic::panic_any(42_u32))
    }));
    assert_eq!(*panicked.unwrap_err().downcast::<u32>().unwrap(), 42);
    assert!(reader.get(tree, b"key", |_| ()).unwrap().is_some());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.command("tree_names", &[], &mut |_| std::panic::panic_any(43_u32))
    }));
    assert_eq!(*panicked.unwrap_err().downcast::<u32>().unwrap(), 43);
}

#[test]
fn a_visitor_may_read_from_its_own_transaction() {
    let store = works(&load("good").unwrap());
    let writer = store.begin_write().unwrap();
    let tree = writer.tree("tree").unwrap();
    let inner = writer
        .get(tree, b"key", |_| writer.get(tree, b"key", <[u8]>::to_vec))
        .unwrap();
    assert_eq!(inner.unwrap().unwrap(), Some(b"other".to_vec()));
}

fn lying(lie: &str) -> Result<DynamicDatabase, DriverError> {
    open(&load("bad-liar").unwrap(), &[("lie", lie)])
}

#[track_caller]
fn assert_internal<T: std::fmt::Debug>(result: Result<T, DriverError>, part: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    assert!(error.message().contains(part), "{error}");
}

#[test]
fn success_without_a_handle_is_an_error() {
    assert_internal(lying("null-store"), "`open` says that it succeeded");
    let store = lying("null-transaction").unwrap();
    assert_internal(store.begin_read(), "`database_begin`");
    assert_internal(store.begin_write(), "`database_begin`");
    let reader = lying("null-cursor").unwrap().begin_read().unwrap();
    let cursor = reader.cursor(TreeId(0), Bounds::ALL, Direction::Forward);
    assert_internal(cursor, "`cursor_open`");
}

/// What a lie makes of `get`, `put` and `remove`.
fn three(lie: &str) -> [Result<Option<Vec<u8>>, DriverError>; 3] {
    let mut writer = lying(lie).unwrap().begin_write().unwrap();
    let tree = writer.tree("tree").unwrap();
    [
        writer.get(tree, b"key", <[u8]>::to_vec),
        writer.put(tree, b"key", b"value", <[u8]>::to_vec),
        writer.remove(tree, b"key", <[u8]>::to_vec),
    ]
}

#[test]
fn a_value_that_is_not_shown_is_an_error() {
    for result in three("found-and-not-shown") {
        assert_internal(result, "shows none");
    }
}

#[test]
fn a_value_that_is_shown_and_said_to_be_absent_is_an_error() {
    for result in three("shown-and-not-found") {
        assert_internal(result, "says that there is none");
    }
}

#[test]
fn of_a_value_that_is_shown_twice_the_first_counts() {
    for result in three("shown-twice") {
        assert_eq!(result.unwrap(), Some(b"first".to_vec()));
    }
}

#[test]
fn bytes_at_null_are_an_error() {
    for result in three("shown-at-null") {
        assert_internal(result, "at null");
    }
    let store = lying("shown-at-null").unwrap();
    assert_internal(store.command("any", &[], &mut |_| ()), "at null");
    let reader = lying("next-at-null").unwrap().begin_read().unwrap();
    let mut cursor = reader
        .cursor(TreeId(0), Bounds::ALL, Direction::Forward)
        .unwrap();
    assert_internal(cursor.advance(), "at null");
    assert!(cursor.key().is_empty() && cursor.value().is_empty());
    assert!(!cursor.advance().unwrap());
}

#[test]
fn keys_that_are_out_of_order_are_an_error() {
    for (lie, direction, good) in [
        ("disordered", Direction::Forward, false),
        ("disordered", Direction::Backward, true),
        ("uncounted", Direction::Forward, true),
        ("uncounted", Direction::Backward, false),
        ("repeated", Direction::Forward, false),
        ("repeated", Direction::Backward, false),
    ] {
        let reader = lying(lie).unwrap().begin_read().unwrap();
        let tree = reader.tree("tree").unwrap();
        let mut cursor = reader.cursor(tree, Bounds::ALL, direction).unwrap();
        assert!(cursor.advance().unwrap());
        assert_eq!(cursor.value(), b"value");
        match good {
            true => assert!(cursor.advance().unwrap(), "{lie}"),
            false => assert_internal(cursor.advance(), "out of order"),
        }
        assert!(!cursor.advance().unwrap());
        assert!(cursor.key().is_empty());
    }
    for direction in [Direction::Forward, Direction::Backward] {
        let reader = lying("empty-key").unwrap().begin_read().unwrap();
        let tree = reader.tree("tree").unwrap();
        let mut cursor = reader.cursor(tree, Bounds::ALL, direction).unwrap();
        assert_internal(cursor.advance(), "an empty key");
    }
}

#[test]
fn of_an_error_text_that_is_not_written_nothing_is_shown() {
    // Of which there must be nothing left.
    lying("long-error").unwrap_err();
    let error = lying("unwritten-error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("says no more"), "{error}");
}

#[test]
fn a_status_without_a_meaning_is_an_error() {
    assert_internal(lying("unknown-status"), "4711");
    let writer = lying("absent-commit").unwrap().begin_write().unwrap();
    assert_internal(writer.commit(Durability::Immediate), "`txn_commit`");
}

#[test]
fn the_token_of_an_unknown_commit_comes_through_and_has_an_outcome() {
    let store = lying("unknown-commit").unwrap();
    let writer = store.begin_write().unwrap();
    let error = writer.commit(Durability::Immediate).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CommitUnknown);
    let token = error.commit_token().unwrap();
    assert_eq!(token.as_bytes(), b"token\0\xFF");
    assert_eq!(
        store.commit_outcome(token).unwrap(),
        CommitOutcome::Committed
    );
    let error = store.commit_outcome(&CommitToken::new(b"other"));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    let store = lying("absent-commit").unwrap();
    assert_internal(store.commit_outcome(token), "an outcome");
}

#[test]
fn a_token_that_is_too_long_is_dropped_and_the_error_stays() {
    let writer = lying("long-token").unwrap().begin_write().unwrap();
    let error = writer.commit(Durability::Immediate).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CommitUnknown);
    assert!(error.commit_token().is_none());
}

#[test]
fn an_error_text_longer_than_the_buffer_is_cut() {
    let error = lying("long-error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().ends_with("xxx… (100000 bytes)"));
    assert!(error.message().len() < 2000);
}

#[test]
fn an_error_text_that_is_not_utf8_is_shown_as_far_as_it_can_be() {
    let error = lying("invalid-utf8-error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.message(), "disk \u{FFFD}\u{FFFD} on fire");
    assert_eq!(error.source().unwrap().to_string(), "cause \u{FFFD}");
}

#[test]
fn an_error_without_a_text_still_says_its_kind() {
    let error = lying("silent-error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.message().contains("Locked"), "{error}");
}
