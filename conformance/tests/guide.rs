//! What `docs/writing-a-driver.md` quotes is what the template holds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

/// The info string of each fenced block, and its text.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((info, text.join("\n") + "\n"));
        }
    }
    blocks
}

#[test]
fn quotes_are_what_the_template_holds() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(package.join("../docs/writing-a-driver.md")).unwrap();
    let template: String = [
        "Cargo.toml",
        "dylib/Cargo.toml",
        "dylib/src/lib.rs",
        "src/config.rs",
        "src/cursor.rs",
        "src/lib.rs",
        "src/database.rs",
        "src/transaction.rs",
        "tests/conformance.rs",
    ]
    .map(|file| fs::read_to_string(package.join("template").join(file)).unwrap())
    .concat();
    let quotes: Vec<_> = blocks(&page)
        .into_iter()
        .filter(|(info, _)| ["rust,ignore", "toml"].contains(info))
        .collect();
    assert!(quotes.len() >= 8, "only {} quotes", quotes.len());
    for (_, quote) in quotes {
        assert!(template.contains(&quote), "not in the template:\n{quote}");
    }
}

#[test]
fn commands_and_variables_are_there() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(package.join("../docs/writing-a-driver.md")).unwrap();
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_netabase-conformance"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for option in [
        "--driver",
        "--filter",
        "--exact",
        "--crash-rounds",
        "--format",
        "--seed",
    ] {
        assert!(page.contains(option) && help.contains(option), "{option}");
    }
    let documented = fs::read_to_string(package.join("src/lib.rs")).unwrap();
    for word in page.split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_')) {
        if word.starts_with("NETABASE_CONFORMANCE_") {
            assert!(documented.contains(word), "{word} is not documented");
        }
    }
}
