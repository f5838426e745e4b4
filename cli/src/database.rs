//! A database opened without its models: what its schema record says, and its trees.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use netabase_store::connect::{self, Target};
use netabase_store::driver::checked::{Checked, CheckedReader};
use netabase_store::driver::command::TreeNames;
use netabase_store::driver::dynamic::Shape;
use netabase_store::driver::schema::{
    ModelSchema, SCHEMA_TREE, check_complete, stored_models, stored_widths,
};
use netabase_store::driver::{
    AnyDatabase, AnyDriver, AnyReader, Capabilities, Driver as _, EntryWidths, Read as _, TreeId,
};
use netabase_store::{ErrorKind, NetabaseError};

use crate::failure::Failure;

pub(crate) type Store = Checked<AnyDatabase>;
pub(crate) type Reader = CheckedReader<AnyReader>;

/// The cache of an engine whose URL names no size. What this program does goes through a database once, so that more of it
/// would be memory for nothing.
const CACHE_BYTES: u64 = 64 << 20;

/// Opens a database with a small cache unless the URL names a size, or the engine has none.
pub(crate) fn open(target: &Target) -> Result<Store, NetabaseError> {
    if target.cache_bytes.is_some() {
        return target.open();
    }
    let mut small = target.clone();
    small.cache_bytes = Some(CACHE_BYTES);
    match small.open() {
        Err(error) if error.kind() == ErrorKind::Unsupported => target.open(),
        opened => opened,
    }
}

/// Whether a file at `path` is the database, or would be one of its files.
pub(crate) fn is_in_database(path: &Path, database: &Path) -> bool {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let within = || {
        let (folder, database) = (folder.canonicalize().ok()?, database.canonicalize().ok()?);
        Some(folder.starts_with(database))
    };
    is_same_file(path, database) || (!database.as_os_str().is_empty() && within().unwrap_or(false))
}

/// Whether two paths lead to one file or folder, by whatever spelling and links.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    // Of a database that is kept nowhere.
    if one.as_os_str().is_empty() || other.as_os_str().is_empty() {
        return false;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;

        let id = |path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
        id(one).is_some() && id(one) == id(other)
    }
    #[cfg(not(unix))]
    {
        let real = |path| fs::canonicalize(path).ok();
        real(one).is_some() && real(one) == real(other)
    }
}

/// Opens an existing database, for reading only where the driver can.
pub(crate) fn open_for_reading(url: &str) -> Result<Store, Failure> {
    let mut target = Target::parse(url)?;
    refuse_truncate(&target)?;
    target.create_if_missing = false;
    let is_asked_for = target.read_only;
    target.read_only |= driver(&target)?
        .manifest()
        .capabilities
        .contains(Capabilities::READ_ONLY);
    match open(&target) {
        // Nobody closed it, and its engine repairs it first.
        Err(error) if error.kind() == ErrorKind::ReadOnly && !is_asked_for => {
            target.read_only = false;
            Ok(open(&target)?)
        }
        opened => Ok(opened?),
    }
}

/// Opens an existing database for writing.
pub(crate) fn open_existing(url: &str) -> Result<Store, Failure> {
    let mut target = Target::parse(url)?;
    refuse_truncate(&target)?;
    target.create_if_missing = false;
    driver(&target)?;
    Ok(open(&target)?)
}

/// The driver of a database; a failure lists where it was looked for.
pub(crate) fn driver(target: &Target) -> Result<AnyDriver, Failure> {
    connect::driver(&target.driver).map_err(Failure::Search)
}

fn refuse_truncate(target: &Target) -> Result<(), Failure> {
    if target.truncate {
        return Err(Failure::Usage(
            "`truncate=true` would empty the database that is to be read; leave it out".into(),
        ));
    }
    Ok(())
}

/// One snapshot of a database, with what its schema record says.
pub(crate) struct Snapshot {
    pub(crate) reader: Reader,
    pub(crate) models: BTreeMap<String, ModelSchema>,
    /// Every tree that holds an entry or belongs to a model, the schema record's apart.
    pub(crate) trees: BTreeSet<String>,
    widths: BTreeMap<String, EntryWidths>,
}

impl Snapshot {
    /// A snapshot, also of a database that a copy did not fill to its end.
    pub(crate) fn of_any(store: &Store) -> Result<Self, Failure> {
        let before = tree_names(store)?;
        let reader = store.begin_read()?;
        let models = stored_models(&reader)?;
        let widths = stored_widths(&models);
        // A tree that another process adds or empties meanwhile is in one of the two lists, or in the schema record.
        let mut trees = before;
        trees.extend(tree_names(store)?);
        trees.extend(widths.keys().cloned());
        trees.remove(SCHEMA_TREE);
        Ok(Self {
            reader,
            models,
            trees,
            widths,
        })
    }

    /// A snapshot of a database that is complete.
    pub(crate) fn of(store: &Store) -> Result<Self, Failure> {
        let snapshot = Self::of_any(store)?;
        check_complete(&snapshot.reader)?;
        Ok(snapshot)
    }

    pub(crate) fn widths(&self, tree: &str) -> EntryWidths {
        self.widths.get(tree).copied().unwrap_or_default()
    }

    pub(crate) fn tree(&self, name: &str) -> Result<TreeId, Failure> {
        Ok(self.reader.sized_tree(name, self.widths(name))?)
    }

    pub(crate) fn kind(&self, tree: &str) -> Kind {
        if let Some(model) = self.models.get(tree) {
            return Kind::Records {
                key: Shape::parse(&model.primary_key),
                fields: model.fields.clone(),
            };
        }
        let index = tree.rsplit_once('.').and_then(|(model, field)| {
            let model = self.models.get(model)?;
            let index = model.indexes.iter().find(|index| index.name == field)?;
            Some(Kind::Index {
                secondary: Shape::parse(&index.key),
                primary: Shape::parse(&model.primary_key),
                unique: index.unique,
            })
        });
        index.unwrap_or(Kind::Bytes)
    }
}

/// What the entries of a tree are.
pub(crate) enum Kind {
    /// A model's records.
    Records {
        key: Option<Shape>,
        fields: Vec<(String, String)>,
    },
    /// Entries of an index.
    Index {
        secondary: Option<Shape>,
        primary: Option<Shape>,
        unique: bool,
    },
    /// Something that the schema record does not speak of.
    Bytes,
}

/// The trees that hold an entry, as far as the driver can say.
pub(crate) fn tree_names(store: &Store) -> Result<BTreeSet<String>, Failure> {
    Ok(store.run(&TreeNames)?.into_iter().collect())
}
