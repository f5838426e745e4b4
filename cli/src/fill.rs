//! Filling a database in bounded memory, marked as incomplete until its last transaction.

use std::collections::BTreeMap;
use std::ops::Bound;

use netabase_store::connect::Target;
use netabase_store::driver::checked::CheckedWriter;
use netabase_store::driver::schema::{INCOMPLETE_KEY, SCHEMA_KEY, SCHEMA_TREE, Schema};
use netabase_store::driver::{
    AnyWriter, Bounds, Capabilities, Cursor as _, Direction, Driver as _, Durability, EntryWidths,
    Limits, Read as _, TreeId, Write as _,
};
use netabase_store::{ErrorKind, NetabaseError};
use xxhash_rust::xxh3::Xxh3;

use crate::database::{Store, driver, open, tree_names};
use crate::failure::Failure;
use crate::progress::Progress;

/// A transaction is committed when it has written this many bytes.
const BATCH_BYTES: usize = 4 << 20;

/// Or when it has written this many entries, as an engine may need some kilobytes for each, however small it is.
const BATCH_ENTRIES: usize = 8192;

/// The most that the schema record, which is written last, may take.
const SCHEMA_BYTES: usize = 16 << 20;

/// What tells the content of one tree.
#[derive(Clone, Default)]
pub(crate) struct Digest {
    pub(crate) entries: u64,
    hash: Xxh3,
}

impl Digest {
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.entries += 1;
        self.hash.update(&(key.len() as u64).to_le_bytes());
        self.hash.update(key);
        self.hash.update(&(value.len() as u64).to_le_bytes());
        self.hash.update(value);
    }

    fn sum(&self) -> Sum {
        Sum {
            entries: self.entries,
            checksum: self.hash.digest128(),
        }
    }
}

/// What tells the content of a tree that was read to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) entries: u64,
    pub(crate) checksum: u128,
}

/// The entries of the tree of the schema record, which say what all others are.
#[derive(Default)]
pub(crate) struct SchemaEntries {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

impl SchemaEntries {
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(key.len() + value.len());
        if self.bytes > SCHEMA_BYTES || key != SCHEMA_KEY {
            return Err(damaged(
                "the source has a schema record that no release writes into a complete database",
            ));
        }
        self.entries.push((key.to_vec(), value.to_vec()));
        Ok(())
    }

    /// The name that people know a tree by: that of its model or index.
    fn shown(&self, tree: &str) -> String {
        let schema = self.check().ok().flatten();
        let mut trees = schema.iter().flat_map(Schema::model_trees);
        trees
            .find(|(name, _, _)| name == tree)
            .map_or_else(|| tree.to_owned(), |(_, shown, _)| shown)
    }

    /// Whether this release can open a database that has them; the record, if there is one.
    pub(crate) fn check(&self) -> Result<Option<Schema>, Failure> {
        let record = self.entries.first();
        Ok(record.map(|(_, text)| Schema::parse(text)).transpose()?)
    }
}

/// A database that is being filled.
pub(crate) struct Fill {
    store: Store,
    durability: Durability,
    /// `None` between two transactions.
    writer: Option<CheckedWriter<AnyWriter>>,
    limit: usize,
    tree: Option<Filling>,
    /// Bytes of the transaction.
    pending: usize,
    /// Entries of the transaction.
    pending_entries: usize,
    schema: SchemaEntries,
    done: BTreeMap<String, (EntryWidths, Sum)>,
}

impl Fill {
    /// Opens the database at `url` and marks it as incomplete. `origin` says what fills it.
    pub(crate) fn begin(url: &str, origin: &str, overwrite: bool) -> Result<Self, Failure> {
        let target = Target::parse(url)?;
        if target.truncate {
            return Err(Failure::Usage(
                "write `--overwrite` instead of `truncate=true`".into(),
            ));
        }
        let manifest = driver(&target)?.manifest().clone();
        if !manifest.capabilities.contains(Capabilities::PERSISTENT) {
            return Err(Failure::Usage(format!(
                "`{}` keeps nothing once the program ends; name a database on a driver that does",
                target.driver
            )));
        }
        let store = open(&target)?;
        let old = tree_names(&store)?;
        if !old.is_empty() && !overwrite {
            return Err(Failure::Usage(format!(
                "`{url}` is not empty; name another database, or write `--overwrite` to remove all that it holds"
            )));
        }
        let mut writer = store.begin_write()?;
        let schema = writer.tree(SCHEMA_TREE)?;
        writer.clear(schema)?;
        writer.put(schema, INCOMPLETE_KEY, origin.as_bytes(), |_| ())?;
        writer.commit(Durability::Immediate)?;
        let limit = manifest.limits.transaction_bytes;
        let limit = match usize::try_from(limit).unwrap_or(usize::MAX) {
            0 => BATCH_BYTES,
            limit => BATCH_BYTES.min(limit / 2),
        };
        for name in old.iter().filter(|name| *name != SCHEMA_TREE) {
            empty(&store, name, limit)?;
        }
        Ok(Self {
            store,
            durability: target.durability,
            writer: None,
            limit,
            tree: None,
            pending: 0,
            pending_entries: 0,
            schema: SchemaEntries::default(),
            done: BTreeMap::new(),
        })
    }

    /// Turns to a tree.
    pub(crate) fn tree(&mut self, name: &str, widths: EntryWidths) -> Result<(), Failure> {
        self.end_tree();
        self.tree = Some(Filling {
            name: name.to_owned(),
            widths,
            id: None,
            digest: Digest::default(),
        });
        Ok(())
    }

    /// Adds an entry to the tree. The schema record's entries are kept for the last transaction.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        let Some(tree) = &mut self.tree else {
            return Err(damaged("an entry comes before any tree"));
        };
        let size = key.len() + value.len();
        if tree.name == SCHEMA_TREE {
            return self.schema.add(key, value);
        }
        let is_full = self.pending_entries == BATCH_ENTRIES
            || self.pending > 0 && self.pending + size > self.limit;
        if is_full {
            self.pending = 0;
            self.pending_entries = 0;
            tree.id = None;
            if let Some(writer) = self.writer.take() {
                writer.commit(Durability::None)?;
            }
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(self.store.begin_write()?),
        };
        let id = match tree.id {
            Some(id) => id,
            None => *tree.id.insert(writer.sized_tree(&tree.name, tree.widths)?),
        };
        writer
            .put(id, key, value, |_| ())
            .map_err(|error| at_entry(error.into(), &self.schema.shown(&tree.name), key))?;
        self.pending += size;
        self.pending_entries += 1;
        tree.digest.add(key, value);
        Ok(())
    }

    /// Reads everything back, compares it with what was written, and only then removes the mark.
    pub(crate) fn finish(mut self) -> Result<Summary, Failure> {
        self.end_tree();
        // Without its mark, the database has to be one that can be opened.
        let record = self.schema.check()?;
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.store.begin_write()?,
        };
        let schema = writer.tree(SCHEMA_TREE)?;
        for (key, value) in &self.schema.entries {
            writer.put(schema, key, value, |_| ())?;
        }
        writer.commit(Durability::Immediate)?;

        let entries = self.check_trees()?;
        self.check_schema(true)?;
        let mut writer = self.store.begin_write()?;
        let schema = writer.tree(SCHEMA_TREE)?;
        writer.remove(schema, INCOMPLETE_KEY, |_| ())?;
        writer.commit(self.durability)?;
        self.check_schema(false)?;
        let names = (record.iter().flat_map(Schema::model_trees))
            .map(|(name, shown, _)| (name, shown))
            .collect();
        Ok(Summary {
            trees: self.done,
            names,
            entries,
        })
    }

    /// Reads every tree back, the schema record's apart; gives the number of all entries.
    fn check_trees(&self) -> Result<u64, Failure> {
        let mut entries = 0;
        let reader = self.store.begin_read()?;
        let mut progress = Progress::new("verifying", None);
        for (name, (widths, written)) in &self.done {
            let tree = reader.sized_tree(name, *widths)?;
            let mut found = Digest::default();
            let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
            while let Some((key, value)) = cursor.next_entry()? {
                found.add(key, value);
                progress.advance();
            }
            if found.sum() != *written {
                return Err(differs(
                    &self.schema.shown(name),
                    &format!(
                        "{} entries instead of {}, or others",
                        found.entries, written.entries
                    ),
                ));
            }
            entries += found.entries;
        }
        match tree_names(&self.store)?
            .into_iter()
            .find(|name| name != SCHEMA_TREE && !self.done.contains_key(name))
        {
            Some(name) => Err(differs(
                &self.schema.shown(&name),
                "a tree that it should not have",
            )),
            None => Ok(entries),
        }
    }

    /// Reads the schema record back, and the mark beside it.
    fn check_schema(&self, is_marked: bool) -> Result<(), Failure> {
        let reader = self.store.begin_read()?;
        let tree = reader.tree(SCHEMA_TREE)?;
        for (key, value) in &self.schema.entries {
            if reader.get(tree, key, |found| found == value)? != Some(true) {
                return Err(differs(SCHEMA_TREE, "another schema record"));
            }
        }
        let is_there = reader.get(tree, INCOMPLETE_KEY, |_| ())?.is_some();
        if is_there != is_marked {
            return Err(differs(
                SCHEMA_TREE,
                if is_there {
                    "the mark of an incomplete database although that was removed"
                } else {
                    "no mark of an incomplete database although that was written"
                },
            ));
        }
        if reader.len(tree)? != self.schema.entries.len() as u64 + u64::from(is_marked) {
            return Err(differs(SCHEMA_TREE, "more of a schema record, or less"));
        }
        Ok(())
    }

    fn end_tree(&mut self) {
        if let Some(tree) = self.tree.take()
            && tree.name != SCHEMA_TREE
        {
            self.done
                .insert(tree.name, (tree.widths, tree.digest.sum()));
        }
    }
}

/// What a driver may be given.
#[derive(Clone, Copy)]
pub(crate) struct Room(Limits);

impl Room {
    /// That of the database at `url`, which is not opened.
    pub(crate) fn of(url: &str) -> Result<Self, Failure> {
        Ok(Self(driver(&Target::parse(url)?)?.manifest().limits))
    }

    /// Whether an entry may be too large for it.
    pub(crate) fn is_bounded(&self) -> bool {
        self.0.key_bytes != 0 || self.0.value_bytes != 0
    }

    /// Whether an entry of these widths may be too large for it.
    pub(crate) fn may_lack(&self, widths: EntryWidths) -> bool {
        let may = |limit: u64, width: Option<u32>| {
            limit != 0 && width.is_none_or(|width| u64::from(width) > limit)
        };
        may(self.0.key_bytes, widths.key) || may(self.0.value_bytes, widths.value)
    }

    /// Refuses an entry that it will not take, before anything is written.
    pub(crate) fn check(&self, tree: &str, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        for (what, bytes, limit) in [
            ("key", key.len(), self.0.key_bytes),
            ("value", value.len(), self.0.value_bytes),
        ] {
            if limit != 0 && bytes as u64 > limit {
                let message = format!(
                    "the source has a {what} of {bytes} bytes, and a {what} of the target may have {limit}; nothing was \
                     written: name a target of another driver"
                );
                let error = NetabaseError::new(ErrorKind::LimitExceeded, message);
                return Err(at_entry(error, tree, key));
            }
        }
        Ok(())
    }
}

fn at_entry(error: NetabaseError, tree: &str, key: &[u8]) -> Failure {
    error.in_tree(tree.to_owned()).at_key(key).into()
}

fn damaged(what: &'static str) -> Failure {
    NetabaseError::new(ErrorKind::Corrupt, what).into()
}

/// The target has `what` instead of what was written to it.
fn differs(tree: &str, what: &str) -> Failure {
    NetabaseError::new(
        ErrorKind::Corrupt,
        format!(
            "the target does not hold what was written to it: {what}; check its disk and driver"
        ),
    )
    .in_tree(tree.to_owned())
    .into()
}

/// Removes every entry of a tree, a bounded part in each transaction: some engines hold all that one removes.
fn empty(store: &Store, name: &str, limit: usize) -> Result<(), Failure> {
    let mut last: Vec<u8> = Vec::new();
    loop {
        let mut writer = store.begin_write()?;
        let tree = writer.tree(name)?;
        let rest = Bounds {
            lower: match &*last {
                [] => Bound::Unbounded,
                last => Bound::Excluded(last),
            },
            upper: Bound::Unbounded,
        };
        let mut keys = Vec::new();
        let mut cursor = writer.cursor(tree, rest, Direction::Forward)?;
        let mut bytes = 0;
        while keys.len() < BATCH_ENTRIES
            && bytes < limit
            && let Some((key, value)) = cursor.next_entry()?
        {
            bytes += key.len() + value.len();
            keys.push(key.to_vec());
        }
        drop(cursor);
        for key in &keys {
            writer.remove(tree, key, |_| ())?;
        }
        let Some(key) = keys.pop() else {
            writer.clear(tree)?;
            writer.commit(Durability::Immediate)?;
            return Ok(());
        };
        // Only what is durable gives its room back.
        writer.commit(Durability::Immediate)?;
        last = key;
    }
}

/// The tree that is being filled.
struct Filling {
    name: String,
    widths: EntryWidths,
    /// Known within one transaction.
    id: Option<TreeId>,
    digest: Digest,
}

/// What a filled database holds, the schema record apart.
pub(crate) struct Summary {
    pub(crate) trees: BTreeMap<String, (EntryWidths, Sum)>,
    /// What people know the trees by, by the engine's names.
    names: BTreeMap<String, String>,
    pub(crate) entries: u64,
}

impl Summary {
    /// What people know a tree by.
    pub(crate) fn shown<'a>(&'a self, name: &'a str) -> &'a str {
        self.names.get(name).map_or(name, String::as_str)
    }
}
