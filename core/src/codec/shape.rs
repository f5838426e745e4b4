//! What values are made of: recorded in the database, compared when it is opened, and enough to read them without their
//! types.

use std::any::TypeId;
use std::collections::HashSet;
use std::fmt;

/// The most levels that a shape may be nested, references to nested types apart.
const DEPTH: usize = 32;

/// The most nested types that one model may have.
const TYPES: usize = 4096;

/// What the stored form of a value is.
///
/// Its [`Display`](fmt::Display) form is what the database records: `u64`, `option<str>`, `list<@0>`. Types of one stored
/// form have one shape: `usize` that of `u64`, `Box<T>` that of `T`, every sequence that of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueShape {
    /// An unsigned integer of so many bytes.
    Unsigned(u8),
    /// A signed integer of so many bytes.
    Signed(u8),
    /// A floating-point number of so many bytes.
    Float(u8),
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
    /// A point in time: seconds since the Unix epoch and nanoseconds, 12 bytes.
    Instant,
    /// A date with a time of day in no time zone, stored as a point in time.
    DateTime,
    /// A length of time: seconds and nanoseconds.
    Duration,
    /// A point in time: seconds since the Unix epoch and nanoseconds, of variable length.
    SystemTime,
    /// A network address.
    Address(AddressShape),
    /// A date: days, of which the first is the first of January of the year 1.
    Date,
    /// An optional value.
    Option(Box<ValueShape>),
    /// Any number of values.
    List(Box<ValueShape>),
    /// So many values.
    Array(Box<ValueShape>, usize),
    /// Values one after the other; none of them is the unit type.
    Tuple(Vec<ValueShape>),
    /// Any number of pairs.
    Map(Box<ValueShape>, Box<ValueShape>),
    /// A value, or an error.
    Result(Box<ValueShape>, Box<ValueShape>),
    /// A nested type, by its place in [`Types`].
    Named(usize),
    /// A type that says of itself no more than a name and a version.
    Foreign(String, u32),
    /// A type that has bincode's traits alone, as it is written in the model. A change within it is not seen.
    Opaque(String),
}

/// The kinds of network addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressShape {
    /// The 4 bytes of an IPv4 address.
    V4,
    /// The 16 bytes of an IPv6 address.
    V6,
    /// Either.
    Ip,
    /// An IPv4 address with a port.
    SocketV4,
    /// An IPv6 address with a port.
    SocketV6,
    /// Either, with a port.
    Socket,
}

impl AddressShape {
    const NAMES: [(Self, &'static str); 6] = [
        (Self::V4, "ipv4"),
        (Self::V6, "ipv6"),
        (Self::Ip, "ip"),
        (Self::SocketV4, "socketv4"),
        (Self::SocketV6, "socketv6"),
        (Self::Socket, "socket"),
    ];

    fn name(self) -> &'static str {
        let mut names = Self::NAMES.into_iter();
        names
            .find(|(shape, _)| *shape == self)
            .map_or("", |(_, name)| name)
    }

    fn named(name: &str) -> Option<Self> {
        let mut names = Self::NAMES.into_iter();
        names
            .find(|(_, known)| *known == name)
            .map(|(shape, _)| shape)
    }
}

/// A struct or enum within a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeShape {
    /// Its name, for people: renaming it does not make another type.
    pub name: String,
    /// What it is made of.
    pub body: TypeBody,
}

/// What a struct or enum is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeBody {
    /// A struct.
    Struct(FieldShapes),
    /// An enum: its variants by name, in order.
    Enum(Vec<(String, FieldShapes)>),
}

/// The fields of a struct or of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldShapes {
    /// None.
    Unit,
    /// Fields without names.
    Tuple(Vec<ValueShape>),
    /// Fields with names.
    Named(Vec<(String, ValueShape)>),
}

/// The structs and enums within one model, each once, so that a type may hold itself.
#[derive(Debug, Clone, Default)]
pub struct Types {
    shapes: Vec<TypeShape>,
    known: Vec<TypeId>,
}

impl PartialEq for Types {
    fn eq(&self, other: &Self) -> bool {
        self.shapes == other.shapes
    }
}

impl Eq for Types {}

impl Types {
    /// The shape of the type `T`, which `describe` describes where it is not known yet.
    pub fn named<T: 'static>(
        &mut self,
        name: &str,
        describe: impl FnOnce(&mut Self) -> TypeBody,
    ) -> ValueShape {
        let id = TypeId::of::<T>();
        if let Some(place) = self.known.iter().position(|known| *known == id) {
            return ValueShape::Named(place);
        }
        let place = self.shapes.len();
        self.known.push(id);
        self.shapes.push(TypeShape {
            name: name.to_owned(),
            body: TypeBody::Struct(FieldShapes::Unit),
        });
        self.shapes[place].body = describe(self);
        ValueShape::Named(place)
    }

    /// All of them, in the order of their places.
    #[must_use]
    pub fn all(&self) -> &[TypeShape] {
        &self.shapes
    }

    /// The type at this place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&TypeShape> {
        self.shapes.get(place)
    }

    /// Adds what the schema record says of the next type; `None` if there are too many, or it is none.
    pub(crate) fn add(&mut self, text: &str) -> Option<()> {
        (self.shapes.len() < TYPES).then_some(())?;
        self.shapes.push(TypeShape::parse(text)?);
        Some(())
    }

    /// Whether every reference leads to a type, from here and from `shapes`.
    pub(crate) fn is_closed<'a>(&self, shapes: impl IntoIterator<Item = &'a ValueShape>) -> bool {
        fn closed(shape: &ValueShape, count: usize) -> bool {
            match shape {
                ValueShape::Named(place) => *place < count,
                ValueShape::Option(inner)
                | ValueShape::List(inner)
                | ValueShape::Array(inner, _) => closed(inner, count),
                ValueShape::Map(left, right) | ValueShape::Result(left, right) => {
                    closed(left, count) && closed(right, count)
                }
                ValueShape::Tuple(parts) => parts.iter().all(|part| closed(part, count)),
                _ => true,
            }
        }
        let count = self.shapes.len();
        shapes.into_iter().all(|shape| closed(shape, count))
            && (self.shapes.iter())
                .flat_map(|shape| shape.body.shapes())
                .all(|shape| closed(shape, count))
    }
}

impl TypeBody {
    fn shapes(&self) -> impl Iterator<Item = &ValueShape> {
        let (fields, variants): (Option<&FieldShapes>, &[(String, FieldShapes)]) = match self {
            Self::Struct(fields) => (Some(fields), &[]),
            Self::Enum(variants) => (None, variants),
        };
        (fields.into_iter())
            .chain(variants.iter().map(|(_, fields)| fields))
            .flat_map(FieldShapes::shapes)
    }
}

impl FieldShapes {
    pub(crate) fn shapes(&self) -> impl Iterator<Item = &ValueShape> {
        let (tuple, named): (&[ValueShape], &[(String, ValueShape)]) = match self {
            Self::Unit => (&[], &[]),
            Self::Tuple(shapes) => (shapes, &[]),
            Self::Named(shapes) => (&[], shapes),
        };
        tuple.iter().chain(named.iter().map(|(_, shape)| shape))
    }
}

/// Where two shapes differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The way from the value to the place: `.theme`, `[].0`.
    pub path: String,
    /// What is stored there.
    pub stored: String,
    /// What the program has there.
    pub own: String,
}

/// Compares a program's shapes with stored ones.
pub(crate) struct Comparison<'a> {
    own: &'a Types,
    stored: &'a Types,
    /// Pairs of types that are being compared, or are the same.
    assumed: HashSet<(usize, usize)>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(own: &'a Types, stored: &'a Types) -> Self {
        Self {
            own,
            stored,
            assumed: HashSet::new(),
        }
    }

    /// The first place where the two differ.
    pub(crate) fn difference(
        &mut self,
        own: &ValueShape,
        stored: &ValueShape,
    ) -> Option<Difference> {
        self.compare(own, stored, &mut String::new()).err()
    }

    fn compare(
        &mut self,
        own: &ValueShape,
        stored: &ValueShape,
        path: &mut String,
    ) -> Result<(), Difference> {
        use ValueShape::{Array, List, Map, Named, Option, Result, Tuple};
        let length = path.len();
        match (own, stored) {
            (Option(own), Option(stored)) => self.within("?", own, stored, path),
            (List(own), List(stored)) => self.within("[]", own, stored, path),
            (Array(own, count), Array(stored, stored_count)) if count == stored_count => {
                self.within("[]", own, stored, path)
            }
            (Map(own_key, own), Map(stored_key, stored)) => {
                self.within("[key]", own_key, stored_key, path)?;
                self.within("[]", own, stored, path)
            }
            (Result(own, own_error), Result(stored, stored_error)) => {
                self.within("?", own, stored, path)?;
                self.within("?error", own_error, stored_error, path)
            }
            (Tuple(own), Tuple(stored)) if own.len() == stored.len() => {
                for (place, (own, stored)) in own.iter().zip(stored).enumerate() {
                    self.within(&format!(".{place}"), own, stored, path)?;
                }
                Ok(())
            }
            (Named(own), Named(stored)) => self.compare_types(*own, *stored, path),
            (own, stored) if own == stored => Ok(()),
            (own, stored) => Err(Difference {
                path: path[..length].to_owned(),
                stored: format!("`{}`", stored.shown(self.stored)),
                own: format!("`{}`", own.shown(self.own)),
            }),
        }
    }

    fn within(
        &mut self,
        step: &str,
        own: &ValueShape,
        stored: &ValueShape,
        path: &mut String,
    ) -> Result<(), Difference> {
        let length = path.len();
        path.push_str(step);
        let compared = self.compare(own, stored, path);
        path.truncate(length);
        compared
    }

    fn compare_types(
        &mut self,
        own: usize,
        stored: usize,
        path: &mut String,
    ) -> Result<(), Difference> {
        if !self.assumed.insert((own, stored)) {
            return Ok(());
        }
        let (own_types, stored_types) = (self.own, self.stored);
        let (Some(own), Some(stored)) = (own_types.get(own), stored_types.get(stored)) else {
            return Err(Difference {
                path: path.clone(),
                stored: "a type that is not recorded".into(),
                own: "a type".into(),
            });
        };
        match (&own.body, &stored.body) {
            (TypeBody::Struct(own), TypeBody::Struct(stored)) => {
                self.compare_fields(own, stored, path)
            }
            (TypeBody::Enum(own), TypeBody::Enum(stored)) => {
                for place in 0..own.len().max(stored.len()) {
                    let name = |variants: &[(String, FieldShapes)]| {
                        variants
                            .get(place)
                            .map_or("no variant".into(), |(name, _)| format!("variant `{name}`"))
                    };
                    match (own.get(place), stored.get(place)) {
                        (Some((name, own)), Some((stored_name, stored))) if name == stored_name => {
                            let length = path.len();
                            path.push_str("::");
                            path.push_str(name);
                            let compared = self.compare_fields(own, stored, path);
                            path.truncate(length);
                            compared?;
                        }
                        _ => {
                            return Err(Difference {
                                path: path.clone(),
                                stored: name(stored),
                                own: name(own),
                            });
                        }
                    }
                }
                Ok(())
            }
            (own, stored) => Err(Difference {
                path: path.clone(),
                stored: kind(stored).into(),
                own: kind(own).into(),
            }),
        }
    }

    fn compare_fields(
        &mut self,
        own: &FieldShapes,
        stored: &FieldShapes,
        path: &mut String,
    ) -> Result<(), Difference> {
        let names = |fields: &FieldShapes| -> Vec<String> {
            match fields {
                FieldShapes::Unit => Vec::new(),
                FieldShapes::Tuple(shapes) => {
                    (0..shapes.len()).map(|place| place.to_string()).collect()
                }
                FieldShapes::Named(shapes) => shapes.iter().map(|(name, _)| name.clone()).collect(),
            }
        };
        let (own_names, stored_names) = (names(own), names(stored));
        let mut shapes = own.shapes().zip(stored.shapes());
        for place in 0..own_names.len().max(stored_names.len()) {
            let (own, stored) = (own_names.get(place), stored_names.get(place));
            if own != stored {
                let show = |name: Option<&String>| {
                    name.map_or("no field".into(), |name| format!("field `{name}`"))
                };
                return Err(Difference {
                    path: path.clone(),
                    stored: show(stored),
                    own: show(own),
                });
            }
            if let (Some(name), Some((own, stored))) = (own, shapes.next()) {
                self.within(&format!(".{name}"), own, stored, path)?;
            }
        }
        Ok(())
    }
}

fn kind(body: &TypeBody) -> &'static str {
    match body {
        TypeBody::Struct(_) => "a struct",
        TypeBody::Enum(_) => "an enum",
    }
}

impl ValueShape {
    /// The shape for people: nested types by their names.
    #[must_use]
    pub fn shown(&self, types: &Types) -> String {
        named(types, |f, name| write_shape(self, f, name))
    }
}

impl TypeShape {
    /// The type for people: nested types by their names.
    #[must_use]
    pub fn shown(&self, types: &Types) -> String {
        named(types, |f, name| write_type(self, f, name))
    }
}

/// What `write` writes, with the names of the types.
fn named(
    types: &Types,
    write: impl Fn(&mut fmt::Formatter<'_>, WriteName<'_>) -> fmt::Result,
) -> String {
    struct Named<W>(W);

    impl<W: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Named<W> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)(f)
        }
    }

    let name = |place, f: &mut fmt::Formatter<'_>| match types.get(place) {
        Some(shape) => f.write_str(&shape.name),
        None => numbered(place, f),
    };
    Named(|f: &mut fmt::Formatter<'_>| write(f, &name)).to_string()
}

/// A type as the schema record refers to it.
fn numbered(place: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "@{place}")
}

type WriteName<'a> = &'a dyn Fn(usize, &mut fmt::Formatter<'_>) -> fmt::Result;

fn write_shape(shape: &ValueShape, f: &mut fmt::Formatter<'_>, name: WriteName<'_>) -> fmt::Result {
    let pair = |f: &mut fmt::Formatter<'_>, word, left, right| {
        write!(f, "{word}<")?;
        write_shape(left, f, name)?;
        f.write_str(",")?;
        write_shape(right, f, name)?;
        f.write_str(">")
    };
    match shape {
        ValueShape::Unsigned(width) => write!(f, "u{}", u32::from(*width) * 8),
        ValueShape::Signed(width) => write!(f, "i{}", u32::from(*width) * 8),
        ValueShape::Float(width) => write!(f, "f{}", u32::from(*width) * 8),
        ValueShape::Bool => f.write_str("bool"),
        ValueShape::Char => f.write_str("char"),
        ValueShape::Text => f.write_str("str"),
        ValueShape::Bytes => f.write_str("bytes"),
        ValueShape::Uuid => f.write_str("uuid"),
        ValueShape::Instant => f.write_str("instant"),
        ValueShape::DateTime => f.write_str("datetime"),
        ValueShape::Date => f.write_str("date"),
        ValueShape::Duration => f.write_str("duration"),
        ValueShape::SystemTime => f.write_str("systemtime"),
        ValueShape::Address(address) => f.write_str(address.name()),
        ValueShape::Option(inner) => {
            f.write_str("option<")?;
            write_shape(inner, f, name)?;
            f.write_str(">")
        }
        ValueShape::List(inner) => {
            f.write_str("list<")?;
            write_shape(inner, f, name)?;
            f.write_str(">")
        }
        ValueShape::Array(inner, length) => {
            f.write_str("[")?;
            write_shape(inner, f, name)?;
            write!(f, ";{length}]")
        }
        ValueShape::Tuple(parts) => {
            f.write_str("(")?;
            for (place, part) in parts.iter().enumerate() {
                if place > 0 {
                    f.write_str(",")?;
                }
                write_shape(part, f, name)?;
            }
            f.write_str(")")
        }
        ValueShape::Map(key, value) => pair(f, "map", key, value),
        ValueShape::Result(value, error) => pair(f, "result", value, error),
        ValueShape::Named(place) => name(*place, f),
        ValueShape::Foreign(name, version) => write!(f, "foreign<{name} {version}>"),
        ValueShape::Opaque(ty) => write!(f, "opaque<{ty}>"),
    }
}

impl fmt::Display for ValueShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_shape(self, f, &numbered)
    }
}

fn write_fields(
    fields: &FieldShapes,
    f: &mut fmt::Formatter<'_>,
    name: WriteName<'_>,
) -> fmt::Result {
    match fields {
        FieldShapes::Unit => Ok(()),
        FieldShapes::Tuple(shapes) => {
            f.write_str("(")?;
            for (place, shape) in shapes.iter().enumerate() {
                f.write_str(if place == 0 { "" } else { "," })?;
                write_shape(shape, f, name)?;
            }
            f.write_str(")")
        }
        FieldShapes::Named(shapes) => {
            f.write_str("{")?;
            for (place, (field, shape)) in shapes.iter().enumerate() {
                write!(f, "{}{field}:", if place == 0 { "" } else { "," })?;
                write_shape(shape, f, name)?;
            }
            f.write_str("}")
        }
    }
}

fn write_type(shape: &TypeShape, f: &mut fmt::Formatter<'_>, name: WriteName<'_>) -> fmt::Result {
    match &shape.body {
        TypeBody::Struct(fields) => {
            write!(f, "struct {}", shape.name)?;
            write_fields(fields, f, name)
        }
        TypeBody::Enum(variants) => {
            write!(f, "enum {}{{", shape.name)?;
            for (place, (variant, fields)) in variants.iter().enumerate() {
                write!(f, "{}{variant}", if place == 0 { "" } else { "," })?;
                write_fields(fields, f, name)?;
            }
            f.write_str("}")
        }
    }
}

impl fmt::Display for TypeShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_type(self, f, &numbered)
    }
}

/// What is left of a text.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn eat(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(token)?;
        Some(())
    }

    fn word(&mut self) -> Option<&'a str> {
        let end = (self.0)
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        let word = self.word()?;
        word.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| word.parse().ok())?
    }

    /// Items with commas between them, up to `end`.
    fn list<T>(
        &mut self,
        end: &str,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        if self.eat(end).is_some() {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(end).is_some() {
                return Some(items);
            }
            self.eat(",")?;
        }
    }

    /// The text up to the `>` that belongs to a `<` that was read.
    fn quoted(&mut self) -> Option<&'a str> {
        let mut open = 1usize;
        let end = self.0.find(|c| {
            match c {
                '<' => open += 1,
                '>' => open -= 1,
                _ => {}
            }
            open == 0
        })?;
        let (text, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        Some(text)
    }

    fn shape(&mut self, depth: usize) -> Option<ValueShape> {
        let depth = depth.checked_sub(1)?;
        if self.eat("@").is_some() {
            return Some(ValueShape::Named(self.number()?));
        }
        if self.eat("[").is_some() {
            let inner = self.shape(depth)?;
            self.eat(";")?;
            let length = self.number()?;
            self.eat("]")?;
            return Some(ValueShape::Array(inner.into(), length));
        }
        if self.eat("(").is_some() {
            return self
                .list(")", |rest| rest.shape(depth))
                .map(ValueShape::Tuple);
        }
        let pair = |rest: &mut Self| {
            rest.eat("<")?;
            let left = rest.shape(depth)?;
            rest.eat(",")?;
            let right = rest.shape(depth)?;
            rest.eat(">")?;
            Some((left.into(), right.into()))
        };
        Some(match self.word()? {
            "u8" => ValueShape::Unsigned(1),
            "u16" => ValueShape::Unsigned(2),
            "u32" => ValueShape::Unsigned(4),
            "u64" => ValueShape::Unsigned(8),
            "u128" => ValueShape::Unsigned(16),
            "i8" => ValueShape::Signed(1),
            "i16" => ValueShape::Signed(2),
            "i32" => ValueShape::Signed(4),
            "i64" => ValueShape::Signed(8),
            "i128" => ValueShape::Signed(16),
            "f32" => ValueShape::Float(4),
            "f64" => ValueShape::Float(8),
            "bool" => ValueShape::Bool,
            "char" => ValueShape::Char,
            "str" => ValueShape::Text,
            "bytes" => ValueShape::Bytes,
            "uuid" => ValueShape::Uuid,
            "instant" => ValueShape::Instant,
            "datetime" => ValueShape::DateTime,
            "date" => ValueShape::Date,
            "duration" => ValueShape::Duration,
            "systemtime" => ValueShape::SystemTime,
            "option" => {
                self.eat("<")?;
                let inner = self.shape(depth)?;
                self.eat(">")?;
                ValueShape::Option(inner.into())
            }
            "list" => {
                self.eat("<")?;
                let inner = self.shape(depth)?;
                self.eat(">")?;
                ValueShape::List(inner.into())
            }
            "map" => pair(self).map(|(key, value)| ValueShape::Map(key, value))?,
            "result" => pair(self).map(|(value, error)| ValueShape::Result(value, error))?,
            "foreign" => {
                self.eat("<")?;
                let (name, version) = self.quoted()?.rsplit_once(' ')?;
                ValueShape::Foreign(name.to_owned(), Rest(version).number()?)
            }
            "opaque" => {
                self.eat("<")?;
                ValueShape::Opaque(self.quoted()?.to_owned())
            }
            other => ValueShape::Address(AddressShape::named(other)?),
        })
    }

    fn fields(&mut self) -> Option<FieldShapes> {
        if self.eat("(").is_some() {
            return self
                .list(")", |rest| rest.shape(DEPTH))
                .map(FieldShapes::Tuple);
        }
        if self.eat("{").is_some() {
            let field = |rest: &mut Self| {
                let name = rest.word()?.to_owned();
                rest.eat(":")?;
                Some((name, rest.shape(DEPTH)?))
            };
            return self.list("}", field).map(FieldShapes::Named);
        }
        Some(FieldShapes::Unit)
    }
}

impl ValueShape {
    /// The shape that the schema record writes so; `None` for what no release writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = Rest(text);
        let shape = rest.shape(DEPTH)?;
        rest.0.is_empty().then_some(shape)
    }
}

impl TypeShape {
    /// The type that the schema record writes so; `None` for what no release writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = Rest(text);
        let body;
        let name;
        if rest.eat("struct ").is_some() {
            name = rest.word()?.to_owned();
            body = TypeBody::Struct(rest.fields()?);
        } else {
            rest.eat("enum ")?;
            name = rest.word()?.to_owned();
            rest.eat("{")?;
            let variant = |rest: &mut Rest<'_>| Some((rest.word()?.to_owned(), rest.fields()?));
            body = TypeBody::Enum(rest.list("}", variant)?);
        }
        rest.0.is_empty().then_some(Self { name, body })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn types(texts: &[&str]) -> Types {
        let mut types = Types::default();
        for text in texts {
            types.add(text).unwrap_or_else(|| panic!("{text}"));
        }
        types
    }

    #[test]
    fn text_gives_back_the_shape() {
        for text in [
            "u8",
            "i128",
            "f64",
            "option<list<(u8,str)>>",
            "[bytes;16]",
            "map<str,@3>",
            "result<(),opaque<Vec<Colour<u8>>>>",
            "foreign<geo::Point 2>",
            "duration",
            "systemtime",
            "ipv4",
            "ipv6",
            "ip",
            "socketv4",
            "socketv6",
            "socket",
            "list<()>",
        ] {
            assert_eq!(ValueShape::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "struct Settings{theme:@1,size:u16}",
            "struct Pair(u8,option<str>)",
            "struct Unit",
            "struct Empty{}",
            "enum Theme{Light,Dark(u8),Rgb{r:u8,g:u8}}",
            "enum Never{}",
        ] {
            assert_eq!(TypeShape::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "u9",
            "list<u8",
            "list<>",
            "(u8,)",
            "@",
            "[u8]",
            "u8 ",
            "foreign<x>",
            "Struct",
        ] {
            assert_eq!(ValueShape::parse(text), None, "{text}");
        }
        for text in [
            "struct",
            "struct A{b}",
            "enum A",
            "enum A{B,}",
            "struct A{b:u8}c",
            "type A",
        ] {
            assert_eq!(TypeShape::parse(text), None, "{text}");
        }
        assert_eq!(ValueShape::parse(&"option<".repeat(100_000)), None);
    }

    #[test]
    fn the_path_leads_to_the_first_difference() {
        let stored = types(&[
            "struct Settings{theme:@1,sizes:list<(u8,u16)>}",
            "enum Theme{Light,Dark(u8)}",
        ]);
        for (texts, path, was, is) in [
            (
                [
                    "struct S{theme:@1,sizes:list<(u8,u32)>}",
                    "enum T{Light,Dark(u8)}",
                ],
                ".sizes[].1",
                "`u16`",
                "`u32`",
            ),
            (
                [
                    "struct S{theme:@1,sizes:list<(u8,u16)>}",
                    "enum T{Light,Sepia,Dark(u8)}",
                ],
                ".theme",
                "variant `Dark`",
                "variant `Sepia`",
            ),
            (
                [
                    "struct S{theme:@1,sizes:list<(u8,u16)>}",
                    "enum T{Light,Dark(i8)}",
                ],
                ".theme::Dark.0",
                "`u8`",
                "`i8`",
            ),
            (
                [
                    "struct S{theme:@1,sizes:list<(u8,u16)>,more:u8}",
                    "enum T{Light,Dark(u8)}",
                ],
                "",
                "no field",
                "field `more`",
            ),
            (
                [
                    "struct S{theme:list<@1>,sizes:list<(u8,u16)>}",
                    "enum T{Light,Dark(u8)}",
                ],
                ".theme",
                "`Theme`",
                "`list<T>`",
            ),
        ] {
            let own = types(&texts);
            let found = Comparison::new(&own, &stored)
                .difference(&ValueShape::Named(0), &ValueShape::Named(0));
            let expected = Difference {
                path: path.into(),
                stored: was.into(),
                own: is.into(),
            };
            assert_eq!(found, Some(expected));
        }
    }

    #[test]
    fn names_of_types_do_not_matter_and_recursion_ends() {
        let stored = types(&["struct Node{value:u8,next:list<@0>}"]);
        let own = types(&[
            "struct Knot{value:u8,next:list<@1>}",
            "struct Other{value:u8,next:list<@0>}",
        ]);
        let (left, right) = (ValueShape::Named(0), ValueShape::Named(0));
        assert_eq!(
            Comparison::new(&own, &stored).difference(&left, &right),
            None
        );
        assert!(own.is_closed(&[left]));
        assert!(!stored.is_closed(&[ValueShape::Named(1)]));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z0-9<>\\[\\](){}:;,@ ]{0,32}") {
            let _ = ValueShape::parse(&text);
            let _ = TypeShape::parse(&text);
        }
    }
}
