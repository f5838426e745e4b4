//! The suite is complete: every driver of the workspace takes part, and no case is lost.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod drivers;

use std::collections::BTreeSet;
use std::path::Path;

use conformance::catalog;
use netabase_core::driver::Driver;
use netabase_core::memory::Memory;

/// The names of the drivers that take part.
#[derive(Default)]
struct Names {
    built_in: BTreeSet<String>,
    packaged: BTreeSet<String>,
}

impl drivers::Visitor for Names {
    fn visit_built_in<D: Driver + Clone>(&mut self, driver: D) {
        let name = driver.manifest().name.clone().into_owned();
        assert!(self.built_in.insert(name), "a driver is listed twice");
    }

    fn visit<D: Driver>(&mut self, driver: D) {
        let name = driver.manifest().name.clone().into_owned();
        assert!(self.packaged.insert(name), "a driver is listed twice");
    }
}

/// Drivers of engines that no native process has. Their own tests run the catalogue, in a browser.
const IN_A_BROWSER: [&str; 1] = ["indexeddb"];

#[test]
fn every_driver_folder_takes_part() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for driver in IN_A_BROWSER {
        let tests = root.join(format!("driver-{driver}/tests/catalog.rs"));
        let text = std::fs::read_to_string(tests).unwrap();
        assert!(text.contains("catalog::all::<Driver>()"), "{driver}");
    }
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let is_package = entry.path().join("Cargo.toml").is_file();
        if let Some(driver) = entry.file_name().to_str().unwrap().strip_prefix("driver-")
            && is_package
            && !IN_A_BROWSER.contains(&driver)
        {
            folders.insert(driver.to_owned());
        }
    }
    let mut names = Names::default();
    drivers::each(&mut names);
    assert_eq!(
        names.packaged, folders,
        "left: drivers in tests/drivers/mod.rs, right: folders of the workspace"
    );
    assert_eq!(names.built_in, BTreeSet::from(["memory".to_owned()]));
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let cases = catalog::all::<Memory>();
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(names.iter().all(|name| name.split('/').count() == 2));
    let groups: BTreeSet<_> = names
        .iter()
        .filter_map(|name| name.split('/').next())
        .collect();
    let files: BTreeSet<_> = conformance_groups();
    assert_eq!(
        groups,
        files.iter().map(String::as_str).collect(),
        "left: groups of the catalogue, right: modules of cases"
    );
}

/// The modules of cases; those of the typed layer are groups with `typed_` before their names.
fn conformance_groups() -> BTreeSet<String> {
    let modules = |folder: &str, prefix: &str| {
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
            .unwrap()
            .filter_map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_stem()?.to_str()?;
                let is_group = path.is_file() && name != "mod";
                is_group.then(|| format!("{prefix}{name}"))
            })
            .collect::<Vec<_>>()
    };
    let mut groups = BTreeSet::from_iter(modules("src/cases", ""));
    groups.extend(modules("src/cases/typed", "typed_"));
    groups
}
