//! The schema record: what a database says of the models that it holds, and the check against the models that open it.
//!
//! It lives in the tree [`SCHEMA_TREE`]: the format's version under `format`, and one record a model under
//! `model/<name>`, as lines of text:
//!
//! ```text
//! primary_key id u64
//! field id u64
//! field email String
//! index email str unique
//! ```
//!
//! The primary key is given by its fields and its encoding, `primary_key customer,number (str,i32)` where there are
//! several. A field is given by its type as it is written: where a type alias, or a struct or enum that a field holds,
//! changes its definition and keeps its name, the record stays the same and the change is not seen. Give such a type a
//! new name. The encodings of keys are recorded in full, and their changes are seen.

use std::collections::BTreeMap;
use std::fmt;

use crate::codec::dynamic::Shape;
use crate::driver::{Bounds, Cursor as _, Direction, EntryWidths, Read};
use crate::error::{ErrorKind, NetabaseError};
use crate::model::ModelInfo;

/// The tree that holds the schema record. No model can have this name.
pub const SCHEMA_TREE: &str = "$netabase";

/// The key of the format's version within [`SCHEMA_TREE`].
pub const FORMAT_KEY: &[u8] = b"format";

/// The version of the stored format: key codec, value codec, layout of indexes, and this record. Stored as `u32`,
/// little endian.
pub const FORMAT_VERSION: u32 = 1;

/// The key, within [`SCHEMA_TREE`], of the mark of a database that is being filled by a copy, and what fills it. The last
/// transaction of the copy removes it; the typed layer refuses a database that has it.
pub const INCOMPLETE_KEY: &[u8] = b"incomplete";

/// Refuses a database that a copy did not fill to its end.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if it has the [mark](INCOMPLETE_KEY), or an error of the engine.
pub fn check_complete(reader: &impl Read) -> Result<(), NetabaseError> {
    let schema = reader.tree(SCHEMA_TREE)?;
    match reader.get(schema, INCOMPLETE_KEY, |origin| {
        String::from_utf8_lossy(origin).into_owned()
    })? {
        None => Ok(()),
        Some(origin) => Err(NetabaseError::new(
            ErrorKind::Corrupt,
            format!(
                "the database is incomplete: filling it by `{origin}` was interrupted, or is under way; run it again with \
                 `--overwrite`"
            ),
        )),
    }
}

/// Whether a database records its format version; refuses one that this release does not know.
pub(crate) fn has_format(reader: &impl Read) -> Result<bool, NetabaseError> {
    let schema = reader.tree(SCHEMA_TREE)?;
    let format = reader.get(schema, FORMAT_KEY, |bytes| {
        bytes.try_into().ok().map(u32::from_le_bytes)
    })?;
    match format {
        None => Ok(false),
        Some(Some(FORMAT_VERSION)) => Ok(true),
        Some(Some(version)) => Err(NetabaseError::new(
            ErrorKind::SchemaMismatch,
            format!(
                "the database has format version {version}, and this release knows {FORMAT_VERSION}; use the release that \
                 wrote it, or a newer one"
            ),
        )),
        Some(None) => Err(NetabaseError::new(
            ErrorKind::Corrupt,
            "the format version of the database is damaged; restore a backup",
        )
        .in_tree(SCHEMA_TREE)),
    }
}

/// The models that a database records, by name.
///
/// # Errors
/// [`SchemaMismatch`](ErrorKind::SchemaMismatch) for another format version, [`Corrupt`](ErrorKind::Corrupt) for a record that
/// cannot be read, or an error of the engine.
pub fn stored_models(reader: &impl Read) -> Result<BTreeMap<String, ModelSchema>, NetabaseError> {
    has_format(reader)?;
    let schema = reader.tree(SCHEMA_TREE)?;
    let mut models = BTreeMap::new();
    let mut cursor = reader.cursor(schema, Bounds::ALL, Direction::Forward)?;
    while let Some((key, value)) = cursor.next_entry()? {
        if let Some(name) = key.strip_prefix(b"model/") {
            let name = std::str::from_utf8(name).map_err(|error| damaged().with_source(error))?;
            models.insert(name.to_owned(), ModelSchema::parse(value)?);
        }
    }
    Ok(models)
}

/// The widths that the typed layer gives to the trees of these models.
#[must_use]
pub fn stored_widths(models: &BTreeMap<String, ModelSchema>) -> BTreeMap<String, EntryWidths> {
    let width = |text: &str| Shape::parse(text).and_then(|shape| shape.width());
    let stated = |width: Option<usize>| width.and_then(|width| u32::try_from(width).ok());
    let mut widths = BTreeMap::new();
    for (name, model) in models {
        let primary = width(&model.primary_key);
        widths.insert(
            name.clone(),
            EntryWidths {
                key: stated(primary),
                value: None,
            },
        );
        for index in &model.indexes {
            let secondary = width(&index.key);
            let (key, value) = if index.unique {
                (secondary, primary)
            } else {
                let both = secondary.and_then(|secondary| secondary.checked_add(primary?));
                (both, Some(0))
            };
            widths.insert(
                format!("{name}.{}", index.name),
                EntryWidths {
                    key: stated(key),
                    value: stated(value),
                },
            );
        }
    }
    widths
}

/// The key of a model's record within [`SCHEMA_TREE`].
#[must_use]
pub fn model_key(name: &str) -> Vec<u8> {
    [b"model/", name.as_bytes()].concat()
}

/// The stored shape of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSchema {
    /// The names of the primary key's fields, in order, with commas between them.
    pub primary_fields: String,
    /// The primary key's encoding, in the form of [`KeyShape`](crate::codec::key::KeyShape)'s `Display`.
    pub primary_key: String,
    /// Each field's name and type, in order.
    pub fields: Vec<(String, String)>,
    /// The indexes, in the order of their fields.
    pub indexes: Vec<IndexSchema>,
}

/// The stored shape of one index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSchema {
    /// The name of the field.
    pub name: String,
    /// The key's encoding.
    pub key: String,
    /// Whether two records may not have the same key.
    pub unique: bool,
}

impl From<&ModelInfo> for ModelSchema {
    fn from(info: &ModelInfo) -> Self {
        Self {
            primary_fields: info.primary_fields.join(","),
            primary_key: info.primary_key.to_string(),
            fields: info
                .fields
                .iter()
                .map(|field| (field.name.into(), field.ty.into()))
                .collect(),
            indexes: info
                .indexes
                .iter()
                .map(|index| IndexSchema {
                    name: index.name.into(),
                    key: index.key.to_string(),
                    unique: index.unique,
                })
                .collect(),
        }
    }
}

impl fmt::Display for ModelSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "primary_key {} {}",
            self.primary_fields, self.primary_key
        )?;
        for (name, ty) in &self.fields {
            writeln!(f, "field {name} {ty}")?;
        }
        for IndexSchema { name, key, unique } in &self.indexes {
            writeln!(
                f,
                "index {name} {key}{}",
                if *unique { " unique" } else { "" }
            )?;
        }
        Ok(())
    }
}

impl ModelSchema {
    /// Reads the stored text.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if it is not what [`Display`](fmt::Display) writes.
    pub fn parse(text: &[u8]) -> Result<Self, NetabaseError> {
        let mut schema = Self {
            primary_fields: String::new(),
            primary_key: String::new(),
            fields: Vec::new(),
            indexes: Vec::new(),
        };
        let text = std::str::from_utf8(text).map_err(|error| damaged().with_source(error))?;
        for line in text.lines() {
            let (kind, rest) = line.split_once(' ').ok_or_else(damaged)?;
            match kind {
                "primary_key" => {
                    let (names, key) = rest.split_once(' ').ok_or_else(damaged)?;
                    schema.primary_fields = names.into();
                    schema.primary_key = key.into();
                }
                "field" => {
                    let (name, ty) = rest.split_once(' ').ok_or_else(damaged)?;
                    schema.fields.push((name.into(), ty.into()));
                }
                "index" => {
                    let (name, key) = rest.split_once(' ').ok_or_else(damaged)?;
                    let (key, unique) = key
                        .strip_suffix(" unique")
                        .map_or((key, false), |key| (key, true));
                    schema.indexes.push(IndexSchema {
                        name: name.into(),
                        key: key.into(),
                        unique,
                    });
                }
                _ => return Err(damaged()),
            }
        }
        if schema.primary_key.is_empty() {
            Err(damaged())
        } else {
            Ok(schema)
        }
    }

    /// What has to be done before a model of shape `self` can use a database that records the shape `stored`.
    ///
    /// # Errors
    /// [`SchemaMismatch`](ErrorKind::SchemaMismatch) where records would be read as what they are not.
    pub fn migration_from(&self, stored: &Self, model: &str) -> Result<Migration, NetabaseError> {
        let mismatch = |what: String| {
            Err(NetabaseError::new(
                ErrorKind::SchemaMismatch,
                format!(
                    "model `{model}` is not stored as it is defined: {what}; open the database with the definition that \
                     wrote it, or give the changed model a new name and copy the records"
                ),
            ))
        };
        if self.primary_fields != stored.primary_fields
            || !extends(&self.primary_key, &stored.primary_key)
        {
            return mismatch(format!(
                "the stored primary key is `{}: {}`, the model's `{}: {}`",
                stored.primary_fields, stored.primary_key, self.primary_fields, self.primary_key
            ));
        }
        let mut own = self.fields.iter();
        let mut theirs = stored.fields.iter();
        loop {
            match (own.next(), theirs.next()) {
                (None, None) => break,
                (own, theirs) if own == theirs => {}
                (own, theirs) => {
                    let show = |field: Option<&(String, String)>| {
                        field.map_or("no field".into(), |(name, ty)| format!("`{name}: {ty}`"))
                    };
                    return mismatch(format!(
                        "where {} is stored, the model has {}",
                        show(theirs),
                        show(own)
                    ));
                }
            }
        }
        fn find<'a>(schema: &'a ModelSchema, name: &str) -> Option<&'a IndexSchema> {
            schema.indexes.iter().find(|index| index.name == name)
        }
        let mut build = Vec::new();
        for (place, index) in self.indexes.iter().enumerate() {
            match find(stored, &index.name) {
                Some(stored) if !extends(&index.key, &stored.key) => {
                    return mismatch(format!(
                        "the stored key of `{}` is `{}`, the model's `{}`",
                        index.name, stored.key, index.key
                    ));
                }
                Some(stored) if stored.unique == index.unique => {}
                Some(_) | None => build.push(place),
            }
        }
        let discard = (stored.indexes.iter())
            .filter(|index| find(self, &index.name).is_none())
            .map(|index| format!("{model}.{}", index.name))
            .collect();
        Ok(Migration { build, discard })
    }
}

/// Whether every key of the stored shape is a key of this one: they are the same, but that enums may have got further
/// variants behind those that they had.
fn extends(mut own: &str, mut stored: &str) -> bool {
    const ENUM: &str = "enum{";
    loop {
        let (Some((before, rest)), Some((stored_before, stored_rest))) =
            (own.split_once(ENUM), stored.split_once(ENUM))
        else {
            return own == stored;
        };
        let (Some((variants, rest)), Some((stored_variants, stored_rest))) =
            (rest.split_once('}'), stored_rest.split_once('}'))
        else {
            return own == stored;
        };
        let added = variants.strip_prefix(stored_variants);
        if before != stored_before
            || !added.is_some_and(|added| added.is_empty() || added.starts_with(','))
        {
            return false;
        }
        (own, stored) = (rest, stored_rest);
    }
}

#[cold]
fn damaged() -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Corrupt,
        "the schema record of this database is damaged, or another program wrote it; restore a backup",
    )
}

/// What opening a database has to do to its indexes. They hold nothing that the records do not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migration {
    /// The places, among the model's indexes, of those to build from the records.
    pub build: Vec<usize>,
    /// The trees of indexes that the model no longer has.
    pub discard: Vec<String>,
}

impl Migration {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.build.is_empty() && self.discard.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(fields: &[(&str, &str)], indexes: &[(&str, bool)]) -> ModelSchema {
        ModelSchema {
            primary_fields: "id".into(),
            primary_key: "u64".into(),
            fields: fields
                .iter()
                .map(|(name, ty)| ((*name).into(), (*ty).into()))
                .collect(),
            indexes: (indexes.iter())
                .map(|(name, unique)| IndexSchema {
                    name: (*name).into(),
                    key: "str".into(),
                    unique: *unique,
                })
                .collect(),
        }
    }

    #[test]
    fn text_gives_back_the_schema() {
        let schema = schema(
            &[("id", "u64"), ("tags", "HashMap<String,Vec<u8>>")],
            &[("email", true), ("name", false)],
        );
        assert_eq!(
            ModelSchema::parse(schema.to_string().as_bytes()).unwrap(),
            schema
        );
    }

    #[test]
    fn damaged_text_is_an_error() {
        for text in [
            "",
            "field a u8\n",
            "primary_key id u64\nfield a\n",
            "primary_key u64\nfield id u64\n",
            "what is this\n",
        ] {
            assert_eq!(
                ModelSchema::parse(text.as_bytes()).unwrap_err().kind(),
                ErrorKind::Corrupt,
                "{text:?}"
            );
        }
        assert_eq!(
            ModelSchema::parse(&[0xFF]).unwrap_err().kind(),
            ErrorKind::Corrupt
        );
    }

    #[test]
    fn a_changed_index_is_built_and_a_lost_one_discarded() {
        let stored = schema(&[("id", "u64")], &[("a", false), ("b", false)]);
        let model = schema(&[("id", "u64")], &[("b", true), ("c", false)]);
        let migration = model.migration_from(&stored, "M").unwrap();
        assert_eq!(
            migration,
            Migration {
                build: vec![0, 1],
                discard: vec!["M.a".into()]
            }
        );
        assert!(stored.migration_from(&stored, "M").unwrap().is_empty());
    }

    #[test]
    fn a_changed_field_is_a_mismatch_that_names_it() {
        let stored = schema(&[("id", "u64"), ("name", "String")], &[]);
        for other in [
            schema(&[("id", "u64"), ("name", "Option<String>")], &[]),
            schema(&[("id", "u64"), ("title", "String")], &[]),
            schema(&[("id", "u64")], &[]),
            schema(&[("id", "u64"), ("name", "String"), ("age", "u8")], &[]),
        ] {
            let error = other.migration_from(&stored, "M").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
            assert!(
                error.to_string().contains("name") || error.to_string().contains("age"),
                "{error}"
            );
        }
    }

    #[test]
    fn enums_in_keys_may_get_further_variants_at_their_end() {
        let stored = "(str,enum{A=0,B=1},option<enum{X=-1}>)";
        for own in [
            stored,
            "(str,enum{A=0,B=1,C=2},option<enum{X=-1}>)",
            "(str,enum{A=0,B=1},option<enum{X=-1,Y=7}>)",
            "(str,enum{A=0,B=1,C=-9,D=5},option<enum{X=-1,Y=7}>)",
        ] {
            assert!(extends(own, stored), "{own}");
        }
        for own in [
            "(str,enum{A=0},option<enum{X=-1}>)",
            "(str,enum{A=0,B=11},option<enum{X=-1}>)",
            "(str,enum{B=1,A=0},option<enum{X=-1}>)",
            "(str,enum{A=0,C=2,B=1},option<enum{X=-1}>)",
            "(str,enum{A=0,Bee=1},option<enum{X=-1}>)",
            "(u64,enum{A=0,B=1,C=2},option<enum{X=-1}>)",
            "(str,enum{A=0,B=1},enum{X=-1})",
            "(str,enum{A=0,B=1},option<enum{X=-1}>,u8)",
            "str",
        ] {
            assert!(!extends(own, stored), "{own}");
        }
    }

    #[test]
    fn a_key_of_other_fields_or_of_another_encoding_is_a_mismatch() {
        let stored = schema(&[("id", "u64"), ("other", "u64")], &[("name", false)]);
        let moved = ModelSchema {
            primary_fields: "other".into(),
            ..stored.clone()
        };
        let mut encoded = stored.clone();
        encoded.indexes[0].key = "bytes".into();
        for (own, named) in [(moved, "other"), (encoded, "name")] {
            let error = own.migration_from(&stored, "M").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
