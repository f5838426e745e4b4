//! Key types: structs of key fields, and enums without fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Ident, Member, Path, Type};

use super::parts::private;
use crate::ast::{KeyBody, KeyType};

/// The expansion of `#[derive(NetabaseKey)]`.
pub(crate) fn expand(key_type: &KeyType, krate: &Path) -> TokenStream {
    let name = &key_type.name;
    let key = match &key_type.body {
        KeyBody::Struct { fields, newtype } => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(member, ty)| (member.clone(), ty))
                .collect();
            of_fields(name, &fields, *newtype)
        }
        KeyBody::Enum(variants) => of_variants(name, variants),
    };
    private(
        krate,
        &quote! {
            #key

            #[automatically_derived]
            impl __netabase::AsKey<#name> for #name {}

            #[automatically_derived]
            impl<__K: __netabase::ModelKey> __netabase::AsKey<__K> for #name
            where
                #name: __netabase::AsKey<<__K as __netabase::ModelKey>::Fields>,
            {
            }
        },
    )
}

/// The key traits of a struct, which is encoded field after field.
pub(crate) fn of_fields(name: &Ident, fields: &[(Member, &Type)], newtype: bool) -> TokenStream {
    let members: Vec<_> = fields.iter().map(|(member, _)| member).collect();
    let types: Vec<_> = fields.iter().map(|(_, ty)| ty).collect();
    let shape = if newtype {
        quote!(#(<#types as __netabase::KeyPart>::SHAPE)*)
    } else {
        quote!(__netabase::KeyShape::Tuple(&[#(<#types as __netabase::KeyPart>::SHAPE),*]))
    };
    quote! {
        #[automatically_derived]
        impl __netabase::EncodeKey for #name {
            #[inline]
            fn encode_key(&self, __out: &mut __netabase::Vec<u8>) {
                #(<#types as __netabase::KeyPart>::encode(&self.#members, __out);)*
            }
        }

        #[automatically_derived]
        impl __netabase::Key for #name {
            const SHAPE: __netabase::KeyShape = #shape;

            #[inline]
            fn decode_key(__input: &mut &[u8]) -> __netabase::Result<Self, __netabase::KeyDecodeError> {
                __netabase::Ok(Self {
                    #(#members: <#types as __netabase::KeyPart>::decode(__input)?,)*
                })
            }

            #[inline]
            fn skip_key(__input: &mut &[u8]) -> __netabase::Result<(), __netabase::KeyDecodeError> {
                #(<#types as __netabase::KeyPart>::skip(__input)?;)*
                __netabase::Ok(())
            }
        }
    }
}

/// The key traits of a field-less enum, which is encoded by its discriminant.
fn of_variants(name: &Ident, variants: &[Ident]) -> TokenStream {
    let texts: Vec<_> = variants
        .iter()
        .map(|variant| variant.unraw().to_string())
        .collect();
    quote! {
        #[automatically_derived]
        impl __netabase::EncodeKey for #name {
            #[inline]
            fn encode_key(&self, __out: &mut __netabase::Vec<u8>) {
                let __discriminant = match self {
                    #(Self::#variants => Self::#variants as i64,)*
                };
                <i64 as __netabase::EncodeKey>::encode_key(&__discriminant, __out);
            }
        }

        #[automatically_derived]
        impl __netabase::Key for #name {
            const SHAPE: __netabase::KeyShape =
                __netabase::KeyShape::Enum(&[#((#texts, Self::#variants as i64)),*]);

            fn decode_key(__input: &mut &[u8]) -> __netabase::Result<Self, __netabase::KeyDecodeError> {
                match <i64 as __netabase::Key>::decode_key(__input)? {
                    #(__discriminant if __discriminant == Self::#variants as i64 => __netabase::Ok(Self::#variants),)*
                    _ => __netabase::Err(__netabase::KeyDecodeError::new("no variant has this discriminant")),
                }
            }
        }
    }
}
