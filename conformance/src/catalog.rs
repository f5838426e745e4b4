//! The catalogue: the one list of all cases.

use netabase_core::driver::Driver;

pub use crate::case::{Case, CaseResult, Failure, Limit, Requirement};
use crate::cases;

/// Every case, for the driver `D`.
#[must_use]
pub fn all<D: Driver>() -> Vec<Case<D>> {
    let groups: [(&str, Vec<Case<D>>); _] = [
        ("apply", cases::apply::cases()),
        ("bounds", cases::bounds::cases()),
        ("concurrency", cases::concurrency::cases()),
        ("config", cases::config::cases()),
        ("crash", cases::crash::cases()),
        ("damage", cases::damage::cases()),
        ("cursor", cases::cursor::cases()),
        ("handles", cases::handles::cases()),
        ("history", cases::history::cases()),
        ("leak", cases::leak::cases()),
        ("limits", cases::limits::cases()),
        ("maintenance", cases::maintenance::cases()),
        ("manifest", cases::manifest::cases()),
        ("optimistic", cases::optimistic::cases()),
        ("order", cases::order::cases()),
        ("persistence", cases::persistence::cases()),
        ("power_loss", cases::power_loss::cases()),
        ("random", cases::random::cases()),
        ("read_failure", cases::read_failure::cases()),
        ("resuming_cursor", cases::resuming_cursor::cases()),
        ("sized_tree", cases::sized_tree::cases()),
        ("snapshot", cases::snapshot::cases()),
        ("transaction", cases::transaction::cases()),
        ("tree", cases::tree::cases()),
        ("typed_index", cases::typed::index::cases()),
        ("typed_integrity", cases::typed::integrity::cases()),
        ("typed_key", cases::typed::key::cases()),
        ("typed_random", cases::typed::random::cases()),
        ("typed_range", cases::typed::range::cases()),
        ("typed_schema", cases::typed::schema::cases()),
        ("typed_transaction", cases::typed::transaction::cases()),
        ("value", cases::value::cases()),
        ("waiting", cases::waiting::cases()),
        ("write_failure", cases::write_failure::cases()),
    ];
    groups
        .into_iter()
        .flat_map(|(group, cases)| {
            cases.into_iter().map(move |case| Case {
                name: format!("{group}/{}", case.name),
                ..case
            })
        })
        .collect()
}

/// The cases of the typed layer that run over a driver that is loaded even if they all run over the same driver linked in: a
/// few, so that each kind of call passes through the binary interface from there as well.
const TYPED_AND_LOADED: &[&str] = &[
    "typed_index/a_panic_halfway_through_a_bulk_write_is_rolled_back",
    "typed_index/an_overwrite_in_bulk_moves_the_index_entries",
    "typed_index/records_are_found_by_every_secondary_key",
    "typed_range/an_iterator_may_be_taken_from_both_ends",
    "typed_schema/records_are_there_again",
    "typed_transaction/a_batch_is_one_transaction",
    "typed_transaction/a_commit_covers_every_model",
    "typed_transaction/borrowed_reads_borrow_from_the_engine",
    "typed_transaction/drop_rolls_back_every_model",
    "typed_transaction/what_is_put_is_got",
];

/// Why a case need not run over a driver that is loaded, if every case runs over the same driver linked in; `None` if it has
/// to.
#[must_use]
pub fn need_not_run_loaded(case: &str) -> Option<&'static str> {
    (case.starts_with("typed_") && !TYPED_AND_LOADED.contains(&case)).then_some(
        "the typed layer sees the contract only, whose cases run loaded; this one runs linked in",
    )
}

#[cfg(test)]
mod tests {
    use netabase_core::memory::Memory;

    use super::*;

    #[test]
    fn the_typed_cases_that_run_loaded_are_there_and_few() {
        let names: Vec<_> = all::<Memory>().into_iter().map(|case| case.name).collect();
        let missing = |case: &&&str| !names.iter().any(|name| name == **case);
        assert_eq!(TYPED_AND_LOADED.iter().find(missing), None);
        let left_out = |name: &&String| need_not_run_loaded(name).is_some();
        assert!(names.iter().filter(left_out).count() > 5 * TYPED_AND_LOADED.len());
        let contract = |name: &&String| !name.starts_with("typed_");
        assert!(!names.iter().filter(contract).any(|name| left_out(&name)));
    }
}
