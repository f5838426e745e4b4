//! A driver written in Rust, over the memory driver, that panics where its option `panic` says.

use std::borrow::Cow;
use std::sync::Arc;

use conformance_hooked::{
    CursorHooks, DatabaseHooks, DriverHooks, Hooked, Inner, TransactionHooks,
};
use netabase_core::driver::{
    AnyCursor, AnyDatabase, AnyDriver, AnyReader, AnyWriter, Bounds, Capabilities, Cursor,
    Database, Direction, Driver, DriverError, Durability, EntryWidths, ErrorKind, Limits, Manifest,
    OpenConfig, Result, TreeId, Write, WriteBatch,
};
use netabase_core::memory::Memory;

static MANIFEST: Manifest = Manifest {
    name: Cow::Borrowed("bad-panicking"),
    version: Cow::Borrowed("1.2.3"),
    engine: Cow::Borrowed("memory"),
    engine_version: Cow::Borrowed("0"),
    capabilities: Capabilities::SNAPSHOTS,
    limits: Limits::NONE,
    commands: Cow::Borrowed(&[Cow::Borrowed("tree_names")]),
};

netabase_core::export_driver!(netabase_driver_bad_panicking: Hooked<Panicking> = Hooked(Panicking), manifest: MANIFEST);

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

impl DriverHooks for Panicking {
    type Database = TrappedDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<(AnyDatabase, TrappedDatabase)> {
        let [("panic", function)] = config.options else {
            return Err(DriverError::new(
                ErrorKind::InvalidInput,
                "give the option `panic`",
            ));
        };
        let trap = Trap((*function).to_owned());
        trap.at("open");
        let database = AnyDriver::new(Memory).open(&OpenConfig {
            options: &[],
            ..*config
        })?;
        Ok((database, TrappedDatabase(trap)))
    }
}

struct TrappedDatabase(Trap);

impl DatabaseHooks for TrappedDatabase {
    type Transaction = Trapped;

    fn begin_read(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyReader, Trapped)> {
        self.0.at("begin_read");
        let trapped = Trapped(self.0.clone(), "drop_reader");
        Ok((inner.begin_read()?, trapped))
    }

    fn begin_write(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyWriter, Trapped)> {
        self.0.at("begin_write");
        let trapped = Trapped(self.0.clone(), "drop_writer");
        Ok((inner.begin_write()?, trapped))
    }

    fn command(
        &self,
        inner: &AnyDatabase,
        name: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        self.0.at("command");
        inner.command(name, argument, output)
    }
}

impl Drop for TrappedDatabase {
    fn drop(&mut self) {
        self.0.at_drop("drop_store");
    }
}

/// The trap, and the function that drops the transaction.
struct Trapped(Trap, &'static str);

impl Drop for Trapped {
    fn drop(&mut self) {
        self.0.at_drop(self.1);
    }
}

impl TransactionHooks for Trapped {
    type Cursor<'t> = TrappedCursor<'t>;

    fn tree(&self, inner: &impl Inner, name: &str, widths: EntryWidths) -> Result<TreeId> {
        self.0.at("tree");
        inner.sized_tree(name, widths)
    }

    fn get<R>(
        &self,
        inner: &impl Inner,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.0.at("get");
        inner.get(tree, key, visit)
    }

    fn cursor<'t>(
        &'t self,
        inner: &'t impl Inner,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<(AnyCursor<'t>, TrappedCursor<'t>)> {
        self.0.at("cursor");
        let cursor = inner.cursor(tree, bounds, direction)?;
        Ok((cursor, TrappedCursor(&self.0)))
    }

    fn len(&self, inner: &impl Inner, tree: TreeId) -> Result<u64> {
        self.0.at("len");
        inner.len(tree)
    }

    fn put<R>(
        &mut self,
        inner: &mut AnyWriter,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let previous = inner.put(tree, key, value, previous)?;
        self.0.at("put");
        Ok(previous)
    }

    fn remove<R>(
        &mut self,
        inner: &mut AnyWriter,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let previous = inner.remove(tree, key, previous)?;
        self.0.at("remove");
        Ok(previous)
    }

    fn clear(&mut self, inner: &mut AnyWriter, tree: TreeId) -> Result<()> {
        inner.clear(tree)?;
        self.0.at("clear");
        Ok(())
    }

    fn apply(&mut self, inner: &mut AnyWriter, batch: &WriteBatch<'_>) -> Result<()> {
        inner.apply(batch)?;
        self.0.at("apply");
        Ok(())
    }

    fn commit(self, inner: AnyWriter, durability: Durability) -> Result<()> {
        self.0.at("commit");
        inner.commit(durability)
    }
}

struct TrappedCursor<'t>(&'t Trap);

impl Drop for TrappedCursor<'_> {
    fn drop(&mut self) {
        self.0.at_drop("drop_cursor");
    }
}

impl<'t> CursorHooks<'t> for TrappedCursor<'t> {
    fn advance(&mut self, inner: &mut AnyCursor<'t>) -> Result<bool> {
        self.0.at("advance");
        inner.advance()
    }

    fn key<'c>(&'c self, inner: &'c AnyCursor<'t>) -> &'c [u8] {
        self.0.at("key");
        inner.key()
    }

    fn value<'c>(&'c self, inner: &'c AnyCursor<'t>) -> &'c [u8] {
        self.0.at("value");
        inner.value()
    }

    fn seek(&mut self, inner: &mut AnyCursor<'t>, key: &[u8]) -> Result<()> {
        self.0.at("seek");
        inner.seek(key)
    }
}
