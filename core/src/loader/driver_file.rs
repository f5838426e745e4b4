//! The file `NAME.toml` that stands for a driver's library and says where it is, platform by platform.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use crate::error::{ErrorKind, NetabaseError};

/// The version of the format that is read here.
const FORMAT: u32 = 1;
/// The key that makes a TOML file a driver's manifest, and says in which version of the format it is written.
const FORMAT_KEY: &str = "netabase-driver";
/// The largest manifest file, in bytes.
const MAX_BYTES: u64 = 64 * 1024;
/// The target triple that this library was built for.
const TARGET: &str = env!("NETABASE_TARGET");

/// What a driver's manifest file says: for each platform a library and its SHA-256. `docs/loading-drivers.md` describes
/// the format.
///
/// # Examples
/// ```
/// use netabase_core::loader::DriverFile;
///
/// let manifest = DriverFile::parse(
///     r#"
///     netabase-driver = 1
///
///     [library.linux-x86_64]
///     path = "linux/libnetabase_driver_redb.so"
///     sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
///     "#,
/// )?;
/// assert_eq!(manifest.platforms().collect::<Vec<_>>(), ["linux-x86_64"]);
///
/// let error = DriverFile::parse("netabase-driver = 1\nlibrary = 2").unwrap_err();
/// assert!(error.to_string().contains("line 2"));
/// # Ok::<(), netabase_core::error::NetabaseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverFile {
    libraries: BTreeMap<String, Library>,
}

/// Where a library is, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Library {
    /// The path from the manifest's directory, without `..`.
    pub(super) path: PathBuf,
    pub(super) sha256: Sha256,
}

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Sha256(pub(super) [u8; 32]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "netabase-driver")]
    format: Spanned<u32>,
    library: Spanned<BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: Spanned<String>,
    sha256: Spanned<String>,
}

impl DriverFile {
    /// Reads the text of a manifest file.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput), with the line, and with what is known there.
    pub fn parse(text: &str) -> Result<Self, NetabaseError> {
        let at = |span: Range<usize>, problem: &dyn fmt::Display| {
            let line = text
                .bytes()
                .take(span.start)
                .filter(|byte| *byte == b'\n')
                .count()
                + 1;
            NetabaseError::new(ErrorKind::InvalidInput, format!("line {line}: {problem}"))
        };
        let document: Document = toml::from_str(text).map_err(|error| {
            let message = error.message().replace('\n', "; ");
            at(error.span().unwrap_or(0..0), &message).with_source(error)
        })?;
        if *document.format.get_ref() != FORMAT {
            return Err(at(
                document.format.span(),
                &format_args!(
                    "`{FORMAT_KEY}` is {} and this library reads version {FORMAT} of the format; use a newer \
                     `netabase_store`, or write `{FORMAT_KEY} = {FORMAT}`",
                    document.format.get_ref()
                ),
            ));
        }
        if document.library.get_ref().is_empty() {
            return Err(at(
                document.library.span(),
                &"there is no library; add a table `[library.PLATFORM]` for each platform",
            ));
        }
        let mut libraries = BTreeMap::new();
        for (platform, entry) in document.library.into_inner() {
            let path = relative(entry.path.get_ref()).map_err(|problem| {
                at(
                    entry.path.span(),
                    &format_args!("the path {:?} {problem}", entry.path.get_ref()),
                )
            })?;
            let sha256 = Sha256::parse(entry.sha256.get_ref()).ok_or_else(|| {
                at(
                    entry.sha256.span(),
                    &"`sha256` has 64 hexadecimal digits, as `sha256sum` prints them",
                )
            })?;
            libraries.insert(platform, Library { path, sha256 });
        }
        Ok(Self { libraries })
    }

    /// The platforms that it has a library for: target triples such as `x86_64-unknown-linux-gnu`, or `linux-x86_64`.
    pub fn platforms(&self) -> impl Iterator<Item = &str> {
        self.libraries.keys().map(String::as_str)
    }

    /// The library for the platform that this program runs on.
    pub(super) fn library(&self) -> Result<&Library, String> {
        let short = format!("{OS}-{ARCH}");
        self.libraries
            .get(TARGET)
            .or_else(|| self.libraries.get(&short))
            .ok_or_else(|| {
                format!(
                    "it has a library for {} and none for this platform; add one as `{TARGET}` or `{short}`",
                    self.platforms().collect::<Vec<_>>().join(", ")
                )
            })
    }
}

impl Sha256 {
    fn parse(text: &str) -> Option<Self> {
        let digits: Vec<_> = text
            .chars()
            .map(|digit| {
                digit
                    .to_digit(16)
                    .and_then(|digit| u8::try_from(digit).ok())
            })
            .collect::<Option<_>>()?;
        let (pairs, []) = digits.as_chunks::<2>() else {
            return None;
        };
        let bytes: Vec<_> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The path, which means the same on every platform and stays in the directory that it begins in.
fn relative(path: &str) -> Result<PathBuf, &'static str> {
    if path.contains(['\\', ':', '\0']) {
        return Err(
            "has a character that separates or ends paths on some platform; write `/` between folders",
        );
    }
    let mut relative = PathBuf::new();
    for step in path.split('/') {
        match step {
            "" => {
                return Err(
                    "is absolute or has an empty step; write it from the manifest's own directory",
                );
            }
            "." | ".." => {
                return Err(
                    "has a step `.` or `..`; put the library below the manifest's own directory",
                );
            }
            step => relative.push(step),
        }
    }
    Ok(relative)
}

/// Whether an open TOML file holds the key of a driver's manifest, or cannot be read.
pub(super) fn is_meant(file: File) -> bool {
    let mut start = Vec::new();
    let read = file.take(MAX_BYTES).read_to_end(&mut start);
    read.is_err()
        || start
            .windows(FORMAT_KEY.len())
            .any(|window| window == FORMAT_KEY.as_bytes())
}

/// Reads an open manifest file.
pub(super) fn read(file: File) -> Result<DriverFile, NetabaseError> {
    let invalid = |message: String| NetabaseError::new(ErrorKind::InvalidInput, message);
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| invalid(format!("it cannot be read: {error}")).with_source(error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid(format!(
            "it is larger than {MAX_BYTES} bytes, which no manifest is"
        )));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| invalid("it is not UTF-8".to_owned()).with_source(error))?;
    DriverFile::parse(&text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SHA256: &str = "E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn with_path(path: &str) -> Result<DriverFile, NetabaseError> {
        DriverFile::parse(&format!(
            "netabase-driver = 1\n[library.{TARGET}]\npath = {path:?}\nsha256 = \"{SHA256}\"\n"
        ))
    }

    #[test]
    fn the_library_of_this_platform_is_found_by_triple_before_the_short_name() {
        let manifest = |platforms: &[&str]| {
            let mut text = "netabase-driver = 1\n".to_owned();
            for platform in platforms {
                text += &format!(
                    "[library.{platform}]\npath = \"{platform}/x\"\nsha256 = \"{SHA256}\"\n"
                );
            }
            DriverFile::parse(&text).unwrap()
        };
        let short = format!("{OS}-{ARCH}");
        let found = |platforms: &[&str]| {
            manifest(platforms)
                .library()
                .map(|library| library.path.clone())
        };
        assert_eq!(found(&[&short, TARGET]), Ok(Path::new(TARGET).join("x")));
        assert_eq!(
            found(&[&short, "plan9-mips"]),
            Ok(Path::new(&short).join("x"))
        );
        let error = found(&["plan9-mips", "amiga-m68k"]).unwrap_err();
        for part in ["amiga-m68k, plan9-mips", TARGET, &short] {
            assert!(error.contains(part), "{error}");
        }
        let manifest = manifest(&[TARGET]);
        let library = manifest.library().unwrap();
        assert_eq!(library.sha256.to_string(), SHA256.to_lowercase());
    }

    #[test]
    fn the_example_in_the_documentation_is_a_manifest() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/loading-drivers.md");
        let page = std::fs::read_to_string(page).unwrap();
        let (_, example) = page.split_once("```toml\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let manifest = DriverFile::parse(example).unwrap();
        let platforms: Vec<_> = manifest.platforms().collect();
        assert_eq!(platforms, ["macos-aarch64", "x86_64-unknown-linux-gnu"]);
    }

    #[test]
    fn a_malformed_file_is_refused_with_the_line_and_what_is_known() {
        let entry = format!("path = \"x\"\nsha256 = \"{SHA256}\"");
        for (text, parts) in [
            (
                "".to_owned(),
                &["line 1", "missing field `netabase-driver`"][..],
            ),
            (
                "netabase-driver = 1".to_owned(),
                &["line 1", "missing field `library`"],
            ),
            (
                "netabase-driver = 1\nlibrary = {}".to_owned(),
                &["line 2", "[library.PLATFORM]"],
            ),
            (
                "netabase-driver = 2\nlibrary = {}".to_owned(),
                &["line 1", "`netabase-driver` is 2", "version 1"],
            ),
            (
                "netabase-driver = \"1\"\nlibrary = {}".to_owned(),
                &["line 1", "invalid type"],
            ),
            (
                format!("netabase-driver = 1\nversion = \"2\"\n[library.a]\n{entry}"),
                &[
                    "line 2",
                    "unknown field `version`",
                    "`netabase-driver`",
                    "`library`",
                ],
            ),
            (
                format!("netabase-driver = 1\n[library.a]\n{entry}\nsha512 = \"\""),
                &["line 5", "unknown field `sha512`", "`path`", "`sha256`"],
            ),
            (
                "netabase-driver = 1\n[library.a]\npath = \"x\"".to_owned(),
                &["line 2", "missing field `sha256`"],
            ),
            (
                format!("netabase-driver = 1\n[library.a]\n{entry}\n[library.a]\n{entry}"),
                &["line 5", "duplicate"],
            ),
            (
                "netabase-driver = 1\n[library.a]\npath = \"x\"\nsha256 = \"abc\"".to_owned(),
                &["line 4", "64 hexadecimal digits"],
            ),
            (
                format!(
                    "netabase-driver = 1\n[library.a]\npath = \"x\"\nsha256 = \"{}g\"",
                    &SHA256[1..]
                ),
                &["line 4", "64 hexadecimal digits"],
            ),
            ("netabase-driver = 1\n[library.a\n".to_owned(), &["line 2"]),
        ] {
            let error = DriverFile::parse(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            for part in parts {
                assert!(error.to_string().contains(part), "{text:?}: {error}");
            }
        }
    }

    #[test]
    fn a_path_that_leaves_the_directory_is_refused() {
        for path in ["lib.so", "a/b-1.0/lib..so"] {
            let manifest = with_path(path).unwrap();
            assert_eq!(manifest.library().unwrap().path, Path::new(path));
        }
        for path in [
            "",
            "/",
            "/lib.so",
            "..",
            "../lib.so",
            "a/../../lib.so",
            "a/..",
            "./lib.so",
            "a//lib.so",
            "a/",
            r"..\lib.so",
            r"C:\lib.so",
            "C:lib.so",
        ] {
            let error = with_path(path).unwrap_err();
            assert!(
                error.to_string().contains("line 3: the path"),
                "{path:?}: {error}"
            );
        }
    }

    #[test]
    fn a_file_that_is_too_large_or_not_utf8_is_refused() {
        for (bytes, hint) in [
            (vec![b'#'; 64 * 1024 + 1], "65536 bytes"),
            (b"\xFF".to_vec(), "UTF-8"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.toml");
            std::fs::write(&path, bytes).unwrap();
            let error = read(File::open(&path).unwrap()).unwrap_err();
            assert!(error.to_string().contains(hint), "{error}");
        }
    }
}
