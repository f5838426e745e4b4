//! The fields of a record whose type is known only from the schema record, as far as their shapes say how they are stored.
//!
//! bincode does not describe itself: a field of a type that is opaque or foreign cannot be read, nor any behind it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::time::Duration;

use super::dynamic::Value;
use super::shape::{AddressShape, FieldShapes, TypeBody, Types, ValueShape};

/// The most levels that a value may be nested. Stored bytes are not trusted, and a type may hold itself.
const DEPTH: usize = 64;

/// Nanoseconds of a second.
const NANOS: u32 = 1_000_000_000;

/// Items of no bytes that a sequence may have.
const EMPTY_ITEMS: usize = 1024;

/// The fields of a record that could be decoded, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// Name and value of each field up to the first whose stored form is not known.
    pub values: Vec<(String, Value)>,
    /// Whether these are all fields.
    pub complete: bool,
}

/// Why a value was not decoded.
enum Stop {
    /// How it is stored is not known.
    Unknown,
    /// The bytes are no such value.
    Bad,
}

/// Decodes a stored record by its fields' names and shapes; `types` are those that the shapes refer to.
///
/// `None` if the bytes are no record of these fields: they end early, hold what no such field does, or are left over.
#[must_use]
pub fn decode(types: &Types, fields: &[(String, ValueShape)], mut record: &[u8]) -> Option<Fields> {
    let mut values = Vec::new();
    for (name, shape) in fields {
        match value(types, shape, &mut record, DEPTH) {
            Ok(value) => values.push((name.clone(), value)),
            Err(Stop::Bad) => return None,
            Err(Stop::Unknown) => {
                return Some(Fields {
                    values,
                    complete: false,
                });
            }
        }
    }
    record.is_empty().then_some(Fields {
        values,
        complete: true,
    })
}

fn value(
    types: &Types,
    shape: &ValueShape,
    input: &mut &[u8],
    depth: usize,
) -> Result<Value, Stop> {
    let depth = depth.checked_sub(1).ok_or(Stop::Bad)?;
    let inner = |shape: &ValueShape, input: &mut &[u8]| value(types, shape, input, depth);
    Ok(match shape {
        ValueShape::Unsigned(1) => Value::Unsigned(byte(input)?.into()),
        ValueShape::Unsigned(width) => Value::Unsigned(fitting(input, *width)?),
        ValueShape::Signed(1) => Value::Signed(byte(input)?.cast_signed().into()),
        ValueShape::Signed(width) => {
            let zigzag = fitting(input, *width)?;
            Value::Signed((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
        }
        ValueShape::Float(4) => Value::Float(f32::from_le_bytes(array(input)?).into()),
        ValueShape::Float(_) => Value::Float(f64::from_le_bytes(array(input)?)),
        ValueShape::Bool => Value::Bool(flag(input)?),
        ValueShape::Char => {
            let length = match input.first().ok_or(Stop::Bad)? {
                0..0x80 => 1,
                0x80..0xE0 => 2,
                0xE0..0xF0 => 3,
                _ => 4,
            };
            let text = std::str::from_utf8(take(input, length)?).map_err(|_| Stop::Bad)?;
            Value::Char(text.parse().map_err(|_| Stop::Bad)?)
        }
        ValueShape::Text => {
            let length = length(input)?;
            let text = std::str::from_utf8(take(input, length)?).map_err(|_| Stop::Bad)?;
            Value::Text(text.to_owned())
        }
        ValueShape::Bytes => {
            let length = length(input)?;
            Value::Bytes(take(input, length)?.to_vec())
        }
        ValueShape::Uuid => Value::Uuid(array(input)?),
        ValueShape::Instant | ValueShape::DateTime => Value::Instant(
            i64::from_le_bytes(array(input)?),
            u32::from_le_bytes(array(input)?),
        ),
        ValueShape::Date => Value::Date(i32::from_le_bytes(array(input)?)),
        ValueShape::Duration => {
            let seconds = u64::try_from(fitting(input, 8)?).map_err(|_| Stop::Bad)?;
            let nanos = u32::try_from(fitting(input, 4)?).map_err(|_| Stop::Bad)?;
            let carried = u64::from(nanos / NANOS).checked_add(seconds);
            let seconds = carried.ok_or(Stop::Bad)?;
            Value::Text(format!("{:?}", Duration::new(seconds, nanos % NANOS)))
        }
        ValueShape::SystemTime => {
            let seconds = i64::try_from(fitting(input, 8)?).map_err(|_| Stop::Bad)?;
            let nanos = u32::try_from(fitting(input, 4)?).map_err(|_| Stop::Bad)?;
            if nanos >= NANOS {
                return Err(Stop::Bad);
            }
            Value::Instant(seconds, nanos)
        }
        ValueShape::Address(shape) => Value::Text(address(*shape, input)?),
        ValueShape::Option(of) => Value::Option(match flag(input)? {
            false => None,
            true => Some(inner(of, input)?.into()),
        }),
        ValueShape::List(of) => {
            let length = length(input)?;
            many(length, input, |input| inner(of, input))?
        }
        ValueShape::Array(of, length) => many(*length, input, |input| inner(of, input))?,
        ValueShape::Tuple(parts) => {
            Value::List((parts.iter().map(|part| inner(part, input))).collect::<Result<_, _>>()?)
        }
        ValueShape::Map(key, of) => {
            let length = length(input)?;
            many(length, input, |input| {
                Ok(Value::List(vec![inner(key, input)?, inner(of, input)?]))
            })?
        }
        ValueShape::Result(of, error) => match variable(input)? {
            0 => Value::Tagged("Ok".into(), Value::List(vec![inner(of, input)?]).into()),
            1 => Value::Tagged("Err".into(), Value::List(vec![inner(error, input)?]).into()),
            _ => return Err(Stop::Bad),
        },
        ValueShape::Named(place) => {
            let shape = types.get(*place).ok_or(Stop::Unknown)?;
            match &shape.body {
                // A newtype is stored, and shown, as what is within.
                TypeBody::Struct(FieldShapes::Tuple(parts)) if parts.len() == 1 => {
                    inner(&parts[0], input)?
                }
                TypeBody::Struct(parts) => {
                    fields(parts, input, inner)?.unwrap_or(Value::Record(Vec::new()))
                }
                TypeBody::Enum(variants) => {
                    let number = usize::try_from(variable(input)?).map_err(|_| Stop::Bad)?;
                    let (name, parts) = variants.get(number).ok_or(Stop::Bad)?;
                    match fields(parts, input, inner)? {
                        None => Value::Variant(name.clone()),
                        Some(fields) => Value::Tagged(name.clone(), fields.into()),
                    }
                }
            }
        }
        ValueShape::Foreign(..) | ValueShape::Opaque(_) => return Err(Stop::Unknown),
    })
}

/// A network address, as people write it.
fn address(shape: AddressShape, input: &mut &[u8]) -> Result<String, Stop> {
    let either = |of: [AddressShape; 2], input: &mut &[u8]| {
        let variant = usize::try_from(variable(input)?).map_err(|_| Stop::Bad)?;
        address(*of.get(variant).ok_or(Stop::Bad)?, input)
    };
    let port = |input: &mut &[u8]| u16::try_from(fitting(input, 2)?).map_err(|_| Stop::Bad);
    Ok(match shape {
        AddressShape::V4 => Ipv4Addr::from(array::<4>(input)?).to_string(),
        AddressShape::V6 => Ipv6Addr::from(array::<16>(input)?).to_string(),
        AddressShape::Ip => either([AddressShape::V4, AddressShape::V6], input)?,
        AddressShape::SocketV4 => {
            let ip = Ipv4Addr::from(array::<4>(input)?);
            SocketAddrV4::new(ip, port(input)?).to_string()
        }
        AddressShape::SocketV6 => {
            let ip = Ipv6Addr::from(array::<16>(input)?);
            SocketAddrV6::new(ip, port(input)?, 0, 0).to_string()
        }
        AddressShape::Socket => either([AddressShape::SocketV4, AddressShape::SocketV6], input)?,
    })
}

/// The fields of a struct or variant; `None` if it has none.
fn fields(
    shapes: &FieldShapes,
    input: &mut &[u8],
    mut inner: impl FnMut(&ValueShape, &mut &[u8]) -> Result<Value, Stop>,
) -> Result<Option<Value>, Stop> {
    Ok(match shapes {
        FieldShapes::Unit => None,
        FieldShapes::Tuple(shapes) => Some(Value::List(
            (shapes.iter().map(|shape| inner(shape, input))).collect::<Result<_, _>>()?,
        )),
        FieldShapes::Named(shapes) => Some(Value::Record(
            (shapes.iter())
                .map(|(name, shape)| Ok((name.clone(), inner(shape, input)?)))
                .collect::<Result<_, _>>()?,
        )),
    })
}

/// So many items. The number comes from stored bytes and is not trusted: memory grows with what is there.
fn many(
    length: usize,
    input: &mut &[u8],
    mut item: impl FnMut(&mut &[u8]) -> Result<Value, Stop>,
) -> Result<Value, Stop> {
    let mut items = Vec::new();
    for number in 0..length {
        let before = input.len();
        items.push(item(input)?);
        if input.len() == before && number >= EMPTY_ITEMS {
            return Err(Stop::Bad);
        }
    }
    Ok(Value::List(items))
}

fn byte(input: &mut &[u8]) -> Result<u8, Stop> {
    array(input).map(|[byte]| byte)
}

fn flag(input: &mut &[u8]) -> Result<bool, Stop> {
    match byte(input)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Stop::Bad),
    }
}

fn length(input: &mut &[u8]) -> Result<usize, Stop> {
    usize::try_from(variable(input)?).map_err(|_| Stop::Bad)
}

/// An integer that fits into so many bytes.
fn fitting(input: &mut &[u8], width: u8) -> Result<u128, Stop> {
    let number = variable(input)?;
    if width >= 16 || number >> (8 * u32::from(width)) == 0 {
        Ok(number)
    } else {
        Err(Stop::Bad)
    }
}

fn array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], Stop> {
    let (taken, rest) = input.split_first_chunk().ok_or(Stop::Bad)?;
    *input = rest;
    Ok(*taken)
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], Stop> {
    let (taken, rest) = input.split_at_checked(count).ok_or(Stop::Bad)?;
    *input = rest;
    Ok(taken)
}

/// An integer as bincode's standard configuration writes it: small ones in a byte, others behind their width's mark.
fn variable(input: &mut &[u8]) -> Result<u128, Stop> {
    let width = match byte(input)? {
        small @ 0..251 => return Ok(small.into()),
        251 => 2,
        252 => 4,
        253 => 8,
        254 => 16,
        255 => return Err(Stop::Bad),
    };
    let mut bytes = [0; 16];
    bytes[..width].copy_from_slice(take(input, width)?);
    Ok(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use bincode::config::standard;
    use proptest::prelude::*;

    use super::*;

    fn decoded(shapes: &[&str], bytes: &[u8]) -> Option<Fields> {
        decoded_with(&[], shapes, bytes)
    }

    fn decoded_with(nested: &[&str], shapes: &[&str], bytes: &[u8]) -> Option<Fields> {
        let mut types = Types::default();
        for ty in nested {
            types.add(ty).unwrap();
        }
        let fields: Vec<_> = shapes
            .iter()
            .map(|shape| ("f".to_owned(), ValueShape::parse(shape).unwrap()))
            .collect();
        decode(&types, &fields, bytes)
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
                    "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "bool", "char", "str",
                    "bytes", "option<i64>", "list<str>", "[u16;3]",
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
        fn times_and_addresses_are_shown_as_they_are_written(
            time: Duration, since: u32, v4: Ipv4Addr, v6: Ipv6Addr, port: u16,
        ) {
            let since = Duration::new(since.into(), time.subsec_nanos());
            let then = std::time::SystemTime::UNIX_EPOCH + since;
            let (ip4, ip6) = (std::net::IpAddr::from(v4), std::net::IpAddr::from(v6));
            let (socket4, socket6) = (SocketAddrV4::new(v4, port), SocketAddrV6::new(v6, port, 0, 0));
            let sockets = (socket4, socket6, std::net::SocketAddr::from(socket4), std::net::SocketAddr::from(socket6));
            let bytes = bincode::encode_to_vec((time, then, v4, v6, ip4, ip6, sockets), standard()).unwrap();
            let shapes = [
                "duration", "systemtime", "ipv4", "ipv6", "ip", "ip", "socketv4", "socketv6", "socket", "socket",
            ];
            let fields = decoded(&shapes, &bytes).unwrap();
            prop_assert!(fields.complete);
            let values: Vec<_> = fields.values.into_iter().map(|(_, value)| value).collect();
            let mut expected = vec![
                Value::Text(format!("{time:?}")),
                Value::Instant(since.as_secs() as i64, since.subsec_nanos()),
            ];
            expected.extend([v4.to_string(), v6.to_string(), v4.to_string(), v6.to_string()].map(Value::Text));
            expected.extend([socket4.to_string(), socket6.to_string(), socket4.to_string(), socket6.to_string()].map(Value::Text));
            prop_assert_eq!(values, expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = decoded_with(
                &["struct Node{value:u8,next:list<@0>}", "enum E{A,B(u8),C{d:f64}}"],
                &["list<option<str>>", "char", "i128", "@1", "list<[u8;0]>", "map<u8,()>", "duration", "systemtime", "socket", "@0"],
                &bytes,
            );
        }
    }

    #[test]
    fn what_stands_before_an_unknown_type_is_decoded() {
        let fields = decoded(&["u8", "opaque<Colour>", "u8"], &[7, 1, 2, 3]).unwrap();
        assert_eq!(fields.values, [("f".to_owned(), Value::Unsigned(7))]);
        assert!(!fields.complete);
        assert_eq!(decoded(&["u8"], &[7, 1]), None);
    }

    #[test]
    fn nested_types_are_decoded_by_their_names() {
        let nested = [
            "struct Settings{theme:@1,sizes:list<(u8,u16)>,id:@2}",
            "enum Theme{Light,Dark(u8),Rgb{r:u8,g:u8}}",
            "struct Id(uuid)",
        ];
        let id = [7; 16];
        let bytes = [&[2, 10, 20, 1, 5, 6][..], &id, &[1, 9, 0], &id].concat();
        let fields = decoded_with(&nested, &["@0", "@0"], &bytes).unwrap();
        let shown: Vec<_> = fields
            .values
            .iter()
            .map(|(_, value)| value.to_string())
            .collect();
        let uuid = "07070707-0707-0707-0707-070707070707";
        assert_eq!(
            shown,
            [
                format!("{{theme: Rgb{{r: 10, g: 20}}, sizes: ((5,6)), id: {uuid}}}"),
                format!("{{theme: Dark(9), sizes: (), id: {uuid}}}"),
            ]
        );
        assert!(fields.complete);
        assert_eq!(decoded_with(&nested, &["@1"], &[3]), None);
    }

    #[test]
    fn a_value_nested_without_end_is_refused() {
        let nested = ["struct Node{next:option<@0>}"];
        assert!(decoded_with(&nested, &["@0"], &[1, 1, 1, 0]).is_some());
        assert_eq!(decoded_with(&nested, &["@0"], &[1; 100_000]), None);
    }
}
