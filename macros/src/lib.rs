//! Derive macros of `netabase_store`, which re-exports them; generated code names nothing but `netabase_store::__private`.
#![forbid(unsafe_code)]

mod ast;
mod attr;
mod errors;
mod expand;
mod valid;

use proc_macro::TokenStream;

/// Makes a struct a model: a kind of record that a database holds.
///
/// The struct stands directly in a module with [`macro@netabase_definition_module`] and names that module's definition.
/// Its fields' types are those of the standard library that can be stored, types with [`macro@NetabaseValue`], and those that
/// have `bincode`'s traits.
///
/// # Attributes
/// - `#[netabase(BlogDefinition)]` on the struct: the definition that it belongs to.
/// - `#[primary_key]` on a field: the field identifies the record. On several fields: they do together, in their order.
/// - `#[secondary_key]` on a field: records are found by this field too. With `#[secondary_key(unique)]`, no two records
///   may have the same value in it.
///
/// - `#[bincode(with_serde)]` on a field: its value is encoded by serde's traits, as `bincode`'s own derive does it. It is
///   for types without any other, and needs the feature `serde` of `netabase_store`.
///   What serde writes and could not read back is an error of kind `Codec` where the record is written: fields left out by
///   `skip_serializing_if`, and enums with `tag`, `content` or `untagged`. To find out, the value is decoded once.
/// - `#[netabase(version = 1)]` on a field: its type is foreign, is stored by `bincode`'s traits, or by serde's with the
///   attribute above, and is recorded by its name and this number, which is raised when the stored form changes.
///
/// A database records the names and shapes of the fields, down to the last type with [`macro@NetabaseValue`], and refuses a
/// model that differs. What it does not see is a change within a type that has only `bincode`'s or serde's traits: give
/// such a type a new name or version.
///
/// Fields of keys have types whose encoding sorts: integers, `bool`, `char`, `String`, `Vec<u8>`, `Option`, tuples and
/// arrays of these, and types with [`macro@NetabaseKey`].
///
/// # Generated
/// For `User` with the secondary keys `email` and `age`:
/// - `UserPrimaryKey`, `UserEmailSecondaryKey`, `UserAgeSecondaryKey`: one key each, around the field's value;
/// - `UserSecondaryKeys`: an enum of the secondary keys, `Email(…)` and `Age(…)`;
/// - `UserKey`: `Primary(UserPrimaryKey)` or `Secondary(UserSecondaryKeys)`;
/// - `UserRef<'a>`: the record as it is stored, whose fields of type `String`, `Vec<u8>` and `Option`s of them are
///   borrowed. A model without such fields is its own view. `User::from(view)` is the owned record.
#[proc_macro_derive(
    NetabaseModel,
    attributes(netabase, primary_key, secondary_key, bincode)
)]
pub fn netabase_model(input: TokenStream) -> TokenStream {
    expand::derive_model(input.into()).into()
}

/// Makes a struct or an enum part of models: it can be the type of a field, and what it is made of becomes part of the schema.
///
/// Its fields' types are as those of a model. It is stored as `bincode`'s derives would: field after field, for an enum
/// behind the number of the variant. A database records the names of fields and variants, their order and their types, and
/// refuses a model in which one of them differs, naming the way to it. The type's own name does not matter, nor do aliases.
///
/// # Attributes
/// - `#[netabase(crate = path)]` on the type: where `netabase_store` is found, if not under its name in `Cargo.toml`.
/// - `#[bincode(with_serde)]` and `#[netabase(version = 1)]` on a field: as on those of a [model](macro@NetabaseModel).
#[proc_macro_derive(NetabaseValue, attributes(netabase, bincode))]
pub fn netabase_value(input: TokenStream) -> TokenStream {
    expand::derive_value(input.into()).into()
}

/// Makes a type part of keys: a struct of key fields, or an enum without fields.
///
/// The type also derives `Clone`, `PartialEq`, `Eq`, `PartialOrd` and `Ord`; the order of its encoding is that of the
/// derived `Ord`. A struct is encoded field after field; an enum by its variants' discriminants. A database records both:
/// variants may be added behind those that are there, but not renumbered, renamed or removed.
///
/// # Attributes
/// - `#[netabase(crate = path)]` on the type: where `netabase_store` is found, if not under its name in `Cargo.toml`.
#[proc_macro_derive(NetabaseKey, attributes(netabase))]
pub fn netabase_key(input: TokenStream) -> TokenStream {
    expand::derive_key(input.into()).into()
}

/// Makes a module a definition: the models that live in one database.
///
/// `#[netabase_definition_module(BlogDefinition, BlogKeys)]` on a module with its body adds to it:
/// - `BlogDefinition`: an enum with one variant a model, and what every model derives of `Clone`, `Debug`, `PartialEq`,
///   `Eq`, `PartialOrd`, `Ord`, `Hash`, `Serialize` and `Deserialize`;
/// - `BlogKeys`: an enum of the models' keys;
/// - `BlogDefinitionDiscriminant` and `BlogKeysDiscriminant`: the enums of the variants' names.
///
/// All other items of the module stay as they are.
///
/// # Arguments
/// The names of the two enums, and optionally `crate = path`: where `netabase_store` is found, if not under its name in
/// `Cargo.toml`.
#[proc_macro_attribute]
pub fn netabase_definition_module(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::definition_module(arguments.into(), item.into()).into()
}
