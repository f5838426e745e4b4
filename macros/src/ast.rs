//! What the macros know of a model, a key type and a definition once they have read it.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Data, DeriveInput, Fields, Ident, Path, Type, Visibility};

use crate::attr::{self, ModelAttribute, Role};
use crate::errors::Errors;

/// A struct with `#[derive(NetabaseModel)]`.
pub(crate) struct Model {
    pub(crate) name: Ident,
    pub(crate) visibility: Visibility,
    pub(crate) carried: Vec<Attribute>,
    pub(crate) attribute: ModelAttribute,
    pub(crate) fields: Vec<Field>,
}

/// A field of a model.
pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) visibility: Visibility,
    pub(crate) carried: Vec<Attribute>,
    pub(crate) ty: Type,
    pub(crate) role: Role,
    pub(crate) storing: Storing,
}

/// How the value of a field is stored, beside what its type says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storing {
    /// Whether its value is encoded by serde's traits in place of `bincode`'s.
    pub(crate) with_serde: bool,
    /// The version that the model gives to the form of a foreign type.
    pub(crate) version: Option<u32>,
}

impl Storing {
    /// Whether more is said than the type does.
    pub(crate) fn is_foreign(self) -> bool {
        self.with_serde || self.version.is_some()
    }

    fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        Self {
            with_serde: attr::with_serde(attributes),
            version: attr::field_version(attributes, errors),
        }
    }
}

impl Model {
    /// Reads a model, and nothing if a mistake hides what it is.
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let attribute = attr::model_attribute(&input.ident, &input.attrs, errors);
        if !input.generics.params.is_empty() {
            errors.at(
                &input.generics,
                "a model has no type, lifetime or const parameters: its stored form is one for all",
            );
        }
        let fields = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => fields,
                Fields::Unnamed(fields) => {
                    errors.at(fields, "a model has named fields, since its keys are called after them; this is a tuple struct");
                    return None;
                }
                Fields::Unit => {
                    errors.at(&input.ident, "a model has named fields, at least one of them with `#[primary_key]`; this is a unit struct");
                    return None;
                }
            },
            Data::Enum(data) => {
                errors.at(
                    &data.enum_token,
                    "a model is a struct with named fields; an enum can be the type of a field",
                );
                return None;
            }
            Data::Union(data) => {
                errors.at(
                    &data.union_token,
                    "a model is a struct with named fields; a union has no stored form",
                );
                return None;
            }
        };
        let fields = fields
            .named
            .iter()
            .filter_map(|field| Field::read(field, errors))
            .collect();
        Some(Self {
            name: input.ident.clone(),
            visibility: input.vis.clone(),
            carried: attr::carried_over(&input.attrs),
            attribute: attribute?,
            fields,
        })
    }

    /// The fields that make up the primary key.
    pub(crate) fn primary(&self) -> impl Iterator<Item = &Field> {
        self.fields
            .iter()
            .filter(|field| field.role == Role::Primary)
    }

    /// The fields with an index of their own.
    pub(crate) fn secondary(&self) -> impl Iterator<Item = &Field> {
        self.fields
            .iter()
            .filter(|field| matches!(field.role, Role::Secondary { .. }))
    }

    pub(crate) fn primary_key(&self) -> Ident {
        format_ident!("{}PrimaryKey", self.name)
    }

    pub(crate) fn secondary_key(&self, field: &Field) -> Ident {
        format_ident!("{}{}SecondaryKey", self.name, field.camel_case())
    }

    pub(crate) fn secondary_keys(&self) -> Ident {
        format_ident!("{}SecondaryKeys", self.name)
    }

    pub(crate) fn keys(&self) -> Ident {
        format_ident!("{}Key", self.name)
    }

    pub(crate) fn view(&self) -> Ident {
        format_ident!("{}Ref", self.name)
    }

    /// The names of all types that are generated for it.
    pub(crate) fn generated(&self) -> Vec<Ident> {
        let mut names = vec![
            self.primary_key(),
            self.secondary_keys(),
            self.keys(),
            self.view(),
        ];
        names.extend(self.secondary().map(|field| self.secondary_key(field)));
        names
    }
}

impl Field {
    fn read(field: &syn::Field, errors: &mut Errors) -> Option<Self> {
        Some(Self {
            name: field.ident.clone()?,
            visibility: field.vis.clone(),
            carried: attr::carried_over(&field.attrs),
            ty: ungrouped(&field.ty).clone(),
            role: attr::role(field, errors),
            storing: Storing::read(&field.attrs, errors),
        })
    }

    /// The field's name without the mark of a raw identifier.
    pub(crate) fn text(&self) -> String {
        self.name.unraw().to_string()
    }

    /// The field's name as part of a type's: `author_id` is `AuthorId`.
    pub(crate) fn camel_case(&self) -> String {
        let mut camel = String::new();
        for word in self.name.unraw().to_string().split('_') {
            let mut letters = word.chars();
            camel.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            camel.push_str(letters.as_str());
        }
        camel
    }

    /// The field's variant in the enum of the secondary keys.
    pub(crate) fn variant(&self) -> Ident {
        match self.camel_case().as_str() {
            "Self" => Ident::new("Self_", self.name.span()),
            camel => Ident::new(camel, self.name.span()),
        }
    }
}

/// A type as text: each path shortened to its last segment, and no spaces that could be left out.
pub(crate) fn type_text(ty: &Type) -> String {
    let mut ty = ty.clone();
    Shorten.visit_type_mut(&mut ty);
    let mut text = String::new();
    write_tokens(ty.to_token_stream(), &mut text);
    text
}

/// The type itself, where a `macro_rules` variable or parentheses wrap it.
pub(crate) fn ungrouped(mut ty: &Type) -> &Type {
    while let Type::Group(syn::TypeGroup { elem, .. }) | Type::Paren(syn::TypeParen { elem, .. }) =
        ty
    {
        ty = elem;
    }
    ty
}

struct Shorten;

impl VisitMut for Shorten {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        *ty = ungrouped(ty).clone();
        visit_mut::visit_type_mut(self, ty);
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        if let Some(last) = path.segments.pop() {
            path.leading_colon = None;
            path.segments.clear();
            path.segments.push(last.into_value());
        }
        visit_mut::visit_path_mut(self, path);
    }
}

/// Appends the tokens, with spaces only between words.
fn write_tokens(tokens: TokenStream, text: &mut String) {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    for part in tokens.to_string().split_whitespace() {
        if text.ends_with(is_word) && part.starts_with(|first| is_word(first) || first == '\'') {
            text.push(' ');
        }
        text.push_str(part);
    }
}

/// A type with `#[derive(NetabaseValue)]`.
pub(crate) struct ValueType {
    pub(crate) name: Ident,
    pub(crate) generics: syn::Generics,
    pub(crate) krate: Option<Path>,
    pub(crate) body: ValueBody,
}

/// What a value type is made of.
pub(crate) enum ValueBody {
    Struct(ValueFields),
    /// The variants, in order.
    Enum(Vec<(Ident, ValueFields)>),
}

/// The fields of a struct or variant.
pub(crate) struct ValueFields {
    pub(crate) style: ValueStyle,
    pub(crate) fields: Vec<ValueField>,
}

/// How fields are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueStyle {
    Unit,
    Tuple,
    Named,
}

/// A field of a value type.
pub(crate) struct ValueField {
    pub(crate) member: syn::Member,
    pub(crate) ty: Type,
    pub(crate) storing: Storing,
}

impl ValueType {
    /// Reads a value type, and nothing if there is a mistake in it.
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let krate = attr::key_type_crate(&input.attrs, errors);
        if let Some(lifetime) = input.generics.lifetimes().next() {
            errors.at(
                lifetime,
                "a stored value owns what it is made of: it has no lifetime parameters",
            );
        }
        let body = match &input.data {
            Data::Struct(data) => ValueBody::Struct(ValueFields::read(&data.fields, errors)),
            Data::Enum(data) => {
                if data.variants.is_empty() {
                    errors.at(&input.ident, "a stored enum has at least one variant");
                }
                ValueBody::Enum(
                    (data.variants.iter())
                        .map(|variant| {
                            (
                                variant.ident.clone(),
                                ValueFields::read(&variant.fields, errors),
                            )
                        })
                        .collect(),
                )
            }
            Data::Union(data) => {
                errors.at(
                    &data.union_token,
                    "a stored value is a struct or an enum; a union does not say what it holds",
                );
                return None;
            }
        };
        Some(Self {
            name: input.ident.clone(),
            generics: input.generics.clone(),
            krate,
            body,
        })
    }
}

impl ValueFields {
    fn read(fields: &Fields, errors: &mut Errors) -> Self {
        let style = match fields {
            Fields::Unit => ValueStyle::Unit,
            Fields::Unnamed(_) => ValueStyle::Tuple,
            Fields::Named(_) => ValueStyle::Named,
        };
        let fields = (fields.members().zip(fields))
            .map(|(member, field)| ValueField {
                member,
                ty: ungrouped(&field.ty).clone(),
                storing: Storing::read(&field.attrs, errors),
            })
            .collect();
        Self { style, fields }
    }
}

/// A type with `#[derive(NetabaseKey)]`.
pub(crate) struct KeyType {
    pub(crate) name: Ident,
    pub(crate) krate: Option<Path>,
    pub(crate) body: KeyBody,
}

/// What a key type is made of.
pub(crate) enum KeyBody {
    /// The fields, and whether this is a tuple struct of one.
    Struct {
        fields: Vec<(syn::Member, Type)>,
        newtype: bool,
    },
    /// The variants of a field-less enum.
    Enum(Vec<Ident>),
}

impl KeyType {
    /// Reads a key type, and nothing if there is a mistake in it.
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let krate = attr::key_type_crate(&input.attrs, errors);
        if !input.generics.params.is_empty() {
            errors.at(
                &input.generics,
                "a key type has no type, lifetime or const parameters: its encoding is recorded with the database",
            );
        }
        let body = match &input.data {
            Data::Struct(data) => {
                if data.fields.is_empty() {
                    errors.at(
                        &input.ident,
                        "a key type has at least one field or variant; no value tells two of this type apart",
                    );
                }
                KeyBody::Struct {
                    fields: data
                        .fields
                        .members()
                        .zip(data.fields.iter().map(|field| ungrouped(&field.ty).clone()))
                        .collect(),
                    newtype: matches!(&data.fields, Fields::Unnamed(fields) if fields.unnamed.len() == 1),
                }
            }
            Data::Enum(data) => {
                refuse_wide_discriminants(&input.attrs, errors);
                if data.variants.is_empty() {
                    errors.at(&input.ident, "a key type has at least one variant");
                }
                for variant in &data.variants {
                    if !matches!(variant.fields, Fields::Unit) {
                        errors.at_span(
                            variant.fields.span(),
                            "an enum in a key has variants without fields, which sort by their discriminants",
                        );
                    }
                }
                KeyBody::Enum(
                    data.variants
                        .iter()
                        .map(|variant| variant.ident.clone())
                        .collect(),
                )
            }
            Data::Union(data) => {
                errors.at(
                    &data.union_token,
                    "a key type is a struct or an enum without fields; a union has no order",
                );
                return None;
            }
        };
        Some(Self {
            name: input.ident.clone(),
            krate,
            body,
        })
    }
}

/// Discriminants are stored as `i64`: a representation that goes beyond it is a mistake.
fn refuse_wide_discriminants(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes {
        if !attribute.path().is_ident("repr") {
            continue;
        }
        // What `repr` does not know is the compiler's to report.
        let _ = attribute.parse_nested_meta(|meta| {
            for wide in ["u64", "u128", "i128", "usize"] {
                if meta.path.is_ident(wide) {
                    errors.at(
                        &meta.path,
                        format!("an enum in a key is stored by its discriminant as `i64`, which a `{wide}` may not fit into"),
                    );
                }
            }
            if meta.input.peek(syn::token::Paren) {
                let within;
                syn::parenthesized!(within in meta.input);
                within.parse::<TokenStream>()?;
            }
            Ok(())
        });
    }
}
