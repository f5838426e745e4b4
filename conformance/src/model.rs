//! The models that the typed cases store.

use netabase_store::netabase_definition_module;

/// Models with every kind of key: unique, shared, optional, enumerated, composite, none.
#[netabase_definition_module(Shop, ShopKeys)]
pub mod shop {
    use std::collections::HashMap;

    use bincode::{Decode, Encode};
    use netabase_store::{NetabaseKey, NetabaseModel, netabase};

    /// Somebody who orders.
    #[derive(NetabaseModel, Debug, Clone, PartialEq, Default)]
    #[netabase(Shop)]
    pub struct User {
        /// Who it is.
        #[primary_key]
        pub id: u64,
        /// No two users have the same.
        #[secondary_key(unique)]
        pub email: String,
        /// Many users have the same.
        #[secondary_key]
        pub age: i32,
        /// Some users have none.
        #[secondary_key]
        pub city: Option<String>,
        /// Not indexed.
        pub bio: String,
        /// A map, whose stored order is not that of its entries.
        pub notes: HashMap<String, u32>,
    }

    /// How far an order is.
    #[derive(
        NetabaseKey, Encode, Decode, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default,
    )]
    pub enum Status {
        /// Not paid.
        #[default]
        Open,
        /// Paid, not sent.
        Paid,
        /// Sent.
        Sent,
    }

    /// What somebody ordered. Known by two fields together.
    #[derive(NetabaseModel, Debug, Clone, PartialEq, Default)]
    #[netabase(Shop)]
    pub struct Order {
        /// Who ordered.
        #[primary_key]
        pub customer: String,
        /// Counts the customer's orders.
        #[primary_key]
        pub number: i32,
        /// How far it is.
        #[secondary_key]
        pub status: Status,
        /// In cents.
        pub total: i64,
    }

    /// A text without secondary keys.
    #[derive(NetabaseModel, Debug, Clone, PartialEq, Default)]
    #[netabase(Shop)]
    pub struct Note {
        /// What it is about.
        #[primary_key]
        pub title: String,
        /// What it says.
        pub text: Vec<u8>,
    }
}

/// The shop with one index more, and one index less.
#[netabase_definition_module(ReindexedShop, ReindexedShopKeys)]
pub mod reindexed {
    use netabase_store::{NetabaseModel, netabase};

    /// An order as [`shop`](super::shop) has it, found by its total instead of its status.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(ReindexedShop)]
    pub struct Order {
        /// Who ordered.
        #[primary_key]
        pub customer: String,
        /// Counts the customer's orders.
        #[primary_key]
        pub number: i32,
        /// How far it is.
        pub status: super::shop::Status,
        /// In cents.
        #[secondary_key]
        pub total: i64,
    }
}

/// A shop whose notes have another shape.
#[netabase_definition_module(OtherShop, OtherShopKeys)]
pub mod other {
    use netabase_store::{NetabaseModel, netabase};

    /// A note whose text is not UTF-8.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(OtherShop)]
    pub struct Note {
        /// What it is about.
        #[primary_key]
        pub title: String,
        /// Not what a [`shop`](super::shop) has here.
        pub text: u64,
    }
}

/// Writes a definition of one model whose key is the field that is marked.
macro_rules! pair {
    ($module:ident, $definition:ident, $keys:ident, $doc:literal, { $($fields:tt)* }) => {
        #[doc = $doc]
        #[netabase_definition_module($definition, $keys)]
        pub mod $module {
            use netabase_store::{NetabaseModel, netabase};

            /// Two numbers, one of which is the key.
            #[derive(NetabaseModel, Debug, Clone, PartialEq)]
            #[netabase($definition)]
            pub struct Pair {
                $($fields)*
            }
        }
    };
}

pair!(left, LeftPair, LeftPairKeys, "Pairs known by their left.", {
    /// The key.
    #[primary_key]
    pub left: u64,
    /// Not the key.
    pub right: u64,
});

pair!(right, RightPair, RightPairKeys, "Pairs known by their right.", {
    /// Not the key.
    pub left: u64,
    /// The key.
    #[primary_key]
    pub right: u64,
});

/// Writes a definition of one model whose keys are made of an enum.
macro_rules! tasks {
    ($module:ident, $definition:ident, $keys:ident, $doc:literal, $($level:ident)*) => {
        #[doc = $doc]
        #[netabase_definition_module($definition, $keys)]
        pub mod $module {
            use bincode::{Decode, Encode};
            use netabase_store::{NetabaseKey, NetabaseModel, netabase};

            /// How pressing a task is.
            #[derive(NetabaseKey, Encode, Decode, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
            pub enum Level {
                $(
                    /// A level.
                    $level,
                )*
            }

            /// Something to do.
            #[derive(NetabaseModel, Debug, Clone, PartialEq)]
            #[netabase($definition)]
            pub struct Task {
                /// How pressing it is.
                #[primary_key]
                pub level: Level,
                /// Tells tasks of a level apart.
                #[primary_key]
                pub number: u32,
                /// How pressing it will be.
                #[secondary_key]
                pub next: Option<Level>,
            }
        }
    };
}

tasks!(tasks, Tasks, TasksKeys, "Tasks of two levels.", Low High);
tasks!(more_tasks, MoreTasks, MoreTasksKeys, "Tasks of a further level.", Low High Top);
tasks!(other_tasks, OtherTasks, OtherTasksKeys, "Tasks of a level between the two.", Low Middle High);

/// Writes a model for each type that a key may have.
macro_rules! keyring {
    ($($(#[$attribute:meta])* $model:ident($($key:tt)+);)*) => {
        /// One model for each type that a key may have: as its primary key, and again as a secondary one.
        #[netabase_definition_module(Keyring, KeyringKeys)]
        pub mod keyring {
            use std::time::SystemTime;

            use bincode::{Decode, Encode};
            use netabase_store::{NetabaseKey, NetabaseModel, netabase};

            /// An enum that orders by its discriminants, not by the order in which its variants are written.
            #[derive(NetabaseKey, Encode, Decode, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
            pub enum Color {
                /// Below the others.
                Red = -300,
                /// Between the others.
                Green = 0,
                /// Above the others.
                Blue = 255,
            }

            /// A key of several parts.
            #[derive(NetabaseKey, Encode, Decode, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
            pub struct Name {
                /// Compared first.
                pub text: String,
                /// Compared next.
                pub part: i8,
            }

            $(
                $(#[$attribute])*
                #[derive(NetabaseModel, Debug, Clone, PartialEq)]
                #[netabase(Keyring)]
                pub struct $model {
                    /// The key.
                    #[primary_key]
                    pub key: $($key)+,
                    /// The key again.
                    #[secondary_key]
                    pub same: $($key)+,
                }

                impl From<$($key)+> for $model {
                    fn from(key: $($key)+) -> Self {
                        Self { same: key.clone(), key }
                    }
                }

                impl From<$model> for $($key)+ {
                    fn from(record: $model) -> Self {
                        record.key
                    }
                }
            )*
        }
    };
}

keyring! {
    /// Known by a `u8`.
    U8(u8);
    /// Known by a `u16`.
    U16(u16);
    /// Known by a `u32`.
    U32(u32);
    /// Known by a `u64`.
    U64(u64);
    /// Known by a `u128`.
    U128(u128);
    /// Known by a `usize`.
    Usize(usize);
    /// Known by an `i8`.
    I8(i8);
    /// Known by an `i16`.
    I16(i16);
    /// Known by an `i32`.
    I32(i32);
    /// Known by an `i64`.
    I64(i64);
    /// Known by an `i128`.
    I128(i128);
    /// Known by an `isize`.
    Isize(isize);
    /// Known by a `bool`.
    Bool(bool);
    /// Known by a `char`.
    Char(char);
    /// Known by a string.
    Text(String);
    /// Known by bytes.
    Bytes(Vec<u8>);
    /// Known by a number that may be absent.
    OptionalNumber(Option<i32>);
    /// Known by a string that may be absent.
    OptionalText(Option<String>);
    /// Known by an option of an option.
    Nested(Option<Option<bool>>);
    /// Known by two strings.
    Pair((String, String));
    /// Known by parts of several types.
    Triple((Vec<u8>, i16, Option<String>));
    /// Known by numbers.
    Numbers([i16; 3]);
    /// Known by so many bytes.
    Digest([u8; 16]);
    /// Known by an enum.
    Enumerated(Color);
    /// Known by a struct.
    Named(Name);
    /// Known by a time.
    Timed(SystemTime);
}

/// A model that holds nested types, which the definitions below change one after the other.
macro_rules! profiles {
    ($($(#[$doc:meta])* $module:ident, $definition:ident, $keys:ident: { $($types:item)* })*) => {$(
        $(#[$doc])*
        #[netabase_definition_module($definition, $keys)]
        pub mod $module {
            use netabase_store::{NetabaseModel, NetabaseValue, netabase};

            $($types)*

            /// A record with nested types.
            #[derive(NetabaseModel, Debug, Clone, PartialEq)]
            #[netabase($definition)]
            pub struct Profile {
                /// The profile's number.
                #[primary_key]
                pub id: u64,
                /// What its owner chose.
                pub settings: Vec<Settings>,
            }
        }
    )*};
}

profiles! {
    /// As the profiles are stored.
    profiles, Profiles, ProfilesKeys: {
        /// What somebody chose.
        #[derive(NetabaseValue, Debug, Clone, PartialEq)]
        pub struct Settings {
            /// Of the window.
            pub width: u16,
            /// Of the window.
            pub height: u16,
            /// The colours.
            pub theme: Theme,
        }

        /// Colours.
        #[derive(NetabaseValue, Debug, Clone, PartialEq)]
        pub enum Theme {
            /// Black on white.
            Light,
            /// White on black, so bright.
            Dark(u8),
        }
    }

    /// The same under other names.
    renamed, RenamedProfiles, RenamedProfilesKeys: {
        /// What somebody chose.
        pub type Settings = Choice;

        /// What somebody chose.
        #[derive(NetabaseValue, Debug, Clone, PartialEq)]
        pub struct Choice {
            /// Of the window.
            pub width: Pixels,
            /// Of the window.
            pub height: Pixels,
            /// The colours.
            pub theme: Box<Colours>,
        }

        /// A length.
        pub type Pixels = u16;

        /// Colours.
        #[derive(NetabaseValue, Debug, Clone, PartialEq)]
        pub enum Colours {
            /// Black on white.
            Light,
            /// White on black, so bright.
            Dark(u8),
        }
    }

    /// Two fields of one type have changed places.
    swapped, SwappedProfiles, SwappedProfilesKeys: {
        /// What somebody chose.
        #[derive(NetabaseValue, Debug, Clone, PartialEq)]
        pub struct Settings {
            /// Of the window.
            pub height: u16,
            /// Of the window.
            pub width: u16,
            /// The colours.
            pub theme: super::profiles::Theme,
        }
    }

    /// A variant stands between others.
    inserted, InsertedProfiles, InsertedProfilesKeys: {
        /// What somebody chose.
        #[derive(NetabaseValue, Debug, Clone, PartialEq)]
        pub struct Settings {
            /// Of the window.
            pub width: u16,
            /// Of the window.
            pub height: u16,
            /// The colours.
            pub theme: Theme,
        }

        /// Colours.
        #[derive(NetabaseValue, Debug, Clone, PartialEq)]
        pub enum Theme {
            /// Black on white.
            Light,
            /// Brown on yellow.
            Sepia,
            /// White on black, so bright.
            Dark(u8),
        }
    }

    /// A field is new.
    appended, AppendedProfiles, AppendedProfilesKeys: {
        /// What somebody chose.
        #[derive(NetabaseValue, Debug, Clone, PartialEq)]
        pub struct Settings {
            /// Of the window.
            pub width: u16,
            /// Of the window.
            pub height: u16,
            /// The colours.
            pub theme: super::profiles::Theme,
            /// Of letters.
            pub size: u8,
        }
    }
}
