//! Schema records: any text is a record or an error, a record is written as it was read, and whatever it says of keys and
//! fields is held against bytes without a panic and without more memory than the bytes are worth.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netabase_store::driver::dynamic::Shape;
use netabase_store::driver::fields;
use netabase_store::driver::schema::{ModelSchema, Schema};

/// What a program without its models reads by a model's record.
fn read_by(model: &ModelSchema, bytes: &[u8]) {
    let _ = (model.record_widths(), fields::decode(&model.types, &model.fields, bytes));
    let keys = model.indexes.iter().map(|index| &index.key);
    for key in keys.chain([&model.primary_key]) {
        let Some(shape) = Shape::parse(key) else {
            continue;
        };
        if let Ok(value) = shape.decode(bytes) {
            // Two variants of a forged enum may have one name, so that it need not be encoded as it was.
            let _ = (shape.encoded(&value), value.to_string());
        }
    }
}

/// The record that the text would be with the checksum that belongs to it, which keeps the fuzzer from getting far by itself.
fn with_checksum(content: &str) -> String {
    let sum = xxhash_rust::xxh3::xxh3_64(content.as_bytes());
    format!("{content}checksum {sum:016x}\n")
}

// The record's text without its checksum, a zero, and the bytes of a key or value.
fuzz_target!(|input: &[u8]| {
    let zero = input.iter().position(|byte| *byte == 0);
    let (content, bytes) = input.split_at(zero.unwrap_or(input.len()));
    let bytes = bytes.get(1..).unwrap_or_default();
    let Ok(content) = std::str::from_utf8(content) else {
        return;
    };
    let _ = Schema::parse(content.as_bytes());
    let text = with_checksum(content);
    let Ok(schema) = Schema::parse(text.as_bytes()) else {
        return;
    };
    let again = Schema::parse(schema.to_string().as_bytes());
    assert_eq!(again.as_ref().ok(), Some(&schema), "{text}");
    for model in schema.models.values() {
        read_by(model, bytes);
    }
});
