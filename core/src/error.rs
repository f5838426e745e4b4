//! Errors: one kind for each thing that a caller can act on, the place it concerns, and the engine's own error as source.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// What went wrong, as far as a caller can act on it.
///
/// The numbers are part of the driver ABI (`docs/abi.md`): they are never reused and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum ErrorKind {
    /// The database, file or tree is not there.
    NotFound = 1,
    /// A unique secondary key is held by another record, or a file is in the way.
    AlreadyExists = 2,
    /// Stored bytes are not what this driver or codec wrote.
    Corrupt = 3,
    /// The database was written with another shape of the same model.
    SchemaMismatch = 4,
    /// Another handle or process holds the database.
    Locked = 5,
    /// A key, value or transaction is larger than the engine takes, or the device is full.
    LimitExceeded = 6,
    /// A write on a store that was opened read-only.
    ReadOnly = 7,
    /// The store or transaction was closed, or a failure ended it; open or begin another one.
    Closed = 8,
    /// Two transactions, or a transaction and an open cursor, are in each other's way; a retry may succeed.
    Conflict = 9,
    /// The engine cannot show the state any more that this read transaction began with; begin again.
    SnapshotLost = 10,
    /// The driver does not offer this operation or option.
    Unsupported = 11,
    /// The operating system refused an input or output operation.
    Io = 12,
    /// A value could not be encoded or decoded.
    Codec = 13,
    /// No driver of that name was found.
    DriverNotFound = 14,
    /// A driver library was found and turned down.
    DriverRejected = 15,
    /// A driver panicked; its transaction was rolled back.
    DriverPanicked = 16,
    /// An argument, option or configuration has no meaning here.
    InvalidInput = 17,
    /// A defect of the driver or of this library.
    Internal = 18,
    /// The outcome of a commit is not known: the connection broke before the engine confirmed it, for example. The
    /// transaction may be kept in whole or not at all.
    ///
    /// Nothing retries it by itself, since it could be written twice. The error may carry a [`CommitToken`] with which
    /// the outcome can be asked for later.
    CommitUnknown = 19,
    /// Commits that were not durable may be lost after a failure; reported once, before a state without them is shown.
    CommitsLost = 20,
}

impl ErrorKind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 20] = [
        Self::NotFound,
        Self::AlreadyExists,
        Self::Corrupt,
        Self::SchemaMismatch,
        Self::Locked,
        Self::LimitExceeded,
        Self::ReadOnly,
        Self::Closed,
        Self::Conflict,
        Self::SnapshotLost,
        Self::Unsupported,
        Self::Io,
        Self::Codec,
        Self::DriverNotFound,
        Self::DriverRejected,
        Self::DriverPanicked,
        Self::InvalidInput,
        Self::Internal,
        Self::CommitUnknown,
        Self::CommitsLost,
    ];

    /// The kind's number, stable across releases.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The kind with this number, if there is one.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether the same call may succeed when it is made again without any other change.
    ///
    /// Not so for [`CommitUnknown`](Self::CommitUnknown): the first call may have succeeded.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Locked | Self::Conflict | Self::SnapshotLost)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An engine's error, kept as it came.
pub type Source = Box<dyn StdError + Send + Sync + 'static>;

/// Names one commit whose outcome is not known, in bytes of the driver's own.
///
/// It outlives the store: any later handle of the same database can be asked for the
/// [outcome](crate::driver::Database::commit_outcome), even in another process, for as long as the driver says.
///
/// # Examples
/// ```
/// use netabase_core::error::{CommitToken, ErrorKind, NetabaseError};
/// use netabase_core::driver::DriverError;
///
/// let error = DriverError::new(ErrorKind::CommitUnknown, "the server closed the connection during the commit")
///     .with_commit_token(CommitToken::new(*b"transaction 731"));
/// let error = NetabaseError::from(error);
/// assert_eq!(error.commit_token().map(CommitToken::as_bytes), Some(b"transaction 731".as_slice()));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CommitToken(Arc<[u8]>);

impl CommitToken {
    /// The token of these bytes, as a driver gave them.
    #[must_use]
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(bytes.as_ref().into())
    }

    /// The bytes, to be kept for later.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CommitToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommitToken({})", Hex(&self.0))
    }
}

/// What a driver reports: a kind, a message that says what to do, and the engine's own error as source.
///
/// One pointer wide, so that results on hot paths stay small. A clone shares the source.
#[derive(Clone)]
pub struct DriverError(Box<Report>);

/// Kind, message and source; what [`DriverError`] and [`NetabaseError`] have in common.
#[derive(Clone)]
struct Report {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    commit_token: Option<CommitToken>,
}

impl Report {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl DriverError {
    /// An error of this kind. `message` says what happened and what to do about it.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Report {
            kind,
            message: message.into(),
            source: None,
            commit_token: None,
        }))
    }

    /// An error whose message and source are those of an engine's error.
    #[must_use]
    pub fn from_engine(kind: ErrorKind, error: impl StdError + Send + Sync + 'static) -> Self {
        let message = error.to_string();
        Self::new(kind, message).with_source(error)
    }

    /// The answer to an operation that this driver does not offer.
    #[must_use]
    pub fn unsupported(operation: &str) -> Self {
        Self::new(
            ErrorKind::Unsupported,
            format!("this driver does not offer `{operation}`; its manifest lists what it does"),
        )
    }

    /// Keeps `source` as the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// What a caller can act on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Keeps the token of a commit whose outcome is not known.
    #[must_use]
    pub fn with_commit_token(mut self, token: CommitToken) -> Self {
        self.0.commit_token = Some(token);
        self
    }

    /// The token of a commit whose outcome is not known, if the driver gave one.
    #[must_use]
    pub fn commit_token(&self) -> Option<&CommitToken> {
        self.0.commit_token.as_ref()
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for DriverError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl fmt::Debug for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverError")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .field("commit_token", &self.0.commit_token)
            .finish()
    }
}

/// The error of every operation of the typed layer and of the loader.
///
/// [`kind`](Self::kind) is what a program decides on; the `Display` text names the operation, driver, tree and key and
/// says what to do; [`source`](StdError::source) is the engine's own error, which a clone shares.
///
/// # Examples
/// ```
/// use netabase_core::error::{ErrorKind, NetabaseError};
///
/// let error = NetabaseError::new(ErrorKind::NotFound, "there is no database here; create it first").during("open");
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert_eq!(error.to_string(), "open: there is no database here; create it first");
/// ```
#[derive(Clone)]
pub struct NetabaseError(Box<Located>);

#[derive(Clone)]
struct Located {
    report: Report,
    operation: Option<Cow<'static, str>>,
    driver: Option<Cow<'static, str>>,
    tree: Option<Cow<'static, str>>,
    key: Option<Box<[u8]>>,
}

impl NetabaseError {
    /// An error of this kind. `message` says what happened and what to do about it.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        DriverError::new(kind, message).into()
    }

    /// Names the operation that failed; the innermost name is kept.
    #[must_use]
    pub fn during(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        self.0.operation.get_or_insert_with(|| operation.into());
        self
    }

    /// Names the driver concerned, unless one is named already.
    #[must_use]
    pub fn on_driver(mut self, driver: impl Into<Cow<'static, str>>) -> Self {
        self.0.driver.get_or_insert_with(|| driver.into());
        self
    }

    /// Names the tree concerned, unless one is named already.
    #[must_use]
    pub fn in_tree(mut self, tree: impl Into<Cow<'static, str>>) -> Self {
        self.0.tree.get_or_insert_with(|| tree.into());
        self
    }

    /// Keeps the encoded key concerned, unless one is kept already.
    #[must_use]
    pub fn at_key(mut self, key: &[u8]) -> Self {
        self.0.key.get_or_insert_with(|| key.into());
        self
    }

    /// Keeps `source` as the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.report.source = Some(source.into().into());
        self
    }

    /// What a caller can act on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.report.kind
    }

    /// The operation that failed, such as `put` or `commit`.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// The name of the driver concerned.
    #[must_use]
    pub fn driver(&self) -> Option<&str> {
        self.0.driver.as_deref()
    }

    /// The tree concerned.
    #[must_use]
    pub fn tree(&self) -> Option<&str> {
        self.0.tree.as_deref()
    }

    /// The encoded key concerned.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.0.key.as_deref()
    }

    /// The message alone, without operation, driver, tree and key.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.report.message
    }

    /// The token of a commit whose outcome is not known, if the driver gave one; see
    /// [`CommitUnknown`](ErrorKind::CommitUnknown).
    #[must_use]
    pub fn commit_token(&self) -> Option<&CommitToken> {
        self.0.report.commit_token.as_ref()
    }
}

impl From<DriverError> for NetabaseError {
    fn from(error: DriverError) -> Self {
        Self(Box::new(Located {
            report: *error.0,
            operation: None,
            driver: None,
            tree: None,
            key: None,
        }))
    }
}

impl fmt::Display for NetabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Located {
            report,
            operation,
            driver,
            tree,
            key,
        } = &*self.0;
        if let Some(operation) = operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&report.message)?;
        let mut separator = " (";
        let mut place = |f: &mut fmt::Formatter<'_>, name: &str, value: &dyn fmt::Display| {
            write!(f, "{separator}{name} {value}")?;
            separator = ", ";
            Ok(())
        };
        if let Some(driver) = driver {
            place(f, "driver", &driver)?;
        }
        if let Some(tree) = tree {
            place(f, "tree", &tree)?;
        }
        if let Some(key) = key {
            place(f, "key", &Hex(key))?;
        }
        if separator == ", " {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for NetabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind())?;
        let mut source = self.0.report.source();
        while let Some(error) = source {
            write!(f, "\n  caused by: {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl StdError for NetabaseError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.report.source()
    }
}

/// A text that came from outside, fit for a line of a terminal or of a log: whatever does not show is escaped, as a text
/// in Rust's source would write it.
///
/// Such are control characters, which move a terminal's cursor, set its title and begin lines, and the characters that
/// turn the direction of what stands around them.
///
/// # Examples
/// ```
/// use netabase_core::error::printable;
///
/// assert_eq!(printable("Łódź 東京"), "Łódź 東京");
/// assert_eq!(printable("a\u{1b}[2J\nb\u{202e}"), r"a\u{1b}[2J\nb\u{202e}");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(shows) {
        return text.into();
    }
    let mut printed = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if shows(character) {
            printed.push(character);
        } else {
            printed.extend(character.escape_default());
        }
    }
    printed.into()
}

/// Whether a character shows where it stands and nowhere else.
fn shows(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    // The standard library knows which characters do; behind another one it leaves accents as they are.
    let mut text = [b'a'; 5];
    let length = 1 + character.encode_utf8(&mut text[1..]).len();
    let shown = std::str::from_utf8(&text[..length]).unwrap_or_default();
    !shown.escape_debug().any(|character| character == '\\')
}

/// The first bytes of a key in hexadecimal.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 32;
        for byte in self.0.iter().take(SHOWN) {
            write!(f, "{byte:02x}")?;
        }
        if self.0.len() > SHOWN {
            write!(f, "… ({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_survive_the_trip_through_their_number() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(ErrorKind::from_code(0), None);
        assert_eq!(ErrorKind::from_code(21), None);
    }

    #[test]
    fn display_names_the_place_and_source_is_the_engines_error() {
        let engine = std::io::Error::other("disk on fire");
        let error = NetabaseError::from(
            DriverError::new(ErrorKind::Io, "cannot write; check the disk").with_source(engine),
        )
        .during("put")
        .on_driver("redb")
        .in_tree("User")
        .at_key(&[0, 1, 255]);
        assert_eq!(
            error.to_string(),
            "put: cannot write; check the disk (driver redb, tree User, key 0001ff)"
        );
        assert_eq!(
            error.source().map(ToString::to_string),
            Some("disk on fire".into())
        );
        assert_eq!(error.kind(), ErrorKind::Io);
    }

    #[test]
    fn a_clone_keeps_place_token_and_source() {
        let error = NetabaseError::from(
            DriverError::new(ErrorKind::CommitUnknown, "the connection broke")
                .with_commit_token(CommitToken::new([7, 0, 255]))
                .with_source(std::io::Error::other("reset by peer")),
        )
        .during("commit");
        let clone = error.clone();
        drop(error);
        assert_eq!(clone.kind(), ErrorKind::CommitUnknown);
        assert_eq!(clone.operation(), Some("commit"));
        assert_eq!(
            clone.commit_token().map(CommitToken::as_bytes),
            Some([7, 0, 255].as_slice())
        );
        assert_eq!(
            clone.source().map(ToString::to_string),
            Some("reset by peer".into())
        );
    }

    #[test]
    fn an_unknown_outcome_and_lost_commits_are_not_retryable() {
        assert!(!ErrorKind::CommitUnknown.is_retryable());
        assert!(!ErrorKind::CommitsLost.is_retryable());
    }

    #[test]
    fn results_stay_one_pointer_wide() {
        assert_eq!(size_of::<Result<(), NetabaseError>>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), DriverError>>(), size_of::<usize>());
    }
}
