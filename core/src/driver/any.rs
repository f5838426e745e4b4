//! A driver whose type is not known when the program is compiled: chosen at run time among those that are linked in and
//! those that are loaded.
//!
//! Costs one indirect call an operation, and an allocation a transaction and cursor.

use std::fmt;
use std::sync::Arc;

use super::{
    Bounds, CommitOutcome, CommitToken, Cursor, Database, Direction, Driver, DriverError,
    Durability, EntryWidths, ErrorKind, Manifest, OpenConfig, Read, Result, TreeId, Write,
    WriteBatch,
};

/// Any driver.
///
/// # Examples
/// ```
/// use netabase_core::driver::{AnyDriver, Driver};
/// use netabase_core::memory::Memory;
///
/// let driver = AnyDriver::new(Memory);
/// assert_eq!(driver.manifest().name, "memory");
/// ```
#[derive(Clone)]
pub struct AnyDriver(Arc<dyn Driver<Database = AnyDatabase>>);

/// The open database of an [`AnyDriver`].
pub struct AnyDatabase(Box<dyn Database<Reader = AnyReader, Writer = AnyWriter>>);

/// A read transaction of an [`AnyDriver`].
pub struct AnyReader(Box<dyn ObjectRead + Send>);

/// A write transaction of an [`AnyDriver`].
pub struct AnyWriter(Box<dyn ObjectWrite + Send>);

/// A cursor of an [`AnyDriver`].
pub struct AnyCursor<'t>(Box<dyn Cursor + 't>);

trait ObjectRead {
    fn tree(&self, name: &str) -> Result<TreeId>;
    fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId>;
    fn get(&self, tree: TreeId, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool>;
    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<AnyCursor<'_>>;
    fn len(&self, tree: TreeId) -> Result<u64>;
}

trait ObjectWrite: ObjectRead {
    fn put(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: &mut dyn FnMut(&[u8]),
    ) -> Result<bool>;
    fn remove(&mut self, tree: TreeId, key: &[u8], previous: &mut dyn FnMut(&[u8]))
    -> Result<bool>;
    fn clear(&mut self, tree: TreeId) -> Result<()>;
    fn apply(&mut self, batch: &WriteBatch<'_>) -> Result<()>;
    fn commit(self: Box<Self>, durability: Durability) -> Result<()>;
}

/// What a database hands on as it is.
macro_rules! forward_database {
    () => {
        fn command(
            &self,
            operation: &str,
            argument: &[u8],
            output: &mut dyn FnMut(&[u8]),
        ) -> Result<()> {
            self.0.command(operation, argument, output)
        }

        fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
            self.0.commit_outcome(token)
        }
    };
}

/// A driver or a database, whose transactions are of any type.
struct Erased<T>(T);

impl<D: Driver> Driver for Erased<D> {
    type Database = AnyDatabase;

    fn manifest(&self) -> &Manifest {
        self.0.manifest()
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<AnyDatabase> {
        let database = self.0.open(config)?;
        Ok(AnyDatabase(Box::new(Erased(database))))
    }
}

impl<S: Database> Database for Erased<S> {
    type Reader = AnyReader;
    type Writer = AnyWriter;

    fn begin_read(&self) -> Result<AnyReader> {
        Ok(AnyReader(Box::new(self.0.begin_read()?)))
    }

    fn begin_write(&self) -> Result<AnyWriter> {
        Ok(AnyWriter(Box::new(self.0.begin_write()?)))
    }

    forward_database!();
}

impl<R: Read> ObjectRead for R {
    fn tree(&self, name: &str) -> Result<TreeId> {
        Read::tree(self, name)
    }

    fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId> {
        Read::sized_tree(self, name, widths)
    }

    fn get(&self, tree: TreeId, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        Read::get(self, tree, key, visit).map(|found| found.is_some())
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<AnyCursor<'_>> {
        Read::cursor(self, tree, bounds, direction).map(|cursor| AnyCursor(Box::new(cursor)))
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        Read::len(self, tree)
    }
}

impl<W: Write> ObjectWrite for W {
    fn put(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: &mut dyn FnMut(&[u8]),
    ) -> Result<bool> {
        Write::put(self, tree, key, value, previous).map(|found| found.is_some())
    }

    fn remove(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: &mut dyn FnMut(&[u8]),
    ) -> Result<bool> {
        Write::remove(self, tree, key, previous).map(|found| found.is_some())
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        Write::clear(self, tree)
    }

    fn apply(&mut self, batch: &WriteBatch<'_>) -> Result<()> {
        Write::apply(self, batch)
    }

    fn commit(self: Box<Self>, durability: Durability) -> Result<()> {
        Write::commit(*self, durability)
    }
}

/// Runs `call` with a visitor that can be called through a reference, and gives back what `visit` made of the bytes.
#[inline]
fn through<R>(
    visit: impl FnOnce(&[u8]) -> R,
    call: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<bool>,
) -> Result<Option<R>> {
    let (mut visit, mut result) = (Some(visit), None);
    let found = call(&mut |bytes| {
        if let Some(visit) = visit.take() {
            result = Some(visit(bytes));
        }
    })?;
    match (found, result) {
        (true, None) => Err(DriverError::new(
            ErrorKind::Internal,
            "the driver says that it found a value and did not hand it over; report this to its author",
        )),
        (_, result) => Ok(result),
    }
}

impl AnyDriver {
    /// Any driver.
    pub fn new(driver: impl Driver) -> Self {
        Self(Arc::new(Erased(driver)))
    }
}

impl Driver for AnyDriver {
    type Database = AnyDatabase;

    fn manifest(&self) -> &Manifest {
        self.0.manifest()
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<AnyDatabase> {
        self.0.open(config)
    }
}

impl Database for AnyDatabase {
    type Reader = AnyReader;
    type Writer = AnyWriter;

    fn begin_read(&self) -> Result<AnyReader> {
        self.0.begin_read()
    }

    fn begin_write(&self) -> Result<AnyWriter> {
        self.0.begin_write()
    }

    forward_database!();
}

macro_rules! read_through {
    ($($any:ident),*) => {$(
        impl Read for $any {
            type Cursor<'t> = AnyCursor<'t>;

            fn tree(&self, name: &str) -> Result<TreeId> {
                self.0.tree(name)
            }

            fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId> {
                self.0.sized_tree(name, widths)
            }

            fn get<R>(
                &self,
                tree: TreeId,
                key: &[u8],
                visit: impl FnOnce(&[u8]) -> R,
            ) -> Result<Option<R>> {
                through(visit, |visit| self.0.get(tree, key, visit))
            }

            fn cursor(
                &self,
                tree: TreeId,
                bounds: Bounds<'_>,
                direction: Direction,
            ) -> Result<AnyCursor<'_>> {
                self.0.cursor(tree, bounds, direction)
            }

            fn len(&self, tree: TreeId) -> Result<u64> {
                self.0.len(tree)
            }
        }
    )*};
}

read_through!(AnyReader, AnyWriter);

impl Write for AnyWriter {
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        through(previous, |previous| self.0.put(tree, key, value, previous))
    }

    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        through(previous, |previous| self.0.remove(tree, key, previous))
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.0.clear(tree)
    }

    fn apply(&mut self, batch: &WriteBatch<'_>) -> Result<()> {
        self.0.apply(batch)
    }

    fn commit(self, durability: Durability) -> Result<()> {
        self.0.commit(durability)
    }
}

impl Cursor for AnyCursor<'_> {
    fn advance(&mut self) -> Result<bool> {
        self.0.advance()
    }

    fn key(&self) -> &[u8] {
        self.0.key()
    }

    fn value(&self) -> &[u8] {
        self.0.value()
    }

    fn next_entry(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        self.0.next_entry()
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.0.seek(key)
    }
}

impl fmt::Debug for AnyDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyDriver")
            .field(&self.0.manifest().name)
            .finish()
    }
}

macro_rules! opaque {
    ($($any:ty),*) => {$(
        impl fmt::Debug for $any {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($any)).finish_non_exhaustive()
            }
        }
    )*};
}

opaque!(AnyDatabase, AnyReader, AnyWriter, AnyCursor<'_>);
