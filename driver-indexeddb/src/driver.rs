//! The driver and its open databases.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use js_sys::Promise;
use js_sys::futures::JsFuture;
use netabase_core::config::IndexedDBConfig;
use netabase_core::driver::asynchronous::{AsyncDatabase, AsyncDriver};
use netabase_core::driver::{Capabilities, DriverError, ErrorKind, Limits, Manifest, Result};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};

use crate::connection::{COMMITS, Shared, Temporary, complete, store_of};
use crate::error::{error, lacking};
use crate::lock::Turn;
use crate::read::IndexedDBReader;
use crate::request;
use crate::sys;
use crate::write::IndexedDBWriter;

const COMMANDS: &[Cow<'static, str>] = &[
    Cow::Borrowed("estimate"),
    Cow::Borrowed("persist"),
    Cow::Borrowed("store_names"),
    Cow::Borrowed("tree_names"),
];

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
/// Its operations, beside the common `tree_names`:
/// - `store_names` gives the names of all object stores but the driver's own, those of empty trees included.
/// - `persist` asks the browser to keep this origin's data when room gets short: one byte, 1 if it does. A worker may not ask;
///   there it tells whether a window has asked.
/// - `estimate` gives what this origin uses and may use at most, in bytes, as two `u64`, little endian. The browser gives
///   no size of one database.
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

    async fn command(&self, operation: &str, argument: &[u8]) -> Result<Vec<Vec<u8>>> {
        if !MANIFEST.offers(operation) {
            return Err(DriverError::unsupported(operation));
        }
        if !argument.is_empty() {
            return Err(DriverError::new(
                ErrorKind::InvalidInput,
                format!("`{operation}` takes no argument"),
            ));
        }
        match operation {
            "tree_names" => self.tree_names().await,
            "store_names" => {
                let connection = self.0.connection().await?;
                let names = connection.trees().into_iter();
                Ok(names.map(String::into_bytes).collect())
            }
            "persist" => {
                let storage = storage()?;
                let granted = match storage.persist_function() {
                    Some(_) => storage.persist(),
                    None => storage.persisted(),
                };
                let granted = settled(granted).await?;
                Ok(vec![vec![u8::from(granted.is_truthy())]])
            }
            "estimate" => {
                let estimate = settled(storage()?.estimate()).await?;
                let estimate: sys::Estimate = estimate.unchecked_into();
                let bytes = [estimate.usage(), estimate.quota()]
                    .into_iter()
                    .flat_map(|bytes| (bytes.unwrap_or(0.0) as u64).to_le_bytes())
                    .collect();
                Ok(vec![bytes])
            }
            _ => Err(DriverError::unsupported(operation)),
        }
    }
}

impl IndexedDBDatabase {
    async fn tree_names(&self) -> Result<Vec<Vec<u8>>> {
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
                names.push(tree.into_bytes());
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
