//! Whether a host and a driver understand each other: versions, sizes, required functions, and the layout of types.

use std::borrow::Cow;
use std::mem::{self, MaybeUninit, offset_of};
use std::{ptr, slice};

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::{
    AbiInstability, AbiInstabilityError, AbiInstabilityErrors, check_layout_compatibility,
};
use abi_stable::library::{
    AbiHeader, AbiHeaderRef, CheckTypeLayout, LibHeader, RootModule, RootModuleError,
    RootModuleResult,
};
use abi_stable::package_version_strings;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::RErr;
use abi_stable::type_layout::{TLFieldOrFunction, TypeLayout};

use super::layout::{self, Calls, Context, Entry, EntryRef, Slice, VTable};
use crate::driver::{Capabilities, DriverError, ErrorKind, Limits, Manifest, Result};

/// The layouts of every minor version as it was released, by number. A driver is held to its own; one that is newer than
/// this library to the newest that is known here, to which it may only append.
const LAYOUTS: [&TypeLayout; layout::ABI_MINOR as usize + 1] = [NEWEST_LAYOUT];
const NEWEST_LAYOUT: &TypeLayout = EntryRef::LAYOUT;

/// What `abi_stable` says of the types here. One for all drivers in a binary: it says nothing of a single driver.
static HEADER: LibHeader = {
    // SAFETY: the constructor gives no module at all, so that there is none of another type.
    unsafe { LibHeader::from_constructor::<EntryRef>(no_module, CheckTypeLayout::Yes) }
};

impl RootModule for EntryRef {
    abi_stable::declare_root_module_statics! {EntryRef}
    const BASE_NAME: &'static str = "netabase_driver";
    const NAME: &'static str = "netabase_driver";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// Entries are found by symbols of their own, never through `abi_stable`'s root module, of which a process has one.
extern "C" fn no_module() -> RootModuleResult {
    RErr(RootModuleError::Unwound)
}

/// What an entry of this library points to as its layout.
pub(super) const fn header() -> *const Context {
    (&raw const HEADER).cast()
}

/// What every entry begins with, in every version.
#[repr(C)]
struct Head {
    magic: [u8; 8],
    abi_major: u32,
    abi_minor: u32,
    entry_size: usize,
}

const _: () = assert!(
    offset_of!(Head, magic) == offset_of!(Entry, magic)
        && offset_of!(Head, abi_major) == offset_of!(Entry, abi_major)
        && offset_of!(Head, abi_minor) == offset_of!(Entry, abi_minor)
        && offset_of!(Head, entry_size) == offset_of!(Entry, entry_size)
        && size_of::<Head>() == offset_of!(Entry, vtable_size)
);

/// The end of the last function that a driver has to have.
const REQUIRED_VTABLE_SIZE: usize = offset_of!(VTable, cursor_close) + size_of::<usize>();

/// More bytes than a name or a version of a driver has, and more commands. What states more is damaged, and is not read:
/// there is no memory behind it.
const TEXT_BYTES: usize = 4096;
const COMMANDS: usize = 4096;

/// What a host takes from a driver that it understands.
pub(super) struct Verified {
    pub(super) calls: Calls,
    pub(super) manifest: Manifest,
    pub(super) abi: (u32, u32),
    pub(super) flags: u64,
    /// Whether the driver's types were compared with this library's.
    pub(super) layout_checked: bool,
}

#[cold]
fn rejected(message: impl Into<Cow<'static, str>>) -> DriverError {
    DriverError::new(ErrorKind::DriverRejected, message)
}

/// Checks a driver's entry; `asked` is the name that it was looked up by.
///
/// Nothing beyond the sizes that the driver states is read, and none of its functions is called.
///
/// # Errors
/// [`DriverRejected`](ErrorKind::DriverRejected), with what to do about it.
///
/// # Safety
/// `entry` is null or points to at least the first four fields of an [`Entry`], and to a whole one of the size stated
/// there if magic and major version are this library's; it and all that it points to stay as they are for ever.
pub(super) unsafe fn verify(entry: *const Entry, asked: &str) -> Result<Verified> {
    if entry.is_null() || !entry.is_aligned() {
        return Err(rejected(
            "its entry is null or not aligned; export it with `netabase_core::export_driver!` or as in docs/abi.md",
        ));
    }
    // SAFETY: the caller vouches for the first four fields, which `Head` has in the same places.
    let Head {
        magic,
        abi_major: major,
        abi_minor: minor,
        entry_size: size,
    } = unsafe { entry.cast::<Head>().read() };
    if magic != layout::MAGIC {
        return Err(rejected(format!(
            "its entry begins with {:?} and not with {:?}, so it is not a driver, or is damaged; export it with \
             `netabase_core::export_driver!` or as in docs/abi.md",
            String::from_utf8_lossy(&magic),
            String::from_utf8_lossy(&layout::MAGIC),
        )));
    }
    if major != layout::ABI_MAJOR {
        let advice = if major > layout::ABI_MAJOR {
            "use a newer `netabase_store`, or an older release of the driver"
        } else {
            "use a newer release of the driver"
        };
        return Err(rejected(format!(
            "it speaks version {major}.{minor} of the driver ABI and this library {}.{}; {advice}",
            layout::ABI_MAJOR,
            layout::ABI_MINOR,
        )));
    }
    if size < size_of::<Entry>() {
        return Err(rejected(format!(
            "its entry states {size} bytes, and version 1.0 has {}; rebuild it",
            size_of::<Entry>()
        )));
    }
    // SAFETY: it is at least as large as the struct that is read here.
    let entry = unsafe { entry.read() };
    // SAFETY: the caller vouches for all that the entry points to.
    let name = unsafe { text(entry.name, "name") }?;
    if name != asked {
        return Err(rejected(format!(
            "it says that its name is `{name}`, not `{asked}`; give the file the name that belongs to it"
        )));
    }
    let layout_checked = if entry.flags & layout::FLAG_RUST != 0 {
        // SAFETY: the caller vouches for all that the entry points to, and the flag says what the layout is.
        unsafe { check_layout(entry.layout, minor) }?
    } else {
        false
    };
    // SAFETY: the caller vouches for all that the entry points to.
    let vtable = unsafe { vtable(&entry) }?;
    // SAFETY: as above.
    let manifest = unsafe { manifest(&entry, name) }?;
    let calls = Calls::of(&vtable).map_err(|slot| {
        rejected(format!(
            "its function `{slot}` is null, and no driver can do without it; rebuild it with that function"
        ))
    })?;
    Ok(Verified {
        calls,
        manifest,
        abi: (major, minor),
        flags: entry.flags,
        layout_checked,
    })
}

/// Copies as much of the table as the driver has; the rest is absent.
///
/// # Safety
/// The entry's table has the size that the entry states.
unsafe fn vtable(entry: &Entry) -> Result<VTable> {
    if entry.vtable.is_null() || !entry.vtable.is_aligned() {
        return Err(rejected(
            "its table of functions is null or not aligned; rebuild it",
        ));
    }
    if entry.vtable_size < REQUIRED_VTABLE_SIZE {
        return Err(rejected(format!(
            "its table of functions states {} bytes, and the functions that no driver can do without take \
             {REQUIRED_VTABLE_SIZE}; rebuild it",
            entry.vtable_size
        )));
    }
    let mut table = MaybeUninit::<VTable>::zeroed();
    let size = entry.vtable_size.min(size_of::<VTable>());
    // SAFETY: the driver's table has at least `size` bytes, and so has ours, which is new and does not overlap.
    unsafe {
        table
            .as_mut_ptr()
            .cast::<u8>()
            .copy_from_nonoverlapping(entry.vtable.cast(), size);
    };
    // SAFETY: every field is an optional function: null where nothing was copied, and what the driver put there else.
    Ok(unsafe { table.assume_init() })
}

/// # Safety
/// The entry's manifest has the size that it states, and all that it points to is as the entry says, for ever.
unsafe fn manifest(entry: &Entry, name: &str) -> Result<Manifest> {
    let manifest = entry.manifest;
    if manifest.is_null() || !manifest.is_aligned() {
        return Err(rejected("its manifest is null or not aligned; rebuild it"));
    }
    // SAFETY: the size comes first, whatever the version.
    let size = unsafe { manifest.cast::<usize>().read() };
    if size < size_of::<layout::Manifest>() {
        return Err(rejected(format!(
            "its manifest states {size} bytes, and version 1.0 has {}; rebuild it",
            size_of::<layout::Manifest>()
        )));
    }
    // SAFETY: it is at least as large as the struct that is read here.
    let manifest = unsafe { manifest.read() };
    let commands = if manifest.commands_length == 0 {
        &[]
    } else if manifest.commands_length > COMMANDS {
        return Err(rejected(format!(
            "its list of commands states {} entries, and a driver may have {COMMANDS}; rebuild it",
            manifest.commands_length
        )));
    } else if manifest.commands.is_null() || !manifest.commands.is_aligned() {
        return Err(rejected(
            "its list of commands is null or not aligned; rebuild it",
        ));
    } else {
        // SAFETY: the caller vouches for the list.
        unsafe { slice::from_raw_parts(manifest.commands, manifest.commands_length) }
    };
    let owned = |slice, what| {
        // SAFETY: the caller vouches for the texts.
        unsafe { text(slice, what) }.map(|text| Cow::Owned(text.to_owned()))
    };
    Ok(Manifest {
        name: Cow::Owned(name.to_owned()),
        version: owned(entry.version, "version")?,
        engine: owned(manifest.engine, "engine's name")?,
        engine_version: owned(manifest.engine_version, "engine's version")?,
        capabilities: Capabilities::from_bits(manifest.capabilities),
        limits: Limits {
            key_bytes: manifest.key_bytes,
            value_bytes: manifest.value_bytes,
            transaction_bytes: manifest.transaction_bytes,
        },
        commands: commands
            .iter()
            .map(|command| owned(*command, "command's name"))
            .collect::<Result<Vec<_>>>()?
            .into(),
    })
}

/// # Safety
/// What [`Slice::get`] asks.
unsafe fn text<'a>(slice: Slice, what: &str) -> Result<&'a str> {
    if slice.length > TEXT_BYTES {
        return Err(rejected(format!(
            "its {what} states {} bytes, and may have {TEXT_BYTES}; rebuild it",
            slice.length
        )));
    }
    // SAFETY: the caller vouches for the bytes.
    let bytes = unsafe { slice.get() }
        .ok_or_else(|| rejected(format!("its {what} is null; rebuild it")))?;
    str::from_utf8(bytes).map_err(|error| {
        rejected(format!("its {what} is not UTF-8; rebuild it")).with_source(error)
    })
}

/// Compares the types of a driver written in Rust with those of this library; `false` if another release of `abi_stable`
/// describes them, so that they cannot be compared. The versions and sizes that the entry states hold then, as for a driver
/// in C.
///
/// # Safety
/// `header` is null or the one that a driver's entry gives.
unsafe fn check_layout(header: *const Context, minor: u32) -> Result<bool> {
    let header = header.cast::<LibHeader>();
    if !header.is_aligned() {
        return Err(rejected(
            "its description of its types is not aligned; rebuild it",
        ));
    }
    let header = ptr::NonNull::new(header.cast_mut()).ok_or_else(|| {
        rejected(
            "it says that it is written in Rust, and gives no description of its types; rebuild it",
        )
    })?;
    // SAFETY: an `AbiHeaderRef` is a pointer to a header, and the caller vouches for this one.
    let header = unsafe { mem::transmute::<ptr::NonNull<LibHeader>, AbiHeaderRef>(header) };
    if header.magic_string != AbiHeader::VALUE.magic_string {
        return Err(rejected(
            "its description of its types is damaged; rebuild it",
        ));
    }
    if !header.is_valid() {
        return Ok(false);
    }
    let header = header.upgrade().map_err(|error| {
        rejected("its C ABI is not this library's; rebuild it for this platform")
            .with_source(Details(error.to_string()))
    })?;
    let found = header.layout().ok_or_else(|| {
        rejected("it says that it is written in Rust, and does not describe its types; rebuild it")
    })?;
    let common = LAYOUTS.get(minor as usize).unwrap_or(&NEWEST_LAYOUT);
    match check_layout_compatibility(common, found) {
        Ok(()) => Ok(true),
        Err(report) => match decisive(&report) {
            None => Ok(true),
            Some(error) => Err(rejected(format!(
                "its types differ from those of this library: {}; rebuild it against this release of `netabase-core`",
                summary(error)
            ))
            .with_source(Details(report.to_string()))),
        },
    }
}

/// The first difference that matters. The release of `netabase-core` alone does not: the entry states the ABI's version,
/// which changes with the types.
fn decisive(report: &AbiInstabilityErrors) -> Option<&AbiInstabilityError> {
    report.errors.iter().find(|error| {
        error
            .errs
            .iter()
            .any(|error| !matches!(error, AbiInstability::PackageVersion(_)))
    })
}

/// A difference in one line: where it lies, then what `abi_stable` says of it.
fn summary(error: &AbiInstabilityError) -> String {
    const SHOWN: usize = 200;
    let mut summary = String::new();
    for step in &error.stack_trace {
        if let TLFieldOrFunction::Field(field) = &step.expected {
            let name = field.name();
            let is_step_through_pointer = name.bytes().all(|byte| byte.is_ascii_digit());
            summary.push_str(if is_step_through_pointer {
                field.layout().name()
            } else {
                name
            });
            summary.push('/');
        }
    }
    summary.pop();
    let report = error.to_string();
    let difference = report
        .split_once("Error:")
        .map_or("", |(_, difference)| difference);
    let mut separator = ": ";
    for word in difference.split_whitespace() {
        if summary.len() + word.len() > SHOWN {
            summary.push('…');
            break;
        }
        summary.push_str(separator);
        summary.push_str(word);
        separator = " ";
    }
    summary
}

/// What is too long for a message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Details(String);

#[cfg(test)]
mod tests {
    use super::*;

    /// This library's own description, as another release of `abi_stable` would begin it, and nothing behind that.
    fn described_by_another(change: impl FnOnce(&mut AbiHeader)) -> Result<bool> {
        #[repr(C, align(16))]
        struct Description {
            head: AbiHeader,
            rest: [u8; size_of::<LibHeader>()],
        }
        let mut head = AbiHeader::VALUE;
        change(&mut head);
        let description = Box::leak(Box::new(Description {
            head,
            rest: [0; size_of::<LibHeader>()],
        }));
        // SAFETY: it has what every description begins with, for ever.
        unsafe { check_layout(ptr::from_ref(description).cast(), 0) }
    }

    #[test]
    fn types_that_another_release_of_abi_stable_describes_are_not_compared() {
        assert!(!described_by_another(|head| head.abi_minor += 1).unwrap());
        assert!(!described_by_another(|head| head.abi_major += 1).unwrap());
        let error = described_by_another(|head| head.magic_string[0] ^= 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DriverRejected);
        // SAFETY: this is our own description.
        assert!(unsafe { check_layout(header(), 0) }.unwrap());
    }
}
