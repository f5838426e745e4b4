//! The borrowed view of a model.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericArgument, Ident, PathArguments, Type};

use super::parts::private;
use crate::ast::{Field, Model, ungrouped};
use crate::attr::Context;

/// How a view holds a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Owned,
    Text,
    Bytes,
    OptionalText,
    OptionalBytes,
}

impl Held {
    /// Decides by the type's name: macros see no types. `shadowed` are the names that do not mean those of `std` here.
    pub(crate) fn of(field: &Field, shadowed: &[Ident]) -> Self {
        if field.storing.is_foreign() {
            Self::Owned
        } else {
            Self::of_type(&field.ty, shadowed)
        }
    }

    fn of_type(ty: &Type, shadowed: &[Ident]) -> Self {
        let owned = Self::Owned;
        let Some((name, argument)) = std_type(ty, shadowed) else {
            return owned;
        };
        match (name.as_str(), argument) {
            ("String", None) => Self::Text,
            ("Vec", Some(Type::Path(item))) if item.path.is_ident("u8") => Self::Bytes,
            ("Option", Some(value)) => match Self::of_type(value, shadowed) {
                Self::Text => Self::OptionalText,
                Self::Bytes => Self::OptionalBytes,
                _ => owned,
            },
            _ => owned,
        }
    }

    /// The field's type in a view of the lifetime `'a`, inside generated implementations.
    pub(crate) fn borrowed_type(self, private: &TokenStream) -> Option<TokenStream> {
        match self {
            Self::Owned => None,
            Self::Text => Some(quote!(&'a str)),
            Self::Bytes => Some(quote!(&'a [u8])),
            Self::OptionalText => Some(quote!(#private::Option<&'a str>)),
            Self::OptionalBytes => Some(quote!(#private::Option<&'a [u8]>)),
        }
    }

    /// The owned value of the borrowed one.
    fn to_owned(self, value: &TokenStream) -> TokenStream {
        let text = quote!(<__netabase::String as __netabase::core::convert::From<&str>>::from);
        let bytes = quote!(<__netabase::Vec<u8> as __netabase::core::convert::From<&[u8]>>::from);
        match self {
            Self::Owned => value.clone(),
            Self::Text => quote!(#text(#value)),
            Self::Bytes => quote!(#bytes(#value)),
            Self::OptionalText => quote!(#value.map(#text)),
            Self::OptionalBytes => quote!(#value.map(#bytes)),
        }
    }
}

/// Whether the decoded form of a field takes no more memory than a constant multiple of its bytes, as far as its type's
/// name tells.
pub(crate) fn is_flat(field: &Field, shadowed: &[Ident]) -> bool {
    const NAMES: [&str; 16] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
        "u32", "u64", "u128", "usize",
    ];
    fn is_number(ty: &Type, shadowed: &[Ident]) -> bool {
        match std_type(ty, shadowed) {
            Some((name, Some(value))) => name == "Option" && is_number(value, shadowed),
            Some((name, None)) => NAMES.contains(&name.as_str()),
            None => false,
        }
    }
    // What is borrowed as a whole takes nothing; text within an owned field takes what its length says.
    let borrowed = Held::of_type(&field.ty, shadowed) != Held::Owned;
    !field.storing.is_foreign() && (borrowed || is_number(&field.ty, shadowed))
}

/// The name of a type that is most likely of `std`, with its one argument if it has any.
fn std_type<'a>(ty: &'a Type, shadowed: &[Ident]) -> Option<(String, Option<&'a Type>)> {
    let Type::Path(path) = ungrouped(ty) else {
        return None;
    };
    let mut segments = path.path.segments.iter().rev();
    let last = segments.next()?;
    let is_std = match segments.next() {
        None => !shadowed.contains(&last.ident),
        Some(module) => ["string", "vec", "option", "v1"]
            .iter()
            .any(|name| module.ident == name),
    };
    if path.qself.is_some() || !is_std {
        return None;
    }
    let argument = match &last.arguments {
        PathArguments::None => None,
        PathArguments::AngleBracketed(arguments) if arguments.args.len() == 1 => {
            match &arguments.args[0] {
                GenericArgument::Type(ty) => Some(ungrouped(ty)),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some((last.ident.to_string(), argument))
}

/// Whether any field is borrowed, so that the view is a type of its own.
pub(crate) fn borrows(model: &Model, context: &Context) -> bool {
    model
        .fields
        .iter()
        .any(|field| Held::of(field, &context.shadowed) != Held::Owned)
}

/// The view's type, and how a model is made of it.
pub(crate) fn expand(model: &Model, context: &Context) -> TokenStream {
    let Model {
        name,
        visibility,
        carried,
        ..
    } = model;
    let Context {
        krate,
        shadowed,
        view: attributes,
    } = context;
    let view = model.view();
    let doc =
        format!("A [`{name}`] as it is stored: strings and byte strings are borrowed from there.");
    if !borrows(model, context) {
        let doc = format!(
            "A [`{name}`] as it is stored. It has no strings or byte strings to borrow, so that it is its own view."
        );
        return quote! {
            #(#carried)*
            #[doc = ""]
            #[doc = #doc]
            #[allow(dead_code, deprecated)]
            #visibility type #view<'a> = #name;
        };
    }
    let fields = model.fields.iter().map(|field| {
        let Field {
            name,
            visibility,
            carried,
            ty,
            ..
        } = field;
        let ty = Held::of(field, shadowed)
            .borrowed_type(&quote!(#krate::__private))
            .unwrap_or_else(|| ty.to_token_stream());
        quote!(#(#carried)* #visibility #name: #ty)
    });
    let owned = model.fields.iter().map(|field| {
        let name = &field.name;
        let value = Held::of(field, shadowed).to_owned(&quote!(self.#name));
        quote!(#name: #value)
    });
    let into_doc = format!("The [`{name}`] itself: copies what is borrowed, and moves the rest.");
    let implementations = private(
        krate,
        &quote! {
            #[automatically_derived]
            #[allow(dead_code)]
            impl<'a> #view<'a> {
                #[doc = #into_doc]
                #[inline]
                #[must_use]
                #visibility fn into_model(self) -> #name {
                    #name { #(#owned),* }
                }
            }

            #[automatically_derived]
            impl<'a> __netabase::core::convert::From<#view<'a>> for #name {
                fn from(__ref: #view<'a>) -> Self {
                    #view::into_model(__ref)
                }
            }
        },
    );
    quote! {
        #(#carried)*
        #[doc = ""]
        #[doc = #doc]
        #[allow(dead_code)]
        #attributes
        #visibility struct #view<'a> {
            #(#fields,)*
        }

        #implementations
    }
}
