//! Manifest files: any text is a manifest or an error with its line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netabase_core::loader::DriverFile;

fuzz_target!(|text: &str| {
    match DriverFile::parse(text) {
        Ok(manifest) => assert!(manifest.platforms().count() > 0, "no library"),
        Err(error) => assert!(error.to_string().contains("line "), "{error}"),
    }
});
