//! What a case works on: the driver, a fresh place for its databases, removed afterwards, and processes to crash.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use netabase_core::driver::checked::Checked;
use netabase_core::driver::{Capabilities, Driver, Manifest, OpenConfig, Result};
#[cfg(not(target_arch = "wasm32"))]
use tempfile::TempDir;

use crate::child;

/// A name that no other database has; there are no folders.
#[cfg(target_arch = "wasm32")]
#[derive(Debug)]
struct TempDir(PathBuf);

#[cfg(target_arch = "wasm32")]
impl TempDir {
    fn new() -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Ok(Self(format!("conformance-{number}").into()))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

/// The driver under test and a fresh place for its databases.
#[derive(Debug)]
pub struct Fixture<D> {
    driver: Arc<D>,
    folder: Option<TempDir>,
    path: PathBuf,
    others: AtomicU32,
    identity: Option<String>,
}

/// The environment variable that makes a test executable run one scenario and end.
const SCENARIO: &str = "NETABASE_CONFORMANCE_SCENARIO";
/// The environment variable with the path of the scenario's database.
const SCENARIO_PATH: &str = "NETABASE_CONFORMANCE_PATH";

/// Whether this process was started to run a scenario.
#[must_use]
pub fn is_scenario() -> bool {
    env::var_os(SCENARIO).is_some()
}

/// Whether this process was started to run a scenario of this driver, which is called so in this executable.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn is_scenario_of(identity: &str) -> bool {
    env::var(SCENARIO)
        .ok()
        .and_then(|scenario| Some(scenario.strip_prefix(identity)?.starts_with('/')))
        .unwrap_or(false)
}

impl<D: Driver> Fixture<D> {
    /// A fresh place for this driver. A driver that keeps nothing gets no folder, and the empty path.
    ///
    /// # Errors
    /// The folder could not be made.
    pub fn new(driver: Arc<D>) -> io::Result<Self> {
        let persistent = driver
            .manifest()
            .capabilities
            .contains(Capabilities::PERSISTENT);
        let folder = persistent.then(TempDir::new).transpose()?;
        let path = folder
            .as_ref()
            .map_or_else(PathBuf::new, |folder| folder.path().join("database"));
        Ok(Self {
            driver,
            folder,
            path,
            others: AtomicU32::new(0),
            identity: None,
        })
    }

    /// Tells what the driver is called in this executable, `redb/dynamic`, so that cases may run scenarios.
    #[must_use]
    pub fn with_identity(mut self, identity: Option<String>) -> Self {
        self.identity = identity;
        self
    }

    /// What this process was started for by [`start`](Self::start): the scenario's name, and a fixture at its path. `None`
    /// in a process that runs no scenario of this driver.
    #[must_use]
    pub fn of_scenario(driver: &Arc<D>, identity: &str) -> Option<(String, Self)> {
        let scenario = env::var(SCENARIO).ok()?;
        let name = scenario.strip_prefix(identity)?.strip_prefix('/')?;
        let fixture = Self {
            driver: Arc::clone(driver),
            folder: None,
            path: env::var_os(SCENARIO_PATH)?.into(),
            others: AtomicU32::new(0),
            identity: None,
        };
        Some((name.to_owned(), fixture))
    }

    /// Starts this executable again, with its own arguments, to run one scenario on this case's database and nothing else.
    /// What it prints can be read from its standard output.
    ///
    /// # Errors
    /// This executable runs no scenarios, or could not be started.
    pub fn start(&self, scenario: &str) -> io::Result<Child> {
        self.start_under(&[], scenario)
    }

    /// [`start`](Self::start), by a program that takes what it is to run as its last arguments.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_under(&self, program: &[&str], scenario: &str) -> io::Result<Child> {
        let identity = self
            .identity
            .as_deref()
            .ok_or_else(|| io::Error::other("this executable runs no scenarios"))?;
        let executable = env::current_exe()?;
        let mut command = match program {
            [] => Command::new(executable),
            [name, arguments @ ..] => {
                let mut command = Command::new(name);
                command.args(arguments).arg(executable);
                command
            }
        };
        command
            .args(child::own_arguments())
            .env(SCENARIO, format!("{identity}/{scenario}"))
            .env(SCENARIO_PATH, &self.path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
    }

    /// The driver.
    pub fn driver(&self) -> &D {
        &self.driver
    }

    /// What the driver says of itself.
    pub fn manifest(&self) -> &Manifest {
        self.driver.manifest()
    }

    /// Whether the driver declares all of `capabilities`.
    pub fn declares(&self, capabilities: Capabilities) -> bool {
        self.manifest().capabilities.contains(capabilities)
    }

    /// The path of this case's database: nothing is there in the beginning. Empty for a driver that keeps nothing.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Another path with nothing there, each time a new one. Empty for a driver that keeps nothing.
    pub fn other_path(&self) -> PathBuf {
        let number = self.others.fetch_add(1, Ordering::Relaxed);
        self.folder.as_ref().map_or_else(PathBuf::new, |folder| {
            folder.path().join(format!("other-{number}"))
        })
    }

    /// The default configuration at this case's path.
    pub fn config(&self) -> OpenConfig<'_> {
        OpenConfig::new(&self.path)
    }

    /// Opens this case's database with the default configuration.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn open(&self) -> Result<Checked<D::Database>> {
        self.open_with(&self.config())
    }

    /// Opens a database.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn open_with(&self, config: &OpenConfig<'_>) -> Result<Checked<D::Database>> {
        Checked::open(&*self.driver, config)
    }
}
