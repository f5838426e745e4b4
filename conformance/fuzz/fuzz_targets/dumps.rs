//! Dump files: any bytes are a dump or an error, and a dump that was read is written again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netabase_store::dump::{DumpReader, DumpWriter, Item};

/// Reads a dump, and writes what it gives.
fn copy(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = DumpReader::new(bytes).ok()?;
    let mut writer = DumpWriter::new(Vec::new()).ok()?;
    loop {
        match reader.next_item().ok()? {
            Some(Item::Tree { name, widths }) => writer.tree(name, widths).ok()?,
            Some(Item::Entry { key, value }) => writer.entry(key, value).ok()?,
            None => break,
        }
    }
    let totals = reader.totals();
    let (bytes, written) = writer.finish().ok()?;
    assert_eq!(totals, written);
    Some(bytes)
}

/// A dump of what the input says, with a few bytes changed: checksums keep the fuzzer from getting far by itself.
fn forged(mut input: &[u8]) -> Option<Vec<u8>> {
    let mut writer = DumpWriter::new(Vec::new()).ok()?;
    let (&trees, rest) = input.split_first()?;
    input = rest;
    for tree in 0..trees % 4 {
        writer.tree(&tree.to_string(), Default::default()).ok()?;
        let (&entries, rest) = input.split_first()?;
        input = rest;
        for entry in 0..entries % 8 {
            let (&length, rest) = input.split_first()?;
            let (value, rest) = rest.split_at_checked(usize::from(length % 32))?;
            input = rest;
            writer.entry(&[entry + 1], value).ok()?;
        }
    }
    let (mut dump, _) = writer.finish().ok()?;
    assert_eq!(
        copy(&dump).as_ref(),
        Some(&dump),
        "a dump is not read as it was written"
    );
    while let [place, high, change, rest @ ..] = input {
        let place = usize::from(u16::from_le_bytes([*place, *high])) % dump.len();
        dump[place] ^= change;
        input = rest;
    }
    Some(dump)
}

fuzz_target!(|input: &[u8]| {
    let _ = copy(input);
    if let Some(dump) = forged(input) {
        let _ = copy(&dump);
    }
});
