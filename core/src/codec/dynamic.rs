//! Keys whose type is known only from the schema record: decoded, encoded, shown and read as text by their shape.

use std::fmt;

use super::key::{EncodeKey, Key, KeyDecodeError, decode_complement, encode_complement};

/// The most levels that a shape may be nested.
const DEPTH: usize = 16;
/// The parts that a value may have beside those that its bytes may be, each at most once for every level.
const PARTS: usize = 4096;
const SECOND: u32 = 1_000_000_000;

/// What a key's encoding looks like, as [`KeyShape`](super::key::KeyShape) is written in the schema record.
///
/// # Examples
/// ```
/// use netabase_core::codec::dynamic::Shape;
/// use netabase_core::codec::key::encode;
///
/// let shape = Shape::parse("(u64,str)").ok_or("no shape")?;
/// let value = shape.read_text(r#"(7,"a,b")"#)?;
/// assert_eq!(shape.encoded(&value)?, encode(&(7u64, "a,b".to_owned())));
/// assert_eq!(value.to_string(), r#"(7,"a,b")"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// An unsigned integer of so many bytes.
    Unsigned(usize),
    /// A signed integer of so many bytes.
    Signed(usize),
    /// `bool`.
    Bool,
    /// `char`.
    Char,
    /// A string.
    Text,
    /// A byte string.
    Bytes,
    /// 16 bytes, shown as a UUID.
    Uuid,
    /// A point in time or a date with a time of day: seconds since the Unix epoch, and nanoseconds.
    Instant,
    /// A date: days, of which the first is the first of January of the year 1.
    Date,
    /// An optional value.
    Option(Box<Shape>),
    /// Values one after the other.
    Tuple(Vec<Shape>),
    /// So many values of one shape.
    Array(Box<Shape>, usize),
    /// A field-less enum: variants by name and discriminant.
    Enum(Vec<(String, i64)>),
    /// The complement of a value, which sorts the other way round.
    Descending(Box<Shape>),
}

/// A key, or a field of a record, of any shape.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// An unsigned integer.
    Unsigned(u128),
    /// A signed integer.
    Signed(i128),
    /// A floating-point number; only in records.
    Float(f64),
    /// A character.
    Char(char),
    /// A string.
    Text(String),
    /// A byte string.
    Bytes(Vec<u8>),
    /// 16 bytes, shown as a UUID.
    Uuid([u8; 16]),
    /// Seconds since the Unix epoch, and nanoseconds.
    Instant(i64, u32),
    /// Days, of which the first is the first of January of the year 1.
    Date(i32),
    /// An optional value.
    Option(Option<Box<Value>>),
    /// Values one after the other.
    List(Vec<Value>),
    /// A variant without fields, by its name.
    Variant(String),
    /// A variant with fields; only in records.
    Tagged(String, Box<Value>),
    /// A struct, or the fields of a variant, by their names; only in records.
    Record(Vec<(String, Value)>),
}

/// A text or value is not a key of the shape asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeError(String);

impl Shape {
    /// The shape that the schema record writes so; `None` for what no release writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let shape = Self::parse_front(&mut rest, DEPTH)?;
        rest.is_empty().then_some(shape)
    }

    fn parse_front(rest: &mut &str, depth: usize) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        let eat = |rest: &mut &str, token: &str| {
            rest.strip_prefix(token).map(|left| *rest = left).is_some()
        };
        if eat(rest, "option<") {
            let inner = Self::parse_front(rest, depth)?;
            return eat(rest, ">").then(|| Self::Option(inner.into()));
        }
        if eat(rest, "desc<") {
            let inner = Self::parse_front(rest, depth)?;
            return eat(rest, ">").then(|| Self::Descending(inner.into()));
        }
        if eat(rest, "[") {
            let inner = Self::parse_front(rest, depth)?;
            let (length, left) = rest.strip_prefix(';')?.split_once(']')?;
            *rest = left;
            return Some(Self::Array(inner.into(), length.parse().ok()?));
        }
        if eat(rest, "(") {
            let mut parts = Vec::new();
            while !eat(rest, ")") {
                if !parts.is_empty() && !eat(rest, ",") {
                    return None;
                }
                parts.push(Self::parse_front(rest, depth)?);
            }
            return Some(Self::Tuple(parts));
        }
        if eat(rest, "enum{") {
            let (variants, left) = rest.split_once('}')?;
            *rest = left;
            return variants
                .split(',')
                .filter(|variant| !variant.is_empty())
                .map(|variant| {
                    let (name, discriminant) = variant.split_once('=')?;
                    Some((name.to_owned(), discriminant.parse().ok()?))
                })
                .collect::<Option<_>>()
                .map(Self::Enum);
        }
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (name, left) = rest.split_at(end);
        *rest = left;
        Some(match name {
            "u8" => Self::Unsigned(1),
            "u16" => Self::Unsigned(2),
            "u32" => Self::Unsigned(4),
            "u64" => Self::Unsigned(8),
            "u128" => Self::Unsigned(16),
            "i8" => Self::Signed(1),
            "i16" => Self::Signed(2),
            "i32" => Self::Signed(4),
            "i64" => Self::Signed(8),
            "i128" => Self::Signed(16),
            "bool" => Self::Bool,
            "char" => Self::Char,
            "str" => Self::Text,
            "bytes" => Self::Bytes,
            "uuid" => Self::Uuid,
            "instant" | "datetime" => Self::Instant,
            "date" => Self::Date,
            _ => return None,
        })
    }

    /// The length in bytes that every encoding of this shape has; `None` if they differ.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        match self {
            Self::Unsigned(width) | Self::Signed(width) => Some(*width),
            Self::Bool => Some(1),
            Self::Char | Self::Date => Some(4),
            Self::Uuid => Some(16),
            Self::Instant => Some(12),
            Self::Enum(_) => Some(8),
            Self::Text | Self::Bytes | Self::Option(_) => None,
            Self::Descending(inner) => inner.width(),
            Self::Array(inner, length) => inner.width()?.checked_mul(*length),
            Self::Tuple(parts) => parts
                .iter()
                .try_fold(0usize, |total, part| total.checked_add(part.width()?)),
        }
    }

    /// Reads one value off the front of `input`.
    ///
    /// The shape comes from a database, which may say that it is made of more parts than there are bytes: memory and time
    /// grow with what is there.
    ///
    /// # Errors
    /// The bytes do not begin with an encoding of this shape, or one has far more parts than bytes.
    pub fn decode_front(&self, input: &mut &[u8]) -> Result<Value, KeyDecodeError> {
        let mut parts = PARTS.saturating_add(input.len().saturating_mul(DEPTH));
        self.decode_parts(input, &mut parts)
    }

    /// As [`decode_front`](Self::decode_front), of so many parts at most.
    fn decode_parts(&self, input: &mut &[u8], left: &mut usize) -> Result<Value, KeyDecodeError> {
        *left = left.checked_sub(1).ok_or(KeyDecodeError::new(
            "the shape has more parts than its bytes can be",
        ))?;
        Ok(match self {
            Self::Unsigned(width) => Value::Unsigned(big_endian(input, *width)?),
            Self::Signed(width) => {
                let shift = 128 - 8 * u32::try_from(*width).unwrap_or(16);
                let flipped = big_endian(input, *width)? ^ (1 << (127 - shift));
                Value::Signed((flipped << shift).cast_signed() >> shift)
            }
            Self::Bool => Value::Bool(bool::decode_key(input)?),
            Self::Char => Value::Char(char::decode_key(input)?),
            Self::Text => Value::Text(String::decode_key(input)?),
            Self::Bytes => Value::Bytes(Vec::decode_key(input)?),
            Self::Uuid => Value::Uuid(<[u8; 16]>::decode_key(input)?),
            Self::Instant => Value::Instant(i64::decode_key(input)?, u32::decode_key(input)?),
            Self::Date => Value::Date(i32::decode_key(input)?),
            Self::Option(inner) => Value::Option(match u8::decode_key(input)? {
                0 => None,
                1 => Some(inner.decode_parts(input, left)?.into()),
                _ => {
                    return Err(KeyDecodeError::new(
                        "an option is neither absent nor present",
                    ));
                }
            }),
            Self::Descending(inner) => match inner.width() {
                // What lies behind it is not turned over with it, as of an array each item would be.
                Some(width) => {
                    let (mut own, rest) = input
                        .split_at_checked(width)
                        .ok_or(KeyDecodeError::new("the key ends too early"))?;
                    *input = rest;
                    decode_complement(&mut own, |own| inner.decode_parts(own, left))?
                }
                None => decode_complement(input, |input| inner.decode_parts(input, left))?,
            },
            Self::Tuple(parts) => Value::List(
                parts
                    .iter()
                    .map(|part| part.decode_parts(input, left))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Array(inner, length) => {
                let mut items = Vec::new();
                for _ in 0..*length {
                    items.push(inner.decode_parts(input, left)?);
                }
                Value::List(items)
            }
            Self::Enum(variants) => {
                let discriminant = i64::decode_key(input)?;
                let (name, _) = variants
                    .iter()
                    .find(|(_, of)| *of == discriminant)
                    .ok_or(KeyDecodeError::new("no variant has this discriminant"))?;
                Value::Variant(name.clone())
            }
        })
    }

    /// The value that `bytes` hold, all of them.
    ///
    /// # Errors
    /// The bytes are not an encoding of this shape, or more than one.
    pub fn decode(&self, mut bytes: &[u8]) -> Result<Value, KeyDecodeError> {
        let value = self.decode_front(&mut bytes)?;
        if bytes.is_empty() {
            Ok(value)
        } else {
            Err(KeyDecodeError::new("bytes are left over after the key"))
        }
    }

    /// Appends the encoding of `value`.
    ///
    /// # Errors
    /// The value is not of this shape; `out` may have grown.
    pub fn encode(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), ShapeError> {
        let mismatch = || ShapeError(format!("`{value}` is no `{self}`"));
        match (self, value) {
            (Self::Unsigned(width), Value::Unsigned(number)) => {
                let bytes = number.to_be_bytes();
                let (zeros, kept) = bytes.split_at(16 - width);
                if zeros.iter().any(|byte| *byte != 0) {
                    return Err(mismatch());
                }
                out.extend_from_slice(kept);
            }
            (Self::Signed(width), Value::Signed(number)) => {
                let shift = 128 - 8 * u32::try_from(*width).unwrap_or(16);
                if (number << shift) >> shift != *number {
                    return Err(mismatch());
                }
                let flipped = number.cast_unsigned() ^ (1 << (127 - shift));
                out.extend_from_slice(&flipped.to_be_bytes()[16 - width..]);
            }
            (Self::Bool, Value::Bool(value)) => value.encode_key(out),
            (Self::Char, Value::Char(value)) => value.encode_key(out),
            (Self::Text, Value::Text(value)) => value.encode_key(out),
            (Self::Bytes, Value::Bytes(value)) => value.encode_key(out),
            (Self::Uuid, Value::Uuid(value)) => out.extend_from_slice(value),
            (Self::Instant, Value::Instant(seconds, nanoseconds)) => {
                seconds.encode_key(out);
                nanoseconds.encode_key(out);
            }
            (Self::Date, Value::Date(days)) => days.encode_key(out),
            (Self::Descending(inner), value) => {
                let mut encoded = Ok(());
                encode_complement(out, |out| encoded = inner.encode(value, out));
                encoded?;
            }
            (Self::Option(_), Value::Option(None)) => out.push(0),
            (Self::Option(inner), Value::Option(Some(value))) => {
                out.push(1);
                inner.encode(value, out)?;
            }
            (Self::Tuple(parts), Value::List(values)) if parts.len() == values.len() => {
                for (part, value) in parts.iter().zip(values) {
                    part.encode(value, out)?;
                }
            }
            (Self::Array(inner, length), Value::List(values)) if *length == values.len() => {
                for value in values {
                    inner.encode(value, out)?;
                }
            }
            (Self::Tuple(parts), Value::Record(fields)) if parts.len() == fields.len() => {
                for (part, (_, value)) in parts.iter().zip(fields) {
                    part.encode(value, out)?;
                }
            }
            // A newtype and a composite key of one part have the encoding of what is within.
            (Self::Tuple(parts), value) if parts.len() == 1 => parts[0].encode(value, out)?,
            (Self::Enum(variants), Value::Variant(name)) => {
                let (_, discriminant) = variants
                    .iter()
                    .find(|(of, _)| of == name)
                    .ok_or_else(mismatch)?;
                discriminant.encode_key(out);
            }
            _ => return Err(mismatch()),
        }
        Ok(())
    }

    /// The encoding of `value` by itself.
    ///
    /// # Errors
    /// The value is not of this shape.
    pub fn encoded(&self, value: &Value) -> Result<Vec<u8>, ShapeError> {
        let mut out = Vec::new();
        self.encode(value, &mut out).map(|()| out)
    }

    /// The value that a person wrote, in the form of [`Value`]'s `Display`.
    ///
    /// At the top level, a string needs no quotes and a tuple no parentheses.
    ///
    /// # Errors
    /// The text is not a value of this shape; the message says what one looks like.
    pub fn read_text(&self, text: &str) -> Result<Value, ShapeError> {
        match self {
            Self::Text if !text.starts_with('"') => return Ok(Value::Text(text.to_owned())),
            Self::Tuple(parts) if !text.starts_with('(') => {
                return read_parts(parts, text).and_then(|(values, rest)| {
                    if values.len() == parts.len() && rest.is_empty() {
                        Ok(Value::List(values))
                    } else {
                        Err(self.unreadable(text))
                    }
                });
            }
            _ => {}
        }
        let mut rest = text;
        let value = self.read_front(&mut rest)?;
        if rest.is_empty() {
            Ok(value)
        } else {
            Err(self.unreadable(text))
        }
    }

    /// The bytes that every key begins with whose beginning a person wrote: of a string or byte string some first
    /// characters or bytes, of a tuple its first parts.
    ///
    /// # Errors
    /// The text does not begin a value of this shape, or the shape has none.
    pub fn read_prefix(&self, text: &str) -> Result<Vec<u8>, ShapeError> {
        match self {
            Self::Text | Self::Bytes => {
                let mut bytes = self.encoded(&self.read_text(text)?)?;
                bytes.truncate(bytes.len().saturating_sub(2));
                Ok(bytes)
            }
            Self::Tuple(parts) => {
                let inner = text
                    .strip_prefix('(')
                    .map_or(text, |text| text.strip_suffix(')').unwrap_or(text));
                let (values, rest) = read_parts(parts, inner)?;
                if !rest.is_empty() {
                    return Err(self.unreadable(text));
                }
                let mut out = Vec::new();
                for (part, value) in parts.iter().zip(&values) {
                    part.encode(value, &mut out)?;
                }
                Ok(out)
            }
            _ => Err(ShapeError(format!(
                "a key of the form `{self}` has no beginning to ask for; give a range or the key itself"
            ))),
        }
    }

    fn unreadable(&self, text: &str) -> ShapeError {
        let example = match self {
            Self::Unsigned(_) => "a whole number, such as `7`",
            Self::Signed(_) => "a whole number, such as `-7`",
            Self::Bool => "`true` or `false`",
            Self::Char => "one character, such as `'a'`",
            Self::Text => r#"a string, such as `"Emma"`"#,
            Self::Bytes => "hexadecimal digits, such as `0x00ff`",
            Self::Uuid => "a UUID, such as `67e55044-10b1-426f-9247-bb680e5fe0c8`",
            Self::Instant => "a point in time, such as `2026-01-31T12:00:00Z`",
            Self::Date => "a date, such as `2026-01-31`",
            Self::Option(_) => "`none` or `some(…)`",
            Self::Descending(inner) => return inner.unreadable(text),
            Self::Tuple(_) => "the parts in parentheses, with commas between them",
            Self::Array(..) => "the items in brackets, with commas between them",
            Self::Enum(_) => "the name of one of the variants",
        };
        ShapeError(format!("`{text}` is no `{self}`; write {example}"))
    }

    fn read_front(&self, rest: &mut &str) -> Result<Value, ShapeError> {
        let whole = *rest;
        let fail = || self.unreadable(whole);
        let mut word = || {
            let end = rest.find([',', ')', ']']).unwrap_or(rest.len());
            let (word, left) = rest.split_at(end);
            *rest = left;
            word.trim()
        };
        Ok(match self {
            Self::Unsigned(width) => {
                let number: u128 = word().parse().map_err(|_| fail())?;
                if *width < 16 && number >> (8 * width) != 0 {
                    return Err(fail());
                }
                Value::Unsigned(number)
            }
            Self::Signed(width) => {
                let number: i128 = word().parse().map_err(|_| fail())?;
                let shift = 128 - 8 * width;
                if (number << shift) >> shift != number {
                    return Err(fail());
                }
                Value::Signed(number)
            }
            Self::Bool => Value::Bool(word().parse().map_err(|_| fail())?),
            Self::Char if whole.starts_with('\'') => {
                let (text, left) = quoted(whole, '\'').ok_or_else(fail)?;
                *rest = left;
                Value::Char(text.parse().map_err(|_| fail())?)
            }
            Self::Char => Value::Char(word().parse().map_err(|_| fail())?),
            Self::Text if whole.starts_with('"') => {
                let (text, left) = quoted(whole, '"').ok_or_else(fail)?;
                *rest = left;
                Value::Text(text)
            }
            Self::Text => Value::Text(word().to_owned()),
            Self::Bytes => {
                let word = word();
                Value::Bytes(hex(word.strip_prefix("0x").unwrap_or(word)).ok_or_else(fail)?)
            }
            Self::Uuid => {
                let bytes = hex(&word().replace('-', "")).ok_or_else(fail)?;
                Value::Uuid(bytes.try_into().map_err(|_| fail())?)
            }
            Self::Instant => read_instant(word()).ok_or_else(fail)?,
            Self::Date => {
                let days = read_date(word()).ok_or_else(fail)?;
                Value::Date(
                    days.checked_add(UNIX_EPOCH_FROM_CE)
                        .and_then(|days| i32::try_from(days).ok())
                        .ok_or_else(fail)?,
                )
            }
            Self::Descending(inner) => inner.read_front(rest)?,
            Self::Option(inner) => {
                if let Some(left) = rest.strip_prefix("none") {
                    *rest = left;
                    return Ok(Value::Option(None));
                }
                *rest = rest.strip_prefix("some(").ok_or_else(fail)?;
                let value = inner.read_front(rest)?;
                *rest = rest.strip_prefix(')').ok_or_else(fail)?;
                Value::Option(Some(value.into()))
            }
            Self::Tuple(parts) => {
                let inner = rest.strip_prefix('(').ok_or_else(fail)?;
                let (values, left) = read_parts(parts, inner)?;
                *rest = left.strip_prefix(')').ok_or_else(fail)?;
                if values.len() != parts.len() {
                    return Err(fail());
                }
                Value::List(values)
            }
            Self::Array(inner, length) => {
                let (close, mut left) = match (rest.strip_prefix('['), rest.strip_prefix('(')) {
                    (Some(left), _) => (']', left),
                    (None, Some(left)) => (')', left),
                    (None, None) => return Err(fail()),
                };
                let mut values = Vec::new();
                for place in 0..*length {
                    if place > 0 {
                        left = left.strip_prefix(',').ok_or_else(fail)?.trim_start();
                    }
                    values.push(inner.read_front(&mut left)?);
                }
                *rest = left.strip_prefix(close).ok_or_else(fail)?;
                Value::List(values)
            }
            Self::Enum(variants) => {
                let name = word();
                if variants.iter().any(|(of, _)| of == name) {
                    Value::Variant(name.to_owned())
                } else {
                    return Err(fail());
                }
            }
        })
    }
}

/// As many of the parts as `text` holds, and what is left of it.
fn read_parts<'t>(parts: &[Shape], mut text: &'t str) -> Result<(Vec<Value>, &'t str), ShapeError> {
    let mut values = Vec::new();
    for part in parts {
        if !values.is_empty() {
            match text.strip_prefix(',') {
                Some(left) => text = left.trim_start(),
                None => break,
            }
        }
        values.push(part.read_front(&mut text)?);
    }
    Ok((values, text))
}

fn big_endian(input: &mut &[u8], width: usize) -> Result<u128, KeyDecodeError> {
    let (taken, rest) = input
        .split_at_checked(width)
        .ok_or(KeyDecodeError::new("the key ends early"))?;
    *input = rest;
    Ok(taken
        .iter()
        .fold(0, |number, byte| (number << 8) | u128::from(*byte)))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()
        })
        .collect()
}

/// The text between two quotes at the front, its escapes undone, and what follows.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    chars.next().filter(|(_, first)| *first == quote)?;
    while let Some((place, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                '0' => out.push('\0'),
                'u' => {
                    chars.next().filter(|(_, c)| *c == '{')?;
                    let digits: String = chars
                        .by_ref()
                        .map(|(_, c)| c)
                        .take_while(|c| *c != '}')
                        .collect();
                    out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                other @ ('\\' | '"' | '\'') => out.push(other),
                _ => return None,
            },
            c if c == quote => return Some((out, &text[place + c.len_utf8()..])),
            c => out.push(c),
        }
    }
    None
}

/// The Unix epoch in days, of which the first is the first of January of the year 1.
const UNIX_EPOCH_FROM_CE: i64 = 719_163;

/// Year, month and day of this day since the Unix epoch, by the proleptic Gregorian calendar.
///
/// The years are counted from the first of March, so that the leap day comes last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil`].
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A date as days since the Unix epoch.
fn read_date(text: &str) -> Option<i64> {
    let (rest, day) = text.rsplit_once('-')?;
    let (year, month) = rest.rsplit_once('-')?;
    let (year, month, day): (i64, i64, i64) =
        (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    if year.unsigned_abs() > 1 << 40 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_of(year, month, day);
    (civil(days) == (year, month, day)).then_some(days)
}

fn read_instant(text: &str) -> Option<Value> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some()
        || !(0..24).contains(&hour)
        || !(0..60).contains(&minute)
        || !(0..60).contains(&second)
    {
        return None;
    }
    // Ten digits are a leap second, which has more than a second's nanoseconds.
    let nanoseconds: u32 = match fraction.len() {
        0 => return None,
        10 => fraction.parse().ok()?,
        1..=9 => format!("{fraction:0<9}").parse().ok()?,
        _ => return None,
    };
    let seconds = read_date(date)?
        .checked_mul(86_400)?
        .checked_add(hour * 3600 + minute * 60 + second)?;
    Some(Value::Instant(seconds, nanoseconds))
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(width) => write!(f, "u{}", width * 8),
            Self::Signed(width) => write!(f, "i{}", width * 8),
            Self::Bool => f.write_str("bool"),
            Self::Char => f.write_str("char"),
            Self::Text => f.write_str("str"),
            Self::Bytes => f.write_str("bytes"),
            Self::Uuid => f.write_str("uuid"),
            Self::Instant => f.write_str("instant"),
            Self::Date => f.write_str("date"),
            Self::Option(inner) => write!(f, "option<{inner}>"),
            Self::Descending(inner) => write!(f, "desc<{inner}>"),
            Self::Array(inner, length) => write!(f, "[{inner};{length}]"),
            Self::Tuple(parts) => {
                f.write_str("(")?;
                for (index, part) in parts.iter().enumerate() {
                    write!(f, "{}{part}", if index == 0 { "" } else { "," })?;
                }
                f.write_str(")")
            }
            Self::Enum(variants) => {
                f.write_str("enum{")?;
                for (index, (name, of)) in variants.iter().enumerate() {
                    write!(f, "{}{name}={of}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("}")
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Char(value) => write!(f, "{value:?}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::Bytes(bytes) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Uuid(bytes) => bytes.iter().enumerate().try_for_each(|(place, byte)| {
                let dash = if matches!(place, 4 | 6 | 8 | 10) {
                    "-"
                } else {
                    ""
                };
                write!(f, "{dash}{byte:02x}")
            }),
            Self::Instant(seconds, nanoseconds) => {
                let (year, month, day) = civil(seconds.div_euclid(86_400));
                let time = seconds.rem_euclid(86_400);
                write!(
                    f,
                    "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
                    time / 3600,
                    time / 60 % 60,
                    time % 60
                )?;
                match *nanoseconds {
                    0 => f.write_str("Z"),
                    nanoseconds if nanoseconds < SECOND => write!(f, ".{nanoseconds:09}Z"),
                    nanoseconds => write!(f, ".{nanoseconds:010}Z"),
                }
            }
            Self::Date(days) => {
                let (year, month, day) = civil(i64::from(*days) - UNIX_EPOCH_FROM_CE);
                write!(f, "{year:04}-{month:02}-{day:02}")
            }
            Self::Option(None) => f.write_str("none"),
            Self::Option(Some(value)) => write!(f, "some({value})"),
            Self::List(values) => {
                f.write_str("(")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { "," })?;
                }
                f.write_str(")")
            }
            Self::Variant(name) => f.write_str(name),
            Self::Tagged(name, fields) => write!(f, "{name}{fields}"),
            Self::Record(fields) => {
                f.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{name}: {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;

    use super::super::key::encode;
    use super::*;

    /// The dynamic form of one typed key: decodes, encodes back, and is read from its own text.
    fn assert_agrees<K: Key>(key: &K) -> Value {
        let bytes = encode(key);
        let shape = Shape::parse(&K::SHAPE.to_string()).unwrap();
        assert_eq!(shape.width(), K::SHAPE.width());
        let value = shape.decode(&bytes).unwrap();
        assert_eq!(shape.encoded(&value).unwrap(), bytes);
        let text = value.to_string();
        let read = shape
            .read_text(&text)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read, value, "{text}");
        value
    }

    proptest! {
        #[test]
        fn every_shape_agrees_with_the_typed_codec(
            unsigned: (u8, u16, u32, u64, u128),
            signed: (i8, i16, i32, i64, i128),
            text: (String, Vec<u8>, char, bool),
            nested: (Option<String>, Option<Option<i16>>, (u8, String)),
            seconds in -100_000_000_000i64..100_000_000_000,
            nanoseconds in 0u32..1_000_000_000,
        ) {
            assert_agrees(&unsigned);
            assert_agrees(&signed);
            assert_agrees(&text);
            assert_agrees(&nested);
            assert_agrees(&text.0);
            assert_agrees(&signed.4);
            assert_agrees(&unsigned.4);
            let whole = Duration::from_secs(seconds.unsigned_abs());
            let time = if seconds < 0 { SystemTime::UNIX_EPOCH - whole } else { SystemTime::UNIX_EPOCH + whole };
            assert_agrees(&(time + Duration::from_nanos(nanoseconds.into())));
        }

        #[test]
        fn no_bytes_and_no_text_make_it_panic(bytes: Vec<u8>, text: String, shape in "[a-z0-9<>\\[\\](){};,=]{0,24}") {
            let _ = Shape::parse(&shape);
            for shape in ["(u8,str,option<i64>)", "enum{A=0,B=-1}", "uuid", "instant", "date", "bytes", "char"] {
                let shape = Shape::parse(shape).unwrap();
                if let Ok(value) = shape.decode(&bytes) {
                    let _ = value.to_string();
                }
                if let Ok(value) = shape.read_text(&text) {
                    let _ = shape.encoded(&value);
                }
                let _ = shape.read_prefix(&text);
            }
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (text, days) in [
            ("1970-01-01", 719_163),
            ("2000-02-29", 730_179),
            ("0001-01-01", 1),
            ("-044-03-15", 0),
        ] {
            let value = Shape::Date.read_text(text).unwrap();
            assert_eq!(value.to_string(), *text, "{value:?}");
            if days > 0 {
                assert_eq!(value, Value::Date(days), "{text}");
            }
        }
        assert!(Shape::Date.read_text("2026-02-30").is_err());
        assert_eq!(
            Shape::Instant.read_text("2001-09-09T01:46:40.5Z").unwrap(),
            Value::Instant(1_000_000_000, 500_000_000)
        );
    }

    #[test]
    fn what_is_too_large_or_of_another_shape_is_refused_with_an_example() {
        for (shape, text, hint) in [
            ("u8", "256", "whole number"),
            ("i8", "-129", "whole number"),
            ("enum{Red=0}", "Blue", "variants"),
            ("(u8,str)", "(1)", "parentheses"),
            ("uuid", "12", "UUID"),
            ("option<u8>", "7", "some("),
        ] {
            let error = Shape::parse(shape).unwrap().read_text(text).unwrap_err();
            assert!(error.to_string().contains(hint), "{error}");
        }
    }

    #[test]
    fn a_prefix_is_one_of_the_encoded_keys() {
        let shape = Shape::parse("(u64,str)").unwrap();
        let key = encode(&(7u64, "x".to_owned()));
        assert!(key.starts_with(&shape.read_prefix("7").unwrap()));
        assert!(key.starts_with(&shape.read_prefix("(7)").unwrap()));
        let prefix = Shape::Text.read_prefix("ab").unwrap();
        assert!(encode("abc").starts_with(&prefix));
        assert!(Shape::Unsigned(8).read_prefix("1").is_err());
    }

    #[test]
    fn a_shape_nested_without_end_is_refused() {
        assert_eq!(Shape::parse(&"option<".repeat(100_000)), None);
        assert_eq!(Shape::parse(&"(".repeat(100_000)), None);
    }

    #[test]
    fn a_shape_of_more_parts_than_bytes_is_not_decoded() {
        let decode = |shape: &str, bytes: &[u8]| Shape::parse(shape).unwrap().decode(bytes);
        for shape in [
            "[();5000]",
            &format!("[();{}]", usize::MAX),
            "[[[[();1000];1000];1000];1000]",
            "[desc<[();1000]>;1000]",
            "[([();1024],[();1024]);1000000000]",
        ] {
            decode(shape, b"").unwrap_err();
            decode(shape, b"bytes that are left over").unwrap_err();
        }
        decode("[[();100];20]", b"").unwrap();
        let bytes = [7; 100_000];
        for shape in ["[u8;100000]", "[((((u8))));100000]", "[desc<u8>;100000]"] {
            decode(shape, &bytes).unwrap();
            decode(shape, &bytes[1..]).unwrap_err();
        }
    }
}
