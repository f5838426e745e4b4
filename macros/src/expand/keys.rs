//! The types of a model's keys.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Path, Type, Visibility};

use super::key_type;
use super::parts::{
    EnumVariant, codec, decode_field, encode_field, enum_codec, enum_from, without_context,
};
use super::view::Held;
use crate::ast::{Field, Model, ungrouped};

/// The traits that enums of keys derive.
pub(crate) fn enum_derives(krate: &Path) -> TokenStream {
    let core = quote!(#krate::__private::core);
    quote! {
        #[allow(dead_code)]
        #[derive(
            #core::clone::Clone,
            #core::fmt::Debug,
            #core::cmp::PartialEq,
            #core::cmp::Eq,
            #core::cmp::PartialOrd,
            #core::cmp::Ord,
            #core::hash::Hash,
        )]
    }
}

/// The key types themselves.
pub(crate) fn declare(model: &Model, krate: &Path) -> TokenStream {
    let visibility = &model.visibility;
    let name = &model.name;
    let (primary_key, secondary_keys, keys) =
        (model.primary_key(), model.secondary_keys(), model.keys());
    let primary: Vec<_> = model.primary().collect();
    let secondary: Vec<_> = model.secondary().collect();

    let primary_doc = format!(
        "The primary key of a [`{name}`]: its {}.",
        in_words(&primary)
    );
    let primary_type = declare_key(visibility, &primary_key, &primary, &primary_doc, krate);
    let secondary_types = secondary.iter().map(|field| {
        let doc = format!("A secondary key of a [`{name}`]: its `{}`.", field.text());
        declare_key(
            visibility,
            &model.secondary_key(field),
            &[field],
            &doc,
            krate,
        )
    });
    let variants: Vec<_> = secondary.iter().map(|field| field.variant()).collect();
    let types: Vec<_> = secondary
        .iter()
        .map(|field| model.secondary_key(field))
        .collect();
    let variant_docs = secondary
        .iter()
        .map(|field| format!("The `{}`.", field.text()));
    let secondary_doc = if secondary.is_empty() {
        format!("The secondary keys of a [`{name}`], of which there are none.")
    } else {
        format!("A secondary key of a [`{name}`].")
    };
    let keys_doc = format!("A key of a [`{name}`].");
    let derives = enum_derives(krate);
    quote! {
        #primary_type
        #(#secondary_types)*

        #[doc = #secondary_doc]
        #derives
        #visibility enum #secondary_keys {
            #(#[doc = #variant_docs] #variants(#types),)*
        }

        #[doc = #keys_doc]
        #derives
        #visibility enum #keys {
            #[doc = "The primary key."]
            Primary(#primary_key),
            #[doc = "A secondary key."]
            Secondary(#secondary_keys),
        }
    }
}

fn declare_key(
    visibility: &Visibility,
    name: &Ident,
    fields: &[&Field],
    doc: &str,
    krate: &Path,
) -> TokenStream {
    let types = fields.iter().map(|field| &field.ty);
    quote! {
        #[doc = #doc]
        #[allow(dead_code)]
        #[derive(#krate::__private::core::clone::Clone, #krate::__private::core::fmt::Debug)]
        #visibility struct #name(#(#visibility #types),*);
    }
}

/// `` `id` ``, or `` `a` and `b` ``, or `` `a`, `b` and `c` ``.
fn in_words(fields: &[&Field]) -> String {
    let names: Vec<_> = fields
        .iter()
        .map(|field| format!("`{}`", field.text()))
        .collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// The traits of the key types.
pub(crate) fn implement(model: &Model, shadowed: &[Ident]) -> TokenStream {
    let name = &model.name;
    let (primary_key, secondary_keys, keys) =
        (model.primary_key(), model.secondary_keys(), model.keys());
    let primary: Vec<_> = model.primary().collect();
    let primary_type = implement_key(&primary_key, &primary, shadowed);
    let secondary_types = model.secondary().enumerate().map(|(index, field)| {
        let key = model.secondary_key(field);
        let implementation = implement_key(&key, &[field], shadowed);
        let variant = field.variant();
        let into_enum = enum_from(&secondary_keys, &variant, &key);
        quote! {
            #implementation

            #[automatically_derived]
            impl __netabase::SecondaryKey for #key {
                type Model = #name;
                const INDEX: usize = #index;
            }

            #into_enum
        }
    });

    let variants: Vec<_> = model.secondary().map(Field::variant).collect();
    let types: Vec<_> = model
        .secondary()
        .map(|field| model.secondary_key(field))
        .collect();
    let indexes = 0..variants.len();
    let (encode, index) = if variants.is_empty() {
        (quote!(match *self {}), quote!(match *self {}))
    } else {
        (
            quote! {
                match self {
                    #(Self::#variants(__key) => <#types as __netabase::EncodeKey>::encode_key(__key, __out),)*
                }
            },
            quote!(match self { #(Self::#variants(_) => #indexes,)* }),
        )
    };
    let out = if variants.is_empty() {
        quote!(_)
    } else {
        quote!(__out)
    };
    let secondary_codec = enum_codec(
        &secondary_keys,
        &variants
            .iter()
            .zip(&types)
            .map(|(variant, ty)| EnumVariant::of(variant.clone(), ty))
            .collect::<Vec<_>>(),
    );

    let variant_primary = Ident::new("Primary", name.span());
    let variant_secondary = Ident::new("Secondary", name.span());
    let from_primary = enum_from(&keys, &variant_primary, &primary_key);
    let from_secondary = enum_from(&keys, &variant_secondary, &secondary_keys);
    let keys_codec = enum_codec(
        &keys,
        &[
            EnumVariant::of(variant_primary, &primary_key),
            EnumVariant::of(variant_secondary, &secondary_keys),
        ],
    );
    quote! {
        #primary_type
        #(#secondary_types)*

        #[automatically_derived]
        impl __netabase::EncodeKey for #secondary_keys {
            #[inline]
            fn encode_key(&self, #out: &mut __netabase::Vec<u8>) {
                #encode
            }
        }

        #[automatically_derived]
        impl __netabase::AnySecondaryKey for #secondary_keys {
            type Model = #name;

            #[inline]
            fn index(&self) -> usize {
                #index
            }
        }

        #secondary_codec
        #from_primary
        #from_secondary
        #keys_codec
    }
}

fn implement_key(name: &Ident, fields: &[&Field], shadowed: &[Ident]) -> TokenStream {
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let places: Vec<_> = (0..types.len()).map(syn::Index::from).collect();
    let members: Vec<_> = fields
        .iter()
        .enumerate()
        .map(|(index, field)| (syn::Member::from(index), &field.ty))
        .collect();
    let (all, from) = match types.as_slice() {
        [ty] => (quote!(#ty), quote!(Self(__value))),
        _ => (quote!((#(#types,)*)), quote!(Self(#(__value.#places),*))),
    };
    let key = key_type::of_fields(name, &members, types.len() == 1);
    let hashes = fields.iter().zip(&places).map(|(field, place)| {
        let ty = &field.ty;
        let hash = if is_primitive(ty) || Held::of(field, shadowed) != Held::Owned {
            quote!(__netabase::core::hash::Hash > ::hash)
        } else {
            quote!(__netabase::KeyPart > ::hash_encoding)
        };
        quote!(<#ty as #hash(&self.#place, __state);)
    });
    let encode = fields
        .iter()
        .zip(&places)
        .map(|(field, place)| encode_field(&field.ty, field.storing, place, &quote!(&self.#place)));
    let decode = fields
        .iter()
        .map(|field| decode_field(&field.ty, field.storing, &without_context()));
    let decode = quote!(__netabase::Ok(Self(#(#decode),*)));
    let codec = codec(name, &quote!(#(#encode;)* __netabase::Ok(())), &decode);
    quote! {
        #[automatically_derived]
        impl __netabase::core::convert::From<#all> for #name {
            #[inline]
            fn from(__value: #all) -> Self {
                #from
            }
        }

        #[automatically_derived]
        impl __netabase::core::cmp::PartialEq for #name {
            #[inline]
            fn eq(&self, __other: &Self) -> bool {
                #(<#types as __netabase::KeyPart>::equals(&self.#places, &__other.#places))&&*
            }
        }

        #[automatically_derived]
        impl __netabase::core::cmp::Eq for #name {}

        #[automatically_derived]
        impl __netabase::core::cmp::PartialOrd for #name {
            #[inline]
            fn partial_cmp(&self, __other: &Self) -> __netabase::Option<__netabase::core::cmp::Ordering> {
                __netabase::Some(__netabase::core::cmp::Ord::cmp(self, __other))
            }
        }

        #[automatically_derived]
        impl __netabase::core::cmp::Ord for #name {
            #[inline]
            fn cmp(&self, __other: &Self) -> __netabase::core::cmp::Ordering {
                __netabase::core::cmp::Ordering::Equal
                #(.then_with(|| <#types as __netabase::KeyPart>::compare(&self.#places, &__other.#places)))*
            }
        }

        #[automatically_derived]
        impl __netabase::core::hash::Hash for #name {
            #[inline]
            fn hash<__H: __netabase::core::hash::Hasher>(&self, __state: &mut __H) {
                #(#hashes)*
            }
        }

        #key

        #[automatically_derived]
        impl __netabase::AsKey<#name> for #name {}

        #[automatically_derived]
        impl __netabase::ModelKey for #name {
            type Fields = #all;
        }

        #codec
    }
}

/// Whether this is a type of numbers and the like, which hashes at less cost than its encoding.
fn is_primitive(ty: &Type) -> bool {
    const PRIMITIVES: [&str; 14] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "bool", "char",
    ];
    matches!(ungrouped(ty), Type::Path(path) if PRIMITIVES.iter().any(|name| path.path.is_ident(name)))
}
