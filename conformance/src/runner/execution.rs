//! Running the selected cases, several at a time, and passing on what they come to.

use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::arguments::Arguments;
use super::report::{Ended, Report, Totals, law_of};
use crate::harness::Verdict;
use crate::isolation;

enum Event<'n> {
    Begun(&'n str),
    Ended(Ended),
}

/// Runs the cases of these names, and counts in `totals` what they come to.
///
/// # Errors
/// The report cannot be written. Cases that run go on to their end then, and no further ones begin.
pub(super) fn run(
    names: Vec<&str>,
    arguments: &Arguments,
    totals: &mut Totals,
    report: &mut dyn Report,
) -> io::Result<()> {
    let settings = arguments.settings();
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let jobs = arguments.jobs.map_or(processors, NonZero::get);
    let jobs = jobs.clamp(1, names.len());
    let begun = Instant::now();
    report.begin(totals)?;
    let next = AtomicUsize::new(0);
    let (sender, events) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Nobody receives when the report cannot be written: then there is no use in going on.
                    if sender.send(Event::Begun(name)).is_err() {
                        break;
                    }
                    let begun = Instant::now();
                    let verdict = isolation::run(name, &settings);
                    let ended = Ended {
                        law: law_of(name).to_owned(),
                        verdict,
                        duration: begun.elapsed(),
                    };
                    if sender.send(Event::Ended(ended)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for event in events {
            match event {
                Event::Begun(name) => report.case_begins(law_of(name))?,
                Event::Ended(ended) => {
                    match ended.verdict {
                        Verdict::Held => totals.held += 1,
                        Verdict::Ignored(_) => totals.ignored += 1,
                        Verdict::Broken(_) => totals.broken += 1,
                    }
                    report.case_ended(ended)?;
                }
            }
        }
        totals.duration = begun.elapsed();
        report.end(totals)
    })
}
