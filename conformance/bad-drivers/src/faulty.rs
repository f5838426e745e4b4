//! Drivers that keep to the ABI and break the contract above it, when a tree is cleared or an entry is put.

use std::borrow::Cow;
use std::cell::Cell;
use std::thread;

use netabase_core::driver::{
    Bounds, Capabilities, Cursor as _, Database, Direction, Driver, Durability, Limits, Manifest,
    OpenConfig, Read, Result, TreeId, Write,
};
use netabase_core::memory::{Memory, MemoryCursor, MemoryDatabase, MemoryReader, MemoryWriter};
use netabase_core::schema::{INCOMPLETE_KEY, SCHEMA_TREE};

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The last entry of a tree that is cleared stays.
    KeepsAnEntry,
    /// The process ends when a tree is cleared.
    Aborts,
    /// The call that clears a tree never returns.
    Hangs,
    /// Every hundredth put of a transaction is lost.
    LosesPuts,
    /// What a complete database says of its models is lost.
    LosesSchemas,
}

/// The memory driver with one fault.
#[derive(Debug)]
pub(crate) struct Faulty(Fault, &'static Manifest);

const fn manifest(name: &'static str) -> Manifest {
    described(name, Capabilities::SNAPSHOTS, &[])
}

/// The manifest of a driver that says that it keeps its data, and that names its trees.
const fn keeping(name: &'static str) -> Manifest {
    const COMMANDS: &[Cow<'static, str>] = &[Cow::Borrowed("tree_names")];
    described(
        name,
        Capabilities::SNAPSHOTS.with(Capabilities::PERSISTENT),
        COMMANDS,
    )
}

const fn described(
    name: &'static str,
    capabilities: Capabilities,
    operations: &'static [Cow<'static, str>],
) -> Manifest {
    Manifest {
        name: Cow::Borrowed(name),
        version: Cow::Borrowed("1.0.0"),
        engine: Cow::Borrowed("memory"),
        engine_version: Cow::Borrowed("1.0.0"),
        capabilities,
        limits: Limits::NONE,
        commands: Cow::Borrowed(operations),
    }
}

static FORGETFUL: Manifest = manifest("bad-forgetful");
static ABORTING: Manifest = manifest("bad-aborting");
static HANGING: Manifest = manifest("bad-hanging");
static LOSING: Manifest = keeping("bad-losing");
static SCHEMALESS: Manifest = keeping("bad-schemaless");

netabase_core::export_driver!(
    netabase_driver_bad_forgetful: Faulty = Faulty(Fault::KeepsAnEntry, &FORGETFUL),
    manifest: FORGETFUL
);
netabase_core::export_driver!(
    netabase_driver_bad_aborting: Faulty = Faulty(Fault::Aborts, &ABORTING),
    manifest: ABORTING
);
netabase_core::export_driver!(
    netabase_driver_bad_hanging: Faulty = Faulty(Fault::Hangs, &HANGING),
    manifest: HANGING
);
netabase_core::export_driver!(
    netabase_driver_bad_losing: Faulty = Faulty(Fault::LosesPuts, &LOSING),
    manifest: LOSING
);
netabase_core::export_driver!(
    netabase_driver_bad_schemaless: Faulty = Faulty(Fault::LosesSchemas, &SCHEMALESS),
    manifest: SCHEMALESS
);

impl Driver for Faulty {
    type Database = FaultyDatabase;

    fn manifest(&self) -> &Manifest {
        self.1
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<FaultyDatabase> {
        Ok(FaultyDatabase {
            fault: self.0,
            memory: Memory.open(config)?,
        })
    }
}

/// An open database of a [`Faulty`] driver.
#[derive(Debug)]
pub(crate) struct FaultyDatabase {
    fault: Fault,
    memory: MemoryDatabase,
}

impl Database for FaultyDatabase {
    type Reader = MemoryReader;
    type Writer = FaultyWriter;

    fn begin_read(&self) -> Result<MemoryReader> {
        self.memory.begin_read()
    }

    fn begin_write(&self) -> Result<FaultyWriter> {
        Ok(FaultyWriter {
            fault: self.fault,
            writer: self.memory.begin_write()?,
            puts: 0,
            schema: Cell::new(None),
        })
    }

    fn command(
        &self,
        operation: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        self.memory.command(operation, argument, output)
    }
}

/// A write transaction of a [`Faulty`] driver.
#[derive(Debug)]
pub(crate) struct FaultyWriter {
    fault: Fault,
    writer: MemoryWriter,
    puts: u64,
    /// The tree of the schema record.
    schema: Cell<Option<TreeId>>,
}

impl FaultyWriter {
    fn loses(&mut self, tree: TreeId, key: &[u8]) -> bool {
        self.puts += 1;
        match self.fault {
            Fault::LosesPuts => self.puts.is_multiple_of(100),
            Fault::LosesSchemas => self.schema.get() == Some(tree) && key != INCOMPLETE_KEY,
            Fault::KeepsAnEntry | Fault::Aborts | Fault::Hangs => false,
        }
    }
}

impl Read for FaultyWriter {
    type Cursor<'t> = MemoryCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        let tree = self.writer.tree(name)?;
        if name == SCHEMA_TREE {
            self.schema.set(Some(tree));
        }
        Ok(tree)
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.writer.get(tree, key, visit)
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<MemoryCursor<'_>> {
        self.writer.cursor(tree, bounds, direction)
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        self.writer.len(tree)
    }
}

impl Write for FaultyWriter {
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        if self.loses(tree, key) {
            return self.writer.get(tree, key, previous);
        }
        self.writer.put(tree, key, value, previous)
    }

    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.writer.remove(tree, key, previous)
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        match self.fault {
            Fault::KeepsAnEntry => {
                let mut last = self.writer.cursor(tree, Bounds::ALL, Direction::Backward)?;
                let kept = last
                    .advance()?
                    .then(|| (last.key().to_vec(), last.value().to_vec()));
                drop(last);
                self.writer.clear(tree)?;
                if let Some((key, value)) = kept {
                    self.writer.put(tree, &key, &value, |_| ())?;
                }
                Ok(())
            }
            Fault::Aborts => std::process::abort(),
            Fault::Hangs => loop {
                thread::park();
            },
            Fault::LosesPuts | Fault::LosesSchemas => self.writer.clear(tree),
        }
    }

    fn commit(self, durability: Durability) -> Result<()> {
        self.writer.commit(durability)
    }
}
