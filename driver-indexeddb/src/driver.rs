//! The driver and its open databases.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use js_sys::Promise;
use js_sys::futures::JsFuture;
use netabase_core::driver::asynchronous::{AsyncDatabase, AsyncDriver};
use netabase_core::driver::command::TreeNames;
use netabase_core::driver::{Capabilities, DriverError, ErrorKind, Limits, Manifest, Result};
use netabase_core::{commands, plain_command};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};

use crate::config::IndexedDBConfig;
use crate::connection::{COMMITS, Shared, Temporary, complete, store_of};
use crate::error::{error, lacking};
use crate::lock::Turn;
use crate::read::IndexedDBReader;
use crate::request;
use crate::sys;
use crate::timer;
use crate::write::IndexedDBWriter;

/// The names of all object stores but the driver's own, those of empty trees included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct StoreNames;
plain_command!(StoreNames = "store_names" -> Vec<String>);

/// Asks the browser to keep this origin's data when room gets short; whether it does. A worker may not ask; there it only
/// tells whether a window has asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Persist;
plain_command!(Persist = "persist" -> bool);

/// What this origin uses, and may use at most, in bytes, as the browser estimates it. It gives no size of one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Estimate;
plain_command!(Estimate = "estimate" -> (u64, u64));

commands! {
    const COMMANDS;
    async fn run(database: &IndexedDBDatabase);
    Estimate => database.estimate().await,
    Persist => database.persist().await,
    StoreNames => database.store_names().await,
    TreeNames => database.tree_names().await,
}

static MANIFEST: Manifest = Manifest {
    name: Cow::Borrowed("indexeddb"),
    version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    engine: Cow::Borrowed("IndexedDB"),
    engine_version: Cow::Borrowed("3.0"),
    capabilities: Capabilities::PERSISTENT
        .with(Capabilities::DURABLE)
        .with(Capabilities::DEFERRED)
        .with(Capabilities::MULTI_PROCESS),
    limits: Limits::NONE,
    commands: Cow::Borrowed(COMMANDS),
};

/// IndexedDB.
///
/// Its commands, beside the common [`TreeNames`], are [`StoreNames`], [`Persist`] and [`Estimate`].
#[derive(Debug, Clone, Copy, Default)]
pub struct IndexedDB;

impl AsyncDriver for IndexedDB {
    type Database = IndexedDBDatabase;
    type Config = IndexedDBConfig;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    async fn open(&self, config: &IndexedDBConfig) -> Result<IndexedDBDatabase> {
        if config.database_name.is_empty() || config.version == 0 {
            return Err(DriverError::new(
                ErrorKind::InvalidInput,
                "an IndexedDB database has a name, and a version of 1 or more",
            ));
        }
        let name = &config.database_name;
        let shared = if config.temporary {
            Shared::open_temporary(Temporary::named_after(name), config.version).await?
        } else {
            Shared::open(name, config.version, config.create_if_missing).await?
        };
        if config.truncate {
            empty(&shared).await?;
        }
        Ok(IndexedDBDatabase(SendWrapper::new(shared)))
    }
}

/// Removes every entry.
async fn empty(shared: &Rc<Shared>) -> Result<()> {
    let _turn = Turn::take(&shared.lock_name()).await?;
    let connection = shared.connection().await?;
    let stores: Vec<_> = connection
        .trees()
        .iter()
        .map(|tree| store_of(tree))
        .collect();
    let transaction = connection.begin(stores.iter().map(String::as_str), "readwrite", "strict")?;
    let requests = || {
        for store in &stores {
            transaction.store(store)?.clear()?;
        }
        let commits = transaction.store(COMMITS)?;
        commits.clear()?;
        commits.add(&JsValue::NULL)
    };
    if let Err(thrown) = requests() {
        // Aborting fails only where the browser has done so already.
        let _ = transaction.abort();
        return Err(error(thrown));
    }
    complete(&transaction).await
}

/// An open IndexedDB database.
///
/// It belongs to the thread that opened it; used in another one, it panics, as every object of JavaScript's does.
#[derive(Clone)]
pub struct IndexedDBDatabase(SendWrapper<Rc<Shared>>);

impl AsyncDatabase for IndexedDBDatabase {
    type Reader = IndexedDBReader;
    type Writer = IndexedDBWriter;

    async fn begin_read(&self) -> Result<IndexedDBReader> {
        IndexedDBReader::begin(&self.0).await
    }

    async fn begin_write(&self) -> Result<IndexedDBWriter> {
        IndexedDBWriter::begin(&self.0).await
    }

    async fn try_begin_write(&self) -> Result<IndexedDBWriter> {
        IndexedDBWriter::try_begin(&self.0).await
    }

    async fn sleep(&self, duration: Duration) {
        timer::sleep(duration).await;
    }

    async fn command(&self, name: &str, argument: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut parts = Vec::new();
        run(self, name, argument, &mut |part| parts.push(part.to_vec())).await?;
        Ok(parts)
    }
}

impl IndexedDBDatabase {
    async fn estimate(&self) -> Result<(u64, u64)> {
        let estimate = settled(storage()?.estimate()).await?;
        let estimate: sys::Estimate = estimate.unchecked_into();
        let bytes = |bytes: Option<f64>| bytes.unwrap_or(0.0) as u64;
        Ok((bytes(estimate.usage()), bytes(estimate.quota())))
    }

    async fn persist(&self) -> Result<bool> {
        let storage = storage()?;
        let granted = match storage.persist_function() {
            Some(_) => storage.persist(),
            None => storage.persisted(),
        };
        Ok(settled(granted).await?.is_truthy())
    }

    async fn store_names(&self) -> Result<Vec<String>> {
        Ok(self.0.connection().await?.trees().into_iter().collect())
    }

    async fn tree_names(&self) -> Result<Vec<String>> {
        let connection = self.0.connection().await?;
        let trees = connection.trees();
        let stores: Vec<_> = trees.iter().map(|tree| store_of(tree)).collect();
        let transaction =
            connection.begin(stores.iter().map(String::as_str), "readonly", "default")?;
        let counts = stores
            .iter()
            .map(|store| request::count(&transaction.store(store)?))
            .collect::<Result<Vec<_>, _>>()
            .map_err(error)?;
        complete(&transaction).await?;
        let mut names = Vec::new();
        for (tree, count) in trees.into_iter().zip(counts) {
            if request::counted(&count)? > 0 {
                names.push(tree);
            }
        }
        Ok(names)
    }
}

fn storage() -> Result<sys::StorageManager> {
    sys::global()
        .navigator()
        .and_then(|navigator| navigator.storage())
        .ok_or_else(|| lacking("storage manager"))
}

async fn settled(promise: Result<Promise, JsValue>) -> Result<JsValue> {
    JsFuture::from(promise.map_err(error)?).await.map_err(error)
}

impl fmt::Debug for IndexedDBDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IndexedDBDatabase").field(&*self.0).finish()
    }
}
