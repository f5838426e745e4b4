//! Random sequences of operations: how they are chosen, shortened when one shows a difference, and reported.

use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::fs::File;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe};
#[cfg(not(target_family = "wasm"))]
use std::time::Instant;

use netabase_core::driver::Direction;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::case::{CaseResult, Entry, Failure};
use crate::verdict::panic_message;
use crate::{child, settings};

/// What one sequence has done so far, a line for each operation.
///
/// In a process of its own the lines are written to a file as well, so that they outlive a driver that ends the process.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    lines: RefCell<Vec<String>>,
    file: Option<File>,
}

impl Journal {
    fn begin() -> Self {
        Self {
            lines: RefCell::default(),
            file: child::sequence_file(),
        }
    }

    /// Adds the operation that is about to run.
    pub(crate) fn note(&self, operation: impl Display) {
        let line = operation.to_string();
        if let Some(mut file) = self.file.as_ref() {
            // The file only helps to explain a crash; that it cannot be written breaks no law.
            let _ = writeln!(file, "{line}");
        }
        self.lines.borrow_mut().push(line);
    }

    fn numbered(&self) -> String {
        numbered(self.lines.borrow().iter().map(String::as_str))
    }
}

/// Lines with their numbers in front.
pub(crate) fn numbered<'l>(lines: impl Iterator<Item = &'l str>) -> String {
    lines
        .zip(1..)
        .map(|(line, number)| format!("{number:>4}  {line}\n"))
        .collect()
}

/// A step of a sequence, and what can take its place to make the sequence simpler.
pub(crate) trait Step: Debug + Clone {
    /// Steps that say less than this one, or the same in parts: each list may replace it.
    fn simpler(&self) -> Vec<Vec<Self>>;
}

/// Runs `law` over random sequences; the first that it rejects is made shorter for as long as it is rejected.
///
/// # Errors
/// What the shortest rejected sequence did, and why it is rejected.
pub(crate) fn run<S: Step>(
    sequences: u32,
    strategy: impl Strategy<Value = Vec<S>>,
    law: impl Fn(Vec<S>, &Journal) -> Result<(), String>,
) -> CaseResult {
    let seed = settings::seed();
    let rejection = |steps: Vec<S>| {
        let journal = Journal::begin();
        let ended = panic::catch_unwind(AssertUnwindSafe(|| law(steps, &journal)));
        let reason = match ended {
            Ok(Ok(())) => return None,
            Ok(Err(reason)) => reason,
            Err(payload) => format!("panicked: {}", panic_message(&*payload)),
        };
        Some(format!("{}{reason}", journal.numbered()))
    };
    let mut runner = TestRunner::new_with_rng(config(sequences), random(seed));
    let outcome = runner.run(&strategy, |steps| match rejection(steps) {
        None => Ok(()),
        Some(account) => Err(TestCaseError::fail(account)),
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(account, steps)) => {
            let account = shorten(steps, account.to_string(), rejection);
            Err(Failure::account(format!(
                "the shortest sequence of operations found that shows it:\n{account}\n\
                 (the random choices follow from {}={seed})",
                settings::SEED
            )))
        }
        Err(TestError::Abort(reason)) => Err(reason.to_string().into()),
    }
}

/// Leaves out and simplifies steps again and again, until every one is needed as it is; gives the last account.
///
/// proptest leaves out each step once, before it has simplified the others; what is needed no more after that, it keeps.
fn shorten<S: Step>(
    mut steps: Vec<S>,
    mut account: String,
    rejection: impl Fn(Vec<S>) -> Option<String>,
) -> String {
    #[cfg(not(target_family = "wasm"))]
    let in_time = {
        let end = Instant::now() + settings::time_limit() / 4;
        move || Instant::now() < end
    };
    // There is no clock.
    #[cfg(target_family = "wasm")]
    let in_time = {
        let mut attempts = 0;
        move || {
            attempts += 1;
            attempts < 500
        }
    };
    #[cfg(target_family = "wasm")]
    let mut in_time = in_time;
    let mut place = 0;
    let mut unchanged = 0;
    while unchanged < steps.len() && in_time() {
        place %= steps.len();
        let replacements = std::iter::once(Vec::new()).chain(steps[place].simpler());
        let shorter = replacements.into_iter().find_map(|replacement| {
            let mut shorter = steps.clone();
            shorter.splice(place..=place, replacement);
            rejection(shorter.clone()).map(|account| (shorter, account))
        });
        match shorter {
            Some(found) => {
                (steps, account) = found;
                unchanged = 0;
            }
            None => {
                place += 1;
                unchanged += 1;
            }
        }
    }
    account
}

/// Each list that is `list` without one of its items.
pub(crate) fn without_one<T: Clone>(list: &[T]) -> impl Iterator<Item = Vec<T>> {
    (0..list.len()).map(|place| {
        let mut shorter = list.to_vec();
        shorter.remove(place);
        shorter
    })
}

/// The number of sequences, unless `PROPTEST_CASES` says otherwise, and a quarter of the time limit to shorten one. In a
/// browser, where each read and each commit is a message to another process, a third of the number.
pub(crate) fn config(sequences: u32) -> Config {
    let sequences = match cfg!(target_family = "wasm") {
        true => sequences / 3,
        false => sequences,
    };
    let default = Config {
        failure_persistence: None,
        max_shrink_iters: 100_000,
        max_shrink_time: match cfg!(target_family = "wasm") {
            // There is no clock.
            true => 0,
            false => u32::try_from(settings::time_limit().as_millis() / 4).unwrap_or(u32::MAX),
        },
        ..Config::default()
    };
    Config {
        cases: settings::sequences().unwrap_or(sequences),
        ..default
    }
}

fn random(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

/// Something that a driver gives, in a form that a person can compare.
pub(crate) trait Show {
    /// The text: bytes as `0x61`, an entry as `0x61 = 0x31`.
    fn show(&self) -> String;
}

impl Show for u64 {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Show for [u8] {
    fn show(&self) -> String {
        const SHOWN: usize = 20;
        let hex =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        match self {
            [] => "(empty)".to_owned(),
            bytes if bytes.len() <= SHOWN => format!("0x{}", hex(bytes)),
            bytes => format!("0x{}… ({} bytes)", hex(&bytes[..8]), bytes.len()),
        }
    }
}

impl Show for Vec<u8> {
    fn show(&self) -> String {
        self.as_slice().show()
    }
}

impl Show for Entry {
    fn show(&self) -> String {
        format!("{} = {}", self.0.show(), self.1.show())
    }
}

impl Show for [Entry] {
    fn show(&self) -> String {
        let entries: Vec<_> = self.iter().map(Show::show).collect();
        format!("[{}]", entries.join(", "))
    }
}

impl Show for Direction {
    fn show(&self) -> String {
        match self {
            Direction::Forward => "forward",
            Direction::Backward => "backward",
        }
        .to_owned()
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self) -> String {
        (*self).show()
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> String {
        self.as_ref()
            .map_or_else(|| "nothing".to_owned(), Show::show)
    }
}

/// How what the driver gives differs from what the model has; `None` if it does not.
pub(crate) fn difference<T: PartialEq<U> + Show, U: Show>(found: T, expected: U) -> Option<String> {
    (found != expected).then(|| told(&found.show(), &expected.show()))
}

/// [`difference`] of lists that may be long: shows where they part.
pub(crate) fn difference_of_entries(found: &[Entry], expected: &[Entry]) -> Option<String> {
    const SHOWN: usize = 8;
    if found == expected {
        return None;
    }
    if found.len().max(expected.len()) <= SHOWN {
        return Some(told(&found.show(), &expected.show()));
    }
    let place = found
        .iter()
        .zip(expected)
        .take_while(|(found, expected)| found == expected)
        .count();
    Some(format!(
        "{}\n(entry {} of {} from the driver, of {} in the model; those before agree)",
        told(&found.get(place).show(), &expected.get(place).show()),
        place + 1,
        found.len(),
        expected.len()
    ))
}

fn told(found: &str, expected: &str) -> String {
    format!("the driver gives {found}\nthe model has    {expected}")
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::any;

    use super::*;

    impl Step for u8 {
        fn simpler(&self) -> Vec<Vec<Self>> {
            Vec::new()
        }
    }

    /// A list of numbers; also as a number each.
    impl Step for Vec<u8> {
        fn simpler(&self) -> Vec<Vec<Self>> {
            let split = self.iter().map(|number| vec![*number]).collect();
            match self.len() {
                0 | 1 => Vec::new(),
                _ => vec![split],
            }
        }
    }

    #[test]
    fn a_rejected_sequence_is_told_at_its_shortest() {
        let outcome = run(200, vec(any::<u8>(), 0..50), |sequence, journal| {
            for byte in sequence {
                journal.note(format!("put {}", [byte][..].show()));
                if byte >= 0x80 {
                    return Err("high".to_owned());
                }
            }
            Ok(())
        });
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains(":\n   1  put 0x80\nhigh\n("), "{message}");
    }

    #[test]
    fn every_step_of_a_shortened_sequence_is_needed() {
        // Rejected while 7 comes before 9, in one list or in two.
        let rejection = |steps: Vec<Vec<u8>>| {
            let numbers = steps.concat();
            let first = numbers.iter().position(|number| *number == 7)?;
            let both = numbers[first..].contains(&9);
            both.then(|| format!("{steps:?}"))
        };
        let steps = vec![vec![1, 7], vec![2], vec![7, 3, 9], vec![4]];
        assert_eq!(
            shorten(steps, "not shortened".to_owned(), rejection),
            "[[7], [9]]"
        );
    }

    #[test]
    fn a_panic_is_told_like_a_difference() {
        let outcome = run(1, vec(any::<u8>(), 1..2), |_, journal| {
            journal.note("begin_write");
            panic!("no more");
        });
        let message = outcome.unwrap_err().to_string();
        assert!(
            message.contains("   1  begin_write\npanicked: no more"),
            "{message}"
        );
    }

    #[test]
    fn long_lists_are_told_where_they_part() {
        let entries =
            |count: u8| -> Vec<Entry> { (0..count).map(|key| (vec![key], vec![])).collect() };
        assert_eq!(difference_of_entries(&entries(9), &entries(9)), None);
        let told = difference_of_entries(&entries(9), &entries(10)).unwrap();
        assert!(
            told.starts_with("the driver gives nothing\nthe model has    0x09 = (empty)\n"),
            "{told}"
        );
        let told = difference_of_entries(&entries(0), &entries(1)).unwrap();
        assert_eq!(
            told,
            "the driver gives []\nthe model has    [0x00 = (empty)]"
        );
    }
}
