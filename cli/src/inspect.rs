//! `netabase inspect`: models, trees, counts and sizes.

use std::collections::{BTreeMap, BTreeSet};

use netabase_store::driver::{Bounds, Cursor as _, Direction, Read as _};
use serde_json::json;

use crate::arguments::OneDatabase;
use crate::compact;
use crate::database::{Kind, Snapshot, Tree, check_complete, open_for_reading};
use crate::failure::Failure;
use crate::output::lines;
use crate::status::Status;

pub(crate) fn run(arguments: &OneDatabase) -> Result<Status, Failure> {
    let store = open_for_reading(&arguments.url)?;
    let snapshot = Snapshot::of_any(&store)?;
    let complete = check_complete(&snapshot.reader);
    let mut trees = Vec::new();
    let of_schema = Tree::of_schema();
    for tree in snapshot.trees.iter().chain([&of_schema]) {
        let kind = match snapshot.kind(tree) {
            Kind::Records { .. } => "records",
            Kind::Index { unique: true, .. } => "unique index",
            Kind::Index { .. } => "index",
            Kind::Bytes if *tree == of_schema => "schema",
            Kind::Bytes => "bytes",
        };
        let (mut entries, mut bytes) = (0u64, 0u64);
        let id = snapshot.tree(tree)?;
        let mut cursor = snapshot
            .reader
            .cursor(id, Bounds::ALL, Direction::Forward)?;
        while let Some((key, value)) = cursor.next_entry()? {
            entries += 1;
            bytes += (key.len() + value.len()) as u64;
        }
        trees.push((tree.shown.as_str(), kind, entries, bytes));
    }
    let on_disk = compact::size(&store);
    let mut out = lines();
    if arguments.json {
        let models: Vec<_> = snapshot
            .models()
            .map(|(name, model)| {
                json!({
                    "name": name,
                    "version": model.version,
                    "primary_fields": model.primary_fields.split(',').collect::<Vec<_>>(),
                    "primary_key": model.primary_key,
                    "fields": model.fields.iter().map(|(name, shape)| json!({
                        "name": name, "type": shape.shown(&model.types)
                    })).collect::<Vec<_>>(),
                    "indexes": model.indexes.iter().map(|index| json!({
                        "field": index.name, "key": index.key, "unique": index.unique
                    })).collect::<Vec<_>>(),
                })
            })
            .collect();
        let trees: Vec<_> = trees
            .iter()
            .map(|(name, kind, entries, bytes)| {
                json!({"name": name, "kind": kind, "entries": entries, "bytes": bytes})
            })
            .collect();
        out.json(&json!({
            "driver": store.driver(), "complete": complete.is_ok(), "size_on_disk": on_disk,
            "requires": snapshot.schema.as_ref().map(|schema| &schema.requires), "models": models, "trees": trees,
        }))?;
        return Ok(Status::Fine);
    }
    out.line(format_args!("driver        {}", store.driver()))?;
    if let Some(bytes) = on_disk {
        out.line(format_args!("size on disk  {bytes} bytes"))?;
    }
    if let Err(error) = &complete {
        out.line(format_args!("INCOMPLETE    {}", error.message()))?;
    }
    if let Some(schema) = &snapshot.schema {
        let requires: Vec<_> = schema.requires.iter().map(String::as_str).collect();
        let requires = match requires.as_slice() {
            [] => "nothing".to_owned(),
            some => some.join(", "),
        };
        out.line(format_args!("requires      {requires}"))?;
    }
    for (name, model) in snapshot.models() {
        out.line("")?;
        out.line(format_args!("model {name}"))?;
        let mut rows = vec![vec!["field".into(), "type".into(), "key".into()]];
        let primary: BTreeSet<_> = model.primary_fields.split(',').collect();
        // Of two with one name, the first.
        let indexes = model.indexes.iter().rev();
        let indexes: BTreeMap<_, _> = indexes.map(|index| (&*index.name, index)).collect();
        for (field, shape) in &model.fields {
            let primary = primary.contains(field.as_str());
            let index = indexes.get(field.as_str());
            let key = match index {
                _ if primary => format!("primary {}", model.primary_key),
                Some(index) if index.unique => format!("unique {}", index.key),
                Some(index) => format!("index {}", index.key),
                None => String::new(),
            };
            rows.push(vec![field.clone(), shape.shown(&model.types), key]);
        }
        out.table(&rows, &[])?;
    }
    out.line("")?;
    let mut rows = vec![
        ["tree", "kind", "entries", "bytes"]
            .map(String::from)
            .to_vec(),
    ];
    for (name, kind, entries, bytes) in trees {
        rows.push(vec![
            name.into(),
            kind.into(),
            entries.to_string(),
            bytes.to_string(),
        ]);
    }
    out.table(&rows, &[2, 3])?;
    Ok(Status::Fine)
}
