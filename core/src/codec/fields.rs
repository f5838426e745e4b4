//! The fields of a record whose type is known only from the schema record, as far as their types are plain ones.
//!
//! bincode does not describe itself: a field of a struct or enum of the user's own cannot be read, nor any behind it.

use super::dynamic::Value;

/// The most levels that a type may be nested.
const DEPTH: usize = 8;

/// The fields of a record that could be decoded, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// Name and value of each field up to the first whose type is not known.
    pub values: Vec<(String, Value)>,
    /// Whether these are all fields.
    pub complete: bool,
}

/// Decodes a stored record by its fields' names and types.
///
/// `None` if the bytes are no record of these fields: they end early, hold what no such field does, or are left over.
#[must_use]
pub fn decode(fields: &[(String, String)], mut record: &[u8]) -> Option<Fields> {
    let mut values = Vec::new();
    for (name, ty) in fields {
        let Some(ty) = Type::parse(ty, DEPTH) else {
            return Some(Fields {
                values,
                complete: false,
            });
        };
        values.push((name.clone(), ty.decode(&mut record)?));
    }
    record.is_empty().then_some(Fields {
        values,
        complete: true,
    })
}

/// A type whose encoding follows from its name.
enum Type {
    Unsigned(u8),
    Signed(u8),
    Bool,
    Char,
    Float(u8),
    Text,
    Bytes,
    Option(Box<Type>),
    List(Box<Type>),
    Array(Box<Type>, usize),
}

impl Type {
    fn parse(text: &str, depth: usize) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        if let Some(inner) = text
            .strip_prefix("Option<")
            .and_then(|text| text.strip_suffix('>'))
        {
            return Self::parse(inner, depth).map(|inner| Self::Option(inner.into()));
        }
        if let Some(inner) = text
            .strip_prefix("Vec<")
            .and_then(|text| text.strip_suffix('>'))
        {
            return match Self::parse(inner, depth)? {
                Self::Unsigned(1) => Some(Self::Bytes),
                inner => Some(Self::List(inner.into())),
            };
        }
        if let Some(inner) = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
        {
            let (inner, length) = inner.rsplit_once(';')?;
            return Some(Self::Array(
                Self::parse(inner, depth)?.into(),
                length.parse().ok()?,
            ));
        }
        Some(match text {
            "u8" => Self::Unsigned(1),
            "u16" => Self::Unsigned(2),
            "u32" => Self::Unsigned(4),
            "u64" | "usize" => Self::Unsigned(8),
            "u128" => Self::Unsigned(16),
            "i8" => Self::Signed(1),
            "i16" => Self::Signed(2),
            "i32" => Self::Signed(4),
            "i64" | "isize" => Self::Signed(8),
            "i128" => Self::Signed(16),
            "bool" => Self::Bool,
            "char" => Self::Char,
            "f32" => Self::Float(4),
            "f64" => Self::Float(8),
            "String" => Self::Text,
            _ => return None,
        })
    }

    fn decode(&self, input: &mut &[u8]) -> Option<Value> {
        Some(match self {
            Self::Unsigned(1) => Value::Unsigned(take(input, 1)?[0].into()),
            Self::Unsigned(width) => {
                let number = variable(input)?;
                let fits = *width >= 16 || number >> (8 * u32::from(*width)) == 0;
                Value::Unsigned(fits.then_some(number)?)
            }
            Self::Signed(1) => Value::Signed(i128::from(take(input, 1)?[0].cast_signed())),
            Self::Signed(width) => {
                let zigzag = variable(input)?;
                if *width < 16 && zigzag >> (8 * u32::from(*width)) != 0 {
                    return None;
                }
                Value::Signed((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
            }
            Self::Bool => Value::Bool(match take(input, 1)?[0] {
                0 => false,
                1 => true,
                _ => return None,
            }),
            Self::Char => {
                let length = match input.first()? {
                    0..0x80 => 1,
                    0x80..0xE0 => 2,
                    0xE0..0xF0 => 3,
                    _ => 4,
                };
                let text = std::str::from_utf8(take(input, length)?).ok()?;
                Value::Char(text.parse().ok()?)
            }
            Self::Float(4) => {
                Value::Float(f32::from_le_bytes(take(input, 4)?.try_into().ok()?).into())
            }
            Self::Float(_) => Value::Float(f64::from_le_bytes(take(input, 8)?.try_into().ok()?)),
            Self::Text => {
                let length = usize::try_from(variable(input)?).ok()?;
                Value::Text(std::str::from_utf8(take(input, length)?).ok()?.to_owned())
            }
            Self::Bytes => {
                let length = usize::try_from(variable(input)?).ok()?;
                Value::Bytes(take(input, length)?.to_vec())
            }
            Self::Option(inner) => Value::Option(match take(input, 1)?[0] {
                0 => None,
                1 => Some(inner.decode(input)?.into()),
                _ => return None,
            }),
            Self::List(inner) => {
                let length = usize::try_from(variable(input)?).ok()?;
                inner.decode_many(length, input)?
            }
            Self::Array(inner, length) => inner.decode_many(*length, input)?,
        })
    }

    /// So many items. The number comes from stored bytes and is not trusted: memory grows with what is there.
    fn decode_many(&self, length: usize, input: &mut &[u8]) -> Option<Value> {
        let mut items = Vec::new();
        for _ in 0..length {
            let before = input.len();
            items.push(self.decode(input)?);
            if input.len() == before {
                return None;
            }
        }
        Some(Value::List(items))
    }
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(count)?;
    *input = rest;
    Some(taken)
}

/// An integer as bincode's standard configuration writes it: small ones in a byte, others behind their width's mark.
fn variable(input: &mut &[u8]) -> Option<u128> {
    let width = match take(input, 1)?[0] {
        small @ 0..251 => return Some(small.into()),
        251 => 2,
        252 => 4,
        253 => 8,
        254 => 16,
        255 => return None,
    };
    let mut bytes = [0; 16];
    bytes[..width].copy_from_slice(take(input, width)?);
    Some(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use bincode::config::standard;
    use proptest::prelude::*;

    use super::*;

    fn decoded(types: &[&str], bytes: &[u8]) -> Option<Fields> {
        let fields: Vec<_> = types
            .iter()
            .map(|ty| ("f".to_owned(), (*ty).to_owned()))
            .collect();
        decode(&fields, bytes)
    }

    proptest! {
        #[test]
        fn plain_fields_are_what_bincode_wrote(
            unsigned: (u8, u16, u32, u64, u128),
            signed: (i8, i16, i32, i64, i128),
            rest: (bool, char, String, Vec<u8>, Option<i64>, Vec<String>, [u16; 3]),
        ) {
            let bytes = bincode::encode_to_vec((&unsigned, &signed, &rest), standard()).unwrap();
            let fields = decoded(
                &[
                    "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "bool", "char", "String",
                    "Vec<u8>", "Option<i64>", "Vec<String>", "[u16;3]",
                ],
                &bytes,
            )
            .unwrap();
            let unsigned_values = [unsigned.0.into(), unsigned.1.into(), unsigned.2.into(), unsigned.3.into(), unsigned.4];
            let signed_values = [signed.0.into(), signed.1.into(), signed.2.into(), signed.3.into(), signed.4];
            let mut expected: Vec<Value> = unsigned_values.map(Value::Unsigned).into();
            expected.extend(signed_values.map(Value::Signed));
            expected.extend([
                Value::Bool(rest.0),
                Value::Char(rest.1),
                Value::Text(rest.2),
                Value::Bytes(rest.3),
                Value::Option(rest.4.map(|number| Value::Signed(number.into()).into())),
                Value::List(rest.5.into_iter().map(Value::Text).collect()),
                Value::List(rest.6.map(|number| Value::Unsigned(number.into())).into()),
            ]);
            prop_assert!(fields.complete);
            prop_assert_eq!(fields.values.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = decoded(&["Vec<Option<String>>", "char", "i128", "Vec<[u8;0]>"], &bytes);
        }
    }

    #[test]
    fn what_stands_before_an_unknown_type_is_decoded() {
        let fields = decoded(&["u8", "Colour", "u8"], &[7, 1, 2, 3]).unwrap();
        assert_eq!(fields.values, [("f".to_owned(), Value::Unsigned(7))]);
        assert!(!fields.complete);
        assert_eq!(decoded(&["u8"], &[7, 1]), None);
    }
}
