//! Drivers that keep to the ABI and break the contract above it, when a tree is cleared or an entry is put.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;
use std::thread;

use conformance_hooked::{DatabaseHooks, DriverHooks, Hooked, Inner, TransactionHooks};
use netabase_core::driver::{
    AnyCursor, AnyDatabase, AnyDriver, AnyReader, AnyWriter, Bounds, Capabilities, Cursor as _,
    Database, Direction, Driver, EntryWidths, Limits, Manifest, OpenConfig, Read, Result, TreeId,
    Write, WriteBatch, WriteOp,
};
use netabase_core::memory::Memory;
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
pub(crate) type Faulty = Hooked<Faults>;

#[derive(Debug)]
pub(crate) struct Faults(Fault, &'static Manifest);

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
    netabase_driver_bad_forgetful: Faulty = Hooked(Faults(Fault::KeepsAnEntry, &FORGETFUL)),
    manifest: FORGETFUL
);
netabase_core::export_driver!(
    netabase_driver_bad_aborting: Faulty = Hooked(Faults(Fault::Aborts, &ABORTING)),
    manifest: ABORTING
);
netabase_core::export_driver!(
    netabase_driver_bad_hanging: Faulty = Hooked(Faults(Fault::Hangs, &HANGING)),
    manifest: HANGING
);
netabase_core::export_driver!(
    netabase_driver_bad_losing: Faulty = Hooked(Faults(Fault::LosesPuts, &LOSING)),
    manifest: LOSING
);
netabase_core::export_driver!(
    netabase_driver_bad_schemaless: Faulty = Hooked(Faults(Fault::LosesSchemas, &SCHEMALESS)),
    manifest: SCHEMALESS
);

impl DriverHooks for Faults {
    type Database = Fault;

    fn manifest(&self) -> &Manifest {
        self.1
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<(AnyDatabase, Fault)> {
        Ok((AnyDriver::new(Memory).open(config)?, self.0))
    }
}

impl DatabaseHooks for Fault {
    type Transaction = Transaction;

    fn begin_read(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyReader, Transaction)> {
        Ok((inner.begin_read()?, Transaction::new(*self)))
    }

    fn begin_write(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyWriter, Transaction)> {
        Ok((inner.begin_write()?, Transaction::new(*self)))
    }
}

/// A transaction of a [`Faulty`] driver.
#[derive(Debug)]
pub(crate) struct Transaction {
    fault: Fault,
    puts: u64,
    /// The tree of the schema record.
    schema: Cell<Option<TreeId>>,
}

impl Transaction {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            puts: 0,
            schema: Cell::new(None),
        }
    }

    fn loses(&mut self, tree: TreeId, key: &[u8]) -> bool {
        self.puts += 1;
        match self.fault {
            Fault::LosesPuts => self.puts.is_multiple_of(100),
            Fault::LosesSchemas => self.schema.get() == Some(tree) && key != INCOMPLETE_KEY,
            Fault::KeepsAnEntry | Fault::Aborts | Fault::Hangs => false,
        }
    }
}

impl TransactionHooks for Transaction {
    type Cursor<'t> = ();

    fn tree(&self, inner: &impl Inner, name: &str, widths: EntryWidths) -> Result<TreeId> {
        let tree = inner.sized_tree(name, widths)?;
        if name == SCHEMA_TREE {
            self.schema.set(Some(tree));
        }
        Ok(tree)
    }

    fn cursor<'t>(
        &'t self,
        inner: &'t impl Inner,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<(AnyCursor<'t>, ())> {
        Ok((inner.cursor(tree, bounds, direction)?, ()))
    }

    fn put<R>(
        &mut self,
        inner: &mut AnyWriter,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        if self.loses(tree, key) {
            return inner.get(tree, key, previous);
        }
        inner.put(tree, key, value, previous)
    }

    fn clear(&mut self, inner: &mut AnyWriter, tree: TreeId) -> Result<()> {
        match self.fault {
            Fault::KeepsAnEntry => {
                let mut last = inner.cursor(tree, Bounds::ALL, Direction::Backward)?;
                let kept = last
                    .advance()?
                    .then(|| (last.key().to_vec(), last.value().to_vec()));
                drop(last);
                inner.clear(tree)?;
                if let Some((key, value)) = kept {
                    inner.put(tree, &key, &value, |_| ())?;
                }
                Ok(())
            }
            Fault::Aborts => std::process::abort(),
            Fault::Hangs => loop {
                thread::park();
            },
            Fault::LosesPuts | Fault::LosesSchemas => inner.clear(tree),
        }
    }

    fn apply(&mut self, inner: &mut AnyWriter, batch: &WriteBatch<'_>) -> Result<()> {
        for operation in batch {
            match operation {
                WriteOp::Put { tree, key, value } => {
                    self.put(inner, tree, key, value, |_| ())?;
                }
                WriteOp::Remove { tree, key } => {
                    self.remove(inner, tree, key, |_| ())?;
                }
                WriteOp::Clear { tree } => self.clear(inner, tree)?,
            }
        }
        Ok(())
    }
}
