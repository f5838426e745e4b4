//! The layers of the workspace: what each may import, and that nothing goes in circles.
//!
//! ARCHITECTURE.md explains the layers; the tables here are what holds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a check fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `netabase-core`, from the bottom up, and the modules that each may import.
const CORE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("config", &["error"]),
    ("driver", &["error", "config"]),
    ("codec", &["error"]),
    ("model", &["error", "driver", "codec"]),
    ("index", &["error", "codec", "model"]),
    ("schema", &["error", "config", "driver", "codec", "model"]),
    ("generated", &["error", "codec", "model"]),
    ("memory", &["error", "config", "driver"]),
    ("abi", &["error", "config", "driver"]),
    ("loader", &["error", "driver", "abi"]),
    (
        "store",
        &[
            "error", "config", "driver", "codec", "model", "index", "schema",
        ],
    ),
];

/// The modules of core that a driver may name: the contract, and what it is stated in.
const OF_DRIVERS: &[&str] = &[
    "commands",
    "config",
    "driver",
    "error",
    "export_driver",
    "plain_command",
];

/// The crates of the workspace that each folder of sources may name.
const CRATES: &[(&str, &[&str])] = &[
    ("core/src", &["netabase_core"]),
    (
        "driver-indexeddb/src",
        &["netabase_core", "netabase_driver_indexeddb"],
    ),
    ("driver-redb/src", &["netabase_core"]),
    (
        "driver-redb-zerocopy/src",
        &["netabase_core", "netabase_driver_redb"],
    ),
    ("driver-sled/src", &["netabase_core"]),
    ("cli/src", &["netabase_core", "netabase_store"]),
    (
        "src",
        &[
            "netabase_core",
            "netabase_driver_indexeddb",
            "netabase_driver_redb",
            "netabase_driver_redb_zerocopy",
            "netabase_driver_sled",
            "netabase_macros",
            "netabase_store",
        ],
    ),
    ("macros/src", &[]),
    ("conformance/src", &["netabase_core", "netabase_store"]),
    (
        "benches/src",
        &[
            "netabase_core",
            "netabase_driver_redb",
            "netabase_driver_sled",
            "netabase_store",
        ],
    ),
];

/// Names of engines, which core does not know.
const ENGINES: &[&str] = &["etcd", "indexeddb", "postgres", "redb", "sled"];

/// The name of a module by the modules that it is in, from the root.
type Module = Vec<String>;

/// A source file without its comments, texts and tests.
struct Source {
    path: PathBuf,
    module: Module,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// A path that a file names, and where.
#[derive(Debug)]
struct Named {
    /// The module of the file.
    from: Module,
    segments: Vec<String>,
    line: usize,
    is_reexport: bool,
}

/// The sources of one crate.
struct Tree {
    sources: Vec<Source>,
    /// What a module passes on from the modules within it: by module and name, the module that has it.
    reexports: BTreeMap<(Module, String), Module>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Tree {
    fn read(folder: &Path) -> Self {
        let mut sources = Vec::new();
        collect(folder, &[], &mut sources);
        assert!(!sources.is_empty(), "{} has no sources", folder.display());
        let mut tree = Self {
            sources,
            reexports: BTreeMap::new(),
        };
        let mut reexports = BTreeMap::new();
        for source in &tree.sources {
            for named in tree.named(source).filter(|named| named.is_reexport) {
                let (target, rest) = tree.resolve(&named);
                if let Some(name) = rest.first() {
                    reexports.insert((named.from.clone(), name.clone()), target);
                }
            }
        }
        tree.reexports = reexports;
        tree
    }

    fn contains(&self, module: &[String]) -> bool {
        self.sources.iter().any(|source| source.module == module)
    }

    /// Every path of a file that begins in this crate.
    fn named<'t>(&'t self, source: &'t Source) -> impl Iterator<Item = Named> + 't {
        paths(&source.tokens).into_iter().filter_map(move |path| {
            let mut from = source.module.clone();
            let mut segments = path.segments.into_iter();
            let first = segments.next()?;
            // Modules within the file do not count as modules of their own.
            let mut inner = path.inner;
            let mut start: Module = match first.as_str() {
                "crate" => Vec::new(),
                "self" => from.clone(),
                "super" if inner > 0 => {
                    inner -= 1;
                    from.clone()
                }
                "super" => {
                    from.pop();
                    std::mem::replace(&mut from, source.module.clone())
                }
                child => {
                    let mut child_module = from.clone();
                    child_module.push(child.to_owned());
                    if !self.contains(&child_module) {
                        return None;
                    }
                    child_module
                }
            };
            let mut rest: Vec<String> = segments.collect();
            while rest.first().is_some_and(|segment| segment == "super") {
                rest.remove(0);
                if inner > 0 {
                    inner -= 1;
                } else {
                    start.pop();
                }
            }
            start.extend(rest);
            Some(Named {
                from: source.module.clone(),
                segments: start,
                line: path.line,
                is_reexport: path.is_public,
            })
        })
    }

    /// The module that a path leads to, and what it names within.
    fn resolve(&self, named: &Named) -> (Module, Vec<String>) {
        let mut module = named.segments.clone();
        while !module.is_empty() && !self.contains(&module) {
            module.pop();
        }
        let rest = named.segments[module.len()..].to_vec();
        match rest
            .first()
            .and_then(|name| self.reexports.get(&(module.clone(), name.clone())))
        {
            Some(target) if *target != module => (target.clone(), rest),
            _ => (module, rest),
        }
    }

    /// Every import of one module by another: the two, and where it stands.
    fn imports(&self) -> Vec<(Module, Module, String)> {
        let mut imports = Vec::new();
        for source in &self.sources {
            for named in self.named(source).filter(|named| !named.is_reexport) {
                let (target, _) = self.resolve(&named);
                let place = format!("{}:{}", source.path.display(), named.line);
                imports.push((source.module.clone(), target, place));
            }
        }
        imports
    }

    /// Every circle between the files and folders of one folder, told by the imports that make it up.
    fn circles(&self) -> Vec<String> {
        let mut folders: BTreeMap<Module, BTreeMap<(String, String), String>> = BTreeMap::new();
        for (from, to, place) in self.imports() {
            let common = from
                .iter()
                .zip(&to)
                .take_while(|(from, to)| from == to)
                .count();
            let node = |module: &Module| module.get(common).cloned().unwrap_or_default();
            if from != to {
                folders
                    .entry(from[..common].to_vec())
                    .or_default()
                    .entry((node(&from), node(&to)))
                    .or_insert(place);
            }
        }
        let mut circles = Vec::new();
        for (folder, edges) in folders {
            let mut reached: BTreeSet<(&str, &str)> = edges
                .keys()
                .map(|(from, to)| (from.as_str(), to.as_str()))
                .collect();
            loop {
                let further: Vec<_> = reached
                    .iter()
                    .flat_map(|&(from, over)| {
                        edges
                            .keys()
                            .filter(move |(next, _)| next == over)
                            .map(move |(_, to)| (from, to.as_str()))
                    })
                    .filter(|edge| !reached.contains(edge))
                    .collect();
                if further.is_empty() {
                    break;
                }
                reached.extend(further);
            }
            let in_circle: Vec<_> = edges
                .iter()
                .filter(|((from, to), _)| reached.contains(&(to.as_str(), from.as_str())))
                .collect();
            if !in_circle.is_empty() {
                let mut text = format!("in `{}`:", folder.join("::"));
                for ((from, to), place) in in_circle {
                    let show = |node: &str| match node {
                        "" => "the folder's own file".to_owned(),
                        node => node.to_owned(),
                    };
                    text += &format!("\n    {} -> {} at {place}", show(from), show(to));
                }
                circles.push(text);
            }
        }
        circles
    }
}

/// A path as it stands in a file.
struct Written {
    segments: Vec<String>,
    line: usize,
    is_public: bool,
    /// How many modules within the file it stands in.
    inner: usize,
}

/// Every path of more than one segment: those of `use` one by one, and those elsewhere.
fn paths(tokens: &[Token]) -> Vec<Written> {
    let mut found = Vec::new();
    let mut place = 0;
    let mut depth = 0_usize;
    let mut modules: Vec<usize> = Vec::new();
    let text = |place: usize| tokens.get(place).map_or("", |token| token.text.as_str());
    while place < tokens.len() {
        match text(place) {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if modules.last() == Some(&depth) {
                    modules.pop();
                }
            }
            "mod" if text(place + 2) == "{" => {
                modules.push(depth);
                depth += 1;
                place += 2;
            }
            "use" if text(place + 1) != "<" => {
                let is_public = place > 0 && matches!(text(place - 1), "pub" | ")");
                let line = tokens[place].line;
                place += 1;
                let mut paths = Vec::new();
                tree(tokens, &mut place, &[], &mut paths);
                found.extend(paths.into_iter().map(|segments| Written {
                    segments,
                    line,
                    is_public,
                    inner: modules.len(),
                }));
            }
            name if is_name(name) && text(place + 1) == "::" => {
                let line = tokens[place].line;
                let mut segments = vec![name.to_owned()];
                while text(place + 1) == "::" && is_name(text(place + 2)) {
                    segments.push(text(place + 2).to_owned());
                    place += 2;
                }
                found.push(Written {
                    segments,
                    line,
                    is_public: false,
                    inner: modules.len(),
                });
            }
            _ => {}
        }
        place += 1;
    }
    found
}

/// Reads the tree of a `use` behind `prefix`; `place` is then behind it.
fn tree(tokens: &[Token], place: &mut usize, prefix: &[String], paths: &mut Vec<Vec<String>>) {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(*place) {
        match token.text.as_str() {
            "{" => {
                *place += 1;
                while tokens
                    .get(*place)
                    .is_some_and(|token| !matches!(token.text.as_str(), "}" | ";"))
                {
                    tree(tokens, place, &path, paths);
                    if tokens.get(*place).is_some_and(|token| token.text == ",") {
                        *place += 1;
                    }
                }
                *place += 1;
                return;
            }
            "::" => {}
            "," | "}" | ";" => break,
            "as" => *place += 1,
            name => path.push(name.to_owned()),
        }
        *place += 1;
    }
    if path.len() > prefix.len() || !prefix.is_empty() {
        paths.push(path);
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// The files below a folder, each with its module.
fn collect(folder: &Path, module: &[String], sources: &mut Vec<Source>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, &[module, &[name]].concat(), sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let module = match name.as_str() {
                "mod" | "lib" | "main" => module.to_vec(),
                _ => [module, &[name]].concat(),
            };
            let tokens = tokens(&fs::read_to_string(&path).unwrap());
            sources.push(Source {
                path,
                module,
                tokens,
            });
        }
    }
}

/// The words and signs of a file up to its tests, without comments and without what is within quotes.
fn tokens(text: &str) -> Vec<Token> {
    let text = &without_tests(text);
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut at = 0;
    let starts = |at: usize, with: &str| text.get(at..).is_some_and(|rest| rest.starts_with(with));
    while at < bytes.len() {
        let begin = at;
        if starts(at, "//") {
            at = text[at..].find('\n').map_or(bytes.len(), |end| at + end);
        } else if starts(at, "/*") {
            at = text[at..]
                .find("*/")
                .map_or(bytes.len(), |end| at + end + 2);
        } else if let Some(hashes) = raw(&text[at..]) {
            let end = format!("\"{}", "#".repeat(hashes));
            let inner = at + text[at..].find('"').unwrap() + 1;
            at = text[inner..]
                .find(&end)
                .map_or(bytes.len(), |found| inner + found + end.len());
        } else if bytes[at] == b'"' {
            at += 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
        } else if bytes[at] == b'\'' {
            // A character, or else the name of a lifetime.
            let mut rest = text[at + 1..].char_indices();
            let first = rest.next().map(|(_, first)| first);
            at += match (first, rest.next()) {
                (Some('\\'), _) => text[at + 3..].find('\'').map_or(1, |end| end + 4),
                (Some(_), Some((length, '\''))) => length + 2,
                _ => 1,
            };
        } else if starts(at, "::") {
            at += 2;
            tokens.push(Token {
                text: "::".to_owned(),
                line,
            });
        } else {
            let length = text[at..]
                .find(|next: char| !next.is_alphanumeric() && next != '_')
                .unwrap_or(bytes.len() - at);
            let length = match length {
                0 => text[at..].chars().next().map_or(1, char::len_utf8),
                length => length,
            };
            let word = &text[at..at + length];
            if !word.trim().is_empty() {
                tokens.push(Token {
                    text: word.to_owned(),
                    line,
                });
            }
            at += length;
        }
        at = at.min(bytes.len());
        line += bytes[begin..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
    }
    tokens
}

/// A file with an empty module of tests.
fn without_tests(text: &str) -> String {
    const TESTS: &str = "\n#[cfg(test)]\nmod tests {";
    match text.split_once(TESTS) {
        Some((before, tests)) => {
            let (inside, behind) = tests.split_once("\n}").unwrap_or((tests, ""));
            let lines = "\n".repeat(inside.matches('\n').count());
            format!("{before}{TESTS}{lines}\n}}{behind}")
        }
        None => text.to_owned(),
    }
}

/// How many `#` a raw text begins with, if one begins here.
fn raw(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = rest.bytes().take_while(|byte| *byte == b'#').count();
    (rest.as_bytes().get(hashes) == Some(&b'"')).then_some(hashes)
}

fn assert_none(complaints: &[String], what: &str) {
    assert!(complaints.is_empty(), "{what}:\n{}", complaints.join("\n"));
}

#[test]
fn core_imports_from_the_bottom_up() {
    for (row, (name, allowed)) in CORE.iter().enumerate() {
        for below in *allowed {
            assert!(
                CORE[..row].iter().any(|(name, _)| name == below),
                "the table lets `{name}` import `{below}`, which is not below it"
            );
        }
    }
    let mut complaints = Vec::new();
    for (from, to, place) in Tree::read(&root().join("core/src")).imports() {
        let (Some(from), Some(to)) = (from.first(), to.first()) else {
            continue;
        };
        match CORE.iter().find(|(name, _)| name == from) {
            None => complaints.push(format!("{place}: the table has no layer `{from}`")),
            Some((_, allowed)) if from != to && !allowed.contains(&to.as_str()) => {
                complaints.push(format!("{place}: `{from}` imports `{to}`"));
            }
            Some(_) => {}
        }
    }
    assert_none(&complaints, "core imports what its layers do not allow");
}

#[test]
fn crates_name_only_those_below_them() {
    let mut complaints = Vec::new();
    for (folder, allowed) in CRATES {
        for source in Tree::read(&root().join(folder)).sources {
            for token in &source.tokens {
                if token.text.starts_with("netabase_")
                    && is_crate(&token.text)
                    && !allowed.contains(&token.text.as_str())
                {
                    complaints.push(format!(
                        "{}:{}: {}",
                        source.path.display(),
                        token.line,
                        token.text
                    ));
                }
            }
        }
    }
    assert_none(&complaints, "a crate names one that it must not know");
}

/// Whether the workspace has a crate of this name.
fn is_crate(name: &str) -> bool {
    CRATES.iter().any(|(_, allowed)| allowed.contains(&name))
}

#[test]
fn core_names_no_engine() {
    let mut complaints = Vec::new();
    for source in Tree::read(&root().join("core/src")).sources {
        for token in &source.tokens {
            let name = token.text.to_lowercase();
            if let Some(engine) = ENGINES.iter().find(|engine| name.contains(*engine)) {
                complaints.push(format!(
                    "{}:{}: {engine}",
                    source.path.display(),
                    token.line
                ));
            }
        }
    }
    assert_none(&complaints, "core names an engine");
}

#[test]
fn drivers_know_the_contract_alone() {
    let mut complaints = Vec::new();
    for (folder, _) in CRATES
        .iter()
        .filter(|(folder, _)| folder.starts_with("driver-"))
    {
        for source in Tree::read(&root().join(folder)).sources {
            for path in paths(&source.tokens) {
                if let [first, module, ..] = &path.segments[..]
                    && first == "netabase_core"
                    && !OF_DRIVERS.contains(&module.as_str())
                {
                    complaints.push(format!("{}:{}: {module}", source.path.display(), path.line));
                }
            }
        }
    }
    assert_none(&complaints, "a driver names more of core than the contract");
}

#[test]
fn every_driver_has_a_row() {
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if name.starts_with("driver-") {
            let folder = format!("{name}/src");
            assert!(
                CRATES.iter().any(|(known, _)| *known == folder),
                "{name} has no row"
            );
        }
    }
}

#[test]
fn nothing_goes_in_circles() {
    let mut complaints = Vec::new();
    for (folder, _) in CRATES {
        let circles = Tree::read(&root().join(folder)).circles();
        complaints.extend(
            circles
                .into_iter()
                .map(|circle| format!("{folder} {circle}")),
        );
    }
    assert_none(
        &complaints,
        "files of one folder import each other in circles",
    );
}
