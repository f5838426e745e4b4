//! A model written by hand as the macros generate it, with a unique and an ordinary index.

use bincode::de::{BorrowDecode, BorrowDecoder, Decode, Decoder};
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};
use netabase_core::codec::as_key::AsKey;
use netabase_core::codec::key::{EncodeKey, Key, KeyDecodeError, KeyShape};
use netabase_core::error::NetabaseError;
use netabase_core::model::{
    AnySecondaryKey, FieldInfo, IndexInfo, ModelInfo, ModelKey, ModelVisitor,
    NetabaseDefinitionTrait, NetabaseModelTrait, Record, SecondaryKey,
};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) email: String,
    pub(crate) age: u32,
}

pub(crate) struct UserRef<'a> {
    pub(crate) id: u64,
    pub(crate) email: &'a str,
    pub(crate) age: u32,
}

macro_rules! key {
    ($name:ident($inner:ty)) => {
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) struct $name(pub(crate) $inner);

        impl EncodeKey for $name {
            fn encode_key(&self, out: &mut Vec<u8>) {
                self.0.encode_key(out);
            }
        }

        impl Key for $name {
            const SHAPE: KeyShape = <$inner>::SHAPE;

            fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                <$inner>::decode_key(input).map(Self)
            }
        }

        impl AsKey<$name> for $name {}

        impl ModelKey for $name {
            type Fields = $inner;
        }
    };
}

key!(UserPrimaryKey(u64));
key!(UserEmailSecondaryKey(String));
key!(UserAgeSecondaryKey(u32));

impl SecondaryKey for UserEmailSecondaryKey {
    type Model = User;
    const INDEX: usize = 0;
}

impl SecondaryKey for UserAgeSecondaryKey {
    type Model = User;
    const INDEX: usize = 1;
}

#[derive(Debug, Clone)]
pub(crate) enum UserSecondaryKeys {
    Email(UserEmailSecondaryKey),
    Age(UserAgeSecondaryKey),
}

impl EncodeKey for UserSecondaryKeys {
    fn encode_key(&self, out: &mut Vec<u8>) {
        match self {
            Self::Email(key) => key.encode_key(out),
            Self::Age(key) => key.encode_key(out),
        }
    }
}

impl AnySecondaryKey for UserSecondaryKeys {
    type Model = User;

    fn index(&self) -> usize {
        match self {
            Self::Email(_) => 0,
            Self::Age(_) => 1,
        }
    }
}

impl Record for User {
    const INFO: ModelInfo = ModelInfo {
        name: "User",
        fields: &[
            FieldInfo {
                name: "id",
                ty: "u64",
                describe: <u64 as netabase_core::codec::netabase_value::NetabaseValue>::describe,
            },
            FieldInfo {
                name: "email",
                ty: "String",
                describe: <String as netabase_core::codec::netabase_value::NetabaseValue>::describe,
            },
            FieldInfo {
                name: "age",
                ty: "u32",
                describe: <u32 as netabase_core::codec::netabase_value::NetabaseValue>::describe,
            },
        ],
        primary_fields: &["id"],
        primary_key: u64::SHAPE,
        indexes: &[
            IndexInfo {
                name: "email",
                tree: "User.email",
                key: String::SHAPE,
                unique: true,
            },
            IndexInfo {
                name: "age",
                tree: "User.age",
                key: u32::SHAPE,
                unique: false,
            },
        ],
    };

    const FLAT: bool = true;

    type Ref<'a> = UserRef<'a>;

    fn from_ref(view: UserRef<'_>) -> Self {
        Self {
            id: view.id,
            email: view.email.into(),
            age: view.age,
        }
    }

    fn encode_primary_key(&self, out: &mut Vec<u8>) {
        self.id.encode_key(out);
    }

    fn encode_secondary_key(&self, index: usize, out: &mut Vec<u8>) {
        match index {
            0 => self.email.encode_key(out),
            _ => self.age.encode_key(out),
        }
    }

    fn encode_secondary_key_of(view: &UserRef<'_>, index: usize, out: &mut Vec<u8>) {
        match index {
            0 => view.email.encode_key(out),
            _ => view.age.encode_key(out),
        }
    }

    fn skip_secondary_key(index: usize, input: &mut &[u8]) -> Result<(), KeyDecodeError> {
        match index {
            0 => String::skip_key(input),
            _ => u32::skip_key(input),
        }
    }

    fn encode_fields<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.id.encode(encoder)?;
        self.email.encode(encoder)?;
        self.age.encode(encoder)
    }

    fn decode_fields<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Ok(Self {
            id: Decode::decode(decoder)?,
            email: Decode::decode(decoder)?,
            age: Decode::decode(decoder)?,
        })
    }

    fn borrow_fields<'a, D: BorrowDecoder<'a, Context = ()>>(
        decoder: &mut D,
    ) -> Result<UserRef<'a>, DecodeError> {
        Ok(UserRef {
            id: BorrowDecode::borrow_decode(decoder)?,
            email: BorrowDecode::borrow_decode(decoder)?,
            age: BorrowDecode::borrow_decode(decoder)?,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Models {
    User,
}

pub(crate) struct Definition;

impl NetabaseDefinitionTrait for Definition {
    type Keys = ();
    type Discriminant = Models;
    const NAME: &'static str = "Definition";
    const MODELS: &'static [&'static ModelInfo] = &[&User::INFO];

    fn visit_models<V: ModelVisitor<Self>>(visitor: &mut V) -> Result<(), V::Error> {
        visitor.visit::<User>()
    }

    fn to_key(&self) -> Result<(), NetabaseError> {
        Ok(())
    }

    fn discriminant_name(&self) -> &'static str {
        "User"
    }
}

impl NetabaseModelTrait<Definition> for User {
    const DISCRIMINANT: Models = Models::User;
    const PLACE: usize = 0;
    type PrimaryKey = UserPrimaryKey;
    type SecondaryKeys = UserSecondaryKeys;
    type Keys = ();

    fn primary_key(&self) -> UserPrimaryKey {
        UserPrimaryKey(self.id)
    }

    fn secondary_keys(&self) -> Vec<UserSecondaryKeys> {
        vec![
            UserSecondaryKeys::Email(UserEmailSecondaryKey(self.email.clone())),
            UserSecondaryKeys::Age(UserAgeSecondaryKey(self.age)),
        ]
    }
}

pub(crate) fn user(id: u64, email: &str, age: u32) -> User {
    User {
        id,
        email: email.into(),
        age,
    }
}
