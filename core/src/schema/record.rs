//! The record itself: what is in it, and its text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use xxhash_rust::xxh3::xxh3_64;

use crate::codec::checksum::RecordForm;
use crate::codec::dynamic::Shape;
use crate::codec::shape::{Types, ValueShape};
use crate::config::Checksums;
use crate::driver::EntryWidths;
use crate::error::{ErrorKind, NetabaseError};

/// The tree that holds the schema record. No model can have this name.
pub const SCHEMA_TREE: &str = "$netabase";

/// The key of the schema record within [`SCHEMA_TREE`].
pub const SCHEMA_KEY: &[u8] = b"schema";

/// The version of the stored format: key codec, value codec, layout of trees and indexes, and the schema record.
pub const FORMAT_VERSION: u32 = 2;

/// The key, within [`SCHEMA_TREE`], of the mark of a database that is being filled by a copy, and what fills it. The last
/// transaction of the copy removes it; the typed layer refuses a database that has it.
pub const INCOMPLETE_KEY: &[u8] = b"incomplete";

/// What a database [requires](Schema::requires) whose records have checksums.
pub const CHECKSUMS: &str = "checksums";

/// The largest schema record that is read, in bytes.
const RECORD_BYTES: usize = 16 << 20;

/// The engine's name for the tree of this number.
#[must_use]
pub fn tree_name(number: u32) -> String {
    number.to_string()
}

/// What a database records of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// What a program has to know to write to the database, by name.
    pub requires: BTreeSet<String>,
    /// How many tree numbers were given out. The first is 1.
    pub trees: u32,
    /// The models, by name.
    pub models: BTreeMap<String, ModelSchema>,
}

impl Schema {
    /// That of an empty database.
    #[must_use]
    pub fn new(checksums: Checksums) -> Self {
        Self {
            requires: match checksums {
                Checksums::Off => BTreeSet::new(),
                Checksums::Records => BTreeSet::from([CHECKSUMS.to_owned()]),
            },
            trees: 0,
            models: BTreeMap::new(),
        }
    }

    /// Whether records have checksums.
    #[must_use]
    pub fn checksums(&self) -> Checksums {
        if self.requires.contains(CHECKSUMS) {
            Checksums::Records
        } else {
            Checksums::Off
        }
    }

    /// What stands around the encoded values of this model's records.
    #[must_use]
    pub fn record_form(&self, model: &ModelSchema) -> RecordForm {
        RecordForm {
            tree: model.tree,
            has_checksums: self.checksums() == Checksums::Records,
        }
    }

    /// The number of a tree that never was.
    pub(super) fn new_tree(&mut self) -> Result<u32, NetabaseError> {
        self.trees = self.trees.checked_add(1).ok_or_else(|| {
            NetabaseError::new(
                ErrorKind::LimitExceeded,
                "the database has no tree number left; copy its records to another one",
            )
        })?;
        Ok(self.trees)
    }

    /// Every tree of a model: the engine's name for it, the name that people know it by, and the widths of its entries.
    pub fn model_trees(&self) -> impl Iterator<Item = (String, String, EntryWidths)> {
        self.models.iter().flat_map(|(name, model)| {
            let records = (tree_name(model.tree), name.clone(), model.record_widths());
            let indexes = model.indexes.iter().map(move |index| {
                let shown = format!("{name}.{}", index.name);
                (tree_name(index.tree), shown, model.index_widths(index))
            });
            std::iter::once(records).chain(indexes)
        })
    }

    /// The text that is stored.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) for one that is longer than any that is read.
    pub(crate) fn stored_text(&self) -> Result<String, NetabaseError> {
        let text = self.to_string();
        if text.len() > RECORD_BYTES {
            return Err(NetabaseError::new(
                ErrorKind::LimitExceeded,
                format!(
                    "the models take {} bytes in the schema record, which has {RECORD_BYTES} at most; put some of them \
                     into another database",
                    text.len()
                ),
            ));
        }
        Ok(text)
    }

    /// Reads the stored text.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if it is not what [`Display`](fmt::Display) writes,
    /// [`SchemaMismatch`](ErrorKind::SchemaMismatch) if it is of another version of the format.
    pub fn parse(bytes: &[u8]) -> Result<Self, NetabaseError> {
        if bytes.len() > RECORD_BYTES {
            return Err(damaged());
        }
        let text = std::str::from_utf8(bytes).map_err(|error| damaged().with_source(error))?;
        let mut lines = Lines(text);
        let version = lines.number("netabase")?;
        if version != FORMAT_VERSION {
            return Err(other_format(version));
        }
        let checked = text
            .trim_end_matches('\n')
            .rfind('\n')
            .map_or(0, |end| end + 1);
        let (content, checksum) = text.split_at(checked);
        if checksum != checksum_line(content) {
            return Err(damaged());
        }
        lines.0 = &content[content.len() - lines.0.len().saturating_sub(checksum.len())..];
        let mut schema = Self::new(Checksums::Off);
        while let Some(name) = lines.take("requires") {
            schema.requires.insert(name.to_owned());
        }
        schema.trees = lines.number("trees")?;
        let mut numbers = BTreeSet::new();
        while let Some(line) = lines.take("model") {
            let (name, model) = ModelSchema::parse(line, &mut lines)?;
            let of_indexes = model.indexes.iter().map(|index| index.tree);
            for number in std::iter::once(model.tree).chain(of_indexes) {
                if number == 0 || number > schema.trees || !numbers.insert(number) {
                    return Err(damaged());
                }
            }
            if schema.models.insert(name, model).is_some() {
                return Err(damaged());
            }
        }
        if lines.0.is_empty() {
            Ok(schema)
        } else {
            Err(damaged())
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("netabase {FORMAT_VERSION}\n");
        for name in &self.requires {
            writeln!(text, "requires {name}")?;
        }
        writeln!(text, "trees {}", self.trees)?;
        for (name, model) in &self.models {
            writeln!(
                text,
                "model {name} tree {} version {}",
                model.tree, model.version
            )?;
            write!(text, "{model}")?;
        }
        f.write_str(&text)?;
        f.write_str(&checksum_line(&text))
    }
}

/// The last line of a record.
fn checksum_line(content: &str) -> String {
    format!("checksum {:016x}\n", xxh3_64(content.as_bytes()))
}

/// Lines of a record that are still to be read.
struct Lines<'a>(&'a str);

impl<'a> Lines<'a> {
    /// What the next line says behind `word`, if it begins with it.
    fn take(&mut self, word: &str) -> Option<&'a str> {
        let rest = self.0.strip_prefix(word)?.strip_prefix(' ')?;
        let (line, rest) = rest.split_once('\n')?;
        self.0 = rest;
        Some(line)
    }

    /// The number behind `word` in the next line.
    fn number(&mut self, word: &str) -> Result<u32, NetabaseError> {
        self.take(word).and_then(number).ok_or_else(damaged)
    }
}

/// A number as it is written, without a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// The stored shape of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSchema {
    /// The number of the tree of its records.
    pub tree: u32,
    /// The version of the model.
    pub version: u32,
    /// The names of the primary key's fields, in order, with commas between them.
    pub primary_fields: String,
    /// The primary key's encoding, in the form of [`KeyShape`](crate::codec::key::KeyShape)'s `Display`.
    pub primary_key: String,
    /// The structs and enums that fields are made of.
    pub types: Types,
    /// Each field's name and shape, in order.
    pub fields: Vec<(String, ValueShape)>,
    /// The indexes, in the order of their fields.
    pub indexes: Vec<IndexSchema>,
}

/// The stored shape of one index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSchema {
    /// The number of the tree of its entries.
    pub tree: u32,
    /// The name of the field.
    pub name: String,
    /// The key's encoding.
    pub key: String,
    /// Whether two records may not have the same key.
    pub unique: bool,
}

impl ModelSchema {
    /// Reads a model from its first line, which stands behind `model`, and those that follow.
    fn parse(line: &str, lines: &mut Lines<'_>) -> Result<(String, Self), NetabaseError> {
        let first = || {
            let mut words = line.split(' ');
            let name = words.next().filter(|name| !name.is_empty())?;
            let tree = named(&mut words, "tree")?;
            let version = named(&mut words, "version")?;
            words.next().is_none().then_some((name, tree, version))
        };
        let (name, tree, version) = first().ok_or_else(damaged)?;
        let primary = lines
            .take("primary_key")
            .and_then(|line| line.split_once(' '));
        let (primary_fields, primary_key) = primary.ok_or_else(damaged)?;
        let mut model = Self {
            tree,
            version,
            primary_fields: primary_fields.into(),
            primary_key: primary_key.into(),
            types: Types::default(),
            fields: Vec::new(),
            indexes: Vec::new(),
        };
        while let Some(line) = lines.take("type") {
            model.types.add(line).ok_or_else(damaged)?;
        }
        while let Some(line) = lines.take("field") {
            let (name, shape) = line.split_once(' ').ok_or_else(damaged)?;
            let shape = ValueShape::parse(shape).ok_or_else(damaged)?;
            model.fields.push((name.into(), shape));
        }
        let shapes = model.fields.iter().map(|(_, shape)| shape);
        if !model.types.is_closed(shapes) {
            return Err(damaged());
        }
        while let Some(line) = lines.take("index") {
            model
                .indexes
                .push(IndexSchema::parse(line).ok_or_else(damaged)?);
        }
        Ok((name.into(), model))
    }

    /// The widths of the entries in the tree of the records.
    #[must_use]
    pub fn record_widths(&self) -> EntryWidths {
        EntryWidths {
            key: width(&self.primary_key),
            value: None,
        }
    }

    /// The widths of the entries in the tree of one of its indexes.
    #[must_use]
    pub fn index_widths(&self, index: &IndexSchema) -> EntryWidths {
        let (secondary, primary) = (width(&index.key), width(&self.primary_key));
        if index.unique {
            EntryWidths {
                key: secondary,
                value: primary,
            }
        } else {
            EntryWidths {
                key: secondary.and_then(|secondary| secondary.checked_add(primary?)),
                value: Some(0),
            }
        }
    }
}

/// The width of a key of this encoding.
fn width(key: &str) -> Option<u32> {
    Shape::parse(key)?.width()?.try_into().ok()
}

/// The number behind this word.
fn named<'a>(words: &mut impl Iterator<Item = &'a str>, word: &str) -> Option<u32> {
    (words.next()? == word).then_some(())?;
    number(words.next()?)
}

impl IndexSchema {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let name = words.next().filter(|name| !name.is_empty())?;
        let tree = named(&mut words, "tree")?;
        let key = words.next()?;
        let unique = match words.next() {
            None => false,
            Some("unique") => words.next().is_none().then_some(true)?,
            Some(_) => return None,
        };
        Some(Self {
            tree,
            name: name.into(),
            key: key.into(),
            unique,
        })
    }
}

impl fmt::Display for ModelSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "primary_key {} {}",
            self.primary_fields, self.primary_key
        )?;
        for ty in self.types.all() {
            writeln!(f, "type {ty}")?;
        }
        for (name, shape) in &self.fields {
            writeln!(f, "field {name} {shape}")?;
        }
        for index in &self.indexes {
            let unique = if index.unique { " unique" } else { "" };
            writeln!(
                f,
                "index {} tree {} {}{unique}",
                index.name, index.tree, index.key
            )?;
        }
        Ok(())
    }
}

#[cold]
pub(super) fn damaged() -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Corrupt,
        "the schema record of this database is damaged, or another program wrote it; restore a backup",
    )
    .in_tree(SCHEMA_TREE)
}

#[cold]
fn other_format(version: u32) -> NetabaseError {
    NetabaseError::new(
        ErrorKind::SchemaMismatch,
        format!(
            "the database has format version {version}, and this release knows {FORMAT_VERSION}; use the release that wrote \
             it, or copy its records with that one"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let index = |tree, name: &str, unique| IndexSchema {
            tree,
            name: name.into(),
            key: "str".into(),
            unique,
        };
        let mut schema = Schema::new(Checksums::Records);
        schema.trees = 7;
        let user = ModelSchema {
            tree: 1,
            version: 1,
            primary_fields: "id".into(),
            primary_key: "u64".into(),
            types: Types::default(),
            fields: vec![
                ("id".into(), ValueShape::Unsigned(8)),
                ("tags".into(), ValueShape::parse("map<str,@0>").unwrap()),
            ],
            indexes: vec![index(2, "email", true), index(7, "name", false)],
        };
        let mut user = user;
        user.types.add("enum Theme{Light,Dark(u8)}").unwrap();
        let post = ModelSchema {
            tree: 4,
            indexes: Vec::new(),
            ..user.clone()
        };
        schema.models = BTreeMap::from([("User".into(), user), ("Post".into(), post)]);
        schema
    }

    /// The text with another content and the checksum that belongs to it.
    fn changed(from: &str, to: &str) -> String {
        let text = schema().to_string();
        let content = &text[..text.rfind("checksum").unwrap()];
        assert!(content.contains(from), "{from}");
        let content = content.replacen(from, to, 1);
        format!("{content}{}", checksum_line(&content))
    }

    #[test]
    fn text_gives_back_the_schema() {
        for schema in [schema(), Schema::new(Checksums::Off)] {
            assert_eq!(
                Schema::parse(schema.to_string().as_bytes()).unwrap(),
                schema
            );
        }
    }

    #[test]
    fn a_record_is_written_only_as_long_as_it_is_read() {
        let mut schema = schema();
        let user = schema.models.get_mut("User").unwrap();
        for (field, is_right) in [(RECORD_BYTES / 2, true), (RECORD_BYTES, false)] {
            user.fields[1].1 = ValueShape::Opaque("x".repeat(field));
            let text = Schema {
                models: BTreeMap::from([("User".into(), user.clone())]),
                ..Schema::new(Checksums::Off)
            };
            let text = Schema { trees: 7, ..text };
            match is_right {
                true => assert_eq!(
                    Schema::parse(text.stored_text().unwrap().as_bytes()).unwrap(),
                    text
                ),
                false => {
                    let refused = text.stored_text().unwrap_err();
                    assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
                    Schema::parse(text.to_string().as_bytes()).unwrap_err();
                }
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let text = schema().to_string().into_bytes();
        for bit in 0..text.len() * 8 {
            let mut text = text.clone();
            text[bit / 8] ^= 1 << (bit % 8);
            Schema::parse(&text).unwrap_err();
        }
        for length in 0..text.len() {
            Schema::parse(&text[..length]).unwrap_err();
        }
    }

    #[test]
    fn what_no_release_writes_is_an_error() {
        for (from, to) in [
            ("trees 7", "trees 6"),
            ("trees 7", "trees +7"),
            ("trees 7\n", ""),
            ("model User tree 1", "model User tree 4"),
            ("model User tree 1", "model User tree 0"),
            ("model User tree 1", "model  tree 1"),
            ("model User tree 1 version 1", "model User tree 1"),
            (
                "model User tree 1 version 1",
                "model User tree 1 version 1 more",
            ),
            ("model User", "model Post"),
            ("tree 7 str", "tree 2 str"),
            ("str unique", "str unequal"),
            ("primary_key id u64", "primary_key u64"),
            ("field id u64", "field id"),
            ("field id u64", "field id u65"),
            ("map<str,@0>", "map<str,@1>"),
            ("type enum", "type union"),
            ("field id u64", "fields id u64"),
        ] {
            let error = Schema::parse(changed(from, to).as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn another_version_of_the_format_is_named() {
        let error = Schema::parse(changed("netabase 2", "netabase 3").as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
        assert!(error.message().contains("version 3"), "{error}");
    }
}
