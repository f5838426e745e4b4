//! Generated code compiles where the names that it might lean on mean something else, or nothing.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use netabase_store::__private::{NetabaseDefinitionTrait, Record};

/// Without a prelude, and with every name of it taken.
#[no_implicit_prelude]
#[::netabase_store::netabase_definition_module(Shadows, ShadowKeys)]
pub mod shadows {
    #![allow(
        missing_docs,
        missing_debug_implementations,
        dead_code,
        non_upper_case_globals
    )]

    pub struct Result;
    pub struct Option;
    pub struct String;
    pub struct Vec;
    pub struct Box;
    pub struct Ok;
    pub struct Err;
    pub struct Some;
    pub struct None;
    pub trait Clone {}
    pub trait Copy {}
    pub trait From {}
    pub trait Into {}
    pub trait Iterator {}
    pub trait Ord {}
    pub trait Hash {}
    pub trait Key {}
    pub trait EncodeKey {}
    pub trait Record {}
    pub mod core {}
    pub mod std {}
    pub mod alloc {}
    pub mod bincode {}
    pub mod strum {}
    pub mod netabase_store {}
    pub const out: u8 = 0;
    pub const index: u8 = 0;
    pub const encoder: u8 = 0;
    pub const value: u8 = 0;

    #[derive(
        ::netabase_store::NetabaseModel,
        ::core::clone::Clone,
        ::core::fmt::Debug,
        ::core::cmp::PartialEq,
    )]
    #[netabase(Shadows)]
    pub struct Taken {
        #[primary_key]
        pub id: u64,
        #[primary_key]
        pub part: ::std::string::String,
        pub name: ::std::string::String,
        #[secondary_key]
        pub out: ::std::option::Option<::std::vec::Vec<u8>>,
        #[secondary_key]
        pub index: ::std::vec::Vec<u8>,
        #[secondary_key]
        pub self_: Color,
    }

    #[derive(::netabase_store::NetabaseModel)]
    #[netabase(Shadows)]
    pub struct Bare {
        #[primary_key]
        pub id: Pair,
    }

    #[derive(
        ::netabase_store::NetabaseKey,
        ::core::clone::Clone,
        ::core::fmt::Debug,
        ::core::cmp::PartialEq,
        ::core::cmp::Eq,
        ::core::cmp::PartialOrd,
        ::core::cmp::Ord,
    )]
    pub struct Pair {
        pub value: u8,
        pub encoder: i8,
    }

    #[derive(
        ::netabase_store::NetabaseKey,
        ::core::clone::Clone,
        ::core::fmt::Debug,
        ::core::cmp::PartialEq,
        ::core::cmp::Eq,
        ::core::cmp::PartialOrd,
        ::core::cmp::Ord,
    )]
    pub enum Color {
        Red,
        Green,
    }
}

/// The codec of values for the key types above, whose module has no `bincode` to derive from.
mod values {
    use bincode::de::{BorrowDecode, BorrowDecoder, Decode, Decoder};
    use bincode::enc::{Encode, Encoder};
    use bincode::error::{DecodeError, EncodeError};

    use super::shadows::{Color, Pair};

    impl Encode for Color {
        fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
            matches!(self, Self::Green).encode(encoder)
        }
    }

    impl<C> Decode<C> for Color {
        fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
            Ok(if bool::decode(decoder)? {
                Self::Green
            } else {
                Self::Red
            })
        }
    }

    impl<'de, C> BorrowDecode<'de, C> for Color {
        fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
            decoder: &mut D,
        ) -> Result<Self, DecodeError> {
            Self::decode(decoder)
        }
    }

    impl Encode for Pair {
        fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
            (self.value, self.encoder).encode(encoder)
        }
    }

    impl<C> Decode<C> for Pair {
        fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
            let (value, encoder) = Decode::decode(decoder)?;
            Ok(Self { value, encoder })
        }
    }

    impl<'de, C> BorrowDecode<'de, C> for Pair {
        fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
            decoder: &mut D,
        ) -> Result<Self, DecodeError> {
            Self::decode(decoder)
        }
    }
}

/// `String` and `Vec` are types of the module's own: fields of these types are not borrowed.
#[netabase_store::netabase_definition_module(Own, OwnKeys)]
pub mod own_text {
    #![allow(missing_docs)]
    use netabase_store::NetabaseModel;

    #[derive(Clone, Debug, PartialEq, bincode::Encode, bincode::Decode)]
    pub struct String(pub u8);
    pub type Vec<T> = std::collections::BTreeSet<T>;

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Own)]
    pub struct Thing {
        #[primary_key]
        pub id: u8,
        pub name: String,
        pub bytes: Vec<u8>,
        pub text: std::string::String,
    }
}

#[test]
fn shadowed_names_change_nothing() {
    use shadows::{
        Bare, Color, Shadows, Taken, TakenRef, TakenSecondaryKeys, TakenSelfSecondaryKey,
    };
    let taken = Taken {
        id: 1,
        part: "part".to_owned(),
        name: "name".to_owned(),
        out: Some(vec![1]),
        index: vec![2],
        self_: Color::Green,
    };
    let mut bytes = Vec::new();
    netabase_core::model::value::encode(&taken, &mut bytes).unwrap();
    let view: TakenRef<'_> = netabase_core::model::value::decode_ref::<Taken>(&bytes).unwrap();
    assert_eq!((view.name, view.out), ("name", Some([1].as_slice())));
    assert_eq!(Taken::from(view), taken);
    assert_eq!(
        TakenSecondaryKeys::Self_(TakenSelfSecondaryKey(Color::Green)),
        TakenSelfSecondaryKey(Color::Green).into()
    );
    let names = [Shadows::MODELS[0].name, Shadows::MODELS[1].name];
    assert_eq!(names, [Taken::INFO.name, Bare::INFO.name]);
    assert_eq!(Shadows::MODELS.len(), 2);
}

#[test]
fn types_called_as_those_of_std_are_not_taken_for_them() {
    use own_text::{Thing, ThingRef};
    let thing = Thing {
        id: 1,
        name: own_text::String(2),
        bytes: [3, 4].into(),
        text: "text".to_owned(),
    };
    let mut bytes = Vec::new();
    netabase_core::model::value::encode(&thing, &mut bytes).unwrap();
    let ThingRef {
        name, bytes, text, ..
    } = netabase_core::model::value::decode_ref::<Thing>(&bytes).unwrap();
    assert_eq!((&name, &bytes, text), (&thing.name, &thing.bytes, "text"));
}
