//! The strings that name a database: any text is one or an error that says what to write.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netabase_store::ErrorKind;
use netabase_store::connect::Target;

fuzz_target!(|text: &str| {
    match Target::parse(text) {
        Ok(target) => assert!(text.starts_with(&target.driver)),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(!error.to_string().is_empty());
        }
    }
});
