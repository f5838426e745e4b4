//! Drivers that keep to the ABI and break the contract above it: each goes wrong when a tree is cleared.

use std::borrow::Cow;
use std::thread;

use netabase_core::driver::{
    Bounds, Capabilities, Cursor as _, Direction, Driver, Durability, Limits, Manifest, OpenConfig,
    Read, Result, Store, TreeId, Write,
};
use netabase_core::memory::{Memory, MemoryCursor, MemoryReader, MemoryStore, MemoryWriter};

/// What happens when a tree is cleared.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The last entry stays.
    KeepsAnEntry,
    /// The process ends.
    Aborts,
    /// The call never returns.
    Hangs,
}

/// The memory driver with one fault.
#[derive(Debug)]
pub(crate) struct Faulty(Fault, &'static Manifest);

const fn manifest(name: &'static str) -> Manifest {
    Manifest {
        name: Cow::Borrowed(name),
        version: Cow::Borrowed("1.0.0"),
        engine: Cow::Borrowed("memory"),
        engine_version: Cow::Borrowed("1.0.0"),
        capabilities: Capabilities::SNAPSHOTS,
        limits: Limits::NONE,
        operations: Cow::Borrowed(&[]),
    }
}

static FORGETFUL: Manifest = manifest("zoo-forgetful");
static ABORTING: Manifest = manifest("zoo-aborting");
static HANGING: Manifest = manifest("zoo-hanging");

netabase_core::export_driver!(
    netabase_driver_zoo_forgetful: Faulty = Faulty(Fault::KeepsAnEntry, &FORGETFUL),
    manifest: FORGETFUL
);
netabase_core::export_driver!(
    netabase_driver_zoo_aborting: Faulty = Faulty(Fault::Aborts, &ABORTING),
    manifest: ABORTING
);
netabase_core::export_driver!(
    netabase_driver_zoo_hanging: Faulty = Faulty(Fault::Hangs, &HANGING),
    manifest: HANGING
);

impl Driver for Faulty {
    type Store = FaultyStore;

    fn manifest(&self) -> &Manifest {
        self.1
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<FaultyStore> {
        Ok(FaultyStore {
            fault: self.0,
            memory: Memory.open(config)?,
        })
    }
}

/// An open database of a [`Faulty`] driver.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    fault: Fault,
    memory: MemoryStore,
}

impl Store for FaultyStore {
    type Reader = MemoryReader;
    type Writer = FaultyWriter;

    fn begin_read(&self) -> Result<MemoryReader> {
        self.memory.begin_read()
    }

    fn begin_write(&self) -> Result<FaultyWriter> {
        Ok(FaultyWriter {
            fault: self.fault,
            writer: self.memory.begin_write()?,
        })
    }
}

/// A write transaction of a [`Faulty`] driver.
#[derive(Debug)]
pub(crate) struct FaultyWriter {
    fault: Fault,
    writer: MemoryWriter,
}

impl Read for FaultyWriter {
    type Cursor<'t> = MemoryCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.writer.tree(name)
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
        }
    }

    fn commit(self, durability: Durability) -> Result<()> {
        self.writer.commit(durability)
    }
}
