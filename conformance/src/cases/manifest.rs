//! The manifest: well-formed, and true of the operations.

use std::collections::BTreeSet;

use netabase_core::driver::{Capabilities, CommitToken, Database, Driver, ErrorKind};

use super::assert_refused;
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(the_manifest_is_well_formed),
        case!(the_manifest_is_always_the_same),
        case!(a_token_that_no_commit_gave_has_no_outcome),
        case!(
            durable_presumes_persistent,
            Requirement::Declares(Capabilities::DURABLE)
        ),
        case!(an_operation_that_is_not_listed_is_unsupported),
        case!(a_listed_operation_is_there),
    ]
}

fn the_manifest_is_well_formed<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let manifest = fixture.manifest();
    let mut letters = manifest.name.bytes();
    assert!(
        letters
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit()),
        "name {:?}",
        manifest.name
    );
    assert!(
        letters.all(|rest| rest.is_ascii_lowercase() || rest.is_ascii_digit() || rest == b'-'),
        "name {:?}",
        manifest.name
    );
    for text in [
        &manifest.version,
        &manifest.engine,
        &manifest.engine_version,
    ] {
        assert!(!text.trim().is_empty(), "{manifest:?}");
    }
    let commands: BTreeSet<_> = manifest.commands.iter().collect();
    assert_eq!(
        commands.len(),
        manifest.commands.len(),
        "a command is listed twice"
    );
    assert!(commands.iter().all(|name| !name.is_empty()));
    Ok(())
}

fn the_manifest_is_always_the_same<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let before = fixture.manifest().clone();
    let store = fixture.open()?;
    assert_eq!(*store.driver(), before.name);
    assert_eq!(*fixture.manifest(), before);
    drop(store);
    assert_eq!(*fixture.manifest(), before);
    Ok(())
}

fn a_token_that_no_commit_gave_has_no_outcome<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    for token in [b"".as_slice(), b"no commit gave this"] {
        match store.commit_outcome(&CommitToken::new(token)) {
            Err(error) => assert!(
                [ErrorKind::Unsupported, ErrorKind::InvalidInput].contains(&error.kind()),
                "{error:?}"
            ),
            Ok(outcome) => panic!("{token:?} is {outcome:?}"),
        }
    }
    Ok(())
}

fn durable_presumes_persistent<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    assert!(fixture.declares(Capabilities::PERSISTENT));
    Ok(())
}

/// WriteBatch that some driver offers, and names that none does.
const NAMES: [&str; 12] = [
    "tree_names",
    "check_integrity",
    "compact",
    "stats",
    "size_on_disk",
    "flush",
    "generate_id",
    "TREE_NAMES",
    "tree_names ",
    "no driver offers this",
    "\0",
    "",
];

fn an_operation_that_is_not_listed_is_unsupported<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    // The driver itself: above it, core answers for what is not listed.
    let store = fixture.driver().open(&fixture.config())?;
    for name in NAMES {
        if fixture.manifest().offers(name) {
            continue;
        }
        for argument in [&b""[..], b"argument"] {
            let mut answered = false;
            let result = store.command(name, argument, &mut |_| answered = true);
            assert_refused(result, ErrorKind::Unsupported);
            assert!(!answered, "`{name}` is unsupported and answers");
        }
    }
    Ok(())
}

fn a_listed_operation_is_there<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    for name in fixture.manifest().commands.iter() {
        match store.command(name, b"", &mut |_| ()) {
            Ok(()) => {}
            // An operation whose argument may not be empty is there as well.
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidInput, "`{name}`: {error:?}"),
        }
    }
    Ok(())
}
