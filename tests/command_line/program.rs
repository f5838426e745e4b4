//! A database to work on, and the program's runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

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
    let program = path.join(format!("netabase-copy{}", std::env::consts::EXE_SUFFIX));
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

/// A file that Cargo makes of another package of this repository, beside this one's. If nobody has made it since its
/// sources, or those of `core`, were last written to, it is made now, in a folder of its own: the tests that run meanwhile
/// use what is here.
pub(crate) fn built(package: &str, file: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = match package {
        "conformance" => "conformance",
        "conformance-bad-drivers-dylib" => "conformance/bad-drivers",
        "netabase-driver-lmdb-dylib" => "examples/driver-lmdb",
        "netabase-driver-redb-dylib" => "driver-redb",
        _ => panic!("{package} is no package whose files are looked for"),
    };
    let written = ["core", folder].map(|package| newest(&root.join(package).join("src")));
    let beside = Path::new(env!("CARGO_BIN_EXE_netabase")).parent().unwrap();
    let found = [beside.join(file), beside.join("deps").join(file)]
        .into_iter()
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .max()
        .filter(|(built, _)| written.iter().all(|written| written <= built));
    if let Some((_, path)) = found {
        return path;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("built");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--package", package, "--target-dir"])
        .arg(&target)
        .current_dir(root)
        .status();
    assert!(built.unwrap().success(), "{package} cannot be built");
    target.join("debug").join(file)
}

/// A folder with copies of the program and of the runner of the suite that it starts.
pub(crate) fn beside_the_runner() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let runner = format!("netabase-conformance{}", std::env::consts::EXE_SUFFIX);
    let program = Path::new(env!("CARGO_BIN_EXE_netabase"));
    for from in [program, &built("conformance", &runner)] {
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
