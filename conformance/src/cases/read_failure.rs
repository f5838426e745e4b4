//! Reads that the system refuses: an error in the middle of an iteration is not its end.

use std::path::{Path, PathBuf};
use std::{fs, io};

use netabase_core::driver::{
    Bounds, Capabilities, Cursor, Direction, Driver, ErrorKind, OpenConfig, Read, Write,
};

use super::commit;
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;
use crate::process;
use crate::system;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![case!(
        an_iteration_over_files_that_were_cut_off_does_not_end_early,
        Requirement::Declares(Capabilities::PERSISTENT),
        Requirement::OwnProcess,
        Requirement::Linux
    )]
}

const ENTRIES: u32 = 1_500;
const LENGTH: usize = 4_000;

/// The files at or below a path that hold more than what an engine says of itself.
fn large_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        let is_large = fs::metadata(path)?.len() > 1 << 20;
        return Ok(is_large.then(|| path.to_owned()).into_iter().collect());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        files.extend(large_files(&entry?.path())?);
    }
    Ok(files)
}

/// Opens a database, cuts off most of its files, and says for each direction how an iteration ends.
pub(crate) fn read_what_was_cut_off<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    // An engine whose cache can be small does not have everything in it.
    let small = OpenConfig {
        cache_bytes: Some(1 << 20),
        ..fixture.config()
    };
    let store = match fixture.open_with(&small) {
        Err(error) if error.kind() == ErrorKind::Unsupported => fixture.open()?,
        opened => opened?,
    };
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    for path in large_files(fixture.path())? {
        let file = fs::File::options().write(true).open(&path)?;
        file.set_len(file.metadata()?.len() / 8)?;
    }
    for direction in [Direction::Forward, Direction::Backward] {
        let mut seen = 0;
        let ended = reader
            .cursor(tree, Bounds::ALL, direction)
            .and_then(|mut cursor| {
                while cursor.advance()? {
                    seen += 1;
                }
                Ok(())
            });
        process::say(match ended {
            Ok(()) if seen == ENTRIES => "whole",
            Ok(()) => "early",
            Err(_) => "an error",
        })?;
    }
    Ok(())
}

fn an_iteration_over_files_that_were_cut_off_does_not_end_early<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    commit(&fixture.open()?, |writer| {
        let tree = writer.tree("t")?;
        for key in 0..ENTRIES {
            writer.put(tree, &key.to_be_bytes(), &[key as u8; LENGTH], |_| ())?;
        }
        Ok(())
    })?;
    let output = fixture.start("cut")?.wait_with_output()?;
    let said = String::from_utf8(output.stdout)?;
    assert!(
        !said.lines().any(|line| line == "early"),
        "an iteration ended before all entries were seen, without an error"
    );
    // A file that is mapped into memory cannot be read where it is cut off: the system ends the process.
    assert!(
        said.lines().last() == Some(process::DONE) || system::ended_by_a_bus_error(output.status),
        "{said:?}, and then {}",
        output.status
    );
    Ok(())
}
