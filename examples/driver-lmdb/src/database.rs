//! An open environment: how it is opened, shared by transactions, and closed with the last of them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use heed::{CommitOrAbort, DatabaseOpener, Env, EnvFlags, EnvOpenOptions, RoTxn, WithoutTls};
use netabase_core::driver::kit::path::foreign;
use netabase_core::driver::{Database, DriverError, ErrorKind, OpenConfig, Result};

use crate::config::Settings;
use crate::error;
use crate::folder::DataFile;
use crate::gate::Gate;
use crate::maintenance;
use crate::records::{self, Engine, Format};
use crate::transaction::{LmdbReader, LmdbWriter};

/// An open database of LMDB.
///
/// Its folder is locked until this handle and every transaction of it are gone.
pub struct LmdbDatabase {
    shared: Arc<Shared>,
    path: PathBuf,
    was_recovered: bool,
}

/// What transactions keep alive. The fields are dropped in this order: the gate lets go of the environment before that is
/// closed, and the folder is free for others after that.
#[derive(Debug)]
pub(crate) struct Shared {
    /// `None` in a database that was opened for reading only.
    gate: Option<Gate>,
    engine: EngineHandle,
    env: Env<WithoutTls>,
    data: DataFile,
}

/// LMDB's one database, which says nothing of itself.
struct EngineHandle(Engine<'static>);

impl fmt::Debug for EngineHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineHandle")
    }
}

impl Shared {
    pub(crate) fn env(&self) -> &Env<WithoutTls> {
        &self.env
    }

    #[inline]
    pub(crate) fn engine(&self) -> Engine<'static> {
        self.engine.0
    }

    pub(crate) fn gate(&self) -> Result<&Gate> {
        self.gate.as_ref().ok_or_else(|| {
            DriverError::new(
                ErrorKind::ReadOnly,
                "the database was opened with `read_only`; open it without to write",
            )
        })
    }

    pub(crate) fn data(&self) -> &DataFile {
        &self.data
    }
}

impl LmdbDatabase {
    pub(crate) fn open(config: &OpenConfig<'_>) -> Result<Self> {
        let settings = Settings::new(config)?;
        let (data, was_recovered) = DataFile::claim(&settings)?;
        let (mut env, mut engine) = open_env(&settings)?;
        if settings.truncate && was_recovered {
            // LMDB has accepted the file, and the driver what is in it.
            env.prepare_for_closing().wait();
            data.empty()?;
            (env, engine) = open_env(&settings)?;
        }
        let gate = if settings.read_only {
            None
        } else {
            Some(Gate::new(env.clone(), data.clone())?)
        };
        Ok(Self {
            shared: Arc::new(Shared {
                gate,
                engine: EngineHandle(engine),
                env,
                data,
            }),
            path: settings.path,
            was_recovered,
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn was_recovered(&self) -> bool {
        self.was_recovered
    }
}

/// Opens LMDB's environment in a folder whose data file is claimed.
fn open_env(settings: &Settings) -> Result<(Env<WithoutTls>, Engine<'static>)> {
    let path = &*settings.path;
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options
        .map_size(settings.map_size)
        .max_readers(settings.max_readers);
    if settings.read_only {
        // SAFETY: without LMDB's lock file nobody may write meanwhile. Every handle that writes holds the data file's lock
        // exclusively, and this one shares it for as long as it lives.
        unsafe { options.flags(EnvFlags::READ_ONLY | EnvFlags::NO_LOCK) };
    }
    // SAFETY: the map stays as it is unless somebody writes to the file past LMDB. The data file is locked for this handle;
    // LMDB's own lock orders what its tools do to it.
    let opened = unsafe { options.open(path) };
    let env = opened.map_err(|error| error::opening(path, error))?;
    if !settings.read_only && env.info().last_txn_id == 0 {
        // The first pages, before LMDB writes any that a power cut could leave without them.
        env.force_sync()
            .map_err(|error| error::opening(path, error))?;
    }
    let engine = if settings.read_only {
        open_engine(&env)
    } else {
        create_engine(&env)
    };
    match engine {
        Ok(engine) => Ok((env, engine)),
        Err(Refused::Failed(error)) => Err(error),
        Err(Refused::Foreign) => Err(foreign(path, "holds what another program keeps in LMDB")),
    }
}

/// Why an environment is not taken.
enum Refused {
    Foreign,
    Failed(DriverError),
}

impl From<heed::Error> for Refused {
    fn from(error: heed::Error) -> Self {
        Self::Failed(error::engine(error))
    }
}

impl From<DriverError> for Refused {
    fn from(error: DriverError) -> Self {
        Self::Failed(error)
    }
}

/// Opens LMDB's one database, and makes it this driver's if it is blank.
fn create_engine(env: &Env<WithoutTls>) -> Result<Engine<'static>, Refused> {
    let transaction = env.write_txn()?;
    let opened = env.create_databases_and_commit(transaction, |opener, transaction| {
        let engine = opener.create_database(transaction, None)?;
        match records::format(engine, transaction)? {
            Format::Ours { .. } => {}
            Format::Blank => records::put_first_format(engine, transaction)?,
            Format::Foreign => return Ok(CommitOrAbort::Abort(())),
        }
        Ok::<_, Refused>(CommitOrAbort::Commit(engine))
    })?;
    match opened {
        CommitOrAbort::Commit(engine) => Ok(engine),
        CommitOrAbort::Abort(()) => Err(Refused::Foreign),
    }
}

/// Opens LMDB's one database, and changes nothing.
fn open_engine(env: &Env<WithoutTls>) -> Result<Engine<'static>, Refused> {
    let opened = env.open_databases_and_commit(env.read_txn()?, |opener, transaction| {
        let opener: &DatabaseOpener<'_, WithoutTls> = opener;
        let transaction: &RoTxn<'_, WithoutTls> = transaction;
        let Some(engine) = opener.open_database(transaction, None)? else {
            return Ok(CommitOrAbort::Abort(()));
        };
        match records::format(engine, transaction)? {
            Format::Ours { .. } => Ok::<_, Refused>(CommitOrAbort::Commit(engine)),
            Format::Blank | Format::Foreign => Ok(CommitOrAbort::Abort(())),
        }
    })?;
    match opened {
        CommitOrAbort::Commit(engine) => Ok(engine),
        CommitOrAbort::Abort(()) => Err(Refused::Foreign),
    }
}

impl Database for LmdbDatabase {
    type Reader = LmdbReader;
    type Writer = LmdbWriter;

    #[inline]
    fn begin_read(&self) -> Result<LmdbReader> {
        LmdbReader::begin(Arc::clone(&self.shared))
    }

    fn begin_write(&self) -> Result<LmdbWriter> {
        LmdbWriter::begin(Arc::clone(&self.shared))
    }

    fn command(
        &self,
        operation: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        maintenance::run(self, operation, argument, output)
    }
}

impl fmt::Debug for LmdbDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LmdbDatabase")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
