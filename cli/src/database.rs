//! A database opened without its models: what its schema record says, and its trees.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use netabase_store::config::Checksums;
use netabase_store::connect::{self, Target};
use netabase_store::driver::checked::{Checked, CheckedReader};
use netabase_store::driver::checksum::RecordForm;
use netabase_store::driver::command::{TemporaryBytes, TreeNames};
use netabase_store::driver::dynamic::Shape;
use netabase_store::driver::schema::{self, ModelSchema, SCHEMA_TREE, Schema, tree_name};
use netabase_store::driver::shape::{Types, ValueShape};
use netabase_store::driver::{
    AnyDatabase, AnyDriver, AnyReader, Capabilities, Driver as _, EntryWidths, Read as _, TreeId,
};
use netabase_store::{ErrorKind, NetabaseError};

use crate::arguments::Transfer;
use crate::failure::Failure;
use crate::output::error_lines;

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
fn is_same_file(one: &Path, other: &Path) -> bool {
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
    target.read_only |= driver(&target)?
        .manifest()
        .capabilities
        .contains(Capabilities::READ_ONLY);
    match open(&target) {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(missing(&target)),
        opened => {
            let store = opened?;
            tell_of_copy(&target, &store)?;
            Ok(store)
        }
    }
}

/// Says so where the engine reads a copy.
fn tell_of_copy(target: &Target, store: &Store) -> Result<(), NetabaseError> {
    let bytes = match store.run(&TemporaryBytes) {
        Err(error) if error.kind() == ErrorKind::Unsupported => 0,
        bytes => bytes?,
    };
    if bytes > 0 {
        // Where it cannot be written, nothing is lost.
        let _ = error_lines().line(format_args!(
            "{} writes to every database that it opens; a temporary copy of `{}` is read, {bytes} bytes",
            target.driver, target.location
        ));
    }
    Ok(())
}

/// Opens the database that is to be read from, unless the one to be filled is the same.
pub(crate) fn open_source(arguments: &Transfer) -> Result<Store, Failure> {
    let Transfer { source, target, .. } = arguments;
    let (from, into) = (Target::parse(source)?, Target::parse(target)?);
    if is_same_file(from.location.as_ref(), into.location.as_ref()) {
        return Err(Failure::Usage(format!(
            "`{source}` and `{target}` are the same database; name another target"
        )));
    }
    open_for_reading(source)
}

/// Opens an existing database for writing.
pub(crate) fn open_existing(url: &str) -> Result<Store, Failure> {
    let mut target = Target::parse(url)?;
    refuse_truncate(&target)?;
    target.create_if_missing = false;
    driver(&target)?;
    match open(&target) {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(missing(&target)),
        opened => Ok(opened?),
    }
}

/// The library names its options here, of which the command has none.
fn missing(target: &Target) -> Failure {
    Failure::Usage(format!(
        "there is no database at `{}`; name one that is there",
        target.location
    ))
}

/// Refuses a database that a copy did not fill to its end.
pub(crate) fn check_complete(reader: &Reader) -> Result<(), NetabaseError> {
    schema::check_complete(reader).map_err(|error| {
        let message = format!("{}, with `--overwrite`", error.message());
        NetabaseError::new(error.kind(), message).with_source(error)
    })
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
    /// The schema record; `None` if the database has none.
    pub(crate) schema: Option<Schema>,
    /// Every tree that holds an entry or belongs to a model, by the names that are shown, the schema record's apart.
    pub(crate) trees: Vec<Tree>,
    /// The model of each tree that has one, and its place among the model's indexes if it is one, by the engine's name.
    places: BTreeMap<String, (String, Option<usize>)>,
}

/// A tree of a database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tree {
    /// The name that people know it by.
    pub(crate) shown: String,
    /// The engine's name for it.
    pub(crate) name: String,
    pub(crate) widths: EntryWidths,
}

impl Tree {
    /// A tree that no model has.
    fn bytes(name: String) -> Self {
        Self {
            shown: name.clone(),
            name,
            widths: EntryWidths::default(),
        }
    }

    /// That of the schema record.
    pub(crate) fn of_schema() -> Self {
        Self::bytes(SCHEMA_TREE.to_owned())
    }
}

impl Snapshot {
    /// A snapshot, also of a database that a copy did not fill to its end.
    pub(crate) fn of_any(store: &Store) -> Result<Self, Failure> {
        let mut others = tree_names(store)?;
        let reader = store.begin_read()?;
        let schema = schema::read(&reader)?;
        // A tree that another process adds or empties meanwhile is in one of the two lists, or in the schema record.
        others.extend(tree_names(store)?);
        others.remove(SCHEMA_TREE);
        let mut trees = Vec::new();
        for (name, shown, widths) in schema.iter().flat_map(Schema::model_trees) {
            others.remove(&name);
            trees.push(Tree {
                shown,
                name,
                widths,
            });
        }
        trees.extend(others.into_iter().map(Tree::bytes));
        trees.sort_unstable();
        let mut places = BTreeMap::new();
        for (name, model) in schema.iter().flat_map(|schema| &schema.models) {
            places.insert(tree_name(model.tree), (name.clone(), None));
            for (place, index) in model.indexes.iter().enumerate() {
                places.insert(tree_name(index.tree), (name.clone(), Some(place)));
            }
        }
        Ok(Self {
            reader,
            schema,
            trees,
            places,
        })
    }

    /// A snapshot of a database that is complete.
    pub(crate) fn of(store: &Store) -> Result<Self, Failure> {
        let snapshot = Self::of_any(store)?;
        check_complete(&snapshot.reader)?;
        Ok(snapshot)
    }

    /// The models that are recorded, with their names.
    pub(crate) fn models(&self) -> impl Iterator<Item = (&String, &ModelSchema)> {
        self.schema.iter().flat_map(|schema| &schema.models)
    }

    /// The tree that is shown by this name.
    pub(crate) fn find(&self, shown: &str) -> Option<Tree> {
        if shown == SCHEMA_TREE {
            return Some(Tree::of_schema());
        }
        self.trees.iter().find(|tree| tree.shown == shown).cloned()
    }

    pub(crate) fn tree(&self, tree: &Tree) -> Result<TreeId, Failure> {
        Ok(self.reader.sized_tree(&tree.name, tree.widths)?)
    }

    /// The tree of this number.
    pub(crate) fn numbered(&self, number: u32, widths: EntryWidths) -> Result<TreeId, Failure> {
        Ok(self.reader.sized_tree(&tree_name(number), widths)?)
    }

    pub(crate) fn kind(&self, tree: &Tree) -> Kind {
        let Some((name, index)) = self.places.get(&tree.name) else {
            return Kind::Bytes;
        };
        let model = self
            .schema
            .as_ref()
            .and_then(|schema| schema.models.get(name));
        match (model, index) {
            (Some(model), None) => Kind::Records {
                key: Shape::parse(&model.primary_key),
                types: model.types.clone(),
                fields: model.fields.clone(),
                form: self.form(model),
            },
            (Some(model), Some(place)) => match model.indexes.get(*place) {
                Some(index) => Kind::Index {
                    secondary: Shape::parse(&index.key),
                    primary: Shape::parse(&model.primary_key),
                    unique: index.unique,
                },
                None => Kind::Bytes,
            },
            (None, _) => Kind::Bytes,
        }
    }

    /// What stands around the encoded values of a model's records.
    pub(crate) fn form(&self, model: &ModelSchema) -> RecordForm {
        let has_checksums =
            (self.schema.as_ref()).is_some_and(|schema| schema.checksums() == Checksums::Records);
        RecordForm {
            tree: model.tree,
            has_checksums,
        }
    }
}

/// What the entries of a tree are.
pub(crate) enum Kind {
    /// A model's records.
    Records {
        key: Option<Shape>,
        types: Types,
        fields: Vec<(String, ValueShape)>,
        form: RecordForm,
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
