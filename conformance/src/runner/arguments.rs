//! The runner's command line.

use std::num::NonZero;

use clap::{Parser, ValueEnum};

use crate::settings;

/// Runs the conformance suite over a driver that is there as a dynamic library.
#[derive(Debug, Parser)]
#[command(name = "netabase-conformance", after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// The driver: the path of its library, or its name, which is looked up as programs look it up
    #[arg(long, value_name = "LIBRARY")]
    pub(super) driver: String,

    /// Run the cases whose names contain one of these texts
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,

    /// Leave out the cases whose names contain one of these texts
    #[arg(long, value_name = "TEXT")]
    skip: Vec<String>,

    /// Take the texts of --filter and --skip as whole names
    #[arg(long)]
    exact: bool,

    /// Name the cases that would run, and run none
    #[arg(long)]
    pub(super) list: bool,

    /// How to report: for people, as a line of JSON for each event, or as one JUnit XML document
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,

    /// How many cases run at the same time; as many as there are processors
    #[arg(long, value_name = "NUMBER")]
    pub(super) jobs: Option<NonZero<usize>>,

    /// How often the case of random kills kills a process; 25
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    crash_rounds: Option<u32>,

    /// How many random sequences each case of sequences runs; 16 to 96, by the case
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    sequences: Option<u32>,

    /// How many transactions each thread of a history runs; 2,000
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    history_transactions: Option<u32>,

    /// What random choices follow from; another number each time
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// How long a case may take; 180
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    time_limit: Option<u64>,
}

const AFTER_HELP: &str = "\
Each case runs in a process of its own: a driver that crashes or hangs fails that case and no other. To run one in a
debugger, set NETABASE_CONFORMANCE_CASE to its name with the driver's in front, as in `redb/dynamic/tree/…`: the runner
then runs that case in its own process, prints the verdict and ends.

Exit codes:
  0  every law holds (cases that presume what the driver does not declare are ignored, with the reason)
  1  a law is broken
  2  the driver cannot be loaded, the command line is wrong, or no case is selected
  3  the report cannot be written
A reader of the report that goes away ends the run, with 0 or 1 for what was found up to then.";

/// The form of the report.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum Format {
    #[default]
    Pretty,
    Json,
    Junit,
}

impl Arguments {
    /// Whether a case of this group and law is to run.
    pub(super) fn selects(&self, law: &str) -> bool {
        let matches = |text: &String| match self.exact {
            true => law == text,
            false => law.contains(text.as_str()),
        };
        (self.filter.is_empty() || self.filter.iter().any(matches))
            && !self.skip.iter().any(matches)
    }

    /// The environment variables for the process of a case.
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        let numbers = [
            (settings::CRASH_ROUNDS, self.crash_rounds.map(u64::from)),
            (settings::SEQUENCES, self.sequences.map(u64::from)),
            (
                settings::HISTORY_TRANSACTIONS,
                self.history_transactions.map(u64::from),
            ),
            (settings::SEED, self.seed),
            (settings::TIME_LIMIT, self.time_limit),
        ];
        numbers
            .into_iter()
            .filter_map(|(variable, number)| Some((variable, number?.to_string())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Arguments {
        Arguments::parse_from([&["conformance", "--driver", "x"], words].concat())
    }

    #[test]
    fn a_case_is_selected_by_any_filter_and_left_out_by_any_skip() {
        let some = arguments(&["--filter", "tree/", "--filter", "order/", "--skip", "same"]);
        assert!(some.selects("tree/a") && some.selects("order/b"));
        assert!(!some.selects("tree/the_same") && !some.selects("value/c"));
        assert!(arguments(&[]).selects("tree/a"));
        let exact = arguments(&["--filter", "tree/a", "--exact"]);
        assert!(exact.selects("tree/a") && !exact.selects("tree/ab"));
    }

    #[test]
    fn a_law_is_not_held_by_trying_nothing() {
        for name in [
            "--crash-rounds",
            "--sequences",
            "--history-transactions",
            "--jobs",
            "--time-limit",
        ] {
            let words = ["conformance", "--driver", "x", name, "0"];
            assert!(Arguments::try_parse_from(words).is_err(), "{name}");
        }
    }

    #[test]
    fn settings_reach_the_process_of_a_case_as_variables() {
        let settings = arguments(&["--crash-rounds", "3", "--seed", "7"]).settings();
        assert_eq!(
            settings,
            [
                ("NETABASE_CONFORMANCE_CRASH_ROUNDS", "3".to_owned()),
                ("NETABASE_CONFORMANCE_SEED", "7".to_owned())
            ]
        );
    }
}
