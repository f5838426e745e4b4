//! `netabase get` and `netabase scan`: entries of a tree, decoded by the stored schema.

use std::ops::Bound;

use netabase_store::driver::dynamic::{Shape, Value};
use netabase_store::driver::fields::decode;
use netabase_store::driver::{Bounds, Cursor as _, Direction, Read as _, prefix_end};
use serde_json::{Map, json};

use crate::arguments::{Get, Scan};
use crate::database::{Kind, Snapshot, Tree, open_for_reading};
use crate::failure::Failure;
use crate::output::{hex, many_lines};
use crate::status::Status;

pub(crate) fn get(arguments: &Get) -> Result<Status, Failure> {
    let store = open_for_reading(&arguments.url)?;
    let snapshot = Snapshot::of(&store)?;
    let (tree, kind) = known_tree(&snapshot, &arguments.tree)?;
    let key = encoded(&kind, &arguments.key)?;
    // Of an index, every entry of this secondary key; no encoding is a prefix of another one.
    let upper = match &kind {
        Kind::Index { unique: false, .. } => {
            prefix_end(key.clone()).map_or(Bound::Unbounded, Bound::Excluded)
        }
        _ => Bound::Included(key.clone()),
    };
    let shown = show(
        &snapshot,
        &tree,
        &kind,
        (Bound::Included(key), upper),
        Direction::Forward,
        u64::MAX,
        arguments.json,
    )?;
    if shown == 0 {
        return Err(Failure::Usage(format!(
            "`{}` has no entry `{}`",
            arguments.tree, arguments.key
        )));
    }
    Ok(Status::Fine)
}

pub(crate) fn scan(arguments: &Scan) -> Result<Status, Failure> {
    let store = open_for_reading(&arguments.url)?;
    let snapshot = Snapshot::of(&store)?;
    let (tree, kind) = known_tree(&snapshot, &arguments.tree)?;
    let bounds = if let Some(prefix) = &arguments.prefix {
        let prefix = match key_shape(&kind)? {
            Some(shape) => shape.read_prefix(prefix).map_err(usage)?,
            None => Shape::Bytes
                .read_prefix(prefix)
                .map_err(usage)
                .map(|_| prefix)
                .and_then(|text| encoded(&kind, text))?,
        };
        let upper = prefix_end(prefix.clone()).map_or(Bound::Unbounded, Bound::Excluded);
        let lower = if prefix.is_empty() {
            Bound::Unbounded
        } else {
            Bound::Included(prefix)
        };
        (lower, upper)
    } else {
        let end = |text: &Option<String>| match text {
            Some(text) => encoded(&kind, text).map(Some),
            None => Ok(None),
        };
        (
            end(&arguments.from)?.map_or(Bound::Unbounded, Bound::Included),
            end(&arguments.to)?.map_or(Bound::Unbounded, Bound::Excluded),
        )
    };
    let direction = if arguments.reverse {
        Direction::Backward
    } else {
        Direction::Forward
    };
    show(
        &snapshot,
        &tree,
        &kind,
        bounds,
        direction,
        arguments.limit.unwrap_or(u64::MAX),
        arguments.json,
    )?;
    Ok(Status::Fine)
}

fn known_tree(snapshot: &Snapshot, name: &str) -> Result<(Tree, Kind), Failure> {
    if let Some(tree) = snapshot.find(name) {
        let kind = snapshot.kind(&tree);
        return Ok((tree, kind));
    }
    if snapshot.trees.is_empty() {
        return Err(Failure::Usage(format!(
            "there is no tree `{name}`; the database is empty"
        )));
    }
    let names: Vec<_> = (snapshot.trees.iter())
        .map(|tree| tree.shown.as_str())
        .collect();
    Err(Failure::Usage(format!(
        "there is no tree `{name}`; there are: {}",
        names.join(", ")
    )))
}

fn usage(error: impl ToString) -> Failure {
    Failure::Usage(error.to_string())
}

/// The shape of the keys that a user gives for this tree; `None` where they are bytes.
fn key_shape(kind: &Kind) -> Result<Option<&Shape>, Failure> {
    match kind {
        Kind::Records { key: shape, .. }
        | Kind::Index {
            secondary: shape, ..
        } => shape.as_ref().map(Some).ok_or_else(|| {
            Failure::Usage(
                "the schema record has a key of a form that this release does not know; use a newer one"
                    .into(),
            )
        }),
        Kind::Bytes => Ok(None),
    }
}

fn encoded(kind: &Kind, text: &str) -> Result<Vec<u8>, Failure> {
    match key_shape(kind)? {
        Some(shape) => shape
            .read_text(text)
            .and_then(|value| shape.encoded(&value))
            .map_err(usage),
        None => match Shape::Bytes.read_text(text).map_err(usage)? {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(usage(format!("`{other}` is not a key of this tree"))),
        },
    }
}

fn show(
    snapshot: &Snapshot,
    tree: &Tree,
    kind: &Kind,
    bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>),
    direction: Direction,
    limit: u64,
    json: bool,
) -> Result<u64, Failure> {
    let tree = snapshot.tree(tree)?;
    let bounds = Bounds {
        lower: bounds.0.as_ref().map(Vec::as_slice),
        upper: bounds.1.as_ref().map(Vec::as_slice),
    };
    let mut out = many_lines();
    let mut shown = 0;
    let mut cursor = snapshot.reader.cursor(tree, bounds, direction)?;
    while shown < limit {
        let Some((key, value)) = cursor.next_entry()? else {
            break;
        };
        shown += 1;
        if json {
            out.json(&as_json(kind, key, value))?;
        } else {
            out.line(as_text(kind, key, value))?;
        }
    }
    out.flush()?;
    Ok(shown)
}

/// The two keys of an index entry, if they are what the schema says.
fn index_keys(kind: &Kind, key: &[u8], value: &[u8]) -> Option<(Value, Value)> {
    let Kind::Index {
        secondary: Some(secondary),
        primary: Some(primary),
        unique,
    } = kind
    else {
        return None;
    };
    let mut rest = key;
    let first = secondary.decode_front(&mut rest).ok()?;
    if *unique {
        rest.is_empty().then_some(())?;
        rest = value;
    }
    Some((first, primary.decode(rest).ok()?))
}

fn as_text(kind: &Kind, key: &[u8], value: &[u8]) -> String {
    match kind {
        Kind::Records {
            key: shape,
            types,
            fields,
            form,
        } => {
            let opened = form.open(key, value);
            let key = shape
                .as_ref()
                .and_then(|shape| shape.decode(key).ok())
                .map_or_else(|| format!("0x{}", hex(key)), |key| key.to_string());
            let Ok(value) = opened else {
                return format!("{key}  DAMAGED ({} bytes: 0x{})", value.len(), hex(value));
            };
            match decode(types, fields, value) {
                Some(fields) => {
                    let mut parts: Vec<_> = fields
                        .values
                        .iter()
                        .map(|(name, value)| format!("{name}: {value}"))
                        .collect();
                    if !fields.complete {
                        parts.push(format!("… ({} bytes: 0x{})", value.len(), hex(value)));
                    }
                    format!("{key}  {{{}}}", parts.join(", "))
                }
                None => format!("{key}  ({} bytes: 0x{})", value.len(), hex(value)),
            }
        }
        Kind::Index { .. } => match index_keys(kind, key, value) {
            Some((secondary, primary)) => format!("{secondary}  {primary}"),
            None => format!("0x{}  0x{}", hex(key), hex(value)),
        },
        Kind::Bytes => format!("0x{}  0x{}", hex(key), hex(value)),
    }
}

fn as_json(kind: &Kind, key: &[u8], value: &[u8]) -> serde_json::Value {
    match kind {
        Kind::Records {
            key: shape,
            types,
            fields,
            form,
        } => {
            let decoded = shape.as_ref().and_then(|shape| shape.decode(key).ok());
            let opened = form.open(key, value).ok();
            let fields = opened.and_then(|value| decode(types, fields, value));
            json!({
                "damaged": opened.is_none(),
                "key": decoded.as_ref().map(value_json),
                "key_hex": hex(key),
                "fields": fields.as_ref().map(|fields| fields
                    .values
                    .iter()
                    .map(|(name, value)| (name.clone(), value_json(value)))
                    .collect::<Map<_, _>>()),
                "complete": fields.is_some_and(|fields| fields.complete),
                "value_hex": hex(value),
            })
        }
        Kind::Index { .. } => {
            let keys = index_keys(kind, key, value);
            json!({
                "secondary": keys.as_ref().map(|(secondary, _)| value_json(secondary)),
                "primary": keys.as_ref().map(|(_, primary)| value_json(primary)),
                "key_hex": hex(key),
                "value_hex": hex(value),
            })
        }
        Kind::Bytes => json!({"key_hex": hex(key), "value_hex": hex(value)}),
    }
}

/// A value as JSON; integers that other programs would round are strings.
fn value_json(value: &Value) -> serde_json::Value {
    const EXACT: u128 = 1 << 53;
    match value {
        Value::Bool(value) => json!(value),
        Value::Unsigned(number) if *number <= EXACT => json!(*number as u64),
        Value::Signed(number) if number.unsigned_abs() <= EXACT => json!(*number as i64),
        Value::Float(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Char(character) => json!(character),
        Value::Option(None) => serde_json::Value::Null,
        Value::Option(Some(value)) => value_json(value),
        Value::List(values) => values.iter().map(value_json).collect(),
        Value::Record(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), value_json(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Tagged(name, fields) => json!({name.as_str(): value_json(fields)}),
        other => json!(other.to_string()),
    }
}
