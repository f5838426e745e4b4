//! Whether a library for Linux says where its own libraries are by where it lies itself.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Where the parts of the headers are, in a library for as many bits as this program has.
struct Form {
    header: usize,
    table: usize,
    entry_bytes: usize,
    entries: usize,
    offset: usize,
    address: usize,
    length: usize,
}

const FORM: Form = if cfg!(target_pointer_width = "64") {
    Form {
        header: 64,
        table: 32,
        entry_bytes: 54,
        entries: 56,
        offset: 8,
        address: 16,
        length: 32,
    }
} else {
    Form {
        header: 52,
        table: 28,
        entry_bytes: 42,
        entries: 44,
        offset: 4,
        address: 8,
        length: 16,
    }
};

const WORD: usize = size_of::<usize>();

/// The kinds of segments that are looked at.
const LOADED: u32 = 1;
const DYNAMIC: u32 = 2;

/// The entries of the dynamic segment that are looked at: what names a library or where it is, and the table of their texts.
const NEEDED: usize = 1;
const TEXTS: usize = 5;
const PATH: usize = 15;
const RUN_PATH: usize = 29;

/// More bytes than a dynamic segment, or one of its texts, has in practice.
const DYNAMIC_BYTES: usize = 1 << 20;
const TEXT_BYTES: usize = 4096;

/// Whether the library's place shows in the names of those that it needs, or in where they are looked for: a `$` there
/// stands for it, among others. So as well for a file of which that cannot be said.
pub(super) fn names_its_place(file: &File) -> bool {
    names(file).ok().flatten().unwrap_or(true)
}

/// A stretch of the file that is loaded.
struct Segment {
    offset: usize,
    address: usize,
    length: usize,
}

fn names(file: &File) -> io::Result<Option<bool>> {
    let header = read(file, 0, FORM.header)?;
    let (Some(table), Some(entry_bytes), Some(entries)) = (
        word(&header, FORM.table),
        half(&header, FORM.entry_bytes),
        half(&header, FORM.entries),
    ) else {
        return Ok(None);
    };
    let table = read(file, table, entry_bytes * entries)?;
    let (mut loaded, mut dynamic) = (Vec::new(), None);
    for entry in table.chunks_exact(entry_bytes.max(1)) {
        let kind = entry.first_chunk().map(|kind| u32::from_ne_bytes(*kind));
        let (Some(offset), Some(address), Some(length)) = (
            word(entry, FORM.offset),
            word(entry, FORM.address),
            word(entry, FORM.length),
        ) else {
            return Ok(None);
        };
        let segment = Segment {
            offset,
            address,
            length,
        };
        match kind {
            Some(LOADED) => loaded.push(segment),
            Some(DYNAMIC) => dynamic = Some(segment),
            _ => {}
        }
    }
    let Some(dynamic) = dynamic.filter(|dynamic| dynamic.length <= DYNAMIC_BYTES) else {
        return Ok(None);
    };
    let dynamic = read(file, dynamic.offset, dynamic.length)?;
    let entries = || {
        dynamic
            .chunks_exact(2 * WORD)
            .filter_map(|entry| Some((word(entry, 0)?, word(entry, WORD)?)))
    };
    let texts = entries()
        .find(|(tag, _)| *tag == TEXTS)
        .and_then(|(_, address)| place(&loaded, address));
    let Some(texts) = texts else {
        return Ok(None);
    };
    for (tag, text) in entries() {
        if matches!(tag, NEEDED | PATH | RUN_PATH) {
            let Some(at) = texts.checked_add(text) else {
                return Ok(None);
            };
            let text = read(file, at, TEXT_BYTES)?;
            let Some(end) = text.iter().position(|byte| *byte == 0) else {
                return Ok(None);
            };
            if text[..end].contains(&b'$') {
                return Ok(Some(true));
            }
        }
    }
    Ok(Some(false))
}

/// Where in the file an address is.
fn place(loaded: &[Segment], address: usize) -> Option<usize> {
    loaded.iter().find_map(|segment| {
        let within = address.checked_sub(segment.address)?;
        (within < segment.length).then(|| segment.offset.checked_add(within))?
    })
}

/// So many bytes of a file, or fewer at its end.
fn read(file: &File, at: usize, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut done = 0;
    while done < length {
        match file.read_at(&mut bytes[done..], at.saturating_add(done) as u64)? {
            0 => break,
            more => done += more,
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(usize::from_ne_bytes(*bytes))
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_ne_bytes(*bytes).into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A library that holds nothing but a dynamic segment with one entry beside its texts.
    fn library(tag: usize, text: &[u8]) -> Vec<u8> {
        const ADDRESS: usize = 0x1000;
        const ENTRY: usize = 56;
        let mut bytes = vec![0; FORM.header + 2 * ENTRY];
        let mut put = |at: usize, value: usize, length: usize| {
            bytes[at..at + length].copy_from_slice(&value.to_ne_bytes()[..length]);
        };
        let dynamic = FORM.header + 2 * ENTRY;
        let texts = dynamic + 4 * WORD;
        put(FORM.table, FORM.header, WORD);
        put(FORM.entry_bytes, ENTRY, 2);
        put(FORM.entries, 2, 2);
        for (number, kind, offset, length) in [
            (0, LOADED, 0, texts + text.len() + 1),
            (1, DYNAMIC, dynamic, 4 * WORD),
        ] {
            let entry = FORM.header + number * ENTRY;
            put(entry, kind as usize, 4);
            put(entry + FORM.offset, offset, WORD);
            put(entry + FORM.address, ADDRESS + offset, WORD);
            put(entry + FORM.length, length, WORD);
        }
        for value in [tag, 0, TEXTS, ADDRESS + texts] {
            bytes.extend(value.to_ne_bytes());
        }
        bytes.extend(text);
        bytes.push(0);
        bytes
    }

    fn names_its_place(bytes: &[u8]) -> bool {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        super::names_its_place(&file)
    }

    #[test]
    fn a_run_path_from_the_librarys_own_place_is_seen() {
        for tag in [NEEDED, PATH, RUN_PATH] {
            assert!(names_its_place(&library(tag, b"/lib:$ORIGIN/../lib")));
            assert!(names_its_place(&library(tag, b"${ORIGIN}")));
            assert!(!names_its_place(&library(tag, b"/usr/lib")));
        }
        assert!(!names_its_place(&library(14, b"$ORIGIN")));
        let own = File::open(std::env::current_exe().unwrap()).unwrap();
        assert!(!super::names_its_place(&own));
    }

    #[test]
    fn whatever_cannot_be_read_may_have_one() {
        let whole = library(RUN_PATH, b"/usr/lib");
        for length in 0..whole.len() {
            assert!(names_its_place(&whole[..length]), "{length}");
        }
        for place in 0..whole.len() - 9 {
            for byte in [0xFF, 0x80] {
                let mut damaged = whole.clone();
                damaged[place] = byte;
                names_its_place(&damaged);
            }
        }
    }
}
