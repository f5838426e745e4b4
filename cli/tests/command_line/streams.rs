//! What is written where: outputs that are closed, are no terminal, or are read by a program.

use std::io;
use std::process::Command;

use netabase_store::driver::schema::{self, SCHEMA_KEY, SCHEMA_TREE};
use netabase_store::driver::{Durability, Read as _, Write as _};

use crate::program::{Run, command, engine_tree, fill, library, netabase, open_bytes, runner, url};

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let url = fill("redb", folder.path(), 3000);
    for arguments in [
        &["scan", &url, "Book"][..],
        &["scan", &url, "Book", "--json"],
        &["inspect", &url],
        &["drivers"],
        &["verify", &url],
        &["--help"],
    ] {
        assert_eq!(
            unread(command().args(arguments)),
            (0, String::new()),
            "{arguments:?}"
        );
    }
}

/// Runs a program whose standard output nobody reads, from its beginning; its status, and what it says of errors.
fn unread(command: &mut Command) -> (i32, String) {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// What was found up to then counts; a report that cannot be written is another thing.
#[test]
fn check_ends_as_every_command_does_if_its_report_is_not_read() {
    let (runner, driver) = (runner(), library("netabase_driver_redb"));
    for arguments in [&["--filter", "order/bytes"][..], &["--list"]] {
        let mut command = Command::new(&runner);
        command.arg("--driver").arg(&driver).args(arguments);
        assert_eq!(unread(&mut command), (0, String::new()), "{arguments:?}");
        #[cfg(target_os = "linux")]
        {
            let full = std::fs::File::options().write(true).open("/dev/full");
            let output = command.stdout(full.unwrap()).output().unwrap();
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(3), "{arguments:?}: {message}");
            assert!(message.contains("report cannot be written"), "{message}");
        }
    }
}

#[test]
fn half_a_dump_and_findings_are_told_of_although_nobody_reads_on() {
    let folder = tempfile::tempdir().unwrap();
    let url = fill("redb", folder.path(), 3000);
    let status = |arguments: &[&str]| unread(command().args(arguments));
    let (code, message) = status(&["dump", &url, "-"]);
    assert_eq!(code, 3);
    assert!(message.contains("before its end"), "{message}");
    let store = open_bytes(&url);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree(engine_tree("Book.title")).unwrap();
    writer.clear(tree).unwrap();
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    assert_eq!(status(&["verify", &url]), (1, String::new()));
}

#[test]
fn nothing_but_text_is_written_where_there_is_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 3000);
    let to = url("sled", folder.path(), "to");
    for arguments in [
        &["copy", &from, &to, "--overwrite"][..],
        &["inspect", &to],
        &["--help"],
        &["copy", "--help"],
        &["nonsense"],
    ] {
        for colours in [None, Some(("NO_COLOR", "1")), Some(("CLICOLOR_FORCE", "1"))] {
            let output = command().args(arguments).envs(colours).output().unwrap();
            for bytes in [&output.stdout, &output.stderr] {
                let text = String::from_utf8_lossy(bytes);
                assert!(!text.contains(['\u{1b}', '\r']), "{arguments:?}: {text:?}");
            }
            if arguments[0] == "copy" && arguments.len() > 2 {
                assert_eq!(output.stderr, b"");
            }
        }
    }
}

/// A title for the terminal, a cleared screen, text from right to left, and a line that looks like this program's.
const HOSTILE: &str = "x\u{1b}]0;t\u{7}\u{9b}2J\u{202e}\r\nnetabase: forged";

/// Runs the program, and asserts that nothing but text reaches the terminal, in lines of the program's own.
fn shown(arguments: &[&str]) -> Run {
    let run = netabase(arguments);
    for text in [&run.stdout, &run.stderr] {
        for line in text.lines() {
            let is_text = |character: char| !character.is_control() && character != '\u{202e}';
            assert!(line.chars().all(is_text), "{arguments:?}: {text:?}");
            assert!(!line.starts_with("netabase: forged"), "{text}");
        }
    }
    run
}

#[test]
fn what_a_database_holds_does_not_reach_the_terminal_as_commands() {
    let folder = tempfile::tempdir().unwrap();
    let from = url("redb", folder.path(), "odd");
    let store = open_bytes(&from);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree(HOSTILE).unwrap();
    writer
        .put(tree, HOSTILE.as_bytes(), HOSTILE.as_bytes(), |_| ())
        .unwrap();
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    let to = url("sled", folder.path(), "to");
    let dump = folder.path().join("dump");
    let dump = dump.to_str().unwrap();
    for arguments in [
        &["inspect", &from][..],
        &["inspect", &from, "--json"],
        &["scan", &from, HOSTILE],
        &["scan", &from, HOSTILE, "--json"],
        &["verify", &from],
        &["verify", &from, "--json"],
        &["copy", &from, &to],
        &["copy", &from, &to, "--overwrite", "--json"],
        &["dump", &from, dump],
        &["load", dump, &to, "--overwrite"],
        &["compact", &from],
    ] {
        let run = shown(arguments);
        assert!(matches!(run.status, 0 | 1), "{arguments:?}: {}", run.stderr);
    }
    assert_eq!(shown(&["scan", &from, "c"]).status, 2);
    let run = netabase(&["inspect", &from, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["trees"][0]["name"], HOSTILE);
}

/// The names of fields and types are those of a program that this one knows nothing of.
#[test]
fn what_a_schema_names_does_not_reach_the_terminal_as_commands() {
    let folder = tempfile::tempdir().unwrap();
    let url = fill("redb", folder.path(), 3);
    let store = open_bytes(&url);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree(SCHEMA_TREE).unwrap();
    let mut schema = schema::read(&writer).unwrap().unwrap();
    let hostile = || "\x1b[2Jx".to_owned();
    let book = schema.models.get_mut("Book").unwrap();
    book.fields[1].0 = hostile();
    book.indexes[0].name = hostile();
    let record = schema.to_string();
    writer
        .put(tree, SCHEMA_KEY, record.as_bytes(), |_| ())
        .unwrap();
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    for arguments in [
        &["scan", &url, "Book"][..],
        &["scan", &url, "Book", "--json"],
        &["get", &url, "Book", "0"],
        &["get", &url, "Book", "0", "--json"],
        &["inspect", &url],
        &["inspect", &url, "--json"],
        &["verify", &url],
        &["verify", &url, "--json"],
    ] {
        let run = shown(arguments);
        assert!(run.stdout.contains("[2Jx"), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn what_is_wrong_with_an_argument_is_said_in_lines_of_this_program() {
    let folder = tempfile::tempdir().unwrap();
    let url = fill("redb", folder.path(), 3);
    let (odd_url, option) = (format!("redb:/no/{HOSTILE}"), format!("--{HOSTILE}"));
    let odd_driver = format!("{HOSTILE}:x");
    let odd_option = format!("{url}?{HOSTILE}=1");
    let odd_file = folder.path().join(HOSTILE);
    let odd_file = odd_file.to_str().unwrap();
    for arguments in [
        &[HOSTILE][..],
        &[&option],
        &["inspect", HOSTILE],
        &["inspect", &odd_url],
        &["inspect", &odd_driver],
        &["inspect", &odd_option],
        &["inspect", &url, &option],
        &["inspect", &url, HOSTILE],
        &["get", &url, HOSTILE, "1"],
        &["get", &url, "Book", HOSTILE],
        &["get", &url, "Book.title", HOSTILE],
        &["scan", &url, "Book", "--from", HOSTILE],
        &["scan", &url, "Book", "--limit", HOSTILE],
        &["copy", &url, &odd_driver],
        &["copy", &odd_url, &url],
        &["copy", &url, &url],
        &["dump", &odd_url, "-"],
        &["dump", &url, odd_file],
        &["dump", &url, odd_file],
        &["load", HOSTILE, &url],
        &["load", odd_file, &odd_driver],
        &["verify", &odd_url],
        &["compact", &odd_driver],
        &["check", HOSTILE, &option],
        &["drivers", HOSTILE],
    ] {
        let run = shown(arguments);
        assert!(
            run.status == 2 || arguments[0] == "dump",
            "{arguments:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_large_value_and_keys_of_any_bytes_come_through() {
    let folder = tempfile::tempdir().unwrap();
    let from = url("redb", folder.path(), "large");
    let store = open_bytes(&from);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("bytes").unwrap();
    let large = vec![0xA5; 5 << 20];
    writer.put(tree, b"\x00", &large, |_| ()).unwrap();
    writer.put(tree, &[0xFF; 300], b"", |_| ()).unwrap();
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    let run = netabase(&["get", &from, "bytes", "0x00"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(run.stdout.len(), "0x00  0x".len() + 2 * large.len() + 1);
    let to = url("sled", folder.path(), "to");
    let dump = folder.path().join("dump");
    let dump = dump.to_str().unwrap();
    assert_eq!(netabase(&["copy", &from, &to]).status, 0);
    assert_eq!(netabase(&["dump", &to, dump]).status, 0);
    let back = url("redb", folder.path(), "back");
    assert_eq!(netabase(&["load", dump, &back]).status, 0);
    let keys = |url: &str| {
        let run = netabase(&["scan", url, "bytes", "--from", "0x01"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        run.stdout
    };
    assert_eq!(keys(&back), keys(&from));
    assert_eq!(keys(&back), format!("0x{}  0x\n", "ff".repeat(300)));
}

#[cfg(target_os = "linux")]
#[test]
fn an_argument_that_is_no_text_is_wrong_usage_and_a_file_may_have_any_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 3);
    let odd = folder.path().join(OsStr::from_bytes(b"\xff.dump"));
    for arguments in [
        &["dump", &from][..],
        &["dump", &from, "--json", "--overwrite"],
    ] {
        let output = command().args(arguments).arg(&odd).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    assert!(odd.is_file());
    let mut url = b"redb:".to_vec();
    url.extend(odd.as_os_str().as_bytes());
    let output = command()
        .arg("inspect")
        .arg(OsStr::from_bytes(&url))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// What is written elsewhere would reach the terminal as it is.
#[test]
fn one_module_writes_all_of_the_programs_output() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for file in std::fs::read_dir(sources).unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        let writes = ["io::stdout", "io::stderr", "print!", "println!"]
            .iter()
            .any(|call| text.contains(call) && !text.contains("io::stderr().is_terminal"));
        assert_eq!(writes, file.ends_with("output.rs"), "{}", file.display());
        seen += 1;
    }
    assert!(seen > 10);
}
