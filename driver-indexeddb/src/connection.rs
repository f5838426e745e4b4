//! The connection to a database: opened when it is needed, let go when another page has to upgrade.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use js_sys::futures::JsFuture;
use js_sys::{Array, Function, Object, Promise, Reflect};
use netabase_core::driver::{DriverError, ErrorKind, Result};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::error::{error, lacking};
use crate::sys;

/// The object store that holds nothing but the number of the last commit, as its one key. Its name tells the layout.
pub(crate) const COMMITS: &str = "commits/leaves";
/// The name it had in the layout that kept each entry as a record.
const COMMITS_OF_RECORDS: &str = "commits";
/// What the name of a tree's object store begins with.
const TREE: &str = "tree/";
/// How long pages that are in the way may take to let go of the database once the browser has said so, in milliseconds.
const BLOCKED_PATIENCE: u32 = 3000;
/// How long the browser may say nothing, in milliseconds: behind an upgrade that is blocked, it says so to nobody else.
const PATIENCE: u32 = 10_000;
/// How often stores may be added to a database of one version. What the browser calls the version counts both: the version
/// that programs ask for in steps of this size, and the additions since.
const ADDITIONS: f64 = (1 << 20) as f64;

/// The object store of a tree.
pub(crate) fn store_of(tree: &str) -> String {
    format!("{TREE}{tree}")
}

/// The lowest of the browser's versions that stands for a version.
fn first_of(version: u32) -> f64 {
    f64::from(version - 1) * ADDITIONS + 1.0
}

/// The version that one of the browser's stands for.
fn version_of(browsers: f64) -> u32 {
    ((browsers - 1.0) / ADDITIONS) as u32 + 1
}

/// A database by name, and the connection to it as long as there is one.
pub(crate) struct Shared {
    name: String,
    version: u32,
    state: RefCell<State>,
    /// Dropped last, when the connection is closed.
    _temporary: Option<Temporary>,
}

/// A database, by name, that is deleted when its store and its transactions are dropped.
pub(crate) struct Temporary(String);

impl Temporary {
    /// A database that nobody else has, whose name begins like this.
    pub(crate) fn named_after(name: &str) -> Self {
        let unique = (js_sys::Math::random() * 2f64.powi(53)) as u64;
        Self(format!(
            "{name}-{:x}-{unique:x}",
            js_sys::Date::now() as u64
        ))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // The browser deletes it once every connection is closed; nobody waits, and a failure has nowhere to be reported.
        if let Some(factory) = sys::global().indexed_db() {
            let _ = factory.delete_database(&self.0);
        }
    }
}

enum State {
    Open(Rc<Connection>),
    /// Let go for another page; opened again for the next transaction.
    LetGo,
    /// Upgraded by another page to this version, which this one does not know.
    Superseded(u32),
    /// Deleted by somebody.
    Deleted,
}

impl Shared {
    /// Opens the database, and upgrades it if it is of a lower version than this one, which is not 0.
    pub(crate) async fn open(name: &str, version: u32, create: bool) -> Result<Rc<Self>> {
        Self::open_as(name, version, create, None).await
    }

    /// Opens a database that is deleted afterwards.
    pub(crate) async fn open_temporary(temporary: Temporary, version: u32) -> Result<Rc<Self>> {
        let name = temporary.0.clone();
        Self::open_as(&name, version, true, Some(temporary)).await
    }

    async fn open_as(
        name: &str,
        version: u32,
        create: bool,
        temporary: Option<Temporary>,
    ) -> Result<Rc<Self>> {
        let mut database = request(name, None, create, &[]).await?;
        if !database.names().contains(COMMITS) {
            let is_older = database.names().contains(COMMITS_OF_RECORDS);
            database.close();
            return Err(match is_older {
                true => older(name),
                false => foreign(name),
            });
        }
        let found = version_of(database.version());
        if found > version {
            database.close();
            return Err(DriverError::new(
                ErrorKind::SchemaMismatch,
                format!(
                    "the IndexedDB database `{name}` is of version {found}, and this program asks for version {version}; reload the page to get the newer program"
                ),
            ));
        }
        if found < version {
            database.close();
            database = request(name, Some(first_of(version)), true, &[]).await?;
        }
        let shared = Rc::new(Self {
            name: name.to_owned(),
            version,
            state: RefCell::new(State::LetGo),
            _temporary: temporary,
        });
        shared.hold(database);
        Ok(shared)
    }

    /// The name that writers take turns by.
    pub(crate) fn lock_name(&self) -> String {
        format!("netabase/{}", self.name)
    }

    /// The connection, opened again if it was let go.
    pub(crate) async fn connection(self: &Rc<Self>) -> Result<Rc<Connection>> {
        match &*self.state.borrow() {
            State::Open(connection) => return Ok(Rc::clone(connection)),
            State::Superseded(version) => return Err(self.superseded(*version)),
            State::Deleted => {
                return Err(DriverError::new(
                    ErrorKind::Closed,
                    format!(
                        "the database `{}` was deleted while it was open, or the browser closed it over a failure; open it again",
                        self.name
                    ),
                ));
            }
            State::LetGo => {}
        }
        let database = request(&self.name, None, false, &[]).await?;
        let found = version_of(database.version());
        if found > self.version {
            database.close();
            self.state.replace(State::Superseded(found));
            return Err(self.superseded(found));
        }
        Ok(self.hold(database))
    }

    fn superseded(&self, version: u32) -> DriverError {
        DriverError::new(
            ErrorKind::Closed,
            format!(
                "another page has upgraded the database `{}` from version {} to {version}, so it was closed here; reload the page",
                self.name, self.version
            ),
        )
    }

    /// The connection to a database that has these object stores. Asked for by the writer whose turn it is.
    pub(crate) async fn connection_with(
        self: &Rc<Self>,
        stores: &[String],
    ) -> Result<Rc<Connection>> {
        let connection = self.connection().await?;
        let names = connection.database.names();
        if stores.iter().all(|store| names.contains(store)) {
            return Ok(connection);
        }
        let next = connection.database.version() + 1.0;
        if version_of(next) != self.version {
            return Err(DriverError::new(
                ErrorKind::LimitExceeded,
                "trees were added to this database too often; open it with a higher version",
            ));
        }
        self.state.replace(State::LetGo);
        connection.database.close();
        let database = request(&self.name, Some(next), false, stores).await?;
        Ok(self.hold(database))
    }

    fn hold(self: &Rc<Self>, database: sys::Database) -> Rc<Connection> {
        let shared = Rc::downgrade(self);
        let let_go = Closure::new(move |event: sys::VersionChange| {
            let Some(shared) = shared.upgrade() else {
                return;
            };
            shared.release(match event.new_version().map(version_of) {
                None => State::Deleted,
                Some(version) if version > shared.version => State::Superseded(version),
                Some(_) => State::LetGo,
            });
        });
        let shared = Rc::downgrade(self);
        let closed = Closure::new(move || {
            if let Some(shared) = shared.upgrade() {
                shared.release(State::Deleted);
            }
        });
        database.set_onversionchange(Some(let_go.as_ref()));
        database.set_onclose(Some(closed.as_ref()));
        let connection = Rc::new(Connection {
            database,
            _let_go: let_go,
            _closed: closed,
        });
        self.state.replace(State::Open(Rc::clone(&connection)));
        connection
    }

    /// Closes the connection; transactions that run end first.
    fn release(&self, next: State) {
        if let State::Open(connection) = self.state.replace(next) {
            connection.database.close();
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// An open connection; closed when it is dropped.
pub(crate) struct Connection {
    database: sys::Database,
    _let_go: Closure<dyn FnMut(sys::VersionChange)>,
    _closed: Closure<dyn FnMut()>,
}

impl Connection {
    /// Whether the database has this object store.
    pub(crate) fn has(&self, store: &str) -> bool {
        self.database.names().contains(store)
    }

    /// The names of the trees that there are object stores for.
    pub(crate) fn trees(&self) -> Vec<String> {
        let names = self.database.names();
        (0..names.length())
            .filter_map(|index| Some(names.item(index)?.strip_prefix(TREE)?.to_owned()))
            .collect()
    }

    /// Begins a transaction over these object stores and the number of the last commit.
    pub(crate) fn begin<'a>(
        &self,
        stores: impl IntoIterator<Item = &'a str>,
        mode: &str,
        durability: &str,
    ) -> Result<sys::Transaction> {
        let names = Array::of1(&COMMITS.into());
        for store in stores {
            names.push(&store.into());
        }
        let options = Object::new();
        set(&options, "durability", &durability.into());
        self.database.begin(&names, mode, &options).map_err(error)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
    }
}

/// Sets a property of a fresh object, which does not fail.
pub(crate) fn set(object: &Object, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &name.into(), value);
}

/// Waits until a transaction has completed.
pub(crate) async fn complete(transaction: &sys::Transaction) -> Result<()> {
    let promise = Promise::new(&mut |resolve: Function, reject: Function| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    match JsFuture::from(promise).await {
        Ok(_) => Ok(()),
        Err(_) => Err(match transaction.cause() {
            cause if cause.is_null() || cause.is_undefined() => DriverError::new(
                ErrorKind::Conflict,
                "the transaction was aborted; nothing of it is kept; try again",
            ),
            cause => error(cause),
        }),
    }
}

fn foreign(name: &str) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!(
            "the IndexedDB database `{name}` was not made by this driver; it is left as it is; choose another name"
        ),
    )
}

fn older(name: &str) -> DriverError {
    DriverError::new(
        ErrorKind::SchemaMismatch,
        format!(
            "the IndexedDB database `{name}` has the layout of an unreleased version of this driver, which this one does not read; it is left as it is; delete it, or choose another name"
        ),
    )
}

/// An attempt to open a database.
struct Opening {
    request: sys::Request,
    done: bool,
    timers: Rc<Timers>,
    _upgrade: Closure<dyn FnMut(JsValue)>,
    _blocked: Closure<dyn FnMut()>,
}

/// What gives up on an attempt after a time.
#[derive(Default)]
struct Timers(RefCell<Vec<JsValue>>);

impl Timers {
    fn set(&self, give_up: &Function, milliseconds: u32) {
        let timer = sys::global().set_timeout(give_up, milliseconds);
        self.0.borrow_mut().push(timer);
    }

    fn clear(&self) {
        for timer in self.0.take() {
            sys::global().clear_timeout(&timer);
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.timers.clear();
        self.request.set_onerror(None);
        self.request.set_onblocked(None);
        if self.done {
            self.request.set_onupgradeneeded(None);
            self.request.set_onsuccess(None);
            return;
        }
        // Nobody waits for it any more, and the browser goes on: it is not to change anything, nor to stay open.
        let request = self.request.clone();
        let upgrade = Closure::once_into_js(move || {
            if let Some(transaction) = request.transaction() {
                let _ = transaction.abort();
            }
        });
        let request = self.request.clone();
        let success = Closure::once_into_js(move || {
            if let Ok(database) = request.result() {
                database.unchecked_into::<sys::Database>().close();
            }
        });
        self.request.set_onupgradeneeded(Some(&upgrade));
        self.request.set_onsuccess(Some(&success));
    }
}

/// Opens a database of this version, or of the one it has, and creates these object stores in an upgrade.
async fn request(
    name: &str,
    version: Option<f64>,
    create: bool,
    stores: &[String],
) -> Result<sys::Database> {
    let factory = sys::global()
        .indexed_db()
        .ok_or_else(|| lacking("IndexedDB"))?;
    let request = match version {
        None => factory.open(name),
        Some(version) => factory.open_version(name, version),
    }
    .map_err(error)?;

    let (promise, give_up) = settled(&request);
    let timers = Rc::new(Timers::default());
    timers.set(&give_up, PATIENCE);
    let failure = Rc::new(RefCell::new(None));
    let upgrade = Closure::new({
        let timers = Rc::clone(&timers);
        let request = request.clone();
        let failure = Rc::clone(&failure);
        let name = name.to_owned();
        let stores = stores.to_owned();
        let adds = version.is_some();
        move |_: JsValue| {
            // Nobody is in the way any more.
            timers.clear();
            let outcome = match adds || create {
                true => upgrade(&request, &stores),
                false => Err(DriverError::new(
                    ErrorKind::NotFound,
                    format!(
                        "there is no IndexedDB database `{name}`; create it by opening it with `create_if_missing`"
                    ),
                )),
            };
            if let Err(error) = outcome {
                failure.replace(Some(error));
                if let Some(transaction) = request.transaction() {
                    let _ = transaction.abort();
                }
            }
        }
    });
    let blocked = Closure::new({
        let timers = Rc::clone(&timers);
        move || timers.set(&give_up, BLOCKED_PATIENCE)
    });
    request.set_onupgradeneeded(Some(upgrade.as_ref()));
    request.set_onblocked(Some(blocked.as_ref()));
    let mut opening = Opening {
        request,
        done: false,
        timers,
        _upgrade: upgrade,
        _blocked: blocked,
    };
    match JsFuture::from(promise).await {
        Ok(_) => {
            opening.done = true;
            Ok(opening.request.result().map_err(error)?.unchecked_into())
        }
        // The timer gives no event.
        Err(event) if event.is_undefined() => Err(DriverError::new(
            ErrorKind::Locked,
            format!(
                "another page holds the IndexedDB database `{name}` and does not let it be upgraded; close or reload that page, then try again"
            ),
        )),
        Err(_) => {
            opening.done = true;
            Err(match failure.take() {
                Some(failure) => failure,
                None => error(opening.request.error().unwrap_or_else(|thrown| thrown)),
            })
        }
    }
}

/// What a request comes to, and what gives up on it.
fn settled(request: &sys::Request) -> (Promise, Function) {
    let mut give_up = None;
    let promise = Promise::new(&mut |resolve: Function, reject: Function| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
        give_up = Some(reject);
    });
    (promise, give_up.unwrap_or_default())
}

/// Creates what is not there yet.
fn upgrade(request: &sys::Request, stores: &[String]) -> Result<()> {
    let database: sys::Database = request.result().map_err(error)?.unchecked_into();
    let names = database.names();
    if names.length() == 0 {
        let options = Object::new();
        set(&options, "autoIncrement", &JsValue::TRUE);
        database.create(COMMITS, &options).map_err(error)?;
    }
    for store in stores {
        if !names.contains(store) {
            database.create(store, &Object::new()).map_err(error)?;
        }
    }
    Ok(())
}
