//! Which platform a library was built for, by the first bytes of its file.

use std::borrow::Cow;
use std::env::consts::ARCH;

/// How many bytes of a file say so.
pub(super) const HEADER: u64 = 4096;

/// The format that this platform's libraries have.
const FORMAT: Format = if cfg!(windows) {
    Format::Pe
} else if cfg!(target_vendor = "apple") {
    Format::MachO
} else {
    Format::Elf
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Elf,
    MachO,
    Pe,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Elf => "Linux or another Unix (ELF)",
            Self::MachO => "macOS (Mach-O)",
            Self::Pe => "Windows (PE)",
        }
    }
}

/// Says why a library that is for another platform cannot be loaded. What is not recognised is left to the system.
pub(super) fn check(header: &[u8]) -> Result<(), String> {
    let Some((format, machine)) = identify(header) else {
        return Ok(());
    };
    if format != FORMAT {
        return Err(format!(
            "it is a library for {}, and this program runs on {}; build it for this platform",
            format.name(),
            FORMAT.name()
        ));
    }
    match machine {
        Some(machine) if machine != ARCH => Err(format!(
            "it is a library for the processor {machine}, and this program runs on {ARCH}; build it for this platform"
        )),
        _ => Ok(()),
    }
}

/// The format, and the processor in the words of [`ARCH`] if there is only one.
fn identify(header: &[u8]) -> Option<(Format, Option<Cow<'static, str>>)> {
    let half = |at: usize| -> Option<u16> {
        let bytes = header.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_le_bytes(bytes))
    };
    let word = |at: usize| -> Option<u32> {
        let bytes = header.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    if header.starts_with(b"\x7FELF") {
        let (is_64, is_little) = (*header.get(4)? == 2, *header.get(5)? == 1);
        let machine = half(18)?;
        let machine = if is_little {
            machine
        } else {
            machine.swap_bytes()
        };
        return Some((Format::Elf, elf_machine(machine, is_64, is_little)));
    }
    if header.starts_with(b"MZ") {
        let start = word(0x3C)? as usize;
        if header.get(start..start.checked_add(4)?)? != b"PE\0\0" {
            return None;
        }
        return Some((Format::Pe, pe_machine(half(start + 4)?)));
    }
    match word(0)? {
        0xFEED_FACE | 0xFEED_FACF => Some((Format::MachO, mach_machine(word(4)?))),
        // A Java class begins with the same bytes; its version, which follows, is larger than any number of processors.
        0xBEBA_FECA if word(4)?.swap_bytes() < 40 => Some((Format::MachO, None)),
        _ => None,
    }
}

fn elf_machine(machine: u16, is_64: bool, is_little: bool) -> Option<Cow<'static, str>> {
    Some(match (machine, is_64, is_little) {
        (3, false, true) => "x86".into(),
        (62, true, true) => "x86_64".into(),
        (40, false, true) => "arm".into(),
        (183, true, true) => "aarch64".into(),
        (243, true, true) => "riscv64".into(),
        (243, false, true) => "riscv32".into(),
        (258, true, true) => "loongarch64".into(),
        (20, false, false) => "powerpc".into(),
        (21, true, _) => "powerpc64".into(),
        (22, true, false) => "s390x".into(),
        // Known to the system if it is this one's; a name of ours for it would only be in the way.
        _ if matches!(ARCH, "x86" | "x86_64" | "arm" | "aarch64") => {
            format!("number {machine}").into()
        }
        _ => return None,
    })
}

fn pe_machine(machine: u16) -> Option<Cow<'static, str>> {
    Some(match machine {
        0x14C => "x86".into(),
        0x8664 => "x86_64".into(),
        0xAA64 => "aarch64".into(),
        _ => return None,
    })
}

fn mach_machine(machine: u32) -> Option<Cow<'static, str>> {
    Some(match machine {
        0x0100_0007 => "x86_64".into(),
        0x0100_000C => "aarch64".into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(class: u8, order: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut header = b"\x7FELF".to_vec();
        header.extend([class, order]);
        header.resize(18, 0);
        header.extend(machine);
        header
    }

    fn pe(machine: u16) -> Vec<u8> {
        let mut header = b"MZ".to_vec();
        header.resize(0x3C, 0);
        header.extend(0x80_u32.to_le_bytes());
        header.resize(0x80, 0);
        header.extend(b"PE\0\0");
        header.extend(machine.to_le_bytes());
        header
    }

    fn mach_o(machine: u32) -> Vec<u8> {
        [0xFEED_FACF_u32, machine]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect()
    }

    #[test]
    fn format_and_processor_are_told_by_the_header() {
        let identified = |header: &[u8]| {
            let (format, machine) = identify(header).unwrap();
            (format, machine.unwrap_or_default().into_owned())
        };
        let is = |format, machine: &str| (format, machine.to_owned());
        assert_eq!(identified(&elf(2, 1, [62, 0])), is(Format::Elf, "x86_64"));
        assert_eq!(identified(&elf(2, 1, [183, 0])), is(Format::Elf, "aarch64"));
        assert_eq!(identified(&elf(1, 1, [3, 0])), is(Format::Elf, "x86"));
        assert_eq!(identified(&elf(2, 2, [0, 22])), is(Format::Elf, "s390x"));
        assert_eq!(identified(&pe(0x8664)), is(Format::Pe, "x86_64"));
        assert_eq!(
            identified(&mach_o(0x0100_000C)),
            is(Format::MachO, "aarch64")
        );
        let universal = b"\xCA\xFE\xBA\xBE\0\0\0\x02";
        assert_eq!(identified(universal), is(Format::MachO, ""));
    }

    #[test]
    fn what_is_cut_short_or_unknown_is_left_to_the_system() {
        for whole in [elf(2, 1, [62, 0]), pe(0x8664), mach_o(7)] {
            for length in 0..whole.len() {
                assert_eq!(identify(&whole[..length]), None);
            }
        }
        let mut wild = pe(0x8664);
        wild[0x3C..0x40].fill(0xFF);
        assert_eq!(identify(&wild), None);
        assert_eq!(identify(b"\xCA\xFE\xBA\xBE\0\0\0\x34"), None);
        assert_eq!(check(b"this is no library"), Ok(()));
    }

    #[test]
    fn a_library_for_another_platform_is_named() {
        let other = if FORMAT == Format::Pe {
            (mach_o(0x0100_000C), "macOS")
        } else {
            (pe(0x8664), "Windows")
        };
        assert!(check(&other.0).unwrap_err().contains(other.1));
    }

    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    #[test]
    fn a_library_for_another_processor_is_named() {
        let (own, other, name) = if ARCH == "x86_64" {
            ([62, 0], [183, 0], "aarch64")
        } else {
            ([183, 0], [62, 0], "x86_64")
        };
        assert_eq!(check(&elf(2, 1, own)), Ok(()));
        assert!(check(&elf(2, 1, other)).unwrap_err().contains(name));
        assert!(
            check(&elf(2, 1, [9, 9]))
                .unwrap_err()
                .contains("number 2313")
        );
    }
}
