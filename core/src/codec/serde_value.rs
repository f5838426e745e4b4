//! Values of fields with `#[bincode(with_serde)]`: written only if they can be read back.
//!
//! bincode has no marks in its form, so that what serde leaves out or reads by looking ahead is written without complaint
//! and is lost. Such a value is refused when it is stored, not when it is needed.

use std::any::type_name;

use bincode::enc::Encoder;
use bincode::enc::write::Writer as _;
use bincode::error::EncodeError;
use bincode::serde::{decode_from_slice, encode_to_vec};
use serde::de::DeserializeOwned;
use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Writes the value of the field of this name as `bincode`'s own derive does.
///
/// # Errors
/// The value leaves fields out, or what would be written cannot be read back.
pub fn encode<T, E>(value: &T, field: &str, encoder: &mut E) -> Result<(), EncodeError>
where
    T: Serialize + DeserializeOwned,
    E: Encoder,
{
    let config = *encoder.config();
    let bytes = encode_to_vec(Complete(value), config).map_err(|error| refused(field, error))?;
    let read = match decode_from_slice::<T, _>(&bytes, config) {
        Ok((_, read)) => read,
        Err(error) => return Err(unreadable::<T>(field, &error.to_string())),
    };
    if read != bytes.len() {
        return Err(unreadable::<T>(field, "bytes are left over"));
    }
    encoder.writer().write(&bytes)
}

#[cold]
fn refused(field: &str, error: EncodeError) -> EncodeError {
    match error {
        EncodeError::OtherString(text) => {
            EncodeError::OtherString(format!("field `{field}`: {text}"))
        }
        error => error,
    }
}

#[cold]
fn unreadable<T>(field: &str, reason: &str) -> EncodeError {
    EncodeError::OtherString(format!(
        "field `{field}`: what serde writes of `{}` cannot be read back ({reason}); enums have to be tagged as serde does by \
         default, without `tag`, `content` or `untagged`, and no field may be left out",
        type_name::<T>()
    ))
}

/// A value of which nothing may be left out.
struct Complete<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> Serialize for Complete<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Refusing(serializer))
    }
}

/// A serializer that refuses to leave fields out.
struct Refusing<S>(S);

/// Methods of a serializer that the one within does.
macro_rules! forward {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.0.$method(value)
        }
    )*};
}

impl<S: Serializer> Serializer for Refusing<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Refusing<S::SerializeSeq>;
    type SerializeTuple = Refusing<S::SerializeTuple>;
    type SerializeTupleStruct = Refusing<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Refusing<S::SerializeTupleVariant>;
    type SerializeMap = Refusing<S::SerializeMap>;
    type SerializeStruct = Refusing<S::SerializeStruct>;
    type SerializeStructVariant = Refusing<S::SerializeStructVariant>;

    forward! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_unit_struct(&'static str);
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Complete(value))
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Complete(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0
            .serialize_newtype_variant(name, index, variant, &Complete(value))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.0.serialize_seq(length).map(Refusing)
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.0.serialize_tuple(length).map(Refusing)
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.0.serialize_tuple_struct(name, length).map(Refusing)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.0
            .serialize_tuple_variant(name, index, variant, length)
            .map(Refusing)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.0.serialize_map(length).map(Refusing)
    }

    fn serialize_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.0.serialize_struct(name, length).map(Refusing)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.0
            .serialize_struct_variant(name, index, variant, length)
            .map(Refusing)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// Sequences of values: each is checked in turn.
macro_rules! sequences {
    ($($trait:ident: $method:ident;)*) => {$(
        impl<S: $trait> $trait for Refusing<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                self.0.$method(&Complete(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        }
    )*};
}

sequences! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

impl<S: SerializeMap> SerializeMap for Refusing<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.0.serialize_key(&Complete(key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.0.serialize_value(&Complete(value))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

/// Fields with names, none of which may be left out.
macro_rules! named {
    ($($trait:ident)*) => {$(
        impl<S: $trait> $trait for Refusing<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                self.0.serialize_field(key, &Complete(value))
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), S::Error> {
                Err(S::Error::custom(format_args!(
                    "serde leaves `{key}` out, and what is stored does not say so; remove `skip_serializing_if`"
                )))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        }
    )*};
}

named!(SerializeStruct SerializeStructVariant);
