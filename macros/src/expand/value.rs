//! Value types: structs and enums that models are made of.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{Ident, Member, Path, parse_quote};

use super::parts::{decode_field, describe_field, encode_field, private};
use crate::ast::{ValueBody, ValueFields, ValueStyle, ValueType};

/// The expansion of `#[derive(NetabaseValue)]`.
pub(crate) fn expand(value: &ValueType, krate: &Path) -> TokenStream {
    let name = &value.name;
    let text = name.unraw().to_string();
    let mut generics = value.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter
            .bounds
            .push(parse_quote!(__netabase::NetabaseValue));
        parameter.bounds.push(parse_quote!('static));
    }
    let (parameters, arguments, conditions) = generics.split_for_impl();
    let (encode, decode, body) = match &value.body {
        ValueBody::Struct(fields) => of_struct(fields),
        ValueBody::Enum(variants) => of_enum(&text, variants),
    };
    private(
        krate,
        &quote! {
            #[automatically_derived]
            impl #parameters __netabase::NetabaseValue for #name #arguments #conditions {
                #[inline]
                fn encode_value<__E: __netabase::bincode::enc::Encoder>(
                    &self,
                    __encoder: &mut __E,
                ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                    #encode
                    __netabase::Ok(())
                }

                #[inline]
                fn decode_value<__D: __netabase::bincode::de::Decoder<Context = ()>>(
                    __decoder: &mut __D,
                ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                    #decode
                }

                fn describe(__types: &mut __netabase::Types) -> __netabase::ValueShape {
                    __netabase::Types::named::<Self>(__types, #text, |__types| #body)
                }
            }
        },
    )
}

/// How a struct is encoded, decoded and described.
fn of_struct(fields: &ValueFields) -> (TokenStream, TokenStream, TokenStream) {
    let encode = fields.fields.iter().map(|field| {
        let member = &field.member;
        encode_field(&field.ty, field.storing, member, &quote!(&self.#member))
    });
    let decode = construct(&quote!(Self), fields);
    let shapes = shapes(fields);
    (
        quote!(#(#encode;)*),
        quote!(__netabase::Ok(#decode)),
        quote!(__netabase::TypeBody::Struct(#shapes)),
    )
}

/// How an enum is encoded, decoded and described: the number of the variant, then its fields.
fn of_enum(
    text: &str,
    variants: &[(Ident, ValueFields)],
) -> (TokenStream, TokenStream, TokenStream) {
    let numbers: Vec<u32> = (0..).take(variants.len()).collect();
    let last = numbers.last().copied().unwrap_or_default();
    let encode = variants
        .iter()
        .zip(&numbers)
        .map(|((variant, fields), number)| {
            let members = fields.fields.iter().map(|field| &field.member);
            let bound: Vec<_> = (fields.fields.iter())
                .map(|field| binding(&field.member))
                .collect();
            let encode = fields.fields.iter().zip(&bound).map(|(field, bound)| {
                encode_field(&field.ty, field.storing, &field.member, &quote!(#bound))
            });
            quote! {
                Self::#variant { #(#members: #bound),* } => {
                    __netabase::bincode::Encode::encode(&#number, __encoder)?;
                    #(#encode;)*
                }
            }
        });
    let decode = (variants.iter().zip(&numbers)).map(|((variant, fields), number)| {
        let value = construct(&quote!(Self::#variant), fields);
        quote!(#number => __netabase::Ok(#value))
    });
    let described = variants.iter().map(|(variant, fields)| {
        let (name, shapes) = (variant.unraw().to_string(), shapes(fields));
        quote!((__netabase::String::from(#name), #shapes))
    });
    (
        quote! {
            match self {
                #(#encode)*
            }
        },
        quote! {
            match <u32 as __netabase::bincode::Decode<()>>::decode(__decoder)? {
                #(#decode,)*
                __found => __netabase::Err(__netabase::bincode::error::DecodeError::UnexpectedVariant {
                    type_name: #text,
                    allowed: &__netabase::bincode::error::AllowedEnumVariants::Range { min: 0, max: #last },
                    found: __found,
                }),
            }
        },
        quote!(__netabase::TypeBody::Enum(__netabase::Vec::from([#(#described),*]))),
    )
}

/// The variable that holds a field of a variant.
fn binding(member: &Member) -> Ident {
    match member {
        Member::Named(name) => format_ident!("__{}", name.unraw()),
        Member::Unnamed(place) => format_ident!("__{}", place.index),
    }
}

/// A struct or variant, field after field from the decoder.
fn construct(path: &TokenStream, fields: &ValueFields) -> TokenStream {
    let fields = fields.fields.iter().map(|field| {
        let member = &field.member;
        let value = decode_field(&field.ty, field.storing, &quote!(__decoder));
        quote!(#member: #value)
    });
    quote!(#path { #(#fields),* })
}

/// What is recorded of the fields.
fn shapes(fields: &ValueFields) -> TokenStream {
    let shapes = (fields.fields.iter()).map(|field| describe_field(&field.ty, field.storing));
    match fields.style {
        ValueStyle::Unit => quote!(__netabase::FieldShapes::Unit),
        ValueStyle::Tuple => {
            quote!(__netabase::FieldShapes::Tuple(__netabase::Vec::from([#(#shapes),*])))
        }
        ValueStyle::Named => {
            let names = fields.fields.iter().map(|field| match &field.member {
                Member::Named(name) => name.unraw().to_string(),
                Member::Unnamed(place) => place.index.to_string(),
            });
            quote! {
                __netabase::FieldShapes::Named(__netabase::Vec::from([
                    #((__netabase::String::from(#names), #shapes)),*
                ]))
            }
        }
    }
}
