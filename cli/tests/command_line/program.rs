//! A database to work on, and the program's runs.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;
use std::{env, fs};

use netabase_store::connect::Target;
use netabase_store::driver::AnyDatabase;
use netabase_store::driver::checked::Checked;
use netabase_store::{NetabaseStore, netabase_definition_module};

use self::library::{Book, Library};

/// The drivers that are linked in and keep their data.
pub(crate) const DRIVERS: &[&str] = &["redb", "redb-zerocopy", "sled"];

#[netabase_definition_module(Library, LibraryKeys)]
pub(crate) mod library {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Library)]
    pub struct Book {
        #[primary_key]
        pub id: i64,
        #[secondary_key(unique)]
        pub title: String,
        #[secondary_key]
        pub year: u16,
    }
}

pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_netabase"))
}

pub(crate) fn netabase(arguments: &[&str]) -> Run {
    command().args(arguments).output().unwrap().into()
}

pub(crate) fn netabase_with_path(arguments: &[&str], path: &Path) -> Run {
    // A runner that lies beside the program comes first: a copy of the program has none there.
    let program = path.join(format!("netabase-copy{}", EXE_SUFFIX));
    if !program.exists() {
        copy_program(env!("CARGO_BIN_EXE_netabase").as_ref(), &program);
    }
    Command::new(program)
        .args(arguments)
        .env("PATH", path)
        .output()
        .unwrap()
        .into()
}

/// As [`netabase_with_path`], with a program that lies elsewhere, and this mode of the folder in `PATH`.
#[cfg(unix)]
pub(crate) fn netabase_with_path_alone(arguments: &[&str], path: &Path, mode: u32) -> Run {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("netabase");
    copy_program(env!("CARGO_BIN_EXE_netabase").as_ref(), &program);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", path)
        .output();
    output.unwrap().into()
}

/// Copies a program. Another process does so: what this one had open for writing would be open in every process that is
/// started meanwhile, and what is open for writing cannot be executed.
#[cfg(unix)]
fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("cp").args([from, to]).status();
    assert!(status.unwrap().success());
}

#[cfg(not(unix))]
fn copy_program(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
}

/// Writes a script of the shell, in another process, as [`copy_program`] does.
#[cfg(unix)]
pub(crate) fn write_script(path: &Path, script: &str) {
    let status = Command::new("sh")
        .args(["-c", r#"printf '%s' "$2" > "$1" && chmod 755 "$1""#, "sh"])
        .arg(path)
        .arg(script)
        .status();
    assert!(status.unwrap().success());
}

/// The library of this name, which Cargo has built together with this test and put beside it.
pub(crate) fn library(stem: &str) -> PathBuf {
    let file = format!("{DLL_PREFIX}{stem}{DLL_SUFFIX}");
    let library = env::current_exe().unwrap().with_file_name(file);
    assert!(library.is_file(), "{} is missing", library.display());
    library
}

/// The runner of the suite, a program of another package. If nobody has built it since its sources, or those of `core`, were
/// last written to, it is built now, in a folder of its own: the tests that run meanwhile use the one that is here.
pub(crate) fn runner() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = format!("netabase-conformance{EXE_SUFFIX}");
    let written = ["core", "conformance"].map(|package| newest(&root.join(package).join("src")));
    let beside = Path::new(env!("CARGO_BIN_EXE_netabase")).with_file_name(&file);
    let built = fs::metadata(&beside).and_then(|metadata| metadata.modified());
    if built.is_ok_and(|built| written.iter().all(|written| *written <= built)) {
        return beside;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("built");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--package", "conformance", "--target-dir"])
        .arg(&target)
        .current_dir(root)
        .status();
    assert!(built.unwrap().success(), "the runner cannot be built");
    target.join("debug").join(file)
}

/// A folder with copies of the program and of the runner of the suite that it starts.
pub(crate) fn beside_the_runner() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_netabase"));
    for from in [program, &runner()] {
        copy_program(from, &folder.path().join(from.file_name().unwrap()));
    }
    folder
}

/// When a file in a folder, or in one within it, was last written to.
fn newest(folder: &Path) -> SystemTime {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                newest(&path)
            } else {
                fs::metadata(path).unwrap().modified().unwrap()
            }
        })
        .max()
        .unwrap()
}

pub(crate) fn url(driver: &str, folder: &Path, name: &str) -> String {
    format!("{driver}:{}", folder.join(name).display())
}

/// A database of so many books, one of them with a negative key; its URL.
pub(crate) fn fill(driver: &str, folder: &Path, books: i64) -> String {
    let url = url(driver, folder, "source");
    let store = NetabaseStore::<Library, _>::connect(&url).unwrap();
    let mut batch = store.batch();
    for id in -(books.min(3) - 1)..books - (books.min(3) - 1) {
        let year = 2000 + u16::try_from(id.rem_euclid(149)).unwrap();
        let year = if id < 0 { 1999 } else { year };
        batch.put(Book {
            id,
            title: format!("title {id}"),
            year,
        });
    }
    batch.commit().unwrap();
    url
}

/// The titles of all books in a database, in the order of their keys.
pub(crate) fn titles(url: &str) -> Vec<String> {
    let store = NetabaseStore::<Library, _>::connect(url).unwrap();
    let books = store.open_tree::<Book>();
    books
        .iter()
        .unwrap()
        .map(|book| book.unwrap().1.title)
        .collect()
}

pub(crate) fn open_bytes(url: &str) -> Checked<AnyDatabase> {
    Target::parse(url).unwrap().open().unwrap()
}

/// The engine's name of a tree of the library.
pub(crate) fn engine_tree(shown: &str) -> &str {
    match shown {
        "Book" => "1",
        "Book.title" => "2",
        "Book.year" => "3",
        other => other,
    }
}
