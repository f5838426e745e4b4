//! A case in a process of its own, so that a driver that ends or blocks the process fails that case and no other.
//!
//! The executable is started again with its own arguments; an environment variable names the case, another one the folder
//! in which the new process leaves what the case came to.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::child::{CASE, FINDINGS, FOLDER, SEQUENCE, own_arguments};
use crate::verdict::Verdict;
use crate::{sequence, settings, system};

/// In that folder: what the case came to.
const VERDICT: &str = "verdict";
/// In that folder: what the process printed.
const OUTPUT: &str = "output";

/// How long a process may go on after the case's own time limit has passed.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the case that this process was started for, leaves what it came to for the process that waits for it, and ends
/// this one. Without such a process, as when a person sets the variable to debug a case, prints the verdict.
pub(crate) fn run_requested(case: impl FnOnce() -> Verdict) -> ! {
    let folder = env::var_os(FOLDER);
    if folder.is_some() {
        system::end_with_parent();
    }
    let verdict = case();
    let written = match folder {
        Some(folder) => fs::write(Path::new(&folder).join(VERDICT), encode(&verdict)),
        None => {
            println!("{verdict}");
            Ok(())
        }
    };
    match (written, verdict) {
        (Err(error), _) => {
            eprintln!("the verdict cannot be written: {error}");
            process::exit(2)
        }
        (Ok(()), Verdict::Broken(_)) => process::exit(1),
        (Ok(()), Verdict::Held | Verdict::Ignored(_)) => process::exit(0),
    }
}

fn encode(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Held => "held\n".to_owned(),
        Verdict::Ignored(reason) => format!("ignored\n{reason}"),
        Verdict::Broken(message) => format!("broken\n{message}"),
    }
}

fn decode(text: &str) -> Option<Verdict> {
    let (word, rest) = text.split_once('\n')?;
    match word {
        "held" => Some(Verdict::Held),
        "ignored" => Some(Verdict::Ignored(rest.to_owned())),
        "broken" => Some(Verdict::Broken(rest.to_owned())),
        _ => None,
    }
}

/// Runs a case of this executable in a process of its own. `settings` are environment variables for it.
pub(crate) fn run(case: &str, settings: &[(&str, String)]) -> Verdict {
    ask(case, settings).0
}

/// [`run`], and what the case [left](leave) as its findings.
pub(crate) fn ask(case: &str, settings: &[(&str, String)]) -> (Verdict, Vec<u8>) {
    try_run(case, settings).unwrap_or_else(|error| {
        let reason = format!("no process for the case: {error}");
        (Verdict::Broken(reason), Vec::new())
    })
}

fn try_run(case: &str, settings: &[(&str, String)]) -> io::Result<(Verdict, Vec<u8>)> {
    let folder = tempfile::tempdir()?;
    let output = File::create(folder.path().join(OUTPUT))?;
    let mut command = Command::new(env::current_exe()?);
    command
        .args(own_arguments())
        .env(CASE, case)
        .env(FOLDER, folder.path())
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    system::lead_a_group(&mut command);
    let mut child = command.spawn()?;
    let limit = settings
        .iter()
        .find(|(name, _)| *name == settings::TIME_LIMIT)
        .and_then(|(_, seconds)| seconds.parse().ok())
        .map_or_else(settings::time_limit, Duration::from_secs);
    let ended = wait(&mut child, limit + GRACE)?;
    let left = |file: &str| {
        fs::read(folder.path().join(file))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    };
    let verdict = match (decode(&left(VERDICT)), ended) {
        (Some(verdict @ Verdict::Broken(_)), _) => verdict,
        (Some(verdict), Some(status)) if status.success() => verdict,
        // Whatever a driver does when the process ends is its doing as well.
        (Some(_), Some(status)) => Verdict::Broken(ended_early(
            &format!("the process ended badly after the case: {}", cause(status)),
            &left(SEQUENCE),
            &left(OUTPUT),
        )),
        (Some(_), None) => Verdict::Broken(ended_early(
            "the process did not end after the case, and was killed",
            &left(SEQUENCE),
            &left(OUTPUT),
        )),
        (None, Some(status)) => Verdict::Broken(ended_early(
            &format!(
                "the process of this case ended without a verdict: {}",
                cause(status)
            ),
            &left(SEQUENCE),
            &left(OUTPUT),
        )),
        (None, None) => Verdict::Broken(ended_early(
            &format!("did not end within {} s and was killed", limit.as_secs()),
            &left(SEQUENCE),
            &left(OUTPUT),
        )),
    };
    let findings = fs::read(folder.path().join(FINDINGS)).unwrap_or_default();
    Ok((verdict, findings))
}

fn cause(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it exited with code {code}"),
        None => status.to_string(),
    }
}

/// What is known of a case whose process is gone.
fn ended_early(reason: &str, sequence: &str, output: &str) -> String {
    const LINES: usize = 15;
    let mut account = reason.to_owned();
    if !sequence.is_empty() {
        account += "\nthe sequence of operations up to then, not shortened:\n";
        account += &sequence::numbered(sequence.lines());
    }
    let printed: Vec<_> = output.lines().collect();
    if !printed.is_empty() {
        let last = &printed[printed.len().saturating_sub(LINES)..];
        account += &format!("\nwhat it printed last:\n    {}", last.join("\n    "));
    }
    account.trim_end().to_owned()
}

/// Waits for the end of a process, and ends those that it left behind; `None` if it had to be killed itself.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    let mut ended = false;
    while !ended && begun.elapsed() < limit {
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
        ended = system::has_ended(child)?;
    }
    system::kill_group(child)?;
    let status = child.wait()?;
    Ok(ended.then_some(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_comes_back_as_it_was() {
        for verdict in [
            Verdict::Held,
            Verdict::Ignored("a reason".to_owned()),
            Verdict::Broken("a message\nof two lines".to_owned()),
        ] {
            assert_eq!(decode(&encode(&verdict)), Some(verdict));
        }
        assert_eq!(decode(""), None);
        assert_eq!(decode("hel"), None);
    }

    #[test]
    fn an_early_end_is_told_with_what_ran() {
        let told = ended_early("signal: 11 (SIGSEGV)", "begin_write\nput\n", "a\nb\n");
        assert!(told.contains("   2  put"), "{told}");
        assert!(told.ends_with("    a\n    b"), "{told}");
        assert_eq!(ended_early("reason", "", ""), "reason");
    }
}
