//! The suite can fail: a driver with one defect is caught by the cases that are there for it.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod faulty;

use std::process::ExitCode;
use std::sync::Arc;

use conformance::harness::{self, Suite, Verdict};
use conformance::{catalog, fixture};
use libtest_mimic::{Arguments, Trial};
use netabase_core::driver::Driver;

use faulty::{Fault, Faulty, faulty};

/// Every defect, with cases that have to catch it. Others may catch it as well.
const CAUGHT: &[(Fault, &[&str])] = &[
    (
        Fault::AcceptsUnknownOptions,
        &["config/an_unknown_option_is_refused"],
    ),
    (
        Fault::AnswersUnlistedOperations,
        &["manifest/an_operation_that_is_not_listed_is_unsupported"],
    ),
    (
        Fault::AppliesClearsFirst,
        &["apply/a_list_runs_in_order_over_several_trees"],
    ),
    (Fault::AppliesHalfAList, &["apply/a_list_may_be_long"]),
    (
        Fault::ClearKeepsEntries,
        &[
            "transaction/clear_removes_every_entry",
            "random/any_sequence_of_operations_agrees_with_the_model",
            "typed_index/clear_empties_the_indexes",
        ],
    ),
    (
        Fault::ClosesTransactionsWithTheStore,
        &[
            "handles/open_transactions_go_on_after_a_close",
            "handles/a_writer_commits_after_a_close",
            "handles/handles_may_be_dropped_in_every_order",
            "handles/open_transactions_go_on_after_a_close",
        ],
    ),
    (
        Fault::CommitKeepsTheFirstTreeOnly,
        &[
            "transaction/a_commit_covers_every_tree",
            "typed_transaction/a_commit_covers_every_model",
            "typed_index/records_are_found_by_every_secondary_key",
        ],
    ),
    (
        Fault::CommitsOnDrop,
        &[
            "transaction/drop_rolls_back_every_tree",
            "transaction/drop_rolls_back_removals_and_clears",
            "handles/a_panicking_visitor_rolls_the_writer_back",
            "random/any_sequence_of_operations_agrees_with_the_model",
            "typed_transaction/drop_rolls_back_every_model",
            "history/transactions_of_many_threads_are_serializable",
            "typed_transaction/rollback_rolls_back_every_model",
            "typed_index/a_rollback_restores_the_indexes",
        ],
    ),
    (
        Fault::CommitsInPieces,
        &["crash/a_kill_leaves_all_of_a_long_transaction_or_nothing"],
    ),
    (
        Fault::CopiesInCursors,
        &["value/a_value_is_not_copied_on_its_way_to_a_cursor"],
    ),
    (
        Fault::CopiesSmallValues,
        &["value/a_value_is_not_copied_on_its_way"],
    ),
    (
        Fault::CopiesValues,
        &[
            "value/a_value_is_not_copied_on_its_way",
            "typed_transaction/borrowed_reads_borrow_from_the_engine",
        ],
    ),
    (
        Fault::CreatesWhatMustExist,
        &["config/a_missing_database_is_created_only_when_asked"],
    ),
    (
        Fault::CursorEndsAtAnError,
        &["read_failure/an_iteration_over_files_that_were_cut_off_does_not_end_early"],
    ),
    (
        Fault::CursorEndsEarly,
        &["order/many_entries_iterate_in_order_both_ways"],
    ),
    (
        Fault::CursorKeepsItsLastEntry,
        &["cursor/a_cursor_at_its_end_stays_there"],
    ),
    (
        Fault::CursorMissesOwnWrites,
        &[
            "transaction/cursors_see_own_writes_both_ways",
            "resuming_cursor/keys_inserted_ahead_are_seen_and_behind_are_not",
            "typed_index/a_lookup_in_a_transaction_sees_its_writes",
            "typed_transaction/an_iterator_survives_writes_beside_it",
        ],
    ),
    (
        Fault::CursorStartsAgain,
        &["cursor/a_cursor_at_its_end_stays_there"],
    ),
    (
        Fault::EmptiesForeignFolders,
        &["config/a_folder_of_somebodys_files_is_refused_and_stays_as_it_is"],
    ),
    (
        Fault::EmptyCommitsAreSkipped,
        &["crash/an_empty_durable_commit_keeps_those_before_it"],
    ),
    (
        Fault::EmptyValuesAreAbsent,
        &["value/an_empty_value_is_a_value"],
    ),
    (
        Fault::ExcludedLowerIsIncluded,
        &[
            "bounds/an_excluded_lower_bound_is_left_out",
            "bounds/every_pair_of_bounds_selects_what_lies_between",
            "typed_range/every_form_of_range_selects_what_it_says",
        ],
    ),
    (
        Fault::ExcludedUpperIsIncluded,
        &["bounds/every_pair_of_bounds_selects_what_lies_between"],
    ),
    (
        Fault::FailedCommitsComeBack,
        &["write_failure/a_small_commit_that_finds_no_space_does_not_come_back"],
    ),
    (
        Fault::ForgetsThoughPersistent,
        &[
            "persistence/what_was_committed_is_there_again",
            "persistence/a_second_handle_is_refused",
            "config/opening_keeps_what_is_there",
            "config/a_foreign_file_is_refused_and_stays_as_it_is",
            "typed_schema/records_are_there_again",
        ],
    ),
    (
        Fault::GetMissesOwnWrites,
        &["transaction/get_sees_own_writes"],
    ),
    (
        Fault::IgnoresReadOnly,
        &["config/read_only_is_refused_where_it_is_not_declared"],
    ),
    (
        Fault::IncludedUpperIsExcluded,
        &[
            "bounds/an_included_upper_bound_is_part_of_the_range",
            "typed_range/every_form_of_range_selects_what_it_says",
        ],
    ),
    (
        Fault::KeepsASnapshotReady,
        &["history/transactions_of_many_threads_are_serializable"],
    ),
    (
        Fault::KnowsEveryToken,
        &["manifest/a_token_that_no_commit_gave_has_no_outcome"],
    ),
    (
        Fault::LeaksAKibibyteACommit,
        &["leak/repeated_commits_give_their_memory_back"],
    ),
    (
        Fault::LenMissesOwnWrites,
        &["transaction/len_counts_own_writes"],
    ),
    (
        Fault::LimitIsOneTooHigh,
        &["limits/a_key_at_the_limit_is_taken"],
    ),
    (
        Fault::ListsAnAbsentOperation,
        &["manifest/a_listed_operation_is_there"],
    ),
    (
        Fault::LongValuesAreCut,
        &["value/values_of_a_mebibyte_come_back"],
    ),
    (
        Fault::NeverSyncs,
        &["power_loss/what_was_acknowledged_survives_a_power_cut_at_any_moment"],
    ),
    (
        Fault::OrdersBytesAsSigned,
        &[
            "order/bytes_compare_unsigned",
            "order/arbitrary_keys_iterate_in_order",
            "random/any_sequence_of_operations_agrees_with_the_model",
            "typed_key/u64_keys_agree_with_ord",
            "typed_key/string_keys_agree_with_ord",
            "typed_range/composite_keys_order_by_their_parts",
        ],
    ),
    (
        Fault::PanicPoisonsTheStore,
        &["handles/a_panicking_visitor_rolls_the_writer_back"],
    ),
    (
        Fault::PutForgetsThePrevious,
        &[
            "value/put_hands_over_the_value_before",
            "typed_index/an_overwrite_moves_the_index_entries",
            "typed_index/a_unique_key_has_one_holder",
            "typed_random/any_sequence_of_typed_writes_agrees_with_the_model",
        ],
    ),
    (
        Fault::ReaderRefusedBesideAWriter,
        &[
            "concurrency/readers_do_not_wait_for_a_writer",
            "snapshot/a_reader_does_not_see_an_open_writer",
        ],
    ),
    (
        Fault::ReadersLeaveTheirSnapshots,
        &["leak/readers_that_have_ended_hold_no_space_back"],
    ),
    (
        Fault::ReadersWaitForCommits,
        &["concurrency/readers_do_not_wait_for_a_commit"],
    ),
    (
        Fault::ReadsTheLatestState,
        &[
            "snapshot/a_reader_does_not_see_later_commits",
            "snapshot/a_snapshot_is_the_same_in_every_tree",
            "history/transactions_of_many_threads_are_serializable",
            "typed_random/any_sequence_of_typed_writes_agrees_with_the_model",
        ],
    ),
    (
        Fault::RemoveForgetsThePrevious,
        &[
            "value/remove_hands_over_the_value_before",
            "typed_index/a_removal_takes_the_index_entries_along",
        ],
    ),
    (
        Fault::SeekIgnoresBounds,
        &["cursor/seek_stays_within_the_bounds"],
    ),
    (
        Fault::SeekSkipsTheKeyItself,
        &["cursor/seek_goes_to_the_entry_at_or_after_the_key"],
    ),
    (
        Fault::SnapshotIsTakenLate,
        &[
            "snapshot/a_tree_first_asked_for_after_a_commit_is_the_snapshots",
            "typed_transaction/a_read_guard_keeps_its_snapshot",
            "typed_random/any_sequence_of_typed_writes_agrees_with_the_model",
        ],
    ),
    (
        Fault::SnapshotTearsUnderChurn,
        &["snapshot/a_snapshot_holds_while_the_engine_flushes_and_compacts"],
    ),
    (
        Fault::TakesAnyLocation,
        &[
            "config/a_path_is_refused_where_nothing_is_kept",
            "config/a_url_of_another_engine_is_refused",
        ],
    ),
    (
        Fault::TreeNamesAreCut,
        &[
            "tree/trees_may_hold_the_same_keys",
            "tree/names_of_every_form_are_names",
        ],
    ),
    (
        Fault::UnknownTreesAreEmpty,
        &["tree/an_id_that_was_not_given_is_refused"],
    ),
    (
        Fault::WriterReadsOneStateTooEarly,
        &["history/transactions_of_many_threads_are_serializable"],
    ),
];

const LINKAGE: &str = "static";

/// Cases start this executable again, for what a process of its own does.
fn main() -> ExitCode {
    if fixture::is_scenario() {
        let mut suite = Suite::new();
        for (fault, _) in CAUGHT {
            suite.add(LINKAGE, faulty(*fault));
        }
        return suite.run();
    }
    let mut trials = Vec::new();
    let mut add = |name: String, test: Box<dyn FnOnce() + Send>| {
        trials.push(Trial::test(name, move || {
            test();
            Ok(())
        }));
    };
    let tests: [(&str, fn()); _] = [
        (
            "a_driver_without_a_defect_passes",
            a_driver_without_a_defect_passes,
        ),
        (
            "a_difference_is_told_by_the_shortest_sequence_that_shows_it",
            a_difference_is_told_by_the_shortest_sequence_that_shows_it,
        ),
        (
            "a_difference_of_records_is_told_by_a_short_sequence_as_well",
            a_difference_of_records_is_told_by_a_short_sequence_as_well,
        ),
    ];
    for (name, test) in tests {
        add(name.to_owned(), Box::new(test));
    }
    for (fault, names) in CAUGHT {
        for name in *names {
            add(
                format!("every_defect_is_caught_by_its_cases/{fault:?}/{name}"),
                Box::new(|| is_caught_by(*fault, name)),
            );
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn a_driver_without_a_defect_passes() {
    let driver = Arc::new(faulty(Fault::None));
    let mut held = 0;
    for case in catalog::all::<Faulty>() {
        match harness::run(&driver, &case, None) {
            Verdict::Held => held += 1,
            Verdict::Ignored(_) => {}
            Verdict::Broken(message) => panic!("{}: {message}", case.name),
        }
    }
    assert!(held > 100, "only {held} cases ran");
}

fn is_caught_by(fault: Fault, name: &str) {
    let driver = Arc::new(faulty(fault));
    let case = catalog::all::<Faulty>()
        .into_iter()
        .find(|case| case.name == name)
        .unwrap();
    // Whether threads come between each other, and when a process is killed, is a matter of chance.
    let by_chance = ["history/", "crash/a_kill"];
    let attempts = match by_chance.iter().any(|group| name.starts_with(group)) {
        true => 10,
        false => 1,
    };
    let identity = format!("{}/{LINKAGE}", driver.manifest().name);
    let verdicts = (0..attempts).map(|_| harness::run(&driver, &case, Some(identity.clone())));
    let mut held = verdicts.take_while(|verdict| !matches!(verdict, Verdict::Broken(_)));
    if let Some(verdict) = held.nth(attempts - 1) {
        panic!("not caught: {verdict:?}");
    }
}

/// What a case says of a driver with this defect.
fn account(fault: Fault, name: &str) -> String {
    let driver = Arc::new(faulty(fault));
    let case = catalog::all::<Faulty>()
        .into_iter()
        .find(|case| case.name == name)
        .unwrap();
    match harness::run(&driver, &case, None) {
        Verdict::Broken(message) => message,
        verdict => panic!("{verdict:?}"),
    }
}

/// The numbered lines of an account.
fn operations(account: &str) -> Vec<&str> {
    account
        .lines()
        .filter_map(|line| {
            let (number, operation) = line.trim_start().split_once("  ")?;
            number.parse::<u32>().ok().map(|_| operation)
        })
        .collect()
}

fn a_difference_is_told_by_the_shortest_sequence_that_shows_it() {
    let bytes = "random/any_sequence_of_operations_agrees_with_the_model";
    let told = account(Fault::CommitsOnDrop, bytes);
    let [open, begin, put, end, read] = operations(&told)[..] else {
        panic!("not the shortest:\n{told}");
    };
    assert_eq!((open, begin), ("open an empty database", "begin_write"));
    assert!(put.starts_with("put "), "{told}");
    assert_eq!(end, "drop the writer, without a commit");
    assert_eq!(read, "in a new reader: read every tree");
    assert!(told.contains("\nthe driver gives [0x"), "{told}");
    assert!(told.contains("\nthe model has    []\n"), "{told}");
    assert!(told.contains("NETABASE_CONFORMANCE_SEED="), "{told}");

    let told = account(Fault::OrdersBytesAsSigned, bytes);
    assert!(operations(&told).len() <= 6, "{told}");
}

fn a_difference_of_records_is_told_by_a_short_sequence_as_well() {
    let told = account(
        Fault::PutForgetsThePrevious,
        "typed_random/any_sequence_of_typed_writes_agrees_with_the_model",
    );
    let operations = operations(&told);
    assert!((2..=10).contains(&operations.len()), "{told}");
    assert!(told.contains("put"), "{told}");
}
