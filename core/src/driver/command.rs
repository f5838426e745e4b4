//! Commands of engines: a type for each in Rust, a name and bytes in a manifest and in the driver ABI.

use super::{DriverError, ErrorKind, Result};

/// One command of an engine, such as [`Compact`].
///
/// A driver lists its commands once, with [`commands!`](crate::commands). Where the driver is loaded, or its type is not
/// known, a command is known by its [`NAME`](Self::NAME), and argument and output are bytes.
///
/// # Examples
/// A command of an engine's own:
/// ```
/// use netabase_core::driver::Command;
///
/// /// Forgets all that is older than so many days; how many entries it removed.
/// struct Expire(u16);
///
/// impl Command for Expire {
///     const NAME: &'static str = "expire";
///     const WRITES: bool = true;
///     type Output = u64;
///
///     fn argument(&self) -> Vec<u8> {
///         self.0.to_le_bytes().to_vec()
///     }
///
///     fn from_argument(argument: &[u8]) -> Option<Self> {
///         argument.try_into().ok().map(u16::from_le_bytes).map(Self)
///     }
/// }
/// ```
pub trait Command: Sized {
    /// The name in [`Manifest::commands`](super::Manifest::commands), unique to the driver.
    const NAME: &'static str;

    /// Whether it changes the database. Core refuses it then on a store that was opened read-only.
    const WRITES: bool = false;

    /// What it returns.
    type Output: CommandOutput;

    /// The command's fields as bytes.
    fn argument(&self) -> Vec<u8>;

    /// The command with the fields that these bytes say; `None` if they say none.
    fn from_argument(argument: &[u8]) -> Option<Self>;
}

/// What a command returns, and its form as bytes: any number of parts.
pub trait CommandOutput: Sized {
    /// Hands over each part.
    fn encode(self, part: &mut dyn FnMut(&[u8]));

    /// The output of these parts; `None` if they are not of its form.
    fn decode(parts: &[Vec<u8>]) -> Option<Self>;
}

/// One part of eight bytes, little endian.
impl CommandOutput for u64 {
    fn encode(self, part: &mut dyn FnMut(&[u8])) {
        part(&self.to_le_bytes());
    }

    fn decode(parts: &[Vec<u8>]) -> Option<Self> {
        let [number] = parts else { return None };
        number.as_slice().try_into().ok().map(Self::from_le_bytes)
    }
}

/// One part of sixteen bytes, each number little endian.
impl CommandOutput for (u64, u64) {
    fn encode(self, part: &mut dyn FnMut(&[u8])) {
        part(&[self.0.to_le_bytes(), self.1.to_le_bytes()].concat());
    }

    fn decode(parts: &[Vec<u8>]) -> Option<Self> {
        let [numbers] = parts else { return None };
        let (first, second) = numbers.split_first_chunk()?;
        let second = second.try_into().ok()?;
        Some((u64::from_le_bytes(*first), u64::from_le_bytes(second)))
    }
}

/// One part of one byte, 0 or 1.
impl CommandOutput for bool {
    fn encode(self, part: &mut dyn FnMut(&[u8])) {
        part(&[u8::from(self)]);
    }

    fn decode(parts: &[Vec<u8>]) -> Option<Self> {
        match parts {
            [byte] if byte == &[0] => Some(false),
            [byte] if byte == &[1] => Some(true),
            _ => None,
        }
    }
}

/// UTF-8, in as many parts as the driver likes.
impl CommandOutput for String {
    fn encode(self, part: &mut dyn FnMut(&[u8])) {
        part(self.as_bytes());
    }

    fn decode(parts: &[Vec<u8>]) -> Option<Self> {
        Self::from_utf8(parts.concat()).ok()
    }
}

/// A part for each text, in UTF-8.
impl CommandOutput for Vec<String> {
    fn encode(self, part: &mut dyn FnMut(&[u8])) {
        self.iter().for_each(|text| part(text.as_bytes()));
    }

    fn decode(parts: &[Vec<u8>]) -> Option<Self> {
        parts
            .iter()
            .map(|text| String::from_utf8(text.clone()).ok())
            .collect()
    }
}

/// Commands without fields.
macro_rules! plain_commands {
    ($($(#[$attribute:meta])* $command:ident = $name:literal -> $output:ty $(, writes: $writes:literal)?;)*) => {$(
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $command;

        $crate::plain_command!($command = $name -> $output $(, writes: $writes)?);
    )*};
}

/// Implements [`Command`] for a type without fields: `plain_command!(Persist = "persist" -> bool);`, or with
/// `, writes: true` for one that changes the database.
#[macro_export]
macro_rules! plain_command {
    ($command:ident = $name:literal -> $output:ty $(, writes: $writes:literal)?) => {
        impl $crate::driver::Command for $command {
            const NAME: &'static str = $name;
            $(const WRITES: bool = $writes;)?
            type Output = $output;

            fn argument(&self) -> ::std::vec::Vec<u8> {
                ::std::vec::Vec::new()
            }

            fn from_argument(argument: &[u8]) -> ::std::option::Option<Self> {
                argument.is_empty().then_some(Self)
            }
        }
    };
}

plain_commands! {
    /// The name of each tree that holds an entry, of one snapshot.
    TreeNames = "tree_names" -> Vec<String>;
    /// The space that the database takes on disk, in bytes.
    SizeOnDisk = "size_on_disk" -> u64;
    /// The size of the temporary files that the engine needs to read this database without changing it, in bytes; 0 if it needs
    /// none.
    TemporaryBytes = "temporary_bytes" -> u64;
    /// Looks for damage: `true` if the database was sound, `false` if damage was found and repaired.
    CheckIntegrity = "check_integrity" -> bool;
    /// Makes the database smaller; `true` if it was.
    Compact = "compact" -> bool, writes: true;
    /// Puts every commit on disk, those without durability included; the bytes written.
    Flush = "flush" -> u64;
    /// A number that this database never gave before.
    GenerateId = "generate_id" -> u64, writes: true;
    /// Whether the database was there before it was opened.
    WasRecovered = "was_recovered" -> bool;
    /// The engine's figures: UTF-8, a line `name=value` for each.
    Stats = "stats" -> String;
}

/// The names of the common commands that change a database, for callers that know commands by name.
pub(crate) const WRITING: [&str; 2] = [Compact::NAME, GenerateId::NAME];

/// Runs a command through `run`, which knows it by name.
pub(crate) fn run<C: Command>(
    command: &C,
    run: impl FnOnce(&str, &[u8], &mut dyn FnMut(&[u8])) -> Result<()>,
) -> Result<C::Output> {
    let mut parts = Vec::new();
    run(C::NAME, &command.argument(), &mut |part| {
        parts.push(part.to_vec());
    })?;
    decode::<C>(&parts)
}

/// The output that these parts of a command's are.
pub(crate) fn decode<C: Command>(parts: &[Vec<u8>]) -> Result<C::Output> {
    C::Output::decode(parts).ok_or_else(|| {
        DriverError::new(
            ErrorKind::Internal,
            format!(
                "the driver returned a malformed output of `{}`; report this to its author",
                C::NAME
            ),
        )
    })
}

/// The command that an argument says.
#[doc(hidden)]
pub fn parse<C: Command>(argument: &[u8]) -> Result<C> {
    C::from_argument(argument).ok_or_else(|| {
        DriverError::new(
            ErrorKind::InvalidInput,
            if argument.is_empty() {
                format!("`{}` needs an argument; see the driver's documentation", C::NAME)
            } else {
                format!("`{}` does not take this argument; leave it empty, or see the driver's documentation", C::NAME)
            },
        )
    })
}

/// Lists a driver's commands in one place: the names for its manifest, and what runs each.
///
/// Each line is a [`Command`](crate::driver::Command), and a function or closure of the database and, if it wants it, the
/// command. Defined are the constant, of the names, and a function that
/// [`Database::command`](crate::driver::Database::command) calls.
///
/// # Examples
/// ```
/// use netabase_core::driver::Result;
/// use netabase_core::driver::command::{CheckIntegrity, TreeNames};
///
/// struct KvDatabase(Vec<String>);
///
/// netabase_core::commands! {
///     const COMMANDS;
///     fn run(database: &KvDatabase);
///     TreeNames => Ok(database.0.clone()),
///     CheckIntegrity => check(database),
/// }
///
/// fn check(database: &KvDatabase) -> Result<bool> {
///     Ok(database.0.is_sorted())
/// }
///
/// assert_eq!(COMMANDS, ["tree_names", "check_integrity"]);
/// let mut names = Vec::new();
/// run(&KvDatabase(vec!["a".into()]), "tree_names", b"", &mut |name| names.push(name.to_vec()))?;
/// assert_eq!(names, [b"a"]);
/// # Ok::<(), netabase_core::driver::DriverError>(())
/// ```
#[macro_export]
macro_rules! commands {
    (
        $names_visibility:vis const $names:ident;
        $visibility:vis fn $run:ident($database:ident: &$type:ty);
        $($command:ty $(as $value:ident)? => $result:expr),* $(,)?
    ) => {
        $crate::commands!(@names $names_visibility $names $($command)*);

        /// Runs a command by its name.
        $visibility fn $run(
            $database: &$type,
            name: &str,
            argument: &[u8],
            output: &mut dyn FnMut(&[u8]),
        ) -> $crate::driver::Result<()> {
            $($crate::commands!(@run name, argument, output, $command $(as $value)? => $result);)*
            Err($crate::driver::DriverError::unsupported(name))
        }
    };
    (
        $names_visibility:vis const $names:ident;
        $visibility:vis async fn $run:ident($database:ident: &$type:ty);
        $($command:ty $(as $value:ident)? => $result:expr),* $(,)?
    ) => {
        $crate::commands!(@names $names_visibility $names $($command)*);

        /// Runs a command by its name.
        $visibility async fn $run(
            $database: &$type,
            name: &str,
            argument: &[u8],
            output: &mut (dyn FnMut(&[u8]) + Send),
        ) -> $crate::driver::Result<()> {
            $($crate::commands!(@run name, argument, output, $command $(as $value)? => $result);)*
            Err($crate::driver::DriverError::unsupported(name))
        }
    };
    (@names $visibility:vis $names:ident $($command:ty)*) => {
        /// The commands, as the manifest lists them.
        $visibility const $names: &[::std::borrow::Cow<'static, str>] = &[
            $(::std::borrow::Cow::Borrowed(<$command as $crate::driver::Command>::NAME)),*
        ];
    };
    (@run $name:ident, $argument:ident, $output:ident, $command:ty $(as $value:ident)? => $result:expr) => {
        if $name == <$command as $crate::driver::Command>::NAME {
            let command = $crate::driver::command::parse::<$command>($argument)?;
            $(let $value = &command;)?
            let result: $crate::driver::Result<<$command as $crate::driver::Command>::Output> = $result;
            let _ = &command;
            $crate::driver::CommandOutput::encode(result?, $output);
            return Ok(());
        }
    };
}
