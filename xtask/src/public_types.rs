//! `cargo xtask public-types`: every type in a public signature can be named by those who use it.
//!
//! Reads what rustdoc knows of a crate, as JSON, whose format is not stable: with a compiler of another format the check does not run.
//! What the crate `netabase_store` re-exports of `netabase_core` has to be nameable through `netabase_store` alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::Value;

use crate::report::Counts;
use crate::step::{Status, Step};

const TITLE: &str = "types in public signatures";

/// The version of rustdoc's JSON that this reads.
const FORMAT: u64 = 57;

const CORE: &str = "netabase_core";
const FACADE: &str = "netabase_store";

/// The packages, each with the name of its crate.
const CRATES: [(&str, &str); 2] = [("netabase-core", CORE), ("netabase_store", FACADE)];

/// A module of traits that nobody else may implement, and therefore not name.
const SEALED: &str = "sealed";

/// Checks every crate, and says what it finds.
pub(crate) fn run(root: &Path) -> ExitCode {
    let status = outcome(root);
    match status.complaint {
        None => {
            println!("{}", status.title);
            ExitCode::SUCCESS
        }
        Some(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}

/// The check as a step of the tests.
pub(crate) fn outcome(root: &Path) -> Status {
    let begun = Instant::now();
    let (title, counts, complaint) = match check(root) {
        Ok(complaints) if complaints.is_empty() => {
            let counts = Counts {
                passed: 1,
                ..Counts::default()
            };
            (TITLE.to_owned(), counts, None)
        }
        Ok(complaints) => (
            TITLE.to_owned(),
            Counts::default(),
            Some(format!("these cannot be named:\n{}", complaints.join("\n"))),
        ),
        Err(Stopped::OtherFormat(found)) => {
            return Status::ignored(format!(
                "{TITLE}: rustdoc's JSON has format {found}, and this reads {FORMAT}"
            ));
        }
        Err(Stopped::Failed(complaint)) => (TITLE.to_owned(), Counts::default(), Some(complaint)),
    };
    Status {
        title,
        duration: begun.elapsed(),
        counts,
        complaint,
    }
}

enum Stopped {
    OtherFormat(u64),
    Failed(String),
}

fn check(root: &Path) -> Result<Vec<String>, Stopped> {
    let mut crates = BTreeMap::new();
    for (package, name) in CRATES {
        crates.insert(name, Crate::read(root, package, name)?);
    }
    let mut complaints = Vec::new();
    for (name, documented) in &crates {
        let named = documented.named(documented.root());
        complaints.extend(documented.unnamed(&named, name));
    }
    // Through the facade: what it re-exports of core, and what that mentions in turn.
    let (core, facade) = (&crates[CORE], &crates[FACADE]);
    let mut of_core = Named::default();
    for path in &facade.named(facade.root()).external {
        if let Some(of) = path.strip_prefix(CORE) {
            core.name_external(of, &mut of_core);
        }
    }
    complaints.extend(core.unnamed(&of_core, FACADE));
    Ok(complaints)
}

/// The items that can be named.
#[derive(Default)]
struct Named {
    items: BTreeSet<u64>,
    /// Paths of other crates' items; those that end in `::*` stand for all that is in them.
    external: BTreeSet<String>,
}

/// What rustdoc says of one crate.
struct Crate(Value);

impl Crate {
    fn read(root: &Path, package: &str, name: &str) -> Result<Self, Stopped> {
        let documented = Step::cargo(
            root,
            &format!("{package} as JSON"),
            &["rustdoc", "--package", package, "--all-features", "--lib"],
        )
        .args(&["--", "-Z", "unstable-options", "--output-format", "json"])
        // Output as JSON is unstable; nothing that is built for users sees this.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_TARGET_DIR", root.join("target").join("public-types"))
        .run();
        if let Some(complaint) = documented.complaint {
            return Err(Stopped::Failed(complaint));
        }
        let path = root.join(format!("target/public-types/doc/{name}.json"));
        let failed =
            |error: &dyn std::fmt::Display| Stopped::Failed(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| failed(&error))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        match value["format_version"].as_u64() {
            Some(FORMAT) => Ok(Self(value)),
            found => Err(Stopped::OtherFormat(found.unwrap_or_default())),
        }
    }

    fn root(&self) -> u64 {
        self.0["root"].as_u64().unwrap_or_default()
    }

    fn item(&self, id: u64) -> Option<&Value> {
        self.0["index"].get(id.to_string())
    }

    /// The kind of an item, and what is particular to that kind.
    fn inner(&self, id: u64) -> Option<(&str, &Value)> {
        let (kind, inner) = self.item(id)?["inner"].as_object()?.iter().next()?;
        Some((kind, inner))
    }

    fn name(&self, id: u64) -> &str {
        self.item(id)
            .and_then(|item| item["name"].as_str())
            .unwrap_or("_")
    }

    fn is_public(&self, id: u64) -> bool {
        let visibility = self.item(id).map(|item| &item["visibility"]);
        // Those of traits and variants have none of their own.
        visibility.is_some_and(|visibility| visibility == "public" || visibility == "default")
    }

    /// The path where an item was defined, and whether it is of this crate.
    fn path(&self, id: u64) -> Option<(String, bool)> {
        let summary = self.0["paths"].get(id.to_string())?;
        let segments: Vec<_> = ids_or_texts(&summary["path"], Value::as_str).collect();
        Some((segments.join("::"), summary["crate_id"] == 0))
    }

    /// All that can be named from a module on.
    fn named(&self, module: u64) -> Named {
        let mut named = Named::default();
        self.name_item(module, &mut named);
        named
    }

    fn name_item(&self, id: u64, named: &mut Named) {
        let Some((kind, inner)) = self.inner(id) else {
            named.external.extend(self.path(id).map(|(path, _)| path));
            return;
        };
        if named.items.insert(id) && kind == "module" {
            for child in ids(&inner["items"]) {
                self.name_child(child, named);
            }
        }
    }

    /// Names an item of a module, if it is public: the item itself, or what it re-exports.
    fn name_child(&self, id: u64, named: &mut Named) {
        if !self.is_public(id) {
            return;
        }
        let Some(("use", import)) = self.inner(id) else {
            return self.name_item(id, named);
        };
        let Some(target) = import["id"].as_u64() else {
            return;
        };
        match (import["is_glob"] == true, self.inner(target)) {
            (false, _) => self.name_item(target, named),
            (true, Some(("module", inner))) => {
                ids(&inner["items"]).for_each(|child| self.name_child(child, named));
            }
            (true, Some(_)) => self.name_item(target, named),
            (true, None) => {
                let path = self.path(target).map(|(path, _)| format!("{path}::*"));
                named.external.extend(path);
            }
        }
    }

    /// Names what another crate re-exports by this path within the crate.
    fn name_external(&self, path: &str, named: &mut Named) {
        let (path, is_glob) = match path.strip_suffix("::*") {
            Some(path) => (path, true),
            None => (path, false),
        };
        let Some(paths) = self.0["paths"].as_object() else {
            return;
        };
        for id in paths.keys().filter_map(|id| id.parse().ok()) {
            let is_meant = self.path(id).is_some_and(|(defined, is_own)| {
                is_own && defined.strip_prefix(CORE) == Some(path)
            });
            match self.inner(id) {
                Some(("module", inner)) if is_meant && is_glob => {
                    ids(&inner["items"]).for_each(|child| self.name_child(child, named));
                }
                Some(_) if is_meant => self.name_item(id, named),
                _ => {}
            }
        }
    }

    /// A line for each type of this crate that a signature of a named item mentions and nobody can name.
    fn unnamed(&self, named: &Named, through: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        for &item in &named.items {
            self.signatures(item, &mut |owner, signature| {
                let mut mentioned = Vec::new();
                mentions(signature, &mut mentioned);
                for id in mentioned {
                    let Some((path, true)) = self.path(id) else {
                        continue;
                    };
                    if !named.items.contains(&id) && !path.split("::").any(|part| part == SEALED) {
                        found.insert(format!("  {path}, in {owner}, by way of {through}"));
                    }
                }
            });
        }
        found.into_iter().collect()
    }

    /// Visits the public signatures of an item, each with a name for people.
    fn signatures(&self, item: u64, visit: &mut dyn FnMut(&str, &Value)) {
        let Some((kind, inner)) = self.inner(item) else {
            return;
        };
        let owner = self.name(item);
        let mut members: Vec<u64> = match kind {
            "module" => return,
            "struct" => {
                let fields = &inner["kind"];
                let plain = ids(&fields["plain"]["fields"]);
                plain
                    .chain(ids(&fields["tuple"]))
                    .chain(ids(&inner["impls"]))
                    .collect()
            }
            "enum" => ids(&inner["variants"])
                .chain(ids(&inner["impls"]))
                .collect(),
            "union" => ids(&inner["fields"]).chain(ids(&inner["impls"])).collect(),
            "trait" => ids(&inner["items"]).collect(),
            _ => Vec::new(),
        };
        match kind {
            "struct" | "enum" | "union" => visit(owner, &inner["generics"]),
            "trait" => {
                visit(owner, &inner["generics"]);
                visit(owner, &inner["bounds"]);
            }
            _ => visit(owner, inner),
        }
        while let Some(member) = members.pop() {
            let Some((kind, inner)) = self.inner(member) else {
                continue;
            };
            match kind {
                "impl" if inner["is_synthetic"] == true || !inner["blanket_impl"].is_null() => {}
                "impl" if inner["trait"].is_null() => {
                    visit(owner, &inner["generics"]);
                    members.extend(ids(&inner["items"]).filter(|id| self.is_public(*id)));
                }
                "impl" => {
                    for id in ids(&inner["items"]) {
                        if let Some(("assoc_type", inner)) = self.inner(id) {
                            visit(&format!("{owner}, its {}", self.name(id)), inner);
                        }
                    }
                }
                "variant" => {
                    let fields = &inner["kind"];
                    members.extend(ids(&fields["tuple"]));
                    members.extend(ids(&fields["struct"]["fields"]));
                }
                "struct_field" if !self.is_public(member) => {}
                _ => visit(&format!("{owner}::{}", self.name(member)), inner),
            }
        }
    }
}

fn ids_or_texts<'v, T>(
    list: &'v Value,
    read: impl Fn(&'v Value) -> Option<T> + 'v,
) -> impl Iterator<Item = T> + 'v {
    list.as_array().into_iter().flatten().filter_map(read)
}

fn ids(list: &Value) -> impl Iterator<Item = u64> {
    ids_or_texts(list, Value::as_u64)
}

/// The types and traits that a signature mentions.
fn mentions(signature: &Value, found: &mut Vec<u64>) {
    match signature {
        Value::Object(members) => {
            for (name, value) in members {
                if matches!(name.as_str(), "resolved_path" | "trait") {
                    found.extend(value["id"].as_u64());
                }
                mentions(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| mentions(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A crate with a public function that gives a type, which lies in a private module or is re-exported.
    fn documented(is_reexported: bool) -> Crate {
        let mut items = vec![json!(1)];
        items.extend(is_reexported.then(|| json!(3)));
        let public = |inner: Value| json!({"name": "x", "visibility": "public", "inner": inner});
        Crate(json!({
            "root": 0,
            "index": {
                "0": public(json!({"module": {"items": items}})),
                "1": public(json!({"function": {"sig": {"output": {"resolved_path": {"id": 2}}}}})),
                "2": public(json!({"struct": {"kind": "unit", "generics": {}, "impls": []}})),
                "3": public(json!({"use": {"id": 2, "is_glob": false}})),
            },
            "paths": {"2": {"crate_id": 0, "path": ["x", "hidden", "Given"]}},
        }))
    }

    #[test]
    fn a_type_that_is_given_and_cannot_be_named_is_found() {
        for (is_reexported, expected) in [(true, 0), (false, 1)] {
            let documented = documented(is_reexported);
            let named = documented.named(documented.root());
            let unnamed = documented.unnamed(&named, "x");
            assert_eq!(unnamed.len(), expected, "{unnamed:?}");
        }
    }
}
