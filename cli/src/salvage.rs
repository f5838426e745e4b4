//! `netabase salvage`: the good records of a damaged database into a new one, and a list of the lost.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use netabase_store::driver::dynamic::Shape;
use netabase_store::driver::fields;
use netabase_store::driver::schema::{
    IndexSchema, ModelSchema, SCHEMA_KEY, SCHEMA_TREE, tree_name,
};
use netabase_store::driver::{Bounds, Cursor as _, Direction, EntryWidths, Read as _};
use netabase_store::{ErrorKind, NetabaseError};
use serde_json::json;

use crate::arguments::Transfer;
use crate::database::{Reader, Snapshot, Store, open_source};
use crate::failure::Failure;
use crate::fill::Fill;
use crate::output::{hex, lines};
use crate::status::Status;
use crate::verify::shape;

/// Lost entries of one tree that are shown; all are counted.
const SHOWN: u64 = 100;

/// What became of one tree.
struct Report {
    tree: String,
    saved: u64,
    lost: u64,
    shown: Vec<String>,
}

impl Report {
    fn new(tree: String) -> Self {
        Self {
            tree,
            saved: 0,
            lost: 0,
            shown: Vec::new(),
        }
    }

    fn lost(&mut self, what: String) {
        self.lost += 1;
        if self.lost <= SHOWN {
            self.shown.push(what);
        }
    }
}

pub(crate) fn run(arguments: &Transfer) -> Result<Status, Failure> {
    let store = open_source(arguments)?;
    let snapshot = Snapshot::of_any(&store)?;
    let Some(schema) = &snapshot.schema else {
        return Err(NetabaseError::new(
            ErrorKind::Corrupt,
            "the database has no schema record, so that nothing tells a good record from a bad one; `netabase dump` \
             writes its trees as they are",
        )
        .into());
    };
    let origin = format!("netabase salvage {} …", arguments.source);
    let mut fill = Fill::begin(&arguments.target, &origin, arguments.overwrite)?;
    let mut reports = Vec::new();
    for (name, model) in &schema.models {
        let salvage = Model::read_indexes(&store, &snapshot, name, model)?;
        salvage.save(&store, &mut fill, &mut reports)?;
    }
    fill.tree(SCHEMA_TREE, EntryWidths::default())?;
    fill.put(SCHEMA_KEY, schema.to_string().as_bytes())?;
    fill.finish()?;
    tell(&reports, arguments.json)?;
    Ok(match reports.iter().all(|report| report.lost == 0) {
        true => Status::Fine,
        false => Status::Findings,
    })
}

/// One model that is being salvaged.
struct Model<'a> {
    name: &'a str,
    model: &'a ModelSchema,
    snapshot: &'a Snapshot,
    primary: Shape,
    indexes: Vec<Index<'a>>,
}

/// An index that is being salvaged. All of its entries are held in memory.
struct Index<'a> {
    schema: &'a IndexSchema,
    secondary: Shape,
    /// Entries that could be read: the primary key that each leads to, and the entry.
    found: BTreeMap<Vec<u8>, (Vec<u8>, Vec<u8>)>,
    /// Entries of the records that were saved.
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl<'a> Model<'a> {
    fn read_indexes(
        store: &Store,
        snapshot: &'a Snapshot,
        name: &'a str,
        model: &'a ModelSchema,
    ) -> Result<Self, Failure> {
        let primary = shape(&model.primary_key)?;
        let mut indexes = Vec::new();
        for index in &model.indexes {
            let secondary = shape(&index.key)?;
            let mut found = BTreeMap::new();
            let widths = model.index_widths(index);
            read_from_both_ends(store, &tree_name(index.tree), widths, |key, value| {
                let mut rest = key;
                if secondary.decode_front(&mut rest).is_err() {
                    return Ok(());
                }
                let leads_to = if index.unique { value } else { rest };
                if primary.decode(leads_to).is_ok() {
                    found.insert(leads_to.to_vec(), (key.to_vec(), value.to_vec()));
                }
                Ok(())
            })?;
            indexes.push(Index {
                schema: index,
                secondary,
                found,
                entries: BTreeMap::new(),
            });
        }
        Ok(Self {
            name,
            model,
            snapshot,
            primary,
            indexes,
        })
    }

    /// Fills the target with what can be saved of the records, and with their index entries.
    fn save(
        mut self,
        store: &Store,
        fill: &mut Fill,
        reports: &mut Vec<Report>,
    ) -> Result<(), Failure> {
        let mut report = Report::new(self.name.to_owned());
        let mut seen = BTreeSet::new();
        let tree = tree_name(self.model.tree);
        let widths = self.model.record_widths();
        fill.tree(&tree, widths)?;
        // What comes after a part that cannot be read, and what is found there key by key, is written in order behind the rest.
        let mut later = BTreeMap::new();
        let damage = read_from_both_ends_or(store, &tree, widths, |key, value, in_order| {
            seen.insert(key.to_vec());
            if let Err(what) = self.add(key, value) {
                report.lost(self.line(key, what));
            } else if in_order {
                fill.put(key, value)?;
                report.saved += 1;
            } else {
                later.insert(key.to_vec(), value.to_vec());
            }
            Ok(())
        })?;
        let known: BTreeSet<Vec<u8>> = (self.indexes.iter())
            .flat_map(|index| index.found.keys().cloned())
            .filter(|key| !seen.contains(key))
            .collect();
        for key in known {
            match damage.as_ref().map(|_| get(store, &tree, widths, &key)) {
                Some(Ok(Some(value))) => match self.add(&key, &value) {
                    Ok(()) => drop(later.insert(key, value)),
                    Err(what) => report.lost(self.line(&key, what)),
                },
                Some(Err(_)) => report.lost(self.line(&key, "it cannot be read")),
                Some(Ok(None)) | None => {
                    report.lost(self.line(&key, "an index entry leads to it, and it is not there"));
                }
            }
        }
        report.saved += later.len() as u64;
        for (key, value) in &later {
            fill.put(key, value)?;
        }
        if let Some(error) = damage {
            report.lost(format!(
                "a part of the tree cannot be read, and what no index leads to is lost with it: {}",
                error.message()
            ));
        }
        reports.push(report);
        for index in self.indexes {
            let mut report = Report::new(format!("{}.{}", self.name, index.schema.name));
            fill.tree(
                &tree_name(index.schema.tree),
                self.model.index_widths(index.schema),
            )?;
            for (key, value) in &index.entries {
                fill.put(key, value)?;
                report.saved += 1;
            }
            reports.push(report);
        }
        Ok(())
    }

    /// Takes a record, with its index entries, if it is what was written.
    fn add(&mut self, key: &[u8], stored: &[u8]) -> Result<(), &'static str> {
        if self.primary.decode(key).is_err() {
            return Err("the key is none of this model");
        }
        let value = (self.snapshot.form(self.model).open(key, stored))
            .map_err(|_| "its checksum is not that of what was written")?;
        let fields = fields::decode(&self.model.types, &self.model.fields, value)
            .ok_or("it does not hold the fields of this model")?;
        let mut entries = Vec::new();
        for index in &self.indexes {
            let field = (fields.values.iter()).find(|(name, _)| *name == index.schema.name);
            let mut entry = Vec::new();
            let computed =
                field.is_some_and(|(_, value)| index.secondary.encode(value, &mut entry).is_ok());
            entries.push(if !computed {
                // Of a type that cannot be computed from here: the entry that is there has to do.
                let (entry, value) = (index.found.get(key))
                    .ok_or("an index entry of it is lost, and cannot be computed")?;
                (entry.clone(), value.clone())
            } else if index.schema.unique {
                (entry, key.to_vec())
            } else {
                entry.extend_from_slice(key);
                (entry, Vec::new())
            });
        }
        for (index, (entry, _)) in self.indexes.iter().zip(&entries) {
            if index.entries.contains_key(entry) {
                return Err("another record has its unique key");
            }
        }
        for (index, (entry, value)) in self.indexes.iter_mut().zip(entries) {
            index.entries.insert(entry, value);
        }
        Ok(())
    }

    fn line(&self, key: &[u8], what: &str) -> String {
        match self.primary.decode(key) {
            Ok(key) => format!("{key}: {what}"),
            Err(_) => format!("0x{}: {what}", hex(key)),
        }
    }
}

/// One value, read in a transaction of its own.
fn get(
    store: &Store,
    tree: &str,
    widths: EntryWidths,
    key: &[u8],
) -> Result<Option<Vec<u8>>, NetabaseError> {
    let reader = store.begin_read()?;
    let tree = reader.sized_tree(tree, widths)?;
    Ok(reader.get(tree, key, <[u8]>::to_vec)?)
}

/// [`read_from_both_ends_or`], whatever stands in between.
fn read_from_both_ends(
    store: &Store,
    tree: &str,
    widths: EntryWidths,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    read_from_both_ends_or(store, tree, widths, |key, value, _| visit(key, value)).map(drop)
}

/// Hands every entry that can be read to `visit`, with whether it comes in order: from the front up to the first failure,
/// then from the back. Returns that failure.
fn read_from_both_ends_or(
    store: &Store,
    tree: &str,
    widths: EntryWidths,
    mut visit: impl FnMut(&[u8], &[u8], bool) -> Result<(), Failure>,
) -> Result<Option<NetabaseError>, Failure> {
    let mut last: Vec<u8> = Vec::new();
    let mut walk = |direction, last: &mut Vec<u8>| -> Result<Result<(), NetabaseError>, Failure> {
        // A transaction may be of no use after a failure.
        let opened = || -> Result<(Reader, _), NetabaseError> {
            let reader = store.begin_read()?;
            let tree = reader.sized_tree(tree, widths)?;
            Ok((reader, tree))
        };
        let (reader, tree) = match opened() {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(error)),
        };
        let from = std::mem::take(last);
        let bounds = Bounds {
            lower: match from.as_slice() {
                [] => Bound::Unbounded,
                from => Bound::Excluded(from),
            },
            upper: Bound::Unbounded,
        };
        let mut cursor = match reader.cursor(tree, bounds, direction) {
            Ok(cursor) => cursor,
            Err(error) => return Ok(Err(error.into())),
        };
        loop {
            match cursor.next_entry() {
                Ok(Some((key, value))) => {
                    visit(key, value, direction == Direction::Forward)?;
                    key.clone_into(last);
                }
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error.into())),
            }
        }
    };
    match walk(Direction::Forward, &mut last)? {
        Ok(()) => Ok(None),
        Err(error) => {
            // That it fails as well where the first one did is known.
            let _ = walk(Direction::Backward, &mut last)?;
            Ok(Some(error))
        }
    }
}

fn tell(reports: &[Report], json: bool) -> Result<(), Failure> {
    let mut out = lines();
    if json {
        let trees: Vec<_> = reports
            .iter()
            .map(|report| {
                json!({
                    "name": report.tree, "saved": report.saved, "lost": report.lost, "shown": report.shown,
                })
            })
            .collect();
        out.json(&json!({"trees": trees}))?;
        return Ok(());
    }
    let mut rows = vec![["tree", "saved", "lost"].map(String::from).to_vec()];
    for report in reports {
        rows.push(vec![
            report.tree.clone(),
            report.saved.to_string(),
            report.lost.to_string(),
        ]);
    }
    out.table(&rows, &[1, 2])?;
    for report in reports {
        let tree = &report.tree;
        for line in &report.shown {
            out.line(format_args!("{tree}: {line}"))?;
        }
        let hidden = report.lost.saturating_sub(report.shown.len() as u64);
        if hidden > 0 {
            out.line(format_args!("{tree}: and {hidden} more"))?;
        }
    }
    Ok(())
}
