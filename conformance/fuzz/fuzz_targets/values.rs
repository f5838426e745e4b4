//! Value decoding: any bytes are a record or an error, owned and borrowed alike, and take no more memory than they should.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netabase_core::model::value::{decode, decode_ref, encode};
use netabase_core::model::Record;
use netabase_store::netabase_definition_module;

#[netabase_definition_module(Zoo, ZooKeys)]
mod models {
    use std::collections::{BTreeMap, BTreeSet, VecDeque};

    use bincode::{Decode, Encode};
    use netabase_store::{NetabaseModel, netabase};

    #[derive(Encode, Decode, Debug, Clone, PartialEq)]
    pub enum Part {
        Empty,
        One(u128),
        Many { names: Vec<String>, weight: i16 },
        Nested(Option<Box<Part>>),
    }

    /// Every kind of field.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Zoo)]
    pub struct Rich {
        #[primary_key]
        pub id: u64,
        #[secondary_key(unique)]
        pub email: String,
        #[secondary_key]
        pub age: Option<i32>,
        pub name: Option<String>,
        pub bytes: Vec<u8>,
        pub ratio: f64,
        pub letter: char,
        pub flags: (bool, u8, i64),
        pub fixed: [u16; 3],
        pub parts: Vec<Part>,
        pub map: BTreeMap<String, Vec<u32>>,
        pub set: BTreeSet<i8>,
        pub queue: VecDeque<Option<u16>>,
        pub units: Vec<()>,
    }

    /// A record that is decoded without a check of its depth.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Zoo)]
    pub struct Flat {
        #[primary_key]
        pub key: String,
        #[secondary_key]
        pub tag: u16,
        pub text: String,
        pub size: i64,
    }
}

fn check<M: Record>(bytes: &[u8]) {
    let owned = decode::<M>(bytes);
    let borrowed = decode_ref::<M>(bytes);
    assert_eq!(owned.is_ok(), borrowed.is_ok(), "owned and borrowed differ");
    let (Ok(owned), Ok(borrowed)) = (owned, borrowed) else {
        return;
    };
    for index in 0..M::INFO.indexes.len() {
        let (mut of_record, mut of_ref) = (Vec::new(), Vec::new());
        owned.encode_secondary_key(index, &mut of_record);
        M::encode_secondary_key_of(&borrowed, index, &mut of_ref);
        assert_eq!(of_record, of_ref, "record and view have other keys");
    }
    let mut first = Vec::new();
    encode(&owned, &mut first).expect("what was decoded is encoded");
    let again = decode::<M>(&first).expect("what was encoded is decoded");
    let mut second = Vec::new();
    encode(&again, &mut second).expect("what was decoded is encoded");
    assert_eq!(first, second, "encoding is not stable");
}

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((which, bytes)) if which % 2 == 0 => check::<models::Rich>(bytes),
        Some((_, bytes)) => check::<models::Flat>(bytes),
        None => {}
    }
});
