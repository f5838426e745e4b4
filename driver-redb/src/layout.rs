//! How a tree's entries lie in redb's pages: keys and values of any length, or all of one length.
//!
//! redb spares a page the offset of each key where all keys have one length, and of each value likewise, so that such
//! trees are smaller and faster to search. Each [`Bytes`] has the type name of redb's own type with these bytes, so a
//! file can be read with plain redb: `TableDefinition::<&[u8; 8], &[u8]>`.

use std::cmp::Ordering;
use std::sync::OnceLock;

use netabase_core::driver::{DriverError, EntryWidths, ErrorKind, Result};
use redb::{TypeName, Value};

/// The width of what has no fixed one: no array that is as long ever lies in memory, but its type is within bounds.
pub(crate) const VARIES: usize = i32::MAX as usize;

/// `N` bytes, or any number where `N` is [`VARIES`]; as a key, in unsigned order.
#[derive(Debug)]
pub(crate) struct Bytes<const N: usize>;

impl<const N: usize> Value for Bytes<N> {
    type SelfType<'a> = &'a [u8];
    type AsBytes<'a> = &'a [u8];

    #[inline]
    fn fixed_width() -> Option<usize> {
        (N != VARIES).then_some(N)
    }

    #[inline]
    fn from_bytes<'a>(data: &'a [u8]) -> &'a [u8]
    where
        Self: 'a,
    {
        data
    }

    #[inline]
    fn as_bytes<'a, 'b: 'a>(value: &'a &'b [u8]) -> &'a [u8]
    where
        Self: 'b,
    {
        value
    }

    fn type_name() -> TypeName {
        /// The names by width: redb asks for them with every table that it opens, and formats them anew each time.
        static NAMES: [OnceLock<TypeName>; 33] = [const { OnceLock::new() }; 33];
        let name = || match N {
            VARIES => <&[u8]>::type_name(),
            0 => <()>::type_name(),
            _ => <&[u8; N]>::type_name(),
        };
        match NAMES.get(N) {
            Some(known) => known.get_or_init(name).clone(),
            None => name(),
        }
    }
}

impl<const N: usize> redb::Key for Bytes<N> {
    #[inline]
    fn compare(one: &[u8], other: &[u8]) -> Ordering {
        if N == VARIES {
            return match (one.split_first_chunk(), other.split_first_chunk()) {
                (Some((first, rest)), Some((other_first, other_rest))) => {
                    compare_words(first, other_first).then_with(|| rest.cmp(other_rest))
                }
                _ => one.cmp(other),
            };
        }
        // One comparison, which a caller's branches on its result become part of.
        if let (8, Ok(one), Ok(other)) = (N, one.try_into(), other.try_into()) {
            return compare_words(one, other);
        }
        // A bound may have another length.
        match (<&[u8; N]>::try_from(one), <&[u8; N]>::try_from(other)) {
            (Ok(one), Ok(other)) => compare_fixed(one, other),
            _ => one.cmp(other),
        }
    }
}

/// Compares word after word; the length is a constant, so that this is a compare and a branch for each.
#[inline]
fn compare_fixed<const N: usize>(one: &[u8; N], other: &[u8; N]) -> Ordering {
    let (mut one, mut other) = (&one[..], &other[..]);
    while let (Some((first, rest)), Some((other_first, other_rest))) =
        (one.split_first_chunk(), other.split_first_chunk())
    {
        match compare_words(first, other_first) {
            Ordering::Equal => (one, other) = (rest, other_rest),
            unequal => return unequal,
        }
    }
    one.cmp(other)
}

#[inline]
fn compare_words(one: &[u8; 8], other: &[u8; 8]) -> Ordering {
    u64::from_be_bytes(*one).cmp(&u64::from_be_bytes(*other))
}

/// What there is one of for each layout: a table, a cursor.
pub(crate) trait Family {
    /// The member for keys of width `K` and values of width `V`.
    type Member<const K: usize, const V: usize>;
}

/// Expands `$macro!` with the arguments given and each layout: its name, the width of its keys, that of its values.
///
/// Records come first: their keys are integers, UUIDs, or vary. Then indexes, where the key of a record of 4 to 16 bytes
/// follows one of up to 16; and unique indexes with the key of a record as their value.
macro_rules! for_each_layout {
    ($macro:ident $($argument:tt)*) => {
        $crate::layout::$macro! {
            $($argument)*
            Varying(VARIES, VARIES)
            Key4(4, VARIES)
            Key8(8, VARIES)
            Key16(16, VARIES)
            OnlyKey(VARIES, 0)
            OnlyKey8(8, 0)
            OnlyKey12(12, 0)
            OnlyKey16(16, 0)
            OnlyKey20(20, 0)
            OnlyKey24(24, 0)
            Value8(VARIES, 8)
            Key8Value8(8, 8)
        }
    };
}

macro_rules! define_layouts {
    ($($layout:ident($key:tt, $value:tt))*) => {
        /// The member of a family that has the layout of one tree.
        pub(crate) enum LaidOut<F: Family> {
            $($layout(F::Member<$key, $value>)),*
        }

        /// A layout by itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Layout {
            $($layout),*
        }

        impl Layout {
            /// The layout that fits entries of these widths best.
            #[inline]
            pub(crate) fn of(widths: EntryWidths) -> Self {
                let width = |width: Option<u32>| width.map_or(VARIES, |width| width as usize);
                match (width(widths.key), width(widths.value)) {
                    $(($key, $value) => Self::$layout,)*
                    (_, 0) => Self::OnlyKey,
                    (_, 8) => Self::Value8,
                    (4, _) => Self::Key4,
                    (8, _) => Self::Key8,
                    (16, _) => Self::Key16,
                    _ => Self::Varying,
                }
            }

            /// The width of its keys and that of its values.
            pub(crate) fn widths(self) -> (usize, usize) {
                match self {
                    $(Self::$layout => ($key, $value)),*
                }
            }

            /// The layout of a table that has these types; `None` if it is none of this driver's.
            pub(crate) fn of_types(key: &TypeName, value: &TypeName) -> Option<Self> {
                let layouts: &[(Self, fn() -> TypeName, fn() -> TypeName)] = &[
                    $((Self::$layout, Bytes::<$key>::type_name, Bytes::<$value>::type_name)),*
                ];
                let found = layouts
                    .iter()
                    .find(|(_, key_type, value_type)| key_type() == *key && value_type() == *value);
                found.map(|&(layout, _, _)| layout)
            }
        }
    };
}

for_each_layout!(define_layouts);

/// The widths that every entry of a tree has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Widths {
    key: usize,
    value: usize,
}

impl Widths {
    pub(crate) fn of(layout: Layout) -> Self {
        let (key, value) = layout.widths();
        Self { key, value }
    }

    /// Refuses an entry that has others.
    #[inline]
    pub(crate) fn check(self, key: &[u8], value: &[u8]) -> Result<()> {
        let fits = |width: usize, bytes: &[u8]| width == VARIES || width == bytes.len();
        if fits(self.key, key) && fits(self.value, value) {
            Ok(())
        } else {
            Err(self.misfit(key, value))
        }
    }

    #[cold]
    fn misfit(self, key: &[u8], value: &[u8]) -> DriverError {
        let (what, width, length) = if self.key != VARIES && self.key != key.len() {
            ("keys", self.key, key.len())
        } else {
            ("values", self.value, value.len())
        };
        DriverError::new(
            ErrorKind::InvalidInput,
            format!(
                "this tree was created for {what} of {width} bytes, and this one has {length}; use another tree for it"
            ),
        )
    }
}

/// Runs an expression with the member within, whatever its layout: `with_member!(laid_out, member => ...)`.
macro_rules! with_member {
    ($laid_out:expr, $member:ident => $body:expr) => {
        $crate::layout::for_each_layout!(with_member_arms {
            $laid_out,
            $member,
            $body
        })
    };
}

macro_rules! with_member_arms {
    ({ $laid_out:expr, $member:ident, $body:expr } $($layout:ident($key:tt, $value:tt))*) => {
        match $laid_out {
            $($crate::layout::LaidOut::$layout($member) => $body),*
        }
    };
}

/// Makes a member of another family in the same layout: `map_member!(laid_out, member => ...)`, where the expression is
/// a `Result`.
macro_rules! map_member {
    ($laid_out:expr, $member:ident => $body:expr) => {
        $crate::layout::for_each_layout!(map_member_arms {
            $laid_out,
            $member,
            $body
        })
    };
}

macro_rules! map_member_arms {
    ({ $laid_out:expr, $member:ident, $body:expr } $($layout:ident($key:tt, $value:tt))*) => {
        match $laid_out {
            $($crate::layout::LaidOut::$layout($member) => {
                $body.map($crate::layout::LaidOut::$layout)
            }),*
        }
    };
}

/// Makes the member of a layout: `make_member!(layout, K, V => ...)`, where the expression is a `Result` and may name the
/// widths `K` and `V`.
macro_rules! make_member {
    ($of:expr, $key_width:ident, $value_width:ident => $body:expr) => {
        $crate::layout::for_each_layout!(make_member_arms {
            $of,
            $key_width,
            $value_width,
            $body
        })
    };
}

macro_rules! make_member_arms {
    (
        { $of:expr, $key_width:ident, $value_width:ident, $body:expr }
        $($layout:ident($key:tt, $value:tt))*
    ) => {
        match $of {
            $($crate::layout::Layout::$layout => {
                #[allow(unused_imports, reason = "only some layouts have a width that varies")]
                use $crate::layout::VARIES;
                const $key_width: usize = $key;
                const $value_width: usize = $value;
                $body.map($crate::layout::LaidOut::$layout)
            }),*
        }
    };
}

pub(crate) use {
    define_layouts, for_each_layout, make_member, make_member_arms, map_member, map_member_arms,
    with_member, with_member_arms,
};
