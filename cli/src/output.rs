//! All that the program writes, on the standard output and on the standard error.
//!
//! Names, values, paths and messages come from databases, drivers, files and callers. What is written here begins no line
//! of its own, and moves no terminal's cursor.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, BufWriter, StderrLock, StdoutLock, Write};

use netabase_store::error::printable;

/// Where texts are written, line by line.
pub(crate) struct Lines<W>(W);

/// The standard output.
pub(crate) fn lines() -> Lines<StdoutLock<'static>> {
    Lines(io::stdout().lock())
}

/// The standard output, for many lines; they are there once it is flushed.
pub(crate) fn many_lines() -> Lines<BufWriter<StdoutLock<'static>>> {
    Lines(BufWriter::new(bytes()))
}

/// The standard error.
pub(crate) fn error_lines() -> Lines<StderrLock<'static>> {
    Lines(io::stderr().lock())
}

/// The standard output for bytes that are no text.
pub(crate) fn bytes() -> StdoutLock<'static> {
    io::stdout().lock()
}

impl<W: Write> Lines<W> {
    /// Writes one line, whatever the text holds.
    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        let text = text.to_string();
        writeln!(self.0, "{}", printable(&text))
    }

    /// Writes the lines of a text of this program's own, in which all that came from outside is printable.
    pub(crate) fn own_lines(&mut self, text: &str) -> io::Result<()> {
        text.lines().try_for_each(|line| self.line(line))
    }

    /// Writes a line of JSON.
    pub(crate) fn json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        let text = value.to_string();
        if let Cow::Borrowed(text) = printable(&text) {
            return writeln!(self.0, "{text}");
        }
        let mut escaped = String::with_capacity(text.len() + 16);
        for character in text.chars() {
            let (mut bytes, mut units) = ([0; 4], [0; 2]);
            // Outside of its strings, JSON has no character that does not show.
            match printable(character.encode_utf8(&mut bytes)) {
                Cow::Borrowed(shown) => escaped.push_str(shown),
                Cow::Owned(_) => character
                    .encode_utf16(&mut units)
                    .iter()
                    .for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}"))),
            }
        }
        writeln!(self.0, "{escaped}")
    }

    /// Writes rows in columns; the first row is the heading. Columns at the places in `right` are aligned to the right.
    pub(crate) fn table(&mut self, rows: &[Vec<String>], right: &[usize]) -> io::Result<()> {
        let rows: Vec<Vec<_>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| printable(cell)).collect())
            .collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        for row in &rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column > 0 {
                    line.push_str("  ");
                }
                // The width of a format is a number of 16 bits.
                let padding = " ".repeat(width - cell.chars().count());
                if right.contains(&column) {
                    line.push_str(&padding);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&padding);
                }
            }
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 0xF)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An escape sequence, one of a single character, a change of direction, a tag, and a line of another's.
    const HOSTILE: &str = "a\u{1b}]0;t\u{7}\u{9b}2J\u{202e}\u{2066}\u{e0041}\u{7f}\r\nb";

    fn written(write: impl FnOnce(&mut Lines<Vec<u8>>) -> io::Result<()>) -> String {
        let mut lines = Lines(Vec::new());
        write(&mut lines).unwrap();
        String::from_utf8(lines.0).unwrap()
    }

    #[test]
    fn a_line_is_one_line_whatever_it_holds() {
        let text = written(|out| out.line(HOSTILE));
        let escaped = r"a\u{1b}]0;t\u{7}\u{9b}2J\u{202e}\u{2066}\u{e0041}\u{7f}\r\nb";
        assert_eq!(text, format!("{escaped}\n"));
        let rows = [vec!["x".to_owned(), HOSTILE.to_owned()]];
        assert_eq!(
            written(|out| out.table(&rows, &[])),
            format!("x  {escaped}\n")
        );
        for text in ["Łódź", "東京", "e\u{301}", "🎉"] {
            assert_eq!(written(|out| out.line(text)), format!("{text}\n"));
        }
    }

    #[test]
    fn json_means_the_same_and_shows() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE, "東京", "\u{1f389}"] });
        let text = written(|out| out.json(&value));
        assert!(text.trim_end().chars().all(|c| !c.is_control()), "{text:?}");
        assert!(
            text.contains(r"\u202e") && text.contains(r"\udb40\udc41"),
            "{text}"
        );
        assert!(text.contains("東京"), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }

    #[test]
    fn a_cell_may_be_of_any_length() {
        let long = "x".repeat(70_000);
        let rows = [vec![long.clone(), "1".into()], vec!["y".into(), "2".into()]];
        let text = written(|out| out.table(&rows, &[1]));
        assert!(
            text.starts_with(&format!("{long}  1\ny ")),
            "{}",
            text.len()
        );
    }
}
