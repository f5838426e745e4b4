//! `cargo xtask new-driver`: a driver package made of the template in `conformance/template`, and the test that it works.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::step::{Status, Step};

const USAGE: &str = "\
Usage: cargo xtask new-driver <NAME> [--path <FOLDER>]

Makes the package of a new driver, which compiles and passes the conformance suite in memory.

  NAME               what programs load the driver by: a-z, 0-9 and -, beginning with a letter or a digit
  --path <FOLDER>    where the package is made; `netabase-driver-<NAME>` in this folder if it is left out
";

/// The template's folder in the repository.
const TEMPLATE: &str = "conformance/template";

/// What makes the two packages of a driver a workspace.
const WORKSPACE: &str = "
# A workspace of its own, wherever the folder lies; to be removed where it joins another one.
[workspace]
members = [\"dylib\"]
";

/// Runs what is behind `new-driver` on the command line.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> ExitCode {
    let (name, path) = match *arguments {
        [name] if !name.starts_with('-') => (name, None),
        [name, "--path", path] | ["--path", path, name] => (name, Some(path)),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let names = match Names::new(name) {
        Ok(names) => names,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::from(2);
        }
    };
    let folder = path.map_or_else(|| PathBuf::from(&names.package), PathBuf::from);
    match generate(root, &names, &folder) {
        Ok(()) => {
            format_sources(&folder);
            let target = target_folder(cargo(), &folder).unwrap_or_else(|| folder.join("target"));
            print!("{}", next_steps(&names, &folder, &target));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{} could not be made: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// What a driver is called in each place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// As programs load it: `my-engine`.
    driver: String,
    /// `netabase-driver-my-engine`.
    package: String,
    /// `netabase_driver_my_engine`, as the crate and the exported symbol are called.
    symbol: String,
    /// What its types begin with: `MyEngine`.
    types: String,
}

impl Names {
    /// # Errors
    /// Why this is not a driver's name.
    pub(crate) fn new(driver: &str) -> Result<Self, String> {
        let is_plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let (first, rest) = driver.as_bytes().split_first().unwrap_or((&b'-', b""));
        if !is_plain(*first)
            || !rest
                .iter()
                .all(|letter| is_plain(*letter) || *letter == b'-')
        {
            return Err(format!(
                "`{driver}` is not a driver's name: it is made of a-z, 0-9 and -, and begins with a letter or a digit"
            ));
        }
        let capitalised = |word: &str| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        };
        let types: String = driver.split('-').map(capitalised).collect();
        // A type begins with a letter.
        let types = match types.starts_with(|letter: char| letter.is_ascii_digit()) {
            true => format!("Db{types}"),
            false => types,
        };
        let package = format!("netabase-driver-{driver}");
        Ok(Self {
            driver: driver.to_owned(),
            symbol: package.replace('-', "_"),
            package,
            types,
        })
    }

    /// A text of the template, with the driver's names in the place of the template's.
    fn replace_in(&self, text: &str) -> String {
        text.replace("netabase_driver_template", &self.symbol)
            .replace("netabase-driver-template", &self.package)
            .replace("Template", &self.types)
            .replace("template", &self.driver)
    }
}

/// Makes the package in a folder that is not there yet.
pub(crate) fn generate(root: &Path, names: &Names, folder: &Path) -> io::Result<()> {
    if fs::symlink_metadata(folder).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "it is there already; name another folder with --path",
        ));
    }
    let root = fs::canonicalize(root)?;
    let template = root.join(TEMPLATE);
    fs::create_dir_all(folder)?;
    for part in ["src", "tests", "dylib/src"] {
        fs::create_dir_all(folder.join(part))?;
        for entry in fs::read_dir(template.join(part))? {
            let entry = entry?;
            let text = fs::read_to_string(entry.path())?;
            fs::write(
                folder.join(part).join(entry.file_name()),
                names.replace_in(&text),
            )?;
        }
    }
    fs::copy(template.join(".gitignore"), folder.join(".gitignore"))?;
    let manifest = |file: &str, folders: &[(&str, &str)]| {
        let text = fs::read_to_string(template.join(file))?;
        manifest_of(&text, names, &root, folders)
    };
    fs::write(
        folder.join("dylib/Cargo.toml"),
        manifest("dylib/Cargo.toml", &[("../../../core", "core")])?,
    )?;
    let package = manifest(
        "Cargo.toml",
        &[("../../core", "core"), ("..", "conformance")],
    )?;
    fs::write(folder.join("Cargo.toml"), package + WORKSPACE)
}

/// Formats the sources: names of other lengths break lines elsewhere. Without rustfmt they stay as they are, and compile.
fn format_sources(folder: &Path) {
    let _ = cargo()
        .args(["fmt", "--all", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .stderr(Stdio::null())
        .status();
}

pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Where Cargo builds the package in this folder, which variables and configuration files may say; `None` if it does not
/// say so.
fn target_folder(mut cargo: Command, folder: &Path) -> Option<PathBuf> {
    let output = cargo
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    metadata["target_directory"].as_str().map(PathBuf::from)
}

/// A `Cargo.toml` of the template for a package outside of this workspace: `folders` are the relative paths in it that
/// lead to packages of this repository, and the folders of those.
fn manifest_of(
    template: &str,
    names: &Names,
    root: &Path,
    folders: &[(&str, &str)],
) -> io::Result<String> {
    let mut manifest = names.replace_in(template);
    for (relative, package) in folders {
        let before = format!("path = \"{relative}\"");
        if !manifest.contains(&before) {
            return Err(io::Error::other(format!(
                "a Cargo.toml of {TEMPLATE} does not hold `{before}`"
            )));
        }
        let path = root.join(package);
        let path = path
            .to_str()
            .ok_or_else(|| io::Error::other(format!("{} is not valid UTF-8", path.display())))?;
        // Quoted by `'`, a Windows path stays as it is.
        manifest = manifest.replace(&before, &format!("path = '{path}'"));
    }
    Ok(manifest)
}

fn next_steps(names: &Names, folder: &Path, target: &Path) -> String {
    let Names {
        driver,
        package,
        symbol,
        ..
    } = names;
    let folder = folder.display();
    let target = target.display();
    format!(
        "Made the driver `{driver}` in {folder}. It keeps its entries in memory and passes the suite:

    cd {folder}
    cargo test

Next:
  1. put your engine in the place of `imbl` in src/: docs/writing-a-driver.md goes through it promise by promise;
  2. declare in src/lib.rs what it can do and how large things may be;
  3. see what the suite says of the library (in the checkout of netabase_store):
         cargo build --manifest-path {folder}/dylib/Cargo.toml
         cargo run -p conformance -- --driver {target}/debug/{prefix}{symbol}{suffix}
  4. before you publish {package}, name released versions of its dependencies in Cargo.toml instead of paths.
",
        prefix = std::env::consts::DLL_PREFIX,
        suffix = std::env::consts::DLL_SUFFIX,
    )
}

/// Makes a package within the target folder, which has to compile against this checkout. One that depends on packages is
/// tested with those: [`crate::dependency`].
pub(crate) fn try_out(root: &Path) -> Status {
    let target = root.join("target");
    let folder = target.join("new-driver");
    let made = Names::new("trial-1")
        .map_err(io::Error::other)
        .and_then(|names| {
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
            generate(root, &names, &folder)?;
            // The same versions as everywhere here, so that they are built once.
            fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))
        });
    let title = "new driver: made of the template, checked";
    match made {
        Ok(_) => Step::cargo(
            root,
            title,
            &["check", "--workspace", "--all-targets", "--manifest-path"],
        )
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .run(),
        Err(error) => Status::not_run(title, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_every_other_name() {
        let names = Names::new("my-engine2").unwrap();
        assert_eq!(names.package, "netabase-driver-my-engine2");
        assert_eq!(names.symbol, "netabase_driver_my_engine2");
        assert_eq!(names.types, "MyEngine2");
        assert_eq!(Names::new("3fs").unwrap().types, "Db3fs");
        assert_eq!(
            names.replace_in(
                "netabase_driver_template::TemplateDriver \"template\" netabase-driver-template"
            ),
            "netabase_driver_my_engine2::MyEngine2Driver \"my-engine2\" netabase-driver-my-engine2"
        );
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", "-a", "A", "a_b", "a b", "../a", "a/b", "ä", "a.b"] {
            assert!(Names::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_package_names_this_checkout_and_nothing_of_the_template() {
        let root = crate::repository();
        let folder = std::env::temp_dir().join(format!("xtask-new-driver-{}", std::process::id()));
        let names = Names::new("some-name").unwrap();
        generate(&root, &names, &folder).unwrap();
        let refused = generate(&root, &names, &folder).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"netabase-driver-some-name\""));
        assert!(manifest.contains(&format!(
            "path = '{}",
            root.canonicalize().unwrap().display()
        )));
        assert!(manifest.contains("netabase-driver-some-name-dylib = { path = \"dylib\" }"));
        assert!(manifest.ends_with(WORKSPACE));
        for file in [
            "src/lib.rs",
            "tests/conformance.rs",
            "Cargo.toml",
            "dylib/src/lib.rs",
            "dylib/Cargo.toml",
        ] {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert!(!text.to_lowercase().contains("template"), "{file}:\n{text}");
        }
        // The library is looked for where Cargo puts it.
        let own = std::fs::canonicalize(&folder).unwrap().join("target");
        for (variable, target) in [("", own), ("/shared/target", "/shared/target".into())] {
            let mut cargo = cargo();
            cargo.env_remove("CARGO_TARGET_DIR");
            if !variable.is_empty() {
                cargo.env("CARGO_TARGET_DIR", variable);
            }
            let found = target_folder(cargo, &folder).unwrap();
            assert_eq!(found, target);
            let library = target.join("debug").join(format!(
                "{}netabase_driver_some_name",
                std::env::consts::DLL_PREFIX
            ));
            let steps = next_steps(&names, &folder, &found);
            assert!(steps.contains(library.to_str().unwrap()), "{steps}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
