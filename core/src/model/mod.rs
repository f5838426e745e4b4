//! What the derive macros generate for models and definitions, and what the typed layer asks of them.

pub mod value;

use std::fmt::Debug;
use std::hash::Hash;

use bincode::de::{BorrowDecoder, Decoder};
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};

use crate::codec::as_key::AsKey;
use crate::codec::key::{EncodeKey, Key, KeyDecodeError, KeyShape};
use crate::codec::shape::{Types, ValueShape};
use crate::driver::EntryWidths;
use crate::error::NetabaseError;

/// A set of models that live in one database: the enum that `#[netabase_definition_module(Definition, Keys)]`
/// generates, with one variant a model.
pub trait NetabaseDefinitionTrait: Sized + Send + Sync + 'static {
    /// The enum of the models' keys.
    type Keys: Send + 'static;
    /// The field-less enum of the models.
    type Discriminant: Copy + Debug + Eq + Ord + Hash + Send + Sync + 'static;

    /// The definition's name.
    const NAME: &'static str;

    /// Every model of the definition, in the order of its module.
    const MODELS: &'static [&'static ModelInfo];

    /// Calls `visitor` with the type of every model, in the order of its module.
    ///
    /// # Errors
    /// The visitor's first error.
    fn visit_models<V: ModelVisitor<Self>>(visitor: &mut V) -> Result<(), V::Error>;

    /// The key of the model within.
    ///
    /// # Errors
    /// None today; the signature leaves room for keys that have to be computed.
    fn to_key(&self) -> Result<Self::Keys, NetabaseError>;

    /// The name of the model within.
    fn discriminant_name(&self) -> &'static str;
}

/// A model of the definition `D`: a struct with `#[derive(NetabaseModel)]`.
pub trait NetabaseModelTrait<D: NetabaseDefinitionTrait>: Record {
    /// The model's place in its definition.
    const DISCRIMINANT: D::Discriminant;

    /// Its place in [`MODELS`](NetabaseDefinitionTrait::MODELS).
    const PLACE: usize;

    /// The primary key: `UserPrimaryKey` for a model `User`.
    type PrimaryKey: ModelKey;
    /// The enum of the secondary keys: `UserSecondaryKeys`. Without variants if the model has none.
    type SecondaryKeys: AnySecondaryKey<Model = Self>;
    /// The enum of both: `UserKey`.
    type Keys: Send + 'static;

    /// The primary key of this record.
    fn primary_key(&self) -> Self::PrimaryKey;

    /// The secondary keys of this record, in the order of their fields.
    fn secondary_keys(&self) -> Vec<Self::SecondaryKeys>;

    /// The model's name.
    #[must_use]
    fn discriminant_name() -> &'static str {
        Self::INFO.name
    }
}

/// What is done for the type of every model of a definition.
pub trait ModelVisitor<D: NetabaseDefinitionTrait> {
    /// Why the visit ends early.
    type Error;

    /// Takes the model's type.
    ///
    /// # Errors
    /// Ends the visit.
    fn visit<M: NetabaseModelTrait<D>>(&mut self) -> Result<(), Self::Error>;
}

/// How one model is stored; generated, and used by the typed layer alone.
pub trait Record: Sized + Send + Sync + 'static {
    /// The model's name, fields and keys.
    const INFO: ModelInfo;

    /// Whether every field is of a type, such as an integer or a string, whose decoded form takes no more memory than a
    /// constant multiple of its bytes, so that damaged bytes cannot make it claim more.
    const FLAT: bool;

    /// The borrowed view: `UserRef<'a>` for a model `User`. Strings and byte strings are borrowed, other fields decoded.
    type Ref<'a>;

    /// The record that this is a view of: copies what is borrowed.
    fn from_ref(view: Self::Ref<'_>) -> Self;

    /// Appends the encoded primary key.
    fn encode_primary_key(&self, out: &mut Vec<u8>);

    /// Appends the encoded secondary key of this index, which is below `INFO.indexes.len()`.
    fn encode_secondary_key(&self, index: usize, out: &mut Vec<u8>);

    /// [`encode_secondary_key`](Self::encode_secondary_key) from a borrowed view.
    fn encode_secondary_key_of(view: &Self::Ref<'_>, index: usize, out: &mut Vec<u8>);

    /// Drops the encoded secondary key of this index off the front of `input`.
    ///
    /// # Errors
    /// The bytes do not begin with such a key.
    fn skip_secondary_key(index: usize, input: &mut &[u8]) -> Result<(), KeyDecodeError>;

    /// Writes the fields in order, in the form that `#[derive(bincode::Encode)]` gives a struct of these fields.
    ///
    /// # Errors
    /// A field's own encoding failed.
    fn encode_fields<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError>;

    /// Reads what [`encode_fields`](Self::encode_fields) wrote.
    ///
    /// # Errors
    /// The input is not such a record.
    fn decode_fields<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError>;

    /// Reads what [`encode_fields`](Self::encode_fields) wrote, borrowing strings and byte strings from the input.
    ///
    /// # Errors
    /// The input is not such a record.
    fn borrow_fields<'a, D: BorrowDecoder<'a, Context = ()>>(
        decoder: &mut D,
    ) -> Result<Self::Ref<'a>, DecodeError>;
}

/// A generated key type over one field, or over several in order.
#[diagnostic::on_unimplemented(
    message = "a key with the field `{Self}` cannot be looked up with this value",
    label = "not a `{Self}`, nor what one is borrowed as",
    note = "a key is looked up with itself, with its field, or with a borrowed form: `&str` for `String`, `&[u8]` for `Vec<u8>`, a tuple for several fields"
)]
pub trait ModelKey: Key + AsKey<Self> + Debug + Send + Sync + 'static {
    /// The type of the field; a tuple of the fields' types for a composite key.
    type Fields;
}

/// What stands for the fields of a generated key stands for the key.
macro_rules! stands_for_its_key {
    ($([$($parameters:tt)*] $type:ty),* $(,)?) => {$(
        impl<Whole: ModelKey, $($parameters)*> AsKey<Whole> for $type
        where
            $type: AsKey<Whole::Fields>,
        {
            #[inline]
            fn encode_as(&self, out: &mut Vec<u8>) {
                <Self as AsKey<Whole::Fields>>::encode_as(self, out);
            }
        }
    )*};
}

stands_for_its_key!(
    [] u8, [] u16, [] u32, [] u64, [] u128, [] usize,
    [] i8, [] i16, [] i32, [] i64, [] i128, [] isize,
    [] bool, [] char, [] str, [] String, [] [u8], [] Vec<u8>, [] std::time::SystemTime,
    [T] Option<T>,
    [T, const N: usize] [T; N],
    [A, B] (A, B),
    [A, B, C] (A, B, C),
    [A, B, C, D] (A, B, C, D),
    [A, B, C, D, E] (A, B, C, D, E),
    [A, B, C, D, E, F] (A, B, C, D, E, F),
    [A, B, C, D, E, F, G] (A, B, C, D, E, F, G),
    [A, B, C, D, E, F, G, H] (A, B, C, D, E, F, G, H),
);

#[cfg(feature = "uuid")]
stands_for_its_key!([] uuid::Uuid);

#[cfg(feature = "chrono")]
stands_for_its_key!(
    [] chrono::DateTime<chrono::Utc>,
    [] chrono::NaiveDateTime,
    [] chrono::NaiveDate,
);

/// The generated key of one secondary index, such as `UserEmailSecondaryKey`.
pub trait SecondaryKey: ModelKey {
    /// The model that it indexes.
    type Model: Record;
    /// Its place among the model's indexes.
    const INDEX: usize;
}

/// The generated enum of a model's secondary keys, such as `UserSecondaryKeys`.
pub trait AnySecondaryKey: EncodeKey + Clone + Debug + Send + 'static {
    /// The model that it indexes.
    type Model: Record;

    /// The place, among the model's indexes, of the key within. [`EncodeKey`] encodes that key alone.
    fn index(&self) -> usize;
}

/// A model's name, fields and keys, as generated code states them.
#[derive(Debug, Clone, Copy)]
pub struct ModelInfo {
    /// The model's name, and that of its tree.
    pub name: &'static str,
    /// The fields in order.
    pub fields: &'static [FieldInfo],
    /// The names of the fields that make up the primary key, in order.
    pub primary_fields: &'static [&'static str],
    /// What the primary key's encoding looks like.
    pub primary_key: KeyShape,
    /// The secondary indexes, in the order of their fields.
    pub indexes: &'static [IndexInfo],
}

impl ModelInfo {
    /// The widths of the entries in the tree of the records.
    #[must_use]
    pub const fn record_widths(&self) -> EntryWidths {
        EntryWidths {
            key: width(self.primary_key.width()),
            value: None,
        }
    }

    /// The widths of the entries in the tree of the index at this place.
    ///
    /// # Panics
    /// If there are not so many indexes.
    #[must_use]
    pub const fn index_widths(&self, place: usize) -> EntryWidths {
        let (index, primary) = (&self.indexes[place], self.primary_key.width());
        match (index.key.width(), primary) {
            (secondary, primary) if index.unique => EntryWidths {
                key: width(secondary),
                value: width(primary),
            },
            (Some(secondary), Some(primary)) => EntryWidths {
                key: width(Some(secondary + primary)),
                value: Some(0),
            },
            _ => EntryWidths {
                key: None,
                value: Some(0),
            },
        }
    }
}

/// A width as the driver contract has it; one that it cannot state is left unsaid.
const fn width(width: Option<usize>) -> Option<u32> {
    match width {
        Some(width) if width < u32::MAX as usize => Some(width as u32),
        _ => None,
    }
}

/// A field of a model.
#[derive(Debug, Clone, Copy)]
pub struct FieldInfo {
    /// The field's name.
    pub name: &'static str,
    /// Its type as written, each path shortened to its last segment and without spaces: `Option<String>`.
    pub ty: &'static str,
    /// What its stored form is, with the types that it is made of.
    pub describe: fn(&mut Types) -> ValueShape,
}

/// A secondary index of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexInfo {
    /// The name of the field.
    pub name: &'static str,
    /// The index's tree: `User.email`.
    pub tree: &'static str,
    /// What the key's encoding looks like.
    pub key: KeyShape,
    /// Whether two records may not have the same key.
    pub unique: bool,
}
