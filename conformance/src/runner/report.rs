//! What the runner writes: for people, as JSON, as JUnit XML.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use netabase_core::driver::{Capabilities, Manifest};

use crate::harness::Verdict;

/// The driver that the report is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// What was given on the command line.
    pub(super) library: &'a str,
    pub(super) abi: (u32, u32),
    pub(super) manifest: &'a Manifest,
}

impl Subject<'_> {
    /// Every capability that there is, and whether the driver declares it.
    fn capabilities(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let declared = self.manifest.capabilities;
        Capabilities::from_bits(u64::MAX)
            .names()
            .map(move |name| (name, declared.names().any(|declared| declared == name)))
    }

    /// What a limit bounds, and its bytes; `None` for no limit.
    fn limits(&self) -> [(&'static str, Option<u64>); 3] {
        let limits = &self.manifest.limits;
        [
            ("key", limits.key_bytes),
            ("value", limits.value_bytes),
            ("transaction", limits.transaction_bytes),
        ]
        .map(|(what, bytes)| (what, (bytes != 0).then_some(bytes)))
    }
}

/// A case that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Its group and law: `tree/trees_may_hold_the_same_keys`.
    pub(super) law: String,
    pub(super) verdict: Verdict,
    pub(super) duration: Duration,
}

impl Ended {
    fn group(&self) -> &str {
        self.law.split_once('/').map_or("", |(group, _)| group)
    }
}

/// How many cases there are, and what they came to so far.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) selected: usize,
    pub(super) left_out: usize,
    pub(super) held: usize,
    pub(super) broken: usize,
    pub(super) ignored: usize,
    pub(super) duration: Duration,
}

impl Totals {
    pub(super) fn new(selected: usize, left_out: usize) -> Self {
        Self {
            selected,
            left_out,
            ..Self::default()
        }
    }
}

/// A form of report. Cases that run at the same time end in any order.
pub(super) trait Report {
    fn begin(&mut self, totals: &Totals) -> io::Result<()>;
    fn case_begins(&mut self, law: &str) -> io::Result<()>;
    fn case_ended(&mut self, ended: Ended) -> io::Result<()>;
    fn end(&mut self, totals: &Totals) -> io::Result<()>;
}

/// For people: a line a case; at the end what the driver declares, what each group came to, and what is broken.
pub(super) struct Pretty<'a, W> {
    output: &'a mut W,
    subject: Subject<'a>,
    ended: Vec<Ended>,
}

impl<'a, W: Write> Pretty<'a, W> {
    pub(super) fn new(output: &'a mut W, subject: Subject<'a>) -> Self {
        Self {
            output,
            subject,
            ended: Vec::new(),
        }
    }

    fn driver(&self) -> String {
        let Subject {
            library,
            abi: (major, minor),
            manifest,
        } = self.subject;
        format!(
            "driver {} {}, engine {} {}, ABI {major}.{minor}, from {library}",
            manifest.name, manifest.version, manifest.engine, manifest.engine_version
        )
    }

    /// What the driver declares, a line each.
    fn declared(&self) -> String {
        let mut text = String::new();
        for (name, declared) in self.subject.capabilities() {
            row(&mut text, name, if declared { "yes" } else { "-" });
        }
        for (what, bytes) in self.subject.limits() {
            let bytes =
                bytes.map_or_else(|| "no limit".to_owned(), |bytes| format!("{bytes} bytes"));
            row(&mut text, &format!("largest {what}"), &bytes);
        }
        let commands = match &self.subject.manifest.commands[..] {
            [] => "-".to_owned(),
            commands => commands.join(", "),
        };
        row(&mut text, "commands", &commands);
        text
    }

    /// What each group of laws came to, a line each.
    fn groups(&self) -> String {
        let mut groups: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for ended in &self.ended {
            let counts = groups.entry(ended.group()).or_default();
            counts[match ended.verdict {
                Verdict::Held => 0,
                Verdict::Broken(_) => 1,
                Verdict::Ignored(_) => 2,
            }] += 1;
        }
        let mut text = format!(
            "  {:<22} {:>6} {:>6} {:>7}\n",
            "laws", "held", "broken", "ignored"
        );
        for (group, counts) in groups {
            let [held, broken, ignored] = counts.map(|count| {
                if count == 0 {
                    "-".to_owned()
                } else {
                    count.to_string()
                }
            });
            text += &format!("  {group:<22} {held:>6} {broken:>6} {ignored:>7}\n");
        }
        text
    }

    /// Why cases were not tried, each reason once.
    fn reasons(&self) -> String {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for ended in &self.ended {
            if let Verdict::Ignored(reason) = &ended.verdict {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        if reasons.is_empty() {
            return String::new();
        }
        let mut text = "\nignored:\n".to_owned();
        for (reason, count) in reasons {
            text += &format!("  {count:>3}  {reason}\n");
        }
        text
    }

    /// Every broken law and what shows it.
    fn broken(&mut self) -> String {
        let mut text = String::new();
        self.ended.sort_by(|one, other| one.law.cmp(&other.law));
        for ended in &self.ended {
            if let Verdict::Broken(message) = &ended.verdict {
                text += &format!("\nbroken: {}\n", ended.law);
                for line in message.lines() {
                    text += format!("    {line}").trim_end();
                    text.push('\n');
                }
            }
        }
        if !text.is_empty() {
            text += &format!(
                "\nto run one of them again: --driver {} --exact --filter <law>, and --seed <number> where one is named\n",
                self.subject.library
            );
        }
        text
    }
}

fn row(text: &mut String, name: &str, value: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "  {name:<22} {value}");
}

impl<W: Write> Report for Pretty<'_, W> {
    fn begin(&mut self, totals: &Totals) -> io::Result<()> {
        let driver = self.driver();
        writeln!(self.output, "{driver}\nrunning {} cases", totals.selected)
    }

    fn case_begins(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn case_ended(&mut self, ended: Ended) -> io::Result<()> {
        let word = match &ended.verdict {
            Verdict::Held => "ok",
            Verdict::Broken(_) => "FAILED",
            Verdict::Ignored(reason) => &format!("ignored, {reason}"),
        };
        let seconds = ended.duration.as_secs_f64();
        writeln!(
            self.output,
            "test {} ... {word} [{seconds:.2} s]",
            ended.law
        )?;
        self.output.flush()?;
        self.ended.push(ended);
        Ok(())
    }

    fn end(&mut self, totals: &Totals) -> io::Result<()> {
        let broken = self.broken();
        let tables = format!(
            "{}\n\n  {:<22} declared\n{}\n{}{}",
            self.driver(),
            "capability",
            self.declared(),
            self.groups(),
            self.reasons()
        );
        let word = if totals.broken == 0 { "ok" } else { "FAILED" };
        write!(
            self.output,
            "\n{tables}{broken}\ntest result: {word}. {} passed; {} failed; {} ignored; 0 measured; {} filtered out; \
             finished in {:.2}s\n",
            totals.held,
            totals.broken,
            totals.ignored,
            totals.left_out,
            totals.duration.as_secs_f64()
        )?;
        self.output.flush()
    }
}

/// For programs: the events of Rust's own test executables, a line each, and one of the type `driver` before the last.
pub(super) struct Json<'a, W> {
    output: &'a mut W,
    subject: Subject<'a>,
}

impl<'a, W: Write> Json<'a, W> {
    pub(super) fn new(output: &'a mut W, subject: Subject<'a>) -> Self {
        Self { output, subject }
    }

    fn line(&mut self, members: &[(&str, String)]) -> io::Result<()> {
        writeln!(self.output, "{}", object(members))?;
        self.output.flush()
    }
}

impl<W: Write> Report for Json<'_, W> {
    fn begin(&mut self, totals: &Totals) -> io::Result<()> {
        self.line(&[
            ("type", quoted("suite")),
            ("event", quoted("started")),
            ("test_count", totals.selected.to_string()),
        ])
    }

    fn case_begins(&mut self, law: &str) -> io::Result<()> {
        self.line(&[
            ("type", quoted("test")),
            ("event", quoted("started")),
            ("name", quoted(law)),
        ])
    }

    fn case_ended(&mut self, ended: Ended) -> io::Result<()> {
        let (event, detail) = match &ended.verdict {
            Verdict::Held => ("ok", None),
            Verdict::Ignored(reason) => ("ignored", Some(("message", quoted(reason)))),
            Verdict::Broken(message) => ("failed", Some(("stdout", quoted(message)))),
        };
        let mut members = vec![
            ("type", quoted("test")),
            ("event", quoted(event)),
            ("name", quoted(&ended.law)),
            ("exec_time", ended.duration.as_secs_f64().to_string()),
        ];
        members.extend(detail);
        self.line(&members)
    }

    fn end(&mut self, totals: &Totals) -> io::Result<()> {
        let Subject {
            library,
            abi: (major, minor),
            manifest,
        } = self.subject;
        let limits = self.subject.limits().map(|(what, bytes)| {
            (
                what,
                bytes.map_or("null".to_owned(), |bytes| bytes.to_string()),
            )
        });
        self.line(&[
            ("type", quoted("driver")),
            ("library", quoted(library)),
            ("abi", quoted(&format!("{major}.{minor}"))),
            ("name", quoted(&manifest.name)),
            ("version", quoted(&manifest.version)),
            ("engine", quoted(&manifest.engine)),
            ("engine_version", quoted(&manifest.engine_version)),
            ("capabilities", list(manifest.capabilities.names())),
            ("limits", object(&limits)),
            (
                "commands",
                list(manifest.commands.iter().map(AsRef::as_ref)),
            ),
        ])?;
        let event = if totals.broken == 0 { "ok" } else { "failed" };
        self.line(&[
            ("type", quoted("suite")),
            ("event", quoted(event)),
            ("passed", totals.held.to_string()),
            ("failed", totals.broken.to_string()),
            ("ignored", totals.ignored.to_string()),
            ("measured", "0".to_owned()),
            ("filtered_out", totals.left_out.to_string()),
            ("exec_time", totals.duration.as_secs_f64().to_string()),
        ])
    }
}

/// A JSON object of members whose values are JSON already.
fn object(members: &[(&str, String)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("{}: {value}", quoted(name)))
        .collect();
    format!("{{{}}}", members.join(", "))
}

/// A JSON list of strings.
fn list<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    format!("[{}]", texts.map(quoted).collect::<Vec<_>>().join(", "))
}

/// A text as a JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '\n' => quoted += "\\n",
            control @ '\0'..='\x1f' => quoted += &format!("\\u{:04x}", u32::from(control)),
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// For continuous integration: one JUnit XML document, at the end.
pub(super) struct Junit<'a, W> {
    output: &'a mut W,
    subject: Subject<'a>,
    cases: String,
}

impl<'a, W: Write> Junit<'a, W> {
    pub(super) fn new(output: &'a mut W, subject: Subject<'a>) -> Self {
        Self {
            output,
            subject,
            cases: String::new(),
        }
    }

    fn properties(&self) -> String {
        let mut text = String::new();
        let mut property = |name: &str, value: &str| {
            text += &format!(
                "      <property name=\"{}\" value=\"{}\"/>\n",
                escaped(name),
                escaped(value)
            );
        };
        let manifest = self.subject.manifest;
        property("library", self.subject.library);
        property("version", &manifest.version);
        property("engine", &manifest.engine);
        property("engine_version", &manifest.engine_version);
        for (name, declared) in self.subject.capabilities() {
            property(&format!("capability {name}"), &declared.to_string());
        }
        for (what, bytes) in self.subject.limits() {
            property(&format!("largest {what}"), &bytes.unwrap_or(0).to_string());
        }
        property("commands", &manifest.commands.join(", "));
        text
    }
}

impl<W: Write> Report for Junit<'_, W> {
    fn begin(&mut self, _: &Totals) -> io::Result<()> {
        Ok(())
    }

    fn case_begins(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn case_ended(&mut self, ended: Ended) -> io::Result<()> {
        let (group, name) = ended.law.split_once('/').unwrap_or(("", &ended.law));
        self.cases += &format!(
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
            escaped(&format!("{}.{group}", self.subject.manifest.name)),
            escaped(name),
            ended.duration.as_secs_f64()
        );
        self.cases += &match &ended.verdict {
            Verdict::Held => "/>\n".to_owned(),
            Verdict::Ignored(reason) => format!(
                ">\n      <skipped message=\"{}\"/>\n    </testcase>\n",
                escaped(reason)
            ),
            Verdict::Broken(message) => format!(
                ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                escaped(message.lines().next().unwrap_or_default()),
                escaped(message)
            ),
        };
        Ok(())
    }

    fn end(&mut self, totals: &Totals) -> io::Result<()> {
        let counts = format!(
            "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.3}\"",
            totals.selected,
            totals.broken,
            totals.ignored,
            totals.duration.as_secs_f64()
        );
        let name = escaped(&self.subject.manifest.name);
        let properties = self.properties();
        write!(
            self.output,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuites {counts}>\n  <testsuite name=\"conformance of {name}\" {counts}>\n    <properties>\n\
             {properties}    </properties>\n{}  </testsuite>\n</testsuites>\n",
            self.cases
        )?;
        self.output.flush()
    }
}

/// A text as XML has it, in attributes and between tags. What XML 1.0 cannot hold at all becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' => escaped += "&#10;",
            '\t' => escaped += "&#9;",
            '\r' => escaped += "&#13;",
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}

/// The group and the law of a case, without the driver's name and the linkage.
pub(super) fn law_of(name: &str) -> &str {
    name.splitn(3, '/').last().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use netabase_core::driver::Driver;
    use netabase_core::memory::Memory;

    use super::*;

    fn subject() -> Subject<'static> {
        static MEMORY: Memory = Memory;
        Subject {
            library: "lib<x>.so",
            abi: (1, 2),
            manifest: MEMORY.manifest(),
        }
    }

    fn fill(report: &mut dyn Report) {
        let mut totals = Totals::new(3, 4);
        report.begin(&totals).unwrap();
        let verdicts = [
            ("tree/one", Verdict::Held),
            ("tree/two", Verdict::Ignored("no \"reason\"".to_owned())),
            (
                "value/three",
                Verdict::Broken("a <b>\n   1  put\u{1}".to_owned()),
            ),
        ];
        for (law, verdict) in verdicts {
            report.case_begins(law).unwrap();
            let ended = Ended {
                law: law.to_owned(),
                verdict,
                duration: Duration::from_millis(5),
            };
            report.case_ended(ended).unwrap();
        }
        (totals.held, totals.ignored, totals.broken) = (1, 1, 1);
        report.end(&totals).unwrap();
    }

    #[test]
    fn people_see_what_is_declared_and_what_is_broken() {
        let mut output = Vec::new();
        fill(&mut Pretty::new(&mut output, subject()));
        let text = String::from_utf8(output).unwrap();
        for part in [
            "\n  snapshots              yes\n",
            "\n  persistent             -\n",
            "\n  largest key            no limit\n",
            "\n  commands               tree_names\n",
            "\n  tree                        1      -       1\n",
            "\n    1  no \"reason\"\n",
            "\nbroken: value/three\n    a <b>\n       1  put",
            "test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 4 filtered out;",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }

    #[test]
    fn every_line_of_json_is_an_event() {
        let mut output = Vec::new();
        fill(&mut Json::new(&mut output, subject()));
        let text = String::from_utf8(output).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[0],
            r#"{"type": "suite", "event": "started", "test_count": 3}"#
        );
        assert_eq!(
            lines[4],
            r#"{"type": "test", "event": "ignored", "name": "tree/two", "exec_time": 0.005, "message": "no \"reason\""}"#
        );
        assert!(lines[6].ends_with(r#""stdout": "a <b>\n   1  put\u0001"}"#));
        assert!(
            lines[7].contains(
                r#""capabilities": ["snapshots", "zero-copy"], "limits": {"key": null, "#
            )
        );
        assert!(lines[8].starts_with(r#"{"type": "suite", "event": "failed", "passed": 1, "#));
        assert_eq!(lines.len(), 9);
    }

    #[test]
    fn junit_is_escaped() {
        let mut output = Vec::new();
        fill(&mut Junit::new(&mut output, subject()));
        let text = String::from_utf8(output).unwrap();
        for part in [
            "tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\"",
            "<testcase classname=\"memory.tree\" name=\"one\" time=\"0.005\"/>",
            "<skipped message=\"no &quot;reason&quot;\"/>",
            "<failure message=\"a &lt;b&gt;\">a &lt;b&gt;&#10;   1  put\u{fffd}</failure>",
            "<property name=\"library\" value=\"lib&lt;x&gt;.so\"/>",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }
}
