//! Folders given as databases of sled: any parameters, log and number of commits are opened or refused. What is refused stays
//! as it is, unless sled itself has accepted it and found less in it than there was.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use netabase_core::driver::{Driver as _, OpenConfig};
use netabase_driver_sled::Sled;

fuzz_target!(|input: (&[u8], bool, &[u8], &[u8])| {
    let (parameters, has_checksum, log, commits) = input;
    let folder = tempfile::tempdir().unwrap();
    let mut parameters = parameters.to_vec();
    if has_checksum {
        // Without it, hardly anything gets past the first check.
        let checksum = crc32fast::hash(&parameters);
        parameters.extend(checksum.to_le_bytes());
    }
    let files = [
        ("conf", &*parameters),
        ("db", log),
        ("netabase.commits", commits),
    ];
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let config = OpenConfig {
        create_if_missing: false,
        ..OpenConfig::new(folder.path())
    };
    if let Err(error) = Sled.open(&config)
        && !error.message().contains("when it was last closed")
    {
        for (name, bytes) in files {
            assert!(fs::read(folder.path().join(name)).unwrap() == bytes, "{name}");
        }
    }
});
