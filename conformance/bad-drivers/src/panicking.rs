//! A driver written in Rust, over the memory driver, that panics where its option `panic` says.

use std::borrow::Cow;

use netabase_core::driver::{
    Bounds, Capabilities, Cursor, Database, Direction, Driver, DriverError, Durability, ErrorKind,
    Limits, Manifest, OpenConfig, Read, Result, TreeId, Write, WriteBatch,
};
use netabase_core::memory::{Memory, MemoryDatabase, MemoryReader, MemoryWriter};

static MANIFEST: Manifest = Manifest {
    name: Cow::Borrowed("bad-panicking"),
    version: Cow::Borrowed("1.2.3"),
    engine: Cow::Borrowed("memory"),
    engine_version: Cow::Borrowed("0"),
    capabilities: Capabilities::SNAPSHOTS,
    limits: Limits::NONE,
    commands: Cow::Borrowed(&[Cow::Borrowed("tree_names")]),
};

netabase_core::export_driver!(netabase_driver_bad_panicking: Panicking = Panicking, manifest: MANIFEST);

/// The function that panics, by name; empty for none.
#[derive(Clone)]
struct Trap(String);

impl Trap {
    fn at(&self, function: &str) {
        assert!(self.0 != function, "trapped in {function}");
    }

    fn at_drop(&self, function: &str) {
        if !std::thread::panicking() {
            self.at(function);
        }
    }
}

struct Panicking;

impl Driver for Panicking {
    type Database = TrappedDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<TrappedDatabase> {
        let [("panic", function)] = config.options else {
            return Err(DriverError::new(
                ErrorKind::InvalidInput,
                "give the option `panic`",
            ));
        };
        let trap = Trap((*function).to_owned());
        trap.at("open");
        let store = Memory.open(&OpenConfig {
            options: &[],
            ..*config
        })?;
        Ok(TrappedDatabase { store, trap })
    }
}

struct TrappedDatabase {
    store: MemoryDatabase,
    trap: Trap,
}

impl Database for TrappedDatabase {
    type Reader = Trapped<MemoryReader>;
    type Writer = Trapped<MemoryWriter>;

    fn begin_read(&self) -> Result<Self::Reader> {
        self.trap.at("begin_read");
        Ok(Trapped {
            transaction: Some(self.store.begin_read()?),
            trap: self.trap.clone(),
            drops: "drop_reader",
        })
    }

    fn begin_write(&self) -> Result<Self::Writer> {
        self.trap.at("begin_write");
        Ok(Trapped {
            transaction: Some(self.store.begin_write()?),
            trap: self.trap.clone(),
            drops: "drop_writer",
        })
    }

    fn command(
        &self,
        operation: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        self.trap.at("command");
        self.store.command(operation, argument, output)
    }
}

impl Drop for TrappedDatabase {
    fn drop(&mut self) {
        self.trap.at_drop("drop_store");
    }
}

struct Trapped<T> {
    transaction: Option<T>,
    trap: Trap,
    drops: &'static str,
}

impl<T> Trapped<T> {
    fn inner(&self) -> &T {
        self.transaction.as_ref().unwrap()
    }

    fn inner_mut(&mut self) -> &mut T {
        self.transaction.as_mut().unwrap()
    }
}

impl<T> Drop for Trapped<T> {
    fn drop(&mut self) {
        self.trap.at_drop(self.drops);
    }
}

impl<T: Read> Read for Trapped<T> {
    type Cursor<'t>
        = TrappedCursor<'t, T::Cursor<'t>>
    where
        T: 't;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.trap.at("tree");
        self.inner().tree(name)
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.trap.at("get");
        self.inner().get(tree, key, visit)
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self::Cursor<'_>> {
        self.trap.at("cursor");
        Ok(TrappedCursor {
            cursor: self.inner().cursor(tree, bounds, direction)?,
            trap: &self.trap,
        })
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        self.trap.at("len");
        self.inner().len(tree)
    }
}

impl<T: Write> Write for Trapped<T> {
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let previous = self.inner_mut().put(tree, key, value, previous)?;
        self.trap.at("put");
        Ok(previous)
    }

    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let previous = self.inner_mut().remove(tree, key, previous)?;
        self.trap.at("remove");
        Ok(previous)
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.inner_mut().clear(tree)?;
        self.trap.at("clear");
        Ok(())
    }

    fn apply(&mut self, batch: &WriteBatch<'_>) -> Result<()> {
        self.inner_mut().apply(batch)?;
        self.trap.at("apply");
        Ok(())
    }

    fn commit(mut self, durability: Durability) -> Result<()> {
        self.trap.at("commit");
        self.transaction.take().unwrap().commit(durability)
    }
}

struct TrappedCursor<'t, C> {
    cursor: C,
    trap: &'t Trap,
}

impl<C> Drop for TrappedCursor<'_, C> {
    fn drop(&mut self) {
        self.trap.at_drop("drop_cursor");
    }
}

impl<C: Cursor> Cursor for TrappedCursor<'_, C> {
    fn advance(&mut self) -> Result<bool> {
        self.trap.at("advance");
        self.cursor.advance()
    }

    fn key(&self) -> &[u8] {
        self.trap.at("key");
        self.cursor.key()
    }

    fn value(&self) -> &[u8] {
        self.trap.at("value");
        self.cursor.value()
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.trap.at("seek");
        self.cursor.seek(key)
    }
}
