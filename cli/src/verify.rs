//! `netabase verify`: index entries against records, and records against index entries, by the stored schema alone.

use std::collections::BTreeSet;
use std::io;

use netabase_store::driver::dynamic::Shape;
use netabase_store::driver::ext::ReadExt as _;
use netabase_store::driver::fields;
use netabase_store::driver::schema::{IndexSchema, ModelSchema};
use netabase_store::driver::{Bounds, Cursor as _, Direction, Read as _};
use netabase_store::{ErrorKind, NetabaseError};
use serde_json::json;

use crate::arguments::OneDatabase;
use crate::database::{Snapshot, open_for_reading};
use crate::failure::Failure;
use crate::output::{hex, lines};
use crate::status::Status;

/// Findings of one tree that are shown; all are counted.
const SHOWN: u64 = 20;

/// What was found out about one tree.
struct Report {
    tree: String,
    entries: u64,
    findings: u64,
    /// Records whose keys could be computed from their fields; of an index.
    recomputed: Option<u64>,
    shown: Vec<String>,
}

impl Report {
    fn new(tree: String) -> Self {
        Self {
            tree,
            entries: 0,
            findings: 0,
            recomputed: None,
            shown: Vec::new(),
        }
    }

    fn found(&mut self, what: &str, key: &[u8]) {
        self.findings += 1;
        if self.findings <= SHOWN {
            self.shown.push(format!("{what}: key 0x{}", hex(key)));
        }
    }

    /// Compares the entries that were read with the number that the engine keeps of them.
    fn compare(&mut self, kept: u64) {
        if self.entries != kept {
            self.findings += 1;
            self.shown.push(format!(
                "{} entries were read, and the engine counts {kept}",
                self.entries
            ));
        }
    }
}

pub(crate) fn run(arguments: &OneDatabase) -> Result<Status, Failure> {
    let store = open_for_reading(&arguments.url)?;
    let snapshot = Snapshot::of(&store)?;
    let mut reports = Vec::new();
    for (name, model) in snapshot.models() {
        let records = check_records(&snapshot, name, model)?;
        let count = records.entries;
        reports.push(records);
        for index in &model.indexes {
            reports.push(check_index(&snapshot, name, model, index, count)?);
        }
    }
    let of_models: BTreeSet<String> = reports.iter().map(|report| report.tree.clone()).collect();
    for tree in (snapshot.trees.iter()).filter(|tree| !of_models.contains(&tree.shown)) {
        let mut report = Report::new(tree.shown.clone());
        report.entries = snapshot.reader.len(snapshot.tree(tree)?)?;
        if snapshot.models().next().is_none() {
            // Without a word on what the entries are, nothing can be called sound.
            report.findings = 1;
        }
        report
            .shown
            .push("belongs to no model of the schema, and was not checked".to_owned());
        reports.push(report);
    }
    let outcome = match reports.iter().all(|report| report.findings == 0) {
        true => Status::Fine,
        false => Status::Findings,
    };
    match tell(&reports, arguments.json) {
        // The exit code still counts if nobody reads on.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(outcome),
    }
}

fn tell(reports: &[Report], json: bool) -> io::Result<()> {
    let sound = reports.iter().all(|report| report.findings == 0);
    let mut out = lines();
    if json {
        let trees: Vec<_> = reports
            .iter()
            .map(|report| {
                json!({
                    "name": report.tree, "entries": report.entries, "findings": report.findings,
                    "recomputed": report.recomputed, "shown": report.shown,
                })
            })
            .collect();
        out.json(&json!({"sound": sound, "trees": trees}))?;
    } else {
        let heading = ["tree", "entries", "recomputed", "findings"].map(String::from);
        let mut rows = vec![heading.to_vec()];
        for report in reports {
            rows.push(vec![
                report.tree.clone(),
                report.entries.to_string(),
                report.recomputed.map_or(String::new(), |n| n.to_string()),
                report.findings.to_string(),
            ]);
        }
        out.table(&rows, &[1, 2, 3])?;
        for report in reports {
            let tree = &report.tree;
            for line in &report.shown {
                out.line(format_args!("{tree}: {line}"))?;
            }
            let hidden = report.findings.saturating_sub(report.shown.len() as u64);
            if hidden > 0 {
                out.line(format_args!("{tree}: and {hidden} more"))?;
            }
        }
    }
    Ok(())
}

/// Whether the keys of the records are what the schema says.
fn check_records(snapshot: &Snapshot, name: &str, model: &ModelSchema) -> Result<Report, Failure> {
    let mut report = Report::new(name.to_owned());
    let shape = shape(&model.primary_key)?;
    let tree = snapshot.numbered(model.tree, model.record_widths())?;
    let form = snapshot.form(model);
    let mut cursor = snapshot
        .reader
        .cursor(tree, Bounds::ALL, Direction::Forward)?;
    while let Some((key, value)) = cursor.next_entry()? {
        report.entries += 1;
        if shape.decode(key).is_err() {
            report.found("the key is none of this model", key);
        }
        match form.open(key, value) {
            Err(_) => report.found("the record's checksum is not that of what was written", key),
            Ok(value) if fields::decode(&model.types, &model.fields, value).is_none() => {
                report.found("the record does not hold the fields of this model", key);
            }
            Ok(_) => {}
        }
    }
    report.compare(snapshot.reader.len(tree)?);
    Ok(report)
}

/// Every entry points to a record, and every record has the entry that its field asks for.
fn check_index(
    snapshot: &Snapshot,
    name: &str,
    model: &ModelSchema,
    index: &IndexSchema,
    records: u64,
) -> Result<Report, Failure> {
    let mut report = Report::new(format!("{name}.{}", index.name));
    let secondary = shape(&index.key)?;
    let primary = shape(&model.primary_key)?;
    let records_tree = snapshot.numbered(model.tree, model.record_widths())?;
    let index_tree = snapshot.numbered(index.tree, model.index_widths(index))?;
    let form = snapshot.form(model);
    let reader = &snapshot.reader;
    let mut cursor = reader.cursor(index_tree, Bounds::ALL, Direction::Forward)?;
    while let Some((key, value)) = cursor.next_entry()? {
        report.entries += 1;
        let mut rest = key;
        let decoded = secondary.decode_front(&mut rest).is_ok();
        let (pointed, left_over) = if index.unique {
            (value, !rest.is_empty())
        } else {
            (rest, !value.is_empty())
        };
        if !decoded || left_over || primary.decode(pointed).is_err() {
            report.found("the entry is none of this index", key);
        } else if !reader.contains(records_tree, pointed)? {
            report.found("the entry points to a record that is not there", key);
        }
    }
    drop(cursor);
    report.compare(reader.len(index_tree)?);

    let mut recomputed = 0;
    let mut cursor = reader.cursor(records_tree, Bounds::ALL, Direction::Forward)?;
    let mut entry = Vec::new();
    while let Some((key, value)) = cursor.next_entry()? {
        let decoded = (form.open(key, value).ok())
            .and_then(|value| fields::decode(&model.types, &model.fields, value));
        let field = decoded.and_then(|fields| {
            let (_, value) = fields
                .values
                .into_iter()
                .find(|(field, _)| *field == index.name)?;
            Some(value)
        });
        entry.clear();
        if field.is_none_or(|field| secondary.encode(&field, &mut entry).is_err()) {
            continue;
        }
        recomputed += 1;
        if !index.unique {
            entry.extend_from_slice(key);
        }
        let right = reader.get(index_tree, &entry, |value| !index.unique || value == key)?;
        if right != Some(true) {
            report.found("the record has no entry for its field", key);
        }
    }
    report.recomputed = Some(recomputed);
    // As many entries as records, each pointing to a record, is all that can be said of a type of the user's own.
    if report.entries != records {
        report.findings += 1;
        report.shown.push(format!(
            "{} entries for {records} records; there has to be one for each",
            report.entries
        ));
    }
    Ok(report)
}

pub(crate) fn shape(text: &str) -> Result<Shape, Failure> {
    Shape::parse(text).ok_or_else(|| {
        NetabaseError::new(
            ErrorKind::Unsupported,
            format!(
                "the schema record has a key of the form `{text}`, which this release does not know; use a newer one"
            ),
        )
        .into()
    })
}
