//! Counting tests and summing up.

use std::ops::AddAssign;

use crate::step::Status;

/// Numbers of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Counts {
    /// What one line of a test run adds: `test result: ok. 12 passed; 0 failed; 1 ignored; …`, or the same of the
    /// `catalogue` of cases that one test runs in the browser. Other lines add nothing.
    pub(crate) fn of_result_line(line: &str) -> Self {
        let mut counts = Self::default();
        let Some((_, result)) = line
            .split_once("test result: ")
            .or_else(|| line.split_once("catalogue result: "))
        else {
            return counts;
        };
        let (_, numbers) = result.split_once(". ").unwrap_or(("", result));
        for part in numbers.split(';') {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse() else { continue };
            match what.trim() {
                "passed" => counts.passed = number,
                "failed" => counts.failed = number,
                "ignored" => counts.ignored = number,
                _ => {}
            }
        }
        counts
    }

    fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// What test runs say of the tests that failed: all between `failures:` and the result, up to a length that can be read.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    lines: Vec<String>,
    is_within: bool,
}

impl Failures {
    const MOST: usize = 200;

    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim_end();
        if line == "failures:" {
            self.is_within = true;
        } else if line.contains("test result: ") {
            self.is_within = false;
        } else if self.is_within && self.lines.len() < Self::MOST {
            self.lines.push(line.to_owned());
        }
    }

    /// The reason, and what was said.
    pub(crate) fn after(&self, reason: &str) -> String {
        let mut text = reason.to_owned();
        for line in self.lines.iter().filter(|line| !line.is_empty()) {
            text.push('\n');
            text += line;
        }
        text
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// What the steps came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    outcomes: Vec<Status>,
}

impl Report {
    /// Adds a step. One that printed no test results counts as one test; one that went wrong without a failed test, such
    /// as a build, counts as one failure.
    pub(crate) fn add(&mut self, mut outcome: Status) {
        let counts = &mut outcome.counts;
        match outcome.complaint {
            None if counts.is_empty() => counts.passed = 1,
            Some(_) if counts.failed == 0 => counts.failed = 1,
            None | Some(_) => {}
        }
        self.outcomes.push(outcome);
    }

    fn total(&self) -> Counts {
        let mut total = Counts::default();
        for outcome in &self.outcomes {
            total += outcome.counts;
        }
        total
    }

    pub(crate) fn failed(&self) -> bool {
        self.total().failed > 0
    }

    /// One line a step, and as the last line the numbers of all: `12 passed, 0 failed`.
    pub(crate) fn summary(&self) -> String {
        let width = self
            .outcomes
            .iter()
            .map(|outcome| outcome.title.chars().count())
            .max()
            .unwrap_or(0);
        let mut text = String::new();
        for outcome in &self.outcomes {
            let mark = if outcome.counts.failed == 0 {
                "ok  "
            } else {
                "FAIL"
            };
            text += &format!(
                "{mark}  {:width$}  {:>7.1} s  {}\n",
                outcome.title,
                outcome.duration.as_secs_f64(),
                numbers(outcome.counts),
            );
            if let Some(complaint) = &outcome.complaint {
                for line in complaint.lines() {
                    text += &format!("      {line}\n");
                }
            }
        }
        text += &format!("\n{}\n", numbers(self.total()));
        text
    }
}

fn numbers(counts: Counts) -> String {
    let mut text = format!("{} passed, {} failed", counts.passed, counts.failed);
    if counts.ignored > 0 {
        text += &format!(", {} ignored", counts.ignored);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn result_lines_of_test_runs_are_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 2 ignored; 0 measured; 7 filtered out; finished in 0.01s\n";
        assert_eq!(
            Counts::of_result_line(line),
            Counts {
                passed: 12,
                failed: 3,
                ignored: 2
            }
        );
        let coloured =
            "test result: \u{1b}[32mok\u{1b}[0m. 4 passed; 0 failed; 0 ignored; 0 measured";
        assert_eq!(Counts::of_result_line(coloured).passed, 4);
        let cases = "catalogue result: FAILED. 96 passed; 1 failed; 39 ignored; finished in 60.1s";
        assert_eq!(Counts::of_result_line(cases).ignored, 39);
        assert_eq!(
            Counts::of_result_line("running 3 tests\n"),
            Counts::default()
        );
    }

    #[test]
    fn what_is_said_of_failed_tests_is_kept() {
        let mut failures = Failures::default();
        let output = "test a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nleft: 1\n\nfailures:\n    b\n\n\
            test result: FAILED. 1 passed; 1 failed\n\nrunning 1 test\ntest c ... ok\n";
        for line in output.lines() {
            failures.read(line);
        }
        assert_eq!(
            failures.after("exit status: 101"),
            "exit status: 101\n---- b stdout ----\nleft: 1\n    b"
        );
    }

    fn outcome(counts: Counts, complaint: Option<&str>) -> Status {
        Status {
            title: "step".to_owned(),
            duration: Duration::from_secs(1),
            counts,
            complaint: complaint.map(str::to_owned),
        }
    }

    #[test]
    fn a_step_that_fails_before_its_tests_is_one_failure() {
        let mut report = Report::default();
        let counts = Counts {
            passed: 5,
            ..Counts::default()
        };
        report.add(outcome(counts, None));
        assert!(!report.failed());
        report.add(outcome(Counts::default(), Some("does not build")));
        assert!(report.failed());
        assert!(report.summary().contains("      does not build\n"));
        assert!(report.summary().ends_with("\n5 passed, 1 failed\n"));
    }

    #[test]
    fn a_step_without_tests_is_one_test() {
        let mut report = Report::default();
        report.add(outcome(Counts::default(), None));
        assert!(report.summary().ends_with("\n1 passed, 0 failed\n"));
    }

    #[test]
    fn a_run_that_ends_badly_with_failed_tests_counts_those() {
        let mut report = Report::default();
        let counts = Counts {
            passed: 1,
            failed: 2,
            ignored: 1,
        };
        report.add(outcome(counts, Some("exit status: 101")));
        assert!(
            report
                .summary()
                .ends_with("\n1 passed, 2 failed, 1 ignored\n")
        );
    }
}
