//! From what was read to the code that is generated.

mod definition;
mod key_type;
mod keys;
mod model;
mod view;

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{DeriveInput, Ident, Path, parse_quote};

use crate::ast::{Field, KeyType, Model};
use crate::attr::ModuleArguments;
use crate::errors::Errors;
use crate::valid;

/// The expansion of `#[derive(NetabaseModel)]`.
pub(crate) fn derive_model(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(input) = errors.take(syn::parse2::<DeriveInput>(input)) else {
        return errors.into_compile_errors();
    };
    let Some(model) = Model::read(&input, &mut errors) else {
        return errors.into_compile_errors();
    };
    valid::model(&model, &mut errors);
    let context = match &model.attribute.context {
        Some(context) if errors.is_empty() => context,
        Some(_) => return errors.into_compile_errors(),
        None => {
            let definition = &model.attribute.definition;
            errors.at(
                definition,
                format!(
                    "`{}` is outside its definition; move it directly into the module with `#[netabase_definition_module({definition}, …)]`",
                    model.name,
                ),
            );
            return errors.into_compile_errors();
        }
    };
    model::expand(&model, context)
}

/// The expansion of `#[derive(NetabaseKey)]`.
pub(crate) fn derive_key(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let key_type = errors
        .take(syn::parse2::<DeriveInput>(input))
        .and_then(|input| KeyType::read(&input, &mut errors));
    match key_type {
        Some(key_type) if errors.is_empty() => {
            let krate = crate_path(key_type.krate.as_ref());
            key_type::expand(&key_type, &krate)
        }
        _ => errors.into_compile_errors(),
    }
}

/// The expansion of `#[netabase_definition_module]`.
pub(crate) fn definition_module(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let arguments = errors.take(syn::parse2::<ModuleArguments>(arguments));
    let module = match syn::parse2::<syn::Item>(item.clone()) {
        Ok(syn::Item::Mod(module)) => module,
        Ok(_) => {
            errors.at_span(
                Span::call_site(),
                "`#[netabase_definition_module]` belongs on a module, which holds the definition's models",
            );
            let errors = errors.into_compile_errors();
            return quote!(#item #errors);
        }
        Err(error) => {
            errors.push(error);
            let errors = errors.into_compile_errors();
            return quote!(#item #errors);
        }
    };
    definition::expand(arguments, module, errors)
}

/// Where `netabase_store` is found: where the user says, or else under the name that `Cargo.toml` gives it.
fn crate_path(given: Option<&Path>) -> Path {
    if let Some(path) = given {
        return path.clone();
    }
    // Without a manifest, as in a build without Cargo, the crate most likely has its own name.
    let name = match crate_name("netabase_store") {
        Ok(FoundCrate::Name(name)) => name,
        Ok(FoundCrate::Itself) | Err(_) => "netabase_store".to_owned(),
    };
    let name = Ident::new(&name, Span::call_site());
    parse_quote!(::#name)
}

/// The name of the field-less enum of an enum's variants.
fn discriminant(name: &Ident) -> Ident {
    format_ident!("{name}Discriminant")
}

/// Puts implementations where `__netabase` names what they may use, and no name of theirs is seen outside.
fn private(krate: &Path, implementations: &TokenStream) -> TokenStream {
    quote! {
        #[allow(deprecated, unused_qualifications, clippy::all, clippy::pedantic, clippy::absolute_paths)]
        const _: () = {
            use #krate::__private as __netabase;
            #implementations
        };
    }
}

/// Encodes the value of a field, which the expression `place` names, as `bincode`'s derive does.
fn encode_field(field: &Field, place: &TokenStream) -> TokenStream {
    let ty = &field.ty;
    if field.with_serde {
        quote!(__netabase::bincode::Encode::encode(&__netabase::bincode::serde::Compat(&#place), __encoder)?)
    } else {
        quote!(<#ty as __netabase::bincode::Encode>::encode(&#place, __encoder)?)
    }
}

/// Decodes the value of a field, by a decoder of this context.
fn decode_field(field: &Field, context: &TokenStream) -> TokenStream {
    let ty = &field.ty;
    if field.with_serde {
        quote! {
            <__netabase::bincode::serde::Compat<#ty> as __netabase::bincode::Decode<#context>>::decode(__decoder)?.0
        }
    } else {
        quote!(<#ty as __netabase::bincode::Decode<#context>>::decode(__decoder)?)
    }
}

/// `bincode`'s traits for an enum of the given variants, each with one value, in the form that its derives give.
///
/// A variant comes with the expression that encodes its value, which is a reference called `__value`, and with the one
/// that decodes it.
fn enum_codec(name: &Ident, variants: &[EnumVariant]) -> TokenStream {
    let text = name.to_string();
    let encode = if variants.is_empty() {
        quote!(match *self {})
    } else {
        let arms = variants.iter().zip(0u32..).map(|(variant, index)| {
            let EnumVariant { name, encode, .. } = variant;
            quote! {
                Self::#name(__value) => {
                    <u32 as __netabase::bincode::Encode>::encode(&#index, __encoder)?;
                    #encode
                }
            }
        });
        quote!(match self { #(#arms)* })
    };
    let decode = |decode: fn(&EnumVariant) -> &TokenStream| {
        if variants.is_empty() {
            return quote! {
                __netabase::Err(__netabase::bincode::error::DecodeError::EmptyEnum { type_name: #text })
            };
        }
        let arms = variants.iter().zip(0u32..).map(|(variant, index)| {
            let (name, decode) = (&variant.name, decode(variant));
            quote!(#index => __netabase::Ok(Self::#name(#decode)),)
        });
        let last = u32::try_from(variants.len() - 1).unwrap_or(u32::MAX);
        quote! {
            match <u32 as __netabase::bincode::Decode<__C>>::decode(__decoder)? {
                #(#arms)*
                __found => __netabase::Err(__netabase::bincode::error::DecodeError::UnexpectedVariant {
                    type_name: #text,
                    allowed: &__netabase::bincode::error::AllowedEnumVariants::Range { min: 0, max: #last },
                    found: __found,
                }),
            }
        }
    };
    codec(
        name,
        &encode,
        &decode(|variant| &variant.decode),
        &decode(|variant| &variant.borrow),
    )
}

/// A variant for [`enum_codec`].
struct EnumVariant {
    name: Ident,
    encode: TokenStream,
    decode: TokenStream,
    borrow: TokenStream,
}

impl EnumVariant {
    /// A variant whose value's type has `bincode`'s traits.
    fn of(name: Ident, ty: &Ident) -> Self {
        Self {
            name,
            encode: quote!(<#ty as __netabase::bincode::Encode>::encode(__value, __encoder)),
            decode: quote!(<#ty as __netabase::bincode::Decode<__C>>::decode(__decoder)?),
            borrow: quote!(<#ty as __netabase::bincode::BorrowDecode<'__de, __C>>::borrow_decode(__decoder)?),
        }
    }
}

/// `bincode`'s traits for a type, from expressions over `__encoder` and `__decoder`.
fn codec(
    name: &Ident,
    encode: &TokenStream,
    decode: &TokenStream,
    borrow: &TokenStream,
) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl __netabase::bincode::Encode for #name {
            fn encode<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                #encode
            }
        }

        #[automatically_derived]
        impl<__C> __netabase::bincode::Decode<__C> for #name {
            fn decode<__D: __netabase::bincode::de::Decoder<Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                #decode
            }
        }

        #[automatically_derived]
        impl<'__de, __C> __netabase::bincode::BorrowDecode<'__de, __C> for #name {
            fn borrow_decode<__D: __netabase::bincode::de::BorrowDecoder<'__de, Context = __C>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                #borrow
            }
        }
    }
}

/// `From<value>` for an enum, from the value of one of its variants.
fn enum_from(name: &Ident, variant: &Ident, ty: &Ident) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl __netabase::core::convert::From<#ty> for #name {
            #[inline]
            fn from(__value: #ty) -> Self {
                Self::#variant(__value)
            }
        }
    }
}
