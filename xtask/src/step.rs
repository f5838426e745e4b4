//! One step: a child process, its output passed on, its tests counted.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::report::{Counts, Failures};

/// A command to run, with a title for people.
#[derive(Debug)]
pub(crate) struct Step {
    title: String,
    command: Command,
}

/// How a step ended.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) title: String,
    pub(crate) duration: Duration,
    pub(crate) counts: Counts,
    /// Why it is a failure, if it is one.
    pub(crate) complaint: Option<String>,
}

impl Status {
    /// The outcome of a step that could not begin.
    pub(crate) fn not_run(title: &str, error: &dyn std::error::Error) -> Self {
        Self {
            title: title.to_owned(),
            duration: Duration::ZERO,
            counts: Counts::default(),
            complaint: Some(format!("it could not be run: {error}")),
        }
    }
}

/// What a program has to do to pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) exit_code: i32,
    /// Texts that its output, standard or error, has to hold.
    pub(crate) texts: &'a [&'a str],
}

impl Step {
    /// A step that runs the cargo that runs this program, in the repository's root.
    pub(crate) fn cargo(root: &Path, title: &str, arguments: &[&str]) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(arguments)
            .current_dir(root)
            .stdin(Stdio::null());
        Self {
            title: title.to_owned(),
            command,
        }
    }

    /// A step that runs a program in the repository's root.
    pub(crate) fn program(program: &str, root: &Path, title: &str) -> Self {
        let mut command = Command::new(program);
        command.current_dir(root).stdin(Stdio::null());
        Self {
            title: title.to_owned(),
            command,
        }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable for the command.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs the step to its end. Output is passed on as it comes, and the tests in it are counted.
    pub(crate) fn run(mut self) -> Status {
        self.announce();
        if io::stderr().is_terminal() {
            self.command.env("CARGO_TERM_COLOR", "always");
        }
        let start = Instant::now();
        let mut counts = Counts::default();
        let ended = self.pass_on(&mut counts);
        Status {
            title: self.title,
            duration: start.elapsed(),
            counts,
            complaint: ended.unwrap_or_else(|error| Some(format!("it could not be run: {error}"))),
        }
    }

    fn pass_on(&mut self, counts: &mut Counts) -> io::Result<Option<String>> {
        let mut failures = Failures::default();
        let mut child = self.command.stdout(Stdio::piped()).spawn()?;
        if let Some(pipe) = child.stdout.take() {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            let mut stdout = io::stdout().lock();
            while pipe.read_until(b'\n', &mut line)? > 0 {
                stdout.write_all(&line)?;
                stdout.flush()?;
                let text = String::from_utf8_lossy(&line);
                *counts += Counts::of_result_line(&text);
                failures.read(&text);
                line.clear();
            }
        }
        let status = child.wait()?;
        Ok((!status.success()).then(|| failures.after(&format!("it ended with {status}"))))
    }

    /// Runs the step to its end, shows its output, and holds it against what is expected. Counts as one test.
    pub(crate) fn run_and_expect(mut self, expected: Expected<'_>) -> Status {
        self.announce();
        let start = Instant::now();
        let complaint = match self.command.output() {
            Ok(output) => {
                let text = [output.stdout, output.stderr].concat();
                let text = String::from_utf8_lossy(&text);
                print!("{text}");
                expected.complaint(output.status.code(), &text)
            }
            Err(error) => Some(format!("it could not be run: {error}")),
        };
        Status {
            title: self.title,
            duration: start.elapsed(),
            counts: Counts::default(),
            complaint,
        }
    }

    /// Runs the step to its end; none of these words may begin a line of what it writes.
    pub(crate) fn run_and_refuse(mut self, words: &[&str]) -> Status {
        self.announce();
        let start = Instant::now();
        let complaint = match self.command.output() {
            Ok(output) if !output.status.success() => Some(format!(
                "it ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            )),
            Ok(output) => String::from_utf8_lossy(&output.stdout)
                .lines()
                .filter_map(|line| line.split_whitespace().next())
                .find(|word| words.contains(word))
                .map(|word| format!("it names `{word}`")),
            Err(error) => Some(format!("it could not be run: {error}")),
        };
        Status {
            title: self.title,
            duration: start.elapsed(),
            counts: Counts::default(),
            complaint,
        }
    }

    fn announce(&self) {
        println!("\n==> {}\n    {}", self.title, command_line(&self.command));
    }
}

impl Status {
    /// A step that this machine cannot run; the title says why.
    pub(crate) fn ignored(title: String) -> Self {
        println!("\n==> {title}\n    ignored");
        Self {
            title,
            duration: Duration::ZERO,
            counts: Counts {
                ignored: 1,
                ..Counts::default()
            },
            complaint: None,
        }
    }
}

impl Expected<'_> {
    fn complaint(self, exit_code: Option<i32>, output: &str) -> Option<String> {
        if exit_code != Some(self.exit_code) {
            let code = exit_code.map_or("none".to_owned(), |code| code.to_string());
            return Some(format!("exit code {code} instead of {}", self.exit_code));
        }
        let missing = self.texts.iter().find(|text| !output.contains(**text))?;
        Some(format!("its output does not hold {missing:?}"))
    }
}

/// The command as a person would type it.
fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_stem().unwrap_or(program.as_os_str());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| {
            let word = word.to_string_lossy();
            if word.is_empty() || word.contains(char::is_whitespace) {
                format!("'{word}'")
            } else {
                word.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        exit_code: 2,
        texts: &["line 7", "population"],
    };

    #[test]
    fn another_exit_code_is_a_complaint() {
        assert_eq!(
            EXPECTED.complaint(Some(0), "line 7: population").as_deref(),
            Some("exit code 0 instead of 2")
        );
        assert!(EXPECTED.complaint(None, "line 7: population").is_some());
    }

    #[test]
    fn a_missing_text_is_a_complaint() {
        assert_eq!(EXPECTED.complaint(Some(2), "line 7: population"), None);
        assert_eq!(
            EXPECTED.complaint(Some(2), "line 7").as_deref(),
            Some("its output does not hold \"population\"")
        );
    }

    #[test]
    fn words_with_spaces_are_quoted() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["run", "a b", ""]);
        assert_eq!(command_line(&command), "cargo run 'a b' ''");
    }
}
