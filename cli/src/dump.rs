//! `netabase dump` and `netabase load`: a database as one file.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use netabase_store::NetabaseError;
use netabase_store::connect::Target;
use netabase_store::driver::schema::SCHEMA_TREE;
use netabase_store::dump::{DumpReader, DumpWriter, Item, Totals};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::arguments::{Dump, Load};
use crate::copy::{Step, each_entry, report};
use crate::database::{Snapshot, is_in_database, open_for_reading};
use crate::failure::Failure;
use crate::fill::{Fill, Room, SchemaEntries};
use crate::output::{bytes, error_lines, lines};
use crate::progress::Progress;
use crate::status::Status;

pub(crate) fn dump(arguments: &Dump) -> Result<Status, Failure> {
    let shown = arguments.file.display();
    let source = Target::parse(&arguments.url)?.location;
    if is_in_database(&arguments.file, source.as_ref()) {
        return Err(Failure::Usage(format!(
            "{shown} would be written over the database that is to be read; name another file"
        )));
    }
    let store = open_for_reading(&arguments.url)?;
    let snapshot = Snapshot::of(&store)?;
    if arguments.file == Path::new("-") {
        let totals = write(&snapshot, BufWriter::new(bytes())).map_err(|failure| {
            // The dump is incomplete, whichever side stopped.
            match failure.broken_pipe() {
                Some(error) => {
                    Failure::Unwritten("the reader of the dump went away before its end", error)
                }
                None => failure,
            }
        })?;
        if arguments.json {
            // The standard output holds the dump.
            error_lines().json(&outcome(totals, None))?;
        }
        return Ok(Status::Fine);
    }
    let failed = |error| Failure::Io(format!("cannot write {shown}"), error);
    let exists = || {
        Failure::Usage(format!(
            "{shown} is there already; name another file, or write `--overwrite`"
        ))
    };
    match fs::symlink_metadata(&arguments.file) {
        Ok(found) if !found.is_file() => {
            return Err(Failure::Usage(format!(
                "{shown} is there already and no regular file; name another file, or `-` for the standard output"
            )));
        }
        Ok(_) if !arguments.overwrite => return Err(exists()),
        _ => {}
    }
    // The file has its name only once it is whole, and is removed if it never is.
    let folder = match arguments.file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = unfinished(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Failure::Usage(format!("there is no folder {}", folder.display()))
        }
        _ => failed(error),
    })?;
    let totals = write(&snapshot, BufWriter::new(file.as_file()))?;
    file.as_file().sync_all().map_err(failed)?;
    let persisted = if arguments.overwrite {
        file.persist(&arguments.file)
    } else {
        file.persist_noclobber(&arguments.file)
    };
    persisted.map_err(|refused| match refused.error.kind() {
        io::ErrorKind::AlreadyExists => exists(),
        _ => failed(refused.error),
    })?;
    // The name lasts once its folder is on disk.
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)?;
    let mut out = lines();
    if arguments.json {
        out.json(&outcome(totals, Some(&arguments.file)))?;
    } else {
        out.line(format_args!("{} entries to {shown}", totals.entries))?;
    }
    Ok(Status::Fine)
}

/// A new file in a folder, with the rights of any other that is created.
fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".netabase-dump-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        // What the user's mask takes away is taken away.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn outcome(totals: Totals, file: Option<&Path>) -> serde_json::Value {
    json!({
        "trees": totals.trees, "entries": totals.entries,
        "file": file.map(|file| file.display().to_string()),
    })
}

fn write(snapshot: &Snapshot, out: impl Write) -> Result<Totals, Failure> {
    let mut writer = DumpWriter::new(out)?;
    each_entry(snapshot, "dumping", |step| {
        match step {
            Step::Tree(tree) => writer.tree(&tree.name, tree.widths)?,
            Step::Entry(key, value) => writer.entry(key, value)?,
        }
        Ok(())
    })?;
    Ok(writer.finish()?.1)
}

pub(crate) fn load(arguments: &Load) -> Result<Status, Failure> {
    let mut is_checked = false;
    let (input, origin): (Box<dyn Read>, _) = if arguments.file == Path::new("-") {
        (Box::new(io::stdin().lock()), "netabase load - …".to_owned())
    } else {
        let shown = arguments.file.display();
        let mut file = File::open(&arguments.file).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                Failure::Usage(format!("there is no file {shown}"))
            } else {
                Failure::Io(format!("cannot read {shown}"), error)
            }
        })?;
        if arguments.overwrite && file.metadata().is_ok_and(|found| found.is_file()) {
            // What is there goes only for a dump that is whole.
            check_whole(&file, Room::of(&arguments.url)?)?;
            is_checked = true;
            file.rewind()
                .map_err(|error| Failure::Io(format!("cannot read {shown}"), error))?;
        }
        (Box::new(file), format!("netabase load {shown} …"))
    };
    let target = Target::parse(&arguments.url)?.location;
    if is_in_database(&arguments.file, target.as_ref()) {
        return Err(Failure::Usage(format!(
            "{} is both the file to read and the database to fill; name another database",
            arguments.file.display()
        )));
    }
    let mut reader = DumpReader::new(BufReader::new(input))?;
    let mut fill = Fill::begin(&arguments.url, &origin, arguments.overwrite)?;
    let mut load = || -> Result<(), Failure> {
        let mut progress = Progress::new("loading", None);
        while let Some(item) = reader.next_item()? {
            match item {
                Item::Tree { name, widths } => fill.tree(name, widths)?,
                Item::Entry { key, value } => {
                    fill.put(key, value)?;
                    progress.advance();
                }
            }
        }
        Ok(())
    };
    load()
        .and_then(|()| fill.finish())
        .map_err(|failure| match failure {
            Failure::Store(error) if arguments.overwrite && !is_checked => emptied(error),
            failure => failure,
        })
        .and_then(|summary| report(&summary, arguments.json))?;
    Ok(Status::Fine)
}

/// Reads a dump to its end, with all that makes it one of a database.
fn check_whole(file: &File, room: Room) -> Result<(), Failure> {
    let mut reader = DumpReader::new(BufReader::new(file))?;
    let mut schema = SchemaEntries::default();
    let (mut is_schema, mut tree) = (false, String::new());
    while let Some(item) = reader.next_item()? {
        match item {
            Item::Tree { name, .. } => {
                is_schema = name == SCHEMA_TREE;
                name.clone_into(&mut tree);
            }
            Item::Entry { key, value } if is_schema => schema.add(key, value)?,
            Item::Entry { key, value } => room.check(&tree, key, value)?,
        }
    }
    schema.check().map(drop)
}

/// What was wrong with a dump that could not be read twice.
fn emptied(error: NetabaseError) -> Failure {
    let message = format!(
        "{error}; what the database held is gone: a source that is not a file is read only once, while the database is filled"
    );
    Failure::Store(NetabaseError::new(error.kind(), message).with_source(error))
}
