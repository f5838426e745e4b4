//! `netabase dump` and `netabase load`: a database as one file.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use netabase_store::dump::{DumpReader, DumpWriter, Item};

use crate::Outcome;
use crate::arguments::{Dump, Load};
use crate::copy::{Step, each_entry, report};
use crate::database::{Snapshot, open_for_reading};
use crate::failure::Failure;
use crate::fill::Fill;
use crate::progress::Progress;

pub(crate) fn dump(arguments: &Dump) -> Result<Outcome, Failure> {
    let store = open_for_reading(&arguments.url)?;
    let snapshot = Snapshot::of(&store)?;
    if arguments.file == Path::new("-") {
        write(&snapshot, BufWriter::new(io::stdout().lock()))?;
        return Ok(Outcome::Fine);
    }
    let shown = arguments.file.display();
    let failed = |error| Failure::Io(format!("cannot write {shown}"), error);
    if arguments.file.exists() && !arguments.overwrite {
        return Err(Failure::Usage(format!(
            "{shown} is there already; name another file, or write `--overwrite`"
        )));
    }
    // The file has its name only once it is whole.
    let mut part = arguments.file.clone().into_os_string();
    part.push(".part");
    let file = File::create(&part).map_err(failed)?;
    let entries = write(&snapshot, BufWriter::new(&file))?;
    file.sync_all().map_err(failed)?;
    fs::rename(&part, &arguments.file).map_err(failed)?;
    writeln!(io::stdout().lock(), "{entries} entries to {shown}")?;
    Ok(Outcome::Fine)
}

fn write(snapshot: &Snapshot, out: impl Write) -> Result<u64, Failure> {
    let mut writer = DumpWriter::new(out)?;
    each_entry(snapshot, "dumping", |step| {
        match step {
            Step::Tree(name, widths) => writer.tree(name, widths)?,
            Step::Entry(key, value) => writer.entry(key, value)?,
        }
        Ok(())
    })?;
    Ok(writer.finish()?.1.entries)
}

pub(crate) fn load(arguments: &Load) -> Result<Outcome, Failure> {
    let (input, origin): (Box<dyn Read>, _) = if arguments.file == Path::new("-") {
        (Box::new(io::stdin().lock()), "netabase load - …".to_owned())
    } else {
        let shown = arguments.file.display();
        let file = File::open(&arguments.file).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                Failure::Usage(format!("there is no file {shown}"))
            } else {
                Failure::Io(format!("cannot read {shown}"), error)
            }
        })?;
        (Box::new(file), format!("netabase load {shown} …"))
    };
    let mut reader = DumpReader::new(BufReader::new(input))?;
    let mut fill = Fill::begin(&arguments.url, &origin, arguments.overwrite)?;
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
    drop(progress);
    report(&fill.finish()?, false)?;
    Ok(Outcome::Fine)
}
