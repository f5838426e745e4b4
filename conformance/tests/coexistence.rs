//! A driver that is linked in and the same driver loaded from its library, in one process.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod drivers;

use std::path::Path;

use netabase_core::driver::{
    Database, Driver, Durability, ErrorKind, OpenConfig, Read as _, Result, Write,
};
use netabase_core::loader::{self, SearchPath};

struct SideBySide;

impl drivers::Visitor for SideBySide {
    fn visit_built_in<D: Driver + Clone>(&mut self, _: D) {}

    fn visit<D: Driver>(&mut self, linked: D) {
        let beside = SearchPath::default()
            .without_environment()
            .without_user_data()
            .without_system();
        let loaded = loader::load(&linked.manifest().name, &beside).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));

        // At the same time, on different files.
        let stores = (open(&linked, &one).unwrap(), open(&loaded, &other).unwrap());
        let transactions = (
            stores.0.begin_write().unwrap(),
            stores.1.begin_write().unwrap(),
        );
        write(transactions.0, b"linked");
        write(transactions.1, b"loaded");
        assert_eq!(read(&stores.0), b"linked");
        assert_eq!(read(&stores.1), b"loaded");

        // On one file they are in each other's way, as two processes are.
        for refused in [
            open(&loaded, &one).map(drop),
            open(&linked, &other).map(drop),
        ] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);
        }

        // One after the other, each reads what the other wrote.
        drop(stores);
        assert_eq!(read(&open(&loaded, &one).unwrap()), b"linked");
        assert_eq!(read(&open(&linked, &other).unwrap()), b"loaded");
    }
}

fn open<D: Driver>(driver: &D, path: &Path) -> Result<D::Database> {
    driver.open(&OpenConfig::new(path))
}

fn write(mut writer: impl Write, value: &[u8]) {
    let tree = writer.tree("tree").unwrap();
    writer.put(tree, b"key", value, |_| ()).unwrap();
    writer.commit(Durability::Immediate).unwrap();
}

fn read(store: &impl Database) -> Vec<u8> {
    let reader = store.begin_read().unwrap();
    let tree = reader.tree("tree").unwrap();
    reader.get(tree, b"key", <[u8]>::to_vec).unwrap().unwrap()
}

#[test]
fn a_driver_linked_in_and_one_loaded_live_side_by_side() {
    drivers::each(&mut SideBySide);
}
