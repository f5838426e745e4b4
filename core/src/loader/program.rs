//! Programs that a program starts: found beside it or in `PATH`, and trusted as drivers are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::privilege;
use super::refusal::{Refusal, is_present, present, push_place};
use super::trust::Trust;
use crate::error::{ErrorKind, NetabaseError};

/// The real path of the program that has this file name: the first one that lies beside this executable or in a directory
/// of `PATH`, and that nobody but this user and root may have put there: see [Trust](super#trust). A relative directory
/// counts for nothing, and a file that is turned down does not end the search.
///
/// # Errors
/// - [`Unsupported`](ErrorKind::Unsupported): this program has rights that the user who started it may lack, and that user
///   chooses what is in `PATH`.
/// - [`NotFound`](ErrorKind::NotFound): there is no such file.
/// - [`InvalidInput`](ErrorKind::InvalidInput): there are such files, and none is trusted; the message lists each, and why.
///
/// # Examples
/// ```
/// use netabase_core::error::ErrorKind;
/// use netabase_core::loader;
///
/// let error = loader::find_program("no-such-program").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// ```
pub fn find_program(file_name: &str) -> Result<PathBuf, NetabaseError> {
    if privilege::is_raised() {
        return Err(NetabaseError::new(
            ErrorKind::Unsupported,
            format!(
                "`{file_name}` is not started: this program has rights that the user who started it may lack (a \
                 set-user-id or set-group-id bit, or capabilities); start it without them"
            ),
        ));
    }
    let beside = env::current_exe().ok().and_then(|executable| {
        let directory = executable.parent()?.to_owned();
        Some((directory, Trust::beside(&executable)))
    });
    let path = env::var_os("PATH").unwrap_or_default();
    let places = beside
        .into_iter()
        .chain(env::split_paths(&path).map(|directory| (directory, Trust::Owner)));
    find(file_name, places)
}

fn find(
    file_name: &str,
    places: impl Iterator<Item = (PathBuf, Trust)>,
) -> Result<PathBuf, NetabaseError> {
    let mut refused = String::new();
    for (directory, trust) in places {
        let file = directory.join(file_name);
        if directory.is_relative() || !is_present(&file) {
            continue;
        }
        match trusted(&directory, &file, &trust) {
            Ok(program) => return Ok(program),
            Err(refusal) => {
                let reason = refusal.into_error();
                push_place(&mut refused, &file, reason.message());
            }
        }
    }
    Err(match refused.is_empty() {
        true => NetabaseError::new(
            ErrorKind::NotFound,
            format!("`{file_name}` is neither beside this program nor in PATH"),
        ),
        false => NetabaseError::new(
            ErrorKind::InvalidInput,
            format!("`{file_name}` is not started, as it is not trusted; looked at:{refused}"),
        ),
    })
}

/// The real path of a program in a directory. A link may lead to any place that is trusted itself, as package managers
/// make them.
fn trusted(directory: &Path, file: &Path, trust: &Trust) -> Result<PathBuf, Refusal> {
    let real = present(file, || match trust {
        Trust::Executable(_) => {
            let name = file.file_name().unwrap_or_default();
            trust.file(&trust.directory(directory)?, name.as_ref())
        }
        _ => trust.path(file),
    })?;
    let metadata = fs::metadata(&real).map_err(super::trust::looked_at)?;
    if !metadata.is_file() {
        return Err(Refusal::rejected(
            "it is not a regular file; remove it or name another place",
        ));
    }
    Ok(real)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn place(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    fn program(folder: &Path, mode: u32) -> PathBuf {
        let path = folder.join("program");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn found(folders: &[&Path]) -> Result<PathBuf, NetabaseError> {
        let places = folders
            .iter()
            .map(|folder| ((*folder).to_owned(), Trust::Owner));
        find("program", places)
    }

    #[test]
    fn the_first_program_that_only_its_user_may_write_is_taken() {
        let (open, shared, own) = (place(0o777), place(0o755), place(0o755));
        program(open.path(), 0o755);
        program(shared.path(), 0o775);
        let places = [open.path(), shared.path(), own.path()];
        let error = found(&places).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for folder in [&open, &shared] {
            let path = folder.path().join("program").display().to_string();
            assert!(error.message().contains(&path), "{error}");
        }
        let good = program(own.path(), 0o755);
        assert_eq!(found(&places).unwrap(), good.canonicalize().unwrap());
    }

    #[test]
    fn a_link_is_as_good_as_what_it_leads_to() {
        let (open, own, linked) = (place(0o777), place(0o755), place(0o755));
        let link = linked.path().join("program");
        symlink(program(open.path(), 0o755), &link).unwrap();
        assert!(found(&[linked.path()]).is_err());
        fs::remove_file(&link).unwrap();
        fs::create_dir(own.path().join("folder")).unwrap();
        symlink(own.path().join("folder"), &link).unwrap();
        let error = found(&[linked.path()]).unwrap_err();
        assert!(error.message().contains("regular file"), "{error}");
        fs::remove_file(&link).unwrap();
        let good = program(own.path(), 0o755);
        symlink(&good, &link).unwrap();
        let real = good.canonicalize().unwrap();
        assert_eq!(found(&[linked.path()]).unwrap(), real);
    }

    #[test]
    fn relative_directories_count_for_nothing() {
        let error = found(&[Path::new("."), Path::new("")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let error = found(&[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
