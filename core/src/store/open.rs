//! Opening: the engine, the schema check, and the indexes that the models ask for.

use std::any::Any;
use std::marker::PhantomData;
use std::path::Path;

use super::TypedStore;
use super::write::{self, Trees};
use crate::config::{Checksums, FileConfig};
use crate::driver::checked::{Checked, CheckedWriter};
use crate::driver::{
    Bounds, Capabilities, Cursor, Direction, Driver, Durability, ErrorKind, Manifest, OpenConfig,
    Read, Write,
};
use crate::error::NetabaseError;
use crate::index::{EncodedKeys, Pending};
use crate::model::value;
use crate::model::{ModelVisitor, NetabaseDefinitionTrait, NetabaseModelTrait, Record};
use crate::schema::{ModelTrees, Plan, SCHEMA_KEY, SCHEMA_TREE, tree_name};

/// What a typed store is opened with, beside what its driver takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StoreOptions {
    /// What a commit promises unless it says otherwise.
    pub durability: Durability,
    /// Whether the records of a database that is created have checksums. One that is there keeps what it has.
    pub checksums: Checksums,
}

impl From<Durability> for StoreOptions {
    fn from(durability: Durability) -> Self {
        Self {
            durability,
            ..Self::default()
        }
    }
}

impl<D: NetabaseDefinitionTrait, E: Driver> TypedStore<D, E> {
    /// Opens the database that `config` names, on this driver.
    ///
    /// Models that the database does not know yet are recorded; indexes that a model has gained are built from the
    /// records, those that it has lost are discarded. All of that is one transaction.
    ///
    /// # Errors
    /// - what [`Driver::open`] reports;
    /// - [`SchemaMismatch`](ErrorKind::SchemaMismatch) if a model is stored in another shape; nothing is changed then;
    /// - [`Corrupt`](ErrorKind::Corrupt) if a copy did not fill the database to its end;
    /// - [`SchemaMismatch`](ErrorKind::SchemaMismatch) as well if there is a tree of a model's name that is no model's;
    /// - [`AlreadyExists`](ErrorKind::AlreadyExists) if a key has become unique and two records share one;
    /// - [`Codec`](ErrorKind::Codec) if an index has to be built and a record cannot be decoded;
    /// - [`LimitExceeded`](ErrorKind::LimitExceeded) if a key of a model is always longer than the engine takes;
    /// - [`ReadOnly`](ErrorKind::ReadOnly) if an index has to be built and the database is opened read-only.
    pub fn open_on(driver: &E, config: &FileConfig) -> Result<Self, NetabaseError> {
        let options = StoreOptions {
            durability: if config.use_fsync {
                Durability::Immediate
            } else {
                Durability::None
            },
            checksums: config.checksums,
        };
        Self::open_with(driver, &OpenConfig::from(config), options)
    }

    /// [`open_on`](Self::open_on) with all that a driver takes.
    ///
    /// # Errors
    /// As [`open_on`](Self::open_on).
    pub fn open_with(
        driver: &E,
        config: &OpenConfig<'_>,
        options: impl Into<StoreOptions>,
    ) -> Result<Self, NetabaseError> {
        let StoreOptions {
            durability,
            checksums,
        } = options.into();
        let name = &driver.manifest().name;
        #[cfg(feature = "tracing")]
        let _span =
            tracing::info_span!("open", driver = %name, location = %config.location).entered();
        let open = || {
            check_key_sizes::<D>(driver.manifest())?;
            let store = Checked::open(driver, config)?;
            let mut trees = check_schema::<D, E>(&store, checksums)?;
            let is_counted = (driver.manifest().capabilities).contains(Capabilities::COUNTED);
            for trees in &mut trees {
                trees.compares_counts = is_counted && trees.form.has_checksums;
            }
            Ok(Self {
                store,
                trees: trees.into(),
                durability,
                definition: PhantomData,
                attachment: None,
            })
        };
        open().map_err(|error: NetabaseError| {
            let error = error.during("open").on_driver(name.clone());
            #[cfg(feature = "tracing")]
            tracing::warn!(%error, "cannot open the database");
            error
        })
    }

    /// Keeps `attachment`, such as a temporary folder, until the database is closed.
    #[must_use]
    pub fn with_attachment(mut self, attachment: impl Any + Send + Sync) -> Self {
        self.attachment = Some(Box::new(attachment));
        self
    }
}

impl<D: NetabaseDefinitionTrait, E: Driver + Default> TypedStore<D, E> {
    /// Opens the database at a path, or as a [`FileConfig`] says; creates it if there is none. Keeps what is there.
    ///
    /// # Errors
    /// As [`open_on`](Self::open_on).
    pub fn new(config: impl Into<FileConfig>) -> Result<Self, NetabaseError> {
        Self::open_on(&E::default(), &config.into())
    }

    /// Opens the existing database at a path, or as a [`FileConfig`] says.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none, whatever the configuration says; else as
    /// [`open_on`](Self::open_on).
    pub fn open(config: impl Into<FileConfig>) -> Result<Self, NetabaseError> {
        Self::open_on(
            &E::default(),
            &FileConfig {
                create_if_missing: false,
                ..config.into()
            },
        )
    }

    /// Opens an empty database that is removed when the store is dropped. Commits do not wait for the disk.
    ///
    /// An engine that keeps its data in files gets a folder of its own in the system's folder for temporary files.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io) if the folder cannot be created; else as [`open_on`](Self::open_on).
    #[cfg(not(target_arch = "wasm32"))]
    pub fn temp() -> Result<Self, NetabaseError> {
        let driver = E::default();
        let open = |path: &Path| Self::open_with(&driver, &OpenConfig::new(path), Durability::None);
        if !driver
            .manifest()
            .capabilities
            .contains(crate::driver::Capabilities::PERSISTENT)
        {
            return open(Path::new(""));
        }
        let folder = tempfile::Builder::new()
            .prefix("netabase-")
            .tempdir()
            .map_err(|error| {
                NetabaseError::new(
                    ErrorKind::Io,
                    format!(
                        "cannot create a temporary folder in {}: {error}",
                        std::env::temp_dir().display()
                    ),
                )
                .with_source(error)
            })?;
        Ok(open(&folder.path().join("database"))?.with_attachment(folder))
    }

    /// Opens an empty database of an engine that keeps nothing on disk.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    #[cfg(target_arch = "wasm32")]
    pub fn temp() -> Result<Self, NetabaseError> {
        Self::open_with(
            &E::default(),
            &OpenConfig::new(Path::new("")),
            Durability::None,
        )
    }
}

/// Refuses models whose keys the engine never takes, however short a record's strings are.
pub(super) fn check_key_sizes<D: NetabaseDefinitionTrait>(
    manifest: &Manifest,
) -> Result<(), NetabaseError> {
    let limit = manifest.limits.key_bytes;
    let check = |tree: &'static str, least: usize| {
        if limit == 0 || least as u64 <= limit {
            return Ok(());
        }
        Err(NetabaseError::new(
            ErrorKind::LimitExceeded,
            format!(
                "the keys of `{tree}` take {least} bytes or more, and the driver `{}` takes {limit} at most; make the key \
                 shorter, or use another driver",
                manifest.name
            ),
        )
        .in_tree(tree))
    };
    for info in D::MODELS {
        let primary = info.primary_key.least_width();
        check(info.name, primary)?;
        for index in info.indexes {
            let behind = if index.unique { 0 } else { primary };
            check(index.tree, index.key.least_width().saturating_add(behind))?;
        }
    }
    Ok(())
}

/// Checks the schema; records models and builds indexes in one transaction where that is called for. Gives the trees of
/// the definition's models.
pub(super) fn check_schema<D: NetabaseDefinitionTrait, E: Driver>(
    store: &Checked<E::Database>,
    checksums: Checksums,
) -> Result<Box<[ModelTrees]>, NetabaseError> {
    if let Some(trees) = prepared_trees::<D, E>(store, checksums)? {
        return Ok(trees);
    }
    let mut writer = store.begin_write()?;
    // Another thread may have opened the same database between the two transactions.
    let plan = Plan::read::<D>(&writer, checksums, false)?;
    let trees = plan.trees::<D>();
    let schema = writer.tree(SCHEMA_TREE)?;
    let record = plan.schema().stored_text()?;
    writer.put(schema, SCHEMA_KEY, record.as_bytes(), |_| ())?;
    D::visit_models(&mut Migrator {
        writer: &mut writer,
        plan: &plan,
        trees: &trees,
    })?;
    writer.commit(Durability::Immediate)?;
    Ok(trees)
}

/// The trees of the definition's models, if these can be used as the database is. Checks the schema, and reads nothing else.
pub(super) fn prepared_trees<D: NetabaseDefinitionTrait, E: Driver>(
    store: &Checked<E::Database>,
    checksums: Checksums,
) -> Result<Option<Box<[ModelTrees]>>, NetabaseError> {
    let read_only = store.is_read_only();
    let plan = Plan::read::<D>(&store.begin_read()?, checksums, read_only)?;
    if plan.is_empty() {
        return Ok(Some(plan.trees::<D>()));
    }
    if !read_only {
        return Ok(None);
    }
    match plan.needs_building::<D>() {
        // A model that is not recorded has no records: there is nothing to read, and nothing to prepare.
        None => Ok(Some(plan.trees_as_recorded::<D>())),
        Some(model) => Err(NetabaseError::new(
            ErrorKind::ReadOnly,
            format!(
                "model `{model}` has an index that the database does not hold; open it once without `read_only` to build \
                 it"
            ),
        )),
    }
}

/// Builds and discards indexes as planned.
struct Migrator<'w, W> {
    writer: &'w mut CheckedWriter<W>,
    plan: &'w Plan,
    trees: &'w [ModelTrees],
}

impl<D: NetabaseDefinitionTrait, W: Write> ModelVisitor<D> for Migrator<'_, W> {
    type Error = NetabaseError;

    fn visit<M: NetabaseModelTrait<D>>(&mut self) -> Result<(), NetabaseError> {
        let Some(migration) = self.plan.migration(M::PLACE) else {
            return Ok(());
        };
        for tree in &migration.discard {
            let tree = self.writer.tree(&tree_name(*tree))?;
            self.writer.clear(tree)?;
        }
        if migration.build.is_empty() {
            return Ok(());
        }
        build_indexes::<M, W>(self.writer, &self.trees[M::PLACE], &migration.build)
    }
}

/// Builds these indexes of a model from its records. Holds all of their entries at once.
fn build_indexes<M: Record, W: Write>(
    writer: &mut CheckedWriter<W>,
    model: &ModelTrees,
    indexes: &[usize],
) -> Result<(), NetabaseError> {
    let trees = Trees::resolve(&*writer, model, &M::INFO)?;
    for index in indexes {
        writer.clear(trees.indexes[*index])?;
    }
    let mut pending = Pending::new(&M::INFO);
    let mut keys = EncodedKeys::default();
    let mut cursor = writer.cursor(trees.records, Bounds::ALL, Direction::Forward)?;
    let mut number = 0;
    while cursor.advance()? {
        let view = (trees.form.open(cursor.key(), cursor.value()))
            .and_then(value::decode_ref::<M>)
            .map_err(|error| error.in_tree(M::INFO.name).at_key(cursor.key()))?;
        keys.encode_ref::<M>(&view);
        for index in indexes {
            pending.add(*index, number, cursor.key(), |out| {
                out.extend_from_slice(keys.get(*index))
            });
        }
        number += 1;
    }
    drop(cursor);
    write::write_pending(writer, &trees, &M::INFO, &mut pending)
}
