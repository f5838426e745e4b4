//! A power cut: what was acknowledged as durable is there, whenever it comes.
//!
//! A process writes through the driver, with a library preloaded (`shim.c`) that records every call which makes something
//! durable, and what it makes so. From the record follows what is on the disk after each of these calls, if all that was
//! not synchronised is lost. That is laid out in a folder, and opened.
//!
//! An engine that synchronises its files by system calls of its own, past the C library, is not seen, and would fail.

use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::{env, fs, io, str};

use fastrand::Rng;
use netabase_core::driver::checked::Checked;
use netabase_core::driver::{
    Capabilities, Database, Driver, Durability, OpenConfig, Read, Result, Write,
};
use tempfile::TempDir;

use super::contents;
use crate::case::{Case, CaseResult, Failure, Requirement, case};
use crate::fixture::Fixture;
use crate::process;
use crate::{settings, system};

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![case!(
        what_was_acknowledged_survives_a_power_cut_at_any_moment,
        Requirement::Declares(Capabilities::PERSISTENT),
        Requirement::Declares(Capabilities::DURABLE),
        Requirement::OwnProcess,
        Requirement::Linux,
        Requirement::CCompiler
    )]
}

/// How many transactions are committed before the database is closed and opened again, and in all.
const UNTIL_CLOSED: u32 = 10;
const TRANSACTIONS: u32 = 16;

/// The length of the values in the second tree: some lie on pages of their own.
fn length(number: u32) -> usize {
    match number % 4 {
        3 => 30_000,
        _ => 200,
    }
}

/// Writes a transaction: an entry in each of two trees, and one that is overwritten each time.
fn write<S: Database>(store: &Checked<S>, number: u32, durability: Durability) -> Result<()> {
    let mut writer = store.begin_write()?;
    let key = number.to_be_bytes();
    for (name, length) in [("left", 20), ("right", length(number))] {
        let tree = writer.tree(name)?;
        writer.put(tree, &key, &vec![number as u8; length], |_| ())?;
    }
    let tree = writer.tree("last")?;
    writer.put(tree, b"number", &key, |_| ())?;
    writer.commit(durability)
}

/// How many transactions are there. They are the first ones, and whole.
fn count<S: Database>(store: &Checked<S>) -> Result<u32, Failure> {
    let reader = store.begin_read()?;
    let left = contents(&reader, reader.tree("left")?)?;
    let right = contents(&reader, reader.tree("right")?)?;
    let last = contents(&reader, reader.tree("last")?)?;
    assert_eq!(left.len(), right.len(), "half a transaction is there");
    for (number, (left, right)) in (0_u32..).zip(left.iter().zip(&right)) {
        let entry = |length| (number.to_be_bytes().to_vec(), vec![number as u8; length]);
        assert!(*left == entry(20), "a commit before others is missing");
        assert!(
            *right == entry(length(number)),
            "half a transaction is there"
        );
    }
    let count = left.len() as u32;
    let expected = count.checked_sub(1).map(|last| last.to_be_bytes().to_vec());
    let last = last.first().map(|(_, value)| value.clone());
    assert_eq!(last, expected, "half a transaction is there");
    Ok(count)
}

/// Commits, most of it durably, and says how many transactions are durable.
pub(crate) fn write_and_say<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let run = |store: &Checked<D::Database>, numbers: std::ops::Range<u32>| -> CaseResult {
        for number in numbers {
            let durability = match number % 3 {
                1 => Durability::None,
                _ => Durability::Immediate,
            };
            write(store, number, durability)?;
            if durability == Durability::Immediate {
                process::say(&(number + 1).to_string())?;
            }
        }
        Ok(())
    };
    let store = fixture.open()?;
    run(&store, 0..UNTIL_CLOSED)?;
    drop(store);
    let store = ManuallyDrop::new(fixture.open()?);
    run(&store, UNTIL_CLOSED..TRANSACTIONS)
}

/// What the process did, as the library recorded it.
enum Event {
    /// The bytes of a file are durable, or those of a range of it.
    File(u64, Vec<u8>),
    Range(u64, u64, Vec<u8>),
    /// The names in a folder are durable.
    Folder(u64, Vec<Name>),
    /// A file or folder was created.
    Created(u64),
    /// The process has said that so many transactions are durable.
    Said(u32),
}

struct Name {
    name: String,
    inode: u64,
    is_folder: bool,
}

/// Takes the next bytes of a record.
fn take<'b>(bytes: &mut &'b [u8], length: u64) -> Result<&'b [u8], Failure> {
    let (taken, rest) = usize::try_from(length)
        .ok()
        .and_then(|length| bytes.split_at_checked(length))
        .ok_or("the record ends early")?;
    *bytes = rest;
    Ok(taken)
}

fn take_number(bytes: &mut &[u8]) -> Result<u64, Failure> {
    Ok(u64::from_ne_bytes(take(bytes, 8)?.try_into()?))
}

fn events(mut record: &[u8]) -> Result<Vec<Event>, Failure> {
    let mut events = Vec::new();
    while !record.is_empty() {
        let kind = take_number(&mut record)? as u8;
        let inode = take_number(&mut record)?;
        let offset = take_number(&mut record)?;
        let length = take_number(&mut record)?;
        let mut bytes = take(&mut record, length)?;
        events.push(match kind {
            b'F' => Event::File(inode, bytes.to_vec()),
            b'R' => Event::Range(inode, offset, bytes.to_vec()),
            b'C' => Event::Created(inode),
            b'D' => {
                let mut names = Vec::new();
                while !bytes.is_empty() {
                    let inode = take_number(&mut bytes)?;
                    let is_folder = take_number(&mut bytes)? != 0;
                    let length = take_number(&mut bytes)?;
                    let name = str::from_utf8(take(&mut bytes, length)?)?.to_owned();
                    names.push(Name {
                        name,
                        inode,
                        is_folder,
                    });
                }
                Event::Folder(inode, names)
            }
            b'A' => match str::from_utf8(bytes)?.trim().parse() {
                Ok(number) => Event::Said(number),
                // Its other lines.
                Err(_) => continue,
            },
            _ => return Err("the record holds something else".into()),
        });
    }
    Ok(events)
}

/// What is on the disk.
#[derive(Default)]
struct Disk {
    files: HashMap<u64, Vec<u8>>,
    folders: HashMap<u64, Vec<Name>>,
}

/// Disks write blocks of this length, or larger ones, in whole.
const BLOCK: usize = 4096;

impl Disk {
    fn apply(&mut self, event: Event) {
        match event {
            Event::File(inode, bytes) => drop(self.files.insert(inode, bytes)),
            Event::Range(inode, offset, bytes) => {
                let file = self.files.entry(inode).or_default();
                let end = offset as usize + bytes.len();
                if file.len() < end {
                    file.resize(end, 0);
                }
                file[offset as usize..end].copy_from_slice(&bytes);
            }
            Event::Folder(inode, names) => drop(self.folders.insert(inode, names)),
            Event::Created(inode) => {
                self.files.remove(&inode);
                self.folders.remove(&inode);
            }
            Event::Said(_) => {}
        }
    }

    /// The file of an event of which some blocks were written when the power was cut.
    fn torn(&self, event: &Event, random: &mut Rng) -> Option<Event> {
        let Event::File(inode, new) = event else {
            return None;
        };
        let mut torn = self.files.get(inode).cloned().unwrap_or_default();
        for (number, block) in new.chunks(BLOCK).enumerate() {
            let (start, end) = (number * BLOCK, number * BLOCK + block.len());
            if torn.get(start..end) != Some(block) && random.bool() {
                if torn.len() < end {
                    torn.resize(end, 0);
                }
                torn[start..end].copy_from_slice(block);
            }
        }
        Some(Event::File(*inode, torn))
    }

    /// Lays out what is on the disk below a folder.
    fn lay_out(&self, inode: u64, path: &Path) -> io::Result<()> {
        for name in self.folders.get(&inode).into_iter().flatten() {
            let path = path.join(&name.name);
            if name.is_folder {
                fs::create_dir(&path)?;
                self.lay_out(name.inode, &path)?;
            } else {
                let bytes = self.files.get(&name.inode).map_or(&[][..], Vec::as_slice);
                fs::write(&path, bytes)?;
            }
        }
        Ok(())
    }
}

/// Opens what is left, as a case's database with this file name in the folder of this inode.
fn assert_survives<D: Driver>(
    fixture: &Fixture<D>,
    disk: &Disk,
    root: u64,
    said: u32,
    when: &str,
) -> CaseResult {
    let folder = tempfile::tempdir()?;
    disk.lay_out(root, folder.path())?;
    let name = fixture.path().file_name().ok_or("a database has a name")?;
    let path = folder.path().join(name);
    let store = fixture
        .open_with(&OpenConfig::new(&path))
        .map_err(|error| format!("{when}, {said} transactions durable: {error:?}"))?;
    let found = count(&store)?;
    assert!(
        found >= said,
        "{when}: {said} transactions were acknowledged, {found} are there"
    );
    write(&store, found, Durability::Immediate)?;
    assert_eq!(count(&store)?, found + 1);
    Ok(())
}

/// Compiles the library that records.
fn compile(folder: &Path) -> CaseResult {
    let source = folder.join("shim.c");
    fs::write(&source, include_str!("power_loss/shim.c"))?;
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-w", "-o"])
        .arg(folder.join("shim.so"))
        .arg(source)
        .args(["-ldl", "-lpthread"])
        // A sanitizer is loaded before the drivers, not before the compiler.
        .env_remove("LD_PRELOAD")
        .output()?;
    match compiled.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&compiled.stderr).into()),
    }
}

/// The environment variables that the library reads: where it records, what it records, and the file by which it is told to
/// hold syncs.
const RECORD: &str = "NETABASE_POWER_RECORD";
const ROOT: &str = "NETABASE_POWER_ROOT";
const HOLD: &str = "NETABASE_POWER_HOLD";

/// While it lives, a sync does not return, in a process with the library.
pub(crate) struct Hold {
    path: PathBuf,
    held: PathBuf,
}

impl Hold {
    pub(crate) fn begin() -> Result<Self, Failure> {
        let path = PathBuf::from(env::var_os(HOLD).ok_or("the library is not loaded")?);
        let held = path.with_extension("held");
        fs::write(&path, "")?;
        Ok(Self { path, held })
    }

    /// Whether a sync is held by now.
    pub(crate) fn holds(&self) -> bool {
        self.held.exists()
    }

    /// Lets syncs return; whether they were held up to now.
    pub(crate) fn end(self) -> io::Result<bool> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true),
        }
    }
}

/// Starts a scenario in a process with the library; gives it, and the folder with the record.
pub(crate) fn start<D: Driver>(
    fixture: &Fixture<D>,
    scenario: &str,
) -> Result<(Child, TempDir), Failure> {
    let folder = tempfile::tempdir()?;
    let tools = folder.path();
    compile(tools)?;
    let root = fixture.path().parent().ok_or("a database has a folder")?;
    let root = root.canonicalize()?;
    let shim = tools.join("shim.so").display().to_string();
    let preloaded = match env::var("LD_PRELOAD") {
        Ok(others) => format!("{others}:{shim}"),
        Err(_) => shim,
    };
    let variables = [
        format!("LD_PRELOAD={preloaded}"),
        format!("{RECORD}={}", tools.join("record").display()),
        format!("{HOLD}={}", tools.join("hold").display()),
        format!("{ROOT}={}", root.display()),
    ];
    let mut program = vec!["env"];
    program.extend(variables.iter().map(String::as_str));
    let process = fixture.start_under(&program, scenario)?;
    Ok((process, folder))
}

/// Runs the process that writes; what it did, and the inode of the folder in which the database is.
fn record<D: Driver>(fixture: &Fixture<D>) -> Result<(Vec<Event>, u64), Failure> {
    let (process, tools) = start(fixture, "power")?;
    process::wait(process)?;
    let record = fs::read(tools.path().join("record"))?;
    let root = fixture.path().parent().ok_or("a database has a folder")?;
    Ok((events(&record)?, system::inode(root)?))
}

fn what_was_acknowledged_survives_a_power_cut_at_any_moment<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    settings::seeded(|mut random| {
        let (events, root) = record(fixture)?;
        let mut disk = Disk::default();
        let mut said = 0;
        let mut cuts = 0;
        for event in events {
            match event {
                Event::Said(number) => said = number,
                // Nothing is lost with it.
                Event::Created(_) => disk.apply(event),
                event => {
                    let when = format!("cut before sync {cuts}");
                    assert_survives(fixture, &disk, root, said, &when)?;
                    if let Some(torn) = disk.torn(&event, &mut random) {
                        let before = disk.files.clone();
                        disk.apply(torn);
                        let when = format!("cut in sync {cuts}");
                        assert_survives(fixture, &disk, root, said, &when)?;
                        disk.files = before;
                    }
                    disk.apply(event);
                    cuts += 1;
                }
            }
        }
        assert_eq!(said, TRANSACTIONS, "the process has ended early");
        assert_survives(fixture, &disk, root, said, "cut at the end")
    })
}
