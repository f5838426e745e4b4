//! What has to be done before a definition's models can use a database: the models held against what is recorded.

use super::record::{IndexSchema, ModelSchema, SCHEMA_TREE, Schema, tree_name};
use super::stored::{self, check_complete, check_writable};
use crate::codec::checksum::RecordForm;
use crate::codec::shape::{Comparison, Types, ValueShape};
use crate::config::Checksums;
use crate::driver::Read;
use crate::error::{ErrorKind, NetabaseError};
use crate::model::{ModelInfo, NetabaseDefinitionTrait};

/// What opening a database has to do to its indexes. They hold nothing that the records do not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migration {
    /// The places, among the model's indexes, of those to build from the records.
    pub build: Vec<usize>,
    /// The numbers of the trees of indexes that the model no longer has.
    pub discard: Vec<u32>,
}

/// The trees of one model, by the names that the engine knows them by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelTrees {
    pub(crate) records: Box<str>,
    pub(crate) indexes: Box<[Box<str>]>,
    pub(crate) form: RecordForm,
    /// Whether a read of all records compares their number with that which the engine keeps.
    pub(crate) compares_counts: bool,
    /// What people know the trees by: that of the records, then those of the indexes.
    shown: Box<[&'static str]>,
}

impl ModelTrees {
    fn of(schema: &Schema, model: &ModelSchema, info: &ModelInfo) -> Self {
        Self {
            records: tree_name(model.tree).into(),
            indexes: (model.indexes.iter())
                .map(|index| tree_name(index.tree).into())
                .collect(),
            form: schema.record_form(model),
            compares_counts: false,
            shown: shown(info),
        }
    }

    /// What people know the tree by that the engine knows by this name.
    pub(crate) fn shown(&self, name: &str) -> Option<&'static str> {
        let mut names = std::iter::once(&self.records).chain(&self.indexes);
        let place = names.position(|known| **known == *name)?;
        self.shown.get(place).copied()
    }

    /// Whether the record gives the model these trees, for records and indexes as they are defined.
    pub(crate) fn are_recorded(&self, schema: &Schema, info: &ModelInfo) -> bool {
        let Some(stored) = schema.models.get(info.name) else {
            return false;
        };
        let mut unused = schema.clone();
        planned(&mut unused, info, Some(stored)).is_ok_and(|(model, _)| model == *stored)
            && *self == Self::of(schema, stored, info)
    }

    /// Trees that never hold anything, of a model that is not recorded and cannot be.
    fn empty(info: &ModelInfo) -> Self {
        const NEVER_GIVEN_OUT: u32 = 0;
        let name = || tree_name(NEVER_GIVEN_OUT).into();
        Self {
            records: name(),
            indexes: info.indexes.iter().map(|_| name()).collect(),
            form: RecordForm {
                tree: NEVER_GIVEN_OUT,
                has_checksums: false,
            },
            compares_counts: false,
            shown: shown(info),
        }
    }
}

fn shown(info: &ModelInfo) -> Box<[&'static str]> {
    let indexes = info.indexes.iter().map(|index| index.tree);
    std::iter::once(info.name).chain(indexes).collect()
}

/// What has to be recorded or prepared in the database before a definition's models can use it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What is recorded.
    stored: Option<Schema>,
    /// What is to be recorded.
    schema: Schema,
    /// Models that are not recorded as they are defined, by their place in the definition.
    migrations: Vec<(usize, Migration)>,
}

impl Plan {
    /// Reads what is recorded. A database without a record is to have these checksums.
    ///
    /// # Errors
    /// [`SchemaMismatch`](ErrorKind::SchemaMismatch) where records would be read as what they are not, or if the database
    /// requires of its writers what this release does not know; [`Corrupt`](ErrorKind::Corrupt) for a damaged record and for
    /// a database that was not filled to its end.
    pub(crate) fn read<D: NetabaseDefinitionTrait>(
        reader: &impl Read,
        checksums: Checksums,
        read_only: bool,
    ) -> Result<Self, NetabaseError> {
        check_complete(reader)?;
        let stored = stored::read(reader)?;
        let mut schema = stored.clone().unwrap_or_else(|| Schema::new(checksums));
        if !read_only {
            check_writable(&schema)?;
        }
        let mut migrations = Vec::new();
        for (place, info) in D::MODELS.iter().enumerate() {
            let recorded = schema.models.get(info.name).cloned();
            let (model, migration) = planned(&mut schema, info, recorded.as_ref())?;
            if recorded.as_ref() == Some(&model) {
                continue;
            }
            if recorded.is_none() {
                for tree in
                    std::iter::once(model.tree).chain(model.indexes.iter().map(|index| index.tree))
                {
                    check_empty(reader, info.name, tree)?;
                }
            }
            migrations.push((place, migration));
            schema.models.insert(info.name.to_owned(), model);
        }
        Ok(Self {
            stored,
            schema,
            migrations,
        })
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.stored.as_ref() == Some(&self.schema)
    }

    /// What is to be recorded.
    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What is to be done to the indexes of the model at this place of the definition; `None` if the model is recorded as it
    /// is defined.
    pub(crate) fn migration(&self, place: usize) -> Option<&Migration> {
        let found = self.migrations.iter().find(|(of, _)| *of == place)?;
        Some(&found.1)
    }

    /// The name of a model that cannot be used before an index of its own is built.
    pub(crate) fn needs_building<D: NetabaseDefinitionTrait>(&self) -> Option<&'static str> {
        let (place, _) = (self.migrations.iter()).find(|(place, migration)| {
            !migration.build.is_empty() && self.is_recorded::<D>(*place)
        })?;
        Some(D::MODELS[*place].name)
    }

    fn is_recorded<D: NetabaseDefinitionTrait>(&self, place: usize) -> bool {
        (self.stored.as_ref())
            .is_some_and(|stored| stored.models.contains_key(D::MODELS[place].name))
    }

    /// The trees of every model of the definition, in its order, once the plan is carried out.
    pub(crate) fn trees<D: NetabaseDefinitionTrait>(&self) -> Box<[ModelTrees]> {
        self.trees_where::<D>(|_| true)
    }

    /// The trees of every model of the definition, in its order, if the plan is not carried out.
    pub(crate) fn trees_as_recorded<D: NetabaseDefinitionTrait>(&self) -> Box<[ModelTrees]> {
        self.trees_where::<D>(|place| self.is_recorded::<D>(place))
    }

    fn trees_where<D: NetabaseDefinitionTrait>(
        &self,
        is_there: impl Fn(usize) -> bool,
    ) -> Box<[ModelTrees]> {
        (D::MODELS.iter().enumerate())
            .map(|(place, info)| match self.schema.models.get(info.name) {
                Some(model) if is_there(place) => ModelTrees::of(&self.schema, model, info),
                _ => ModelTrees::empty(info),
            })
            .collect()
    }
}

/// The model as it is to be recorded, and what is to be done to its indexes.
fn planned(
    schema: &mut Schema,
    info: &ModelInfo,
    stored: Option<&ModelSchema>,
) -> Result<(ModelSchema, Migration), NetabaseError> {
    let mut types = Types::default();
    let fields = (info.fields.iter())
        .map(|field| (field.name.into(), (field.describe)(&mut types)))
        .collect();
    let mut model = ModelSchema {
        tree: match stored {
            Some(stored) => stored.tree,
            None => schema.new_tree()?,
        },
        version: 1,
        primary_fields: info.primary_fields.join(","),
        primary_key: info.primary_key.to_string(),
        types,
        fields,
        indexes: Vec::with_capacity(info.indexes.len()),
    };
    if let Some(stored) = stored {
        check_same_records(&model, stored, info)?;
    }
    let mut migration = Migration::default();
    for (place, index) in info.indexes.iter().enumerate() {
        let key = index.key.to_string();
        let recorded = stored.and_then(|stored| find(stored, index.name));
        let tree = match recorded {
            Some(recorded) if !extends(&key, &recorded.key) => {
                return Err(mismatch(
                    info.name,
                    format_args!(
                        "the stored key of `{}` is `{}`, the model's `{key}`",
                        index.name, recorded.key
                    ),
                ));
            }
            Some(recorded) => {
                if recorded.unique != index.unique {
                    migration.build.push(place);
                }
                recorded.tree
            }
            None => {
                if stored.is_some() {
                    migration.build.push(place);
                }
                schema.new_tree()?
            }
        };
        model.indexes.push(IndexSchema {
            tree,
            name: index.name.into(),
            key,
            unique: index.unique,
        });
    }
    if let Some(stored) = stored {
        migration.discard = (stored.indexes.iter())
            .filter(|index| find(&model, &index.name).is_none())
            .map(|index| index.tree)
            .collect();
    }
    Ok((model, migration))
}

fn find<'a>(model: &'a ModelSchema, name: &str) -> Option<&'a IndexSchema> {
    model.indexes.iter().find(|index| index.name == name)
}

/// Refuses a model whose records are stored in another form than its own.
fn check_same_records(
    model: &ModelSchema,
    stored: &ModelSchema,
    info: &ModelInfo,
) -> Result<(), NetabaseError> {
    let name = info.name;
    if model.version != stored.version {
        return Err(mismatch(
            name,
            format_args!(
                "its stored version is {}, the model's {}",
                stored.version, model.version
            ),
        ));
    }
    if model.primary_fields != stored.primary_fields
        || !extends(&model.primary_key, &stored.primary_key)
    {
        return Err(mismatch(
            name,
            format_args!(
                "the stored primary key is `{}: {}`, the model's `{}: {}`",
                stored.primary_fields, stored.primary_key, model.primary_fields, model.primary_key
            ),
        ));
    }
    let mut comparison = Comparison::new(&model.types, &stored.types);
    for place in 0..model.fields.len().max(stored.fields.len()) {
        let (own, theirs) = (model.fields.get(place), stored.fields.get(place));
        match (own, theirs) {
            (Some((field, own)), Some((stored_field, theirs))) if field == stored_field => {
                // What was opaque may be described from now on.
                let was_opaque = match theirs {
                    ValueShape::Opaque(written) => written == info.fields[place].ty,
                    _ => false,
                };
                if was_opaque {
                    continue;
                }
                if let Some(found) = comparison.difference(own, theirs) {
                    return Err(mismatch(
                        name,
                        format_args!(
                            "at `{name}.{field}{}`, {} is stored, and the model has {}",
                            found.path, found.stored, found.own
                        ),
                    ));
                }
            }
            (own, theirs) => {
                let show = |field: Option<&(String, ValueShape)>| {
                    field.map_or("no field".into(), |(name, _)| format!("the field `{name}`"))
                };
                return Err(mismatch(
                    name,
                    format_args!(
                        "where {} is stored, the model has {}",
                        show(theirs),
                        show(own)
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Refuses to record a model in a tree that holds something: the record that said what it holds is lost.
fn check_empty(reader: &impl Read, model: &str, tree: u32) -> Result<(), NetabaseError> {
    let name = tree_name(tree);
    let tree = reader.tree(&name)?;
    if reader.len(tree)? == 0 {
        return Ok(());
    }
    Err(NetabaseError::new(
        ErrorKind::SchemaMismatch,
        format!(
            "the model `{model}` would be stored in the tree `{name}`, which holds entries that the schema record does not \
             speak of: the record is lost, or another program uses the database; restore a backup, or open another database"
        ),
    )
    .in_tree(SCHEMA_TREE))
}

#[cold]
fn mismatch(model: &str, what: std::fmt::Arguments<'_>) -> NetabaseError {
    NetabaseError::new(
        ErrorKind::SchemaMismatch,
        format!(
            "model `{model}` is not stored as it is defined: {what}; open the database with the definition that wrote it, or \
             give the changed model a new name and copy the records"
        ),
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::key::KeyShape;
    use crate::codec::netabase_value::NetabaseValue;
    use crate::model::{FieldInfo, IndexInfo};

    fn index(name: &'static str, unique: bool) -> IndexInfo {
        IndexInfo {
            name,
            tree: "M.index",
            key: KeyShape::Plain("str"),
            unique,
        }
    }

    fn info(
        fields: &'static [(&'static str, &'static str)],
        indexes: &'static [IndexInfo],
    ) -> ModelInfo {
        let fields = fields.iter().map(|&(name, ty)| FieldInfo {
            name,
            ty,
            describe: match ty {
                "u64" => <u64 as NetabaseValue>::describe,
                "u8" => <u8 as NetabaseValue>::describe,
                "String" => <String as NetabaseValue>::describe,
                "Option<String>" => <Option<String> as NetabaseValue>::describe,
                _ => |_| ValueShape::Opaque("Colour".into()),
            },
        });
        ModelInfo {
            name: "M",
            fields: fields.collect::<Vec<_>>().leak(),
            primary_fields: &["id"],
            primary_key: KeyShape::Fixed("u64", 8),
            indexes,
        }
    }

    /// What `stored` is recorded as in an empty database, and the database's record.
    fn recorded(stored: &ModelInfo) -> (Schema, ModelSchema) {
        let mut schema = Schema::new(Checksums::Off);
        let (model, migration) = planned(&mut schema, stored, None).unwrap();
        assert_eq!(migration, Migration::default());
        (schema, model)
    }

    fn change(
        stored: &ModelInfo,
        own: &ModelInfo,
    ) -> Result<(ModelSchema, Migration), NetabaseError> {
        let (mut schema, stored) = recorded(stored);
        planned(&mut schema, own, Some(&stored))
    }

    #[test]
    fn trees_keep_their_numbers_and_none_is_used_again() {
        let stored = info(
            &[("id", "u64")],
            vec![index("a", false), index("b", false)].leak(),
        );
        let own = info(
            &[("id", "u64")],
            vec![index("b", true), index("c", false)].leak(),
        );
        let (model, migration) = change(&stored, &own).unwrap();
        assert_eq!(model.tree, 1);
        let numbers: Vec<_> = model.indexes.iter().map(|index| index.tree).collect();
        assert_eq!(numbers, [3, 4]);
        assert_eq!(
            migration,
            Migration {
                build: vec![0, 1],
                discard: vec![2]
            }
        );
        let (same, nothing) = change(&stored, &stored).unwrap();
        assert_eq!(same, recorded(&stored).1);
        assert_eq!(nothing, Migration::default());
    }

    #[test]
    fn a_changed_field_is_a_mismatch_that_names_it() {
        let stored = info(&[("id", "u64"), ("name", "String")], &[]);
        for other in [
            info(&[("id", "u64"), ("name", "Option<String>")], &[]),
            info(&[("id", "u64"), ("title", "String")], &[]),
            info(&[("id", "u64")], &[]),
            info(&[("id", "u64"), ("name", "String"), ("age", "u8")], &[]),
        ] {
            let error = change(&stored, &other).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
            assert!(
                error.to_string().contains("name") || error.to_string().contains("age"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_was_opaque_may_be_described_if_it_is_written_as_it_was() {
        let stored = info(&[("id", "u64"), ("colour", "Colour")], &[]);
        let (mut schema, recorded) = recorded(&stored);
        let described = FieldInfo {
            describe: <u8 as NetabaseValue>::describe,
            ..stored.fields[1]
        };
        for (ty, is_same) in [("Colour", true), ("Shade", false)] {
            let own = ModelInfo {
                fields: vec![stored.fields[0], FieldInfo { ty, ..described }].leak(),
                ..stored
            };
            let planned = planned(&mut schema, &own, Some(&recorded));
            assert_eq!(planned.is_ok(), is_same);
        }
    }

    #[test]
    fn another_version_of_the_model_is_named_with_both_numbers() {
        let own = info(&[("id", "u64")], &[]);
        let (mut schema, mut stored) = recorded(&own);
        stored.version = 27;
        let error = planned(&mut schema, &own, Some(&stored)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
        assert!(
            error.message().contains("27") && error.message().contains('1'),
            "{error}"
        );
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
        const NAMED: &[IndexInfo] = &[IndexInfo {
            name: "name",
            tree: "M.name",
            key: KeyShape::Plain("str"),
            unique: false,
        }];
        const BYTES: &[IndexInfo] = &[IndexInfo {
            key: KeyShape::Plain("bytes"),
            ..NAMED[0]
        }];
        let stored = info(&[("id", "u64"), ("other", "u64")], NAMED);
        let moved = ModelInfo {
            primary_fields: &["other"],
            ..stored
        };
        let encoded = ModelInfo {
            indexes: BYTES,
            ..stored
        };
        for (own, named) in [(moved, "other"), (encoded, "name")] {
            let error = change(&stored, &own).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn a_tree_that_the_record_does_not_speak_of_is_refused() {
        use std::path::Path;

        use crate::driver::checked::Checked;
        use crate::driver::{Durability, OpenConfig, Write as _};
        use crate::memory::Memory;

        let store = Checked::open(&Memory, &OpenConfig::new(Path::new(""))).unwrap();
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("1").unwrap();
        writer.put(tree, b"key", b"value", |_| ()).unwrap();
        writer.commit(Durability::None).unwrap();
        let reader = store.begin_read().unwrap();
        let error = check_empty(&reader, "User", 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
        assert!(error.message().contains("User"), "{error}");
        check_empty(&reader, "User", 2).unwrap();
    }
}
