//! Tokens that several expansions are made of.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned as _;
use syn::{Ident, Path, Type, parse_quote};

use crate::ast::{self, Storing};

/// Where `netabase_store` is found: where the user says, or else under the name that `Cargo.toml` gives it.
pub(super) fn crate_path(given: Option<&Path>) -> Path {
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
pub(super) fn discriminant(name: &Ident) -> Ident {
    format_ident!("{name}Discriminant")
}

/// Puts implementations where `__netabase` names what they may use, and no name of theirs is seen outside.
pub(super) fn private(krate: &Path, implementations: &TokenStream) -> TokenStream {
    quote! {
        #[allow(deprecated, unused_qualifications, clippy::all, clippy::pedantic, clippy::absolute_paths)]
        const _: () = {
            use #krate::__private as __netabase;
            #[allow(unused_imports)]
            use __netabase::OpaqueField as _;
            #implementations
        };
    }
}

/// Encodes the value of the field `member`, which the expression `place`, a reference, leads to.
pub(super) fn encode_field(
    ty: &Type,
    storing: Storing,
    member: &impl ToTokens,
    place: &TokenStream,
) -> TokenStream {
    if storing.with_serde {
        let member = member.to_token_stream().to_string();
        let member = member.trim_start_matches("r#");
        quote!(__netabase::encode_with_serde(#place, #member, __encoder)?)
    } else if storing.version.is_some() {
        quote!(<#ty as __netabase::StoredField>::encode(#place, __encoder)?)
    } else {
        shown_at(
            ty,
            quote!(__netabase::Field::<#ty>::run(__netabase::EncodeField(#place, __encoder))?),
        )
    }
}

/// Decodes the value of a field from a decoder without context.
pub(super) fn decode_field(ty: &Type, storing: Storing, decoder: &TokenStream) -> TokenStream {
    if storing.with_serde {
        quote!(<__netabase::bincode::serde::Compat<#ty> as __netabase::StoredField>::decode(#decoder)?.0)
    } else if storing.version.is_some() {
        quote!(<#ty as __netabase::StoredField>::decode(#decoder)?)
    } else {
        shown_at(
            ty,
            quote!(__netabase::Field::<#ty>::run(__netabase::DecodeField(#decoder))?),
        )
    }
}

/// What is recorded of the type of a field; describes types in `__types`.
pub(super) fn describe_field(ty: &Type, storing: Storing) -> TokenStream {
    let text = ast::type_text(ty);
    if let Some(version) = storing.version {
        quote!(__netabase::ValueShape::Foreign(__netabase::String::from(#text), #version))
    } else if storing.with_serde {
        quote!(__netabase::ValueShape::Opaque(__netabase::String::from(#text)))
    } else {
        shown_at(
            ty,
            quote!(__netabase::Field::<#ty>::run(__netabase::DescribeField(__types, #text))),
        )
    }
}

/// The tokens, standing where the type does: an error about the type is shown there, and once.
fn shown_at(ty: &Type, tokens: TokenStream) -> TokenStream {
    fn moved(tokens: TokenStream, span: Span) -> TokenStream {
        (tokens.into_iter())
            .map(|mut token| {
                if let TokenTree::Group(group) = &token {
                    token = Group::new(group.delimiter(), moved(group.stream(), span)).into();
                }
                token.set_span(token.span().located_at(span));
                token
            })
            .collect()
    }

    moved(tokens, ty.span())
}

/// A decoder without context over `__decoder`, which may have one.
pub(super) fn without_context() -> TokenStream {
    quote!(&mut __netabase::bincode::de::Decoder::with_context(
        __decoder,
        ()
    ))
}

/// `bincode`'s traits for an enum of the given variants, each with one value, in the form that its derives give.
pub(super) fn enum_codec(name: &Ident, variants: &[EnumVariant]) -> TokenStream {
    let text = name.to_string();
    let Some(last) = variants.len().checked_sub(1) else {
        return codec(
            name,
            &quote!(match *self {}),
            &quote! {
                __netabase::Err(__netabase::bincode::error::DecodeError::EmptyEnum { type_name: #text })
            },
        );
    };
    let last = u32::try_from(last).unwrap_or(u32::MAX);
    let indexes: Vec<_> = (0..=last).collect();
    let names: Vec<_> = variants.iter().map(|variant| &variant.name).collect();
    let encode = variants.iter().map(|variant| &variant.encode);
    let decode = variants.iter().map(|variant| &variant.decode);
    codec(
        name,
        &quote! {
            match self {
                #(Self::#names(__value) => {
                    <u32 as __netabase::bincode::Encode>::encode(&#indexes, __encoder)?;
                    #encode
                })*
            }
        },
        &quote! {
            match <u32 as __netabase::bincode::Decode<__C>>::decode(__decoder)? {
                #(#indexes => __netabase::Ok(Self::#names(#decode?)),)*
                __found => __netabase::Err(__netabase::bincode::error::DecodeError::UnexpectedVariant {
                    type_name: #text,
                    allowed: &__netabase::bincode::error::AllowedEnumVariants::Range { min: 0, max: #last },
                    found: __found,
                }),
            }
        },
    )
}

/// A variant for [`enum_codec`], with the expressions that encode `__value`, a reference, and that decode one.
pub(super) struct EnumVariant {
    pub(super) name: Ident,
    pub(super) encode: TokenStream,
    pub(super) decode: TokenStream,
}

impl EnumVariant {
    /// A variant whose value's type has `bincode`'s traits.
    pub(super) fn of(name: Ident, ty: &Ident) -> Self {
        Self {
            name,
            encode: quote!(<#ty as __netabase::bincode::Encode>::encode(__value, __encoder)),
            decode: quote!(<#ty as __netabase::bincode::Decode<__C>>::decode(__decoder)),
        }
    }
}

/// `bincode`'s traits for a type that borrows nothing, from expressions over `__encoder` and `__decoder`.
pub(super) fn codec(name: &Ident, encode: &TokenStream, decode: &TokenStream) -> TokenStream {
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
                <Self as __netabase::bincode::Decode<__C>>::decode(__decoder)
            }
        }
    }
}

/// `From<value>` for an enum, from the value of one of its variants.
pub(super) fn enum_from(name: &Ident, variant: &Ident, ty: &Ident) -> TokenStream {
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
