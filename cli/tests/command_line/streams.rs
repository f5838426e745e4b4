//! What is written where: outputs that are closed, are no terminal, or are read by a program.

use std::io;
use std::process::Command;

use netabase_store::driver::{Durability, Read as _, Write as _};

use crate::program::{command, fill, library, netabase, open_bytes, runner, url};

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
    let tree = writer.tree("Book.title").unwrap();
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

#[test]
fn what_a_database_holds_does_not_reach_the_terminal_as_commands() {
    let folder = tempfile::tempdir().unwrap();
    let url = url("redb", folder.path(), "odd");
    let store = open_bytes(&url);
    let mut writer = store.begin_write().unwrap();
    let name = "a\u{1b}[31m\nb";
    let tree = writer.tree(name).unwrap();
    writer.put(tree, b"\x1b[31m", b"\x1b[31m", |_| ()).unwrap();
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    for arguments in [
        &["inspect", &url][..],
        &["scan", &url, name],
        &["scan", &url, "c"],
        &["verify", &url],
    ] {
        let run = netabase(arguments);
        for text in [run.stdout, run.stderr] {
            assert!(!text.contains('\u{1b}'), "{arguments:?}: {text:?}");
        }
    }
    let run = netabase(&["inspect", &url, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["trees"][0]["name"], name);
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
