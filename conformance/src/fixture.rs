//! What a case works on: the driver and a fresh place for its databases, removed afterwards.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use netabase_core::driver::checked::Checked;
use netabase_core::driver::{Capabilities, Driver, Manifest, OpenConfig, Result};
use tempfile::TempDir;

/// The driver under test and a fresh place for its databases.
#[derive(Debug)]
pub struct Fixture<D> {
    driver: Arc<D>,
    folder: Option<TempDir>,
    path: PathBuf,
    others: AtomicU32,
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
        let folder = persistent.then(tempfile::tempdir).transpose()?;
        let path = folder
            .as_ref()
            .map_or_else(PathBuf::new, |folder| folder.path().join("database"));
        Ok(Self {
            driver,
            folder,
            path,
            others: AtomicU32::new(0),
        })
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
    pub fn open(&self) -> Result<Checked<D::Store>> {
        self.open_with(&self.config())
    }

    /// Opens a database.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn open_with(&self, config: &OpenConfig<'_>) -> Result<Checked<D::Store>> {
        Checked::open(&*self.driver, config)
    }
}
