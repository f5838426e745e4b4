//! The common maintenance operations: each in the form that the contract gives it.

use std::collections::BTreeSet;

use netabase_core::driver::checked::Checked;
use netabase_core::driver::command::SizeOnDisk;
use netabase_core::driver::ext::ReadExt;
use netabase_core::driver::{Database, Driver, ErrorKind, Read, Result, Write};

use super::{assert_refused, commit, commit_entries, committed, owned};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(no_common_operation_takes_an_argument),
        case!(
            size_on_disk_grows_with_what_is_stored,
            Requirement::Offers("size_on_disk")
        ),
        case!(
            a_sound_database_passes_the_integrity_check,
            Requirement::Offers("check_integrity")
        ),
        case!(compact_keeps_every_entry, Requirement::Offers("compact")),
        case!(
            compact_says_whether_the_database_is_smaller,
            Requirement::Offers("compact"),
            Requirement::Offers("size_on_disk")
        ),
        case!(flush_keeps_every_entry, Requirement::Offers("flush")),
        case!(
            generated_ids_are_never_given_twice,
            Requirement::Offers("generate_id")
        ),
        case!(
            was_recovered_tells_whether_there_was_a_database,
            Requirement::Offers("was_recovered")
        ),
        case!(stats_are_lines_of_figures, Requirement::Offers("stats")),
        case!(the_output_of_a_command_may_use_the_database),
        case!(commands_that_only_read_run_beside_a_writer),
    ]
}

/// The one output of an operation.
fn output<S: Database>(store: &Checked<S>, operation: &str) -> Result<Vec<u8>> {
    let mut outputs = Vec::new();
    store.command(operation, b"", &mut |output| outputs.push(output.to_vec()))?;
    assert_eq!(outputs.len(), 1, "`{operation}` gives one output");
    Ok(outputs.remove(0))
}

fn number<S: Database>(store: &Checked<S>, operation: &str) -> Result<u64> {
    let output = output(store, operation)?;
    let bytes = output.as_slice().try_into().expect("the output is a `u64`");
    Ok(u64::from_le_bytes(bytes))
}

fn answer<S: Database>(store: &Checked<S>, operation: &str) -> Result<bool> {
    match output(store, operation)?[..] {
        [0] => Ok(false),
        [1] => Ok(true),
        ref output => panic!("`{operation}` gives {output:?} instead of one byte, 0 or 1"),
    }
}

/// The common operations.
const COMMON: [&str; 9] = [
    "tree_names",
    "size_on_disk",
    "temporary_bytes",
    "check_integrity",
    "compact",
    "flush",
    "generate_id",
    "was_recovered",
    "stats",
];

fn no_common_operation_takes_an_argument<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    for operation in COMMON {
        let kind = if fixture.manifest().offers(operation) {
            ErrorKind::InvalidInput
        } else {
            ErrorKind::Unsupported
        };
        assert_refused(store.command(operation, b"argument", &mut |_| ()), kind);
    }
    Ok(())
}

fn size_on_disk_grows_with_what_is_stored<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let small = number(&store, "size_on_disk")?;
    assert!(small > 0);
    commit_entries(&store, "t", &[(b"large", &vec![7; 16 << 20])])?;
    let large = number(&store, "size_on_disk")?;
    assert!(large >= 16 << 20, "{large} bytes hold 16 MiB");
    assert!(large > small);
    Ok(())
}

fn a_sound_database_passes_the_integrity_check<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    assert!(answer(&store, "check_integrity")?, "an empty database");
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    assert!(answer(&store, "check_integrity")?, "a database in use");
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

fn compact_keeps_every_entry<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for number in 0..2_000u32 {
            writer.put(tree, &number.to_be_bytes(), &[1; 500], |_| ())?;
        }
        Ok(())
    })?;
    commit(&store, |writer| {
        let tree = writer.tree("t")?;
        for number in (0..2_000u32).filter(|number| number % 10 != 0) {
            writer.remove(tree, &number.to_be_bytes(), |_| ())?;
        }
        Ok(())
    })?;
    let before = committed(&store, "t")?;
    assert_eq!(before.len(), 200);
    answer(&store, "compact")?;
    assert!(committed(&store, "t")? == before, "compact changed entries");
    commit_entries(&store, "u", &[(b"after", b"")])?;
    assert_eq!(committed(&store, "u")?.len(), 1);
    Ok(())
}

/// Whatever was done before: looking for damage may leave room that only a compaction gives back.
fn compact_says_whether_the_database_is_smaller<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    for (round, keys) in [1_u32, 2_000, 3].into_iter().enumerate() {
        commit(&store, |writer| {
            let tree = writer.tree("t")?;
            writer.clear(tree)?;
            for number in 0..keys {
                writer.put(tree, &number.to_be_bytes(), &[1; 500], |_| ())?;
            }
            Ok(())
        })?;
        for looks in [true, false] {
            if looks && fixture.manifest().offers("check_integrity") {
                answer(&store, "check_integrity")?;
            }
            let before = store.run(&SizeOnDisk)?;
            let said = answer(&store, "compact")?;
            let after = store.run(&SizeOnDisk)?;
            assert!(
                said == (after < before),
                "`compact` says {said}, and {before} bytes are {after} (round {round})"
            );
        }
    }
    Ok(())
}

fn flush_keeps_every_entry<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    number(&store, "flush")?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

fn generated_ids_are_never_given_twice<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let mut given = BTreeSet::new();
    for _ in 0..3 {
        let store = fixture.open()?;
        for _ in 0..50 {
            assert!(given.insert(number(&store, "generate_id")?));
        }
    }
    Ok(())
}

fn was_recovered_tells_whether_there_was_a_database<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    assert!(!answer(&store, "was_recovered")?);
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    drop(store);
    assert!(answer(&fixture.open()?, "was_recovered")?);
    Ok(())
}

fn stats_are_lines_of_figures<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let text = String::from_utf8(output(&store, "stats")?)?;
    assert!(!text.is_empty());
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let (name, value) = line.split_once('=').expect("a line is `name=value`");
        assert!(!name.is_empty() && !value.is_empty(), "{line:?}");
        assert!(names.insert(name), "{name} is given twice");
    }
    Ok(())
}

/// Those of these commands that the driver offers.
fn offered<'a, D: Driver>(
    fixture: &'a Fixture<D>,
    names: &'a [&'a str],
) -> impl Iterator<Item = &'a str> {
    names
        .iter()
        .copied()
        .filter(|name| fixture.manifest().offers(name))
}

fn the_output_of_a_command_may_use_the_database<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    for name in offered(fixture, &COMMON) {
        let mut written = None;
        store.command(name, b"", &mut |_| {
            written = Some(commit_entries(&store, "t", &[(name.as_bytes(), b"")]));
        })?;
        written.unwrap_or_else(|| panic!("`{name}` gives nothing"))?;
        let reader = store.begin_read()?;
        let tree = reader.tree("t")?;
        assert!(reader.contains(tree, name.as_bytes())?, "`{name}`");
    }
    Ok(())
}

fn commands_that_only_read_run_beside_a_writer<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree("other")?;
    writer.put(tree, b"k", b"v", |_| ())?;
    for name in offered(fixture, &["size_on_disk", "was_recovered", "stats"]) {
        output(&store, name)?;
    }
    for name in offered(fixture, &["tree_names"]) {
        assert_eq!(output(&store, name)?, b"t");
    }
    Ok(())
}
