//! The same results as a page with plots: every round of every row, not its median alone.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::engine::{CONTENDERS, Engine};
use crate::rounds::Times;
use crate::rows::Row;

/// Size of a plot, in pixels.
const WIDTH: f64 = 720.0;
/// Height of one contender's strip, in pixels.
const STRIP: f64 = 22.0;
/// Where the strips begin, in pixels from the left.
const LEFT: f64 = 90.0;
const COLOURS: [&str; CONTENDERS.len()] = ["#555555", "#1b6ca8", "#b5541c", "#aaaaaa"];

/// A page that grows by one plot a row.
#[derive(Debug)]
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn new(title: &str) -> Self {
        Self(format!(
            "<!doctype html><meta charset=\"utf-8\"><title>{title}</title>\
             <style>body{{font:15px sans-serif;margin:2em}}h2{{font-size:1em;margin:1.5em 0 0}}</style>\
             <h1>{title}</h1><p>One dot a round; the line is the median. The scale of each row begins at 0 and is the \
             time that the row takes once.</p>\n"
        ))
    }

    /// Adds a row: a strip for each contender, a dot for each round.
    pub(crate) fn add(&mut self, engine: Engine, row: &Row, times: &Times) {
        let longest = (times.0.iter().flatten().max())
            .map_or(1.0, |time| time.as_secs_f64())
            .max(f64::MIN_POSITIVE);
        let place = |seconds: f64| LEFT + seconds / longest * (WIDTH - LEFT - 10.0);
        let height = STRIP * CONTENDERS.len() as f64 + 20.0;
        let mut plot = format!(
            "<h2>{}: {}</h2><svg width=\"{WIDTH}\" height=\"{height}\" font-size=\"12\">",
            engine.name(),
            row.title
        );
        for (contender, name) in CONTENDERS.iter().enumerate() {
            let middle = STRIP * (contender as f64 + 0.5);
            let colour = COLOURS[contender];
            let median = place(times.median(contender).as_secs_f64());
            let (top, bottom) = (middle - STRIP / 2.0 + 2.0, middle + STRIP / 2.0 - 2.0);
            let _ = write!(
                plot,
                "<text x=\"0\" y=\"{:.1}\">{name}</text>\
                 <line x1=\"{median:.1}\" x2=\"{median:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\" stroke=\"{colour}\" \
                 stroke-width=\"2\"/>",
                middle + 4.0
            );
            for time in &times.0[contender] {
                let _ = write!(
                    plot,
                    "<circle cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"3\" fill=\"{colour}\" fill-opacity=\"0.4\"/>",
                    place(time.as_secs_f64())
                );
            }
        }
        let _ = write!(
            plot,
            "<text x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">{:.2} ms</text></svg>",
            height - 4.0,
            longest * 1e3
        );
        self.0 += &plot;
        self.0.push('\n');
    }

    /// Writes the page.
    ///
    /// # Errors
    /// The file could not be written.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, &self.0)
    }
}
