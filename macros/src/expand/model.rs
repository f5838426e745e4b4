//! A model's traits, and all that is generated for it.

use proc_macro2::TokenStream;
use quote::quote;

use super::parts::{decode_field, describe_field, discriminant, encode_field, private};
use super::view::Held;
use super::{keys, view};
use crate::ast::{Field, Model, type_text};
use crate::attr::{Context, Role};

/// The expansion of `#[derive(NetabaseModel)]` inside a definition.
pub(crate) fn expand(model: &Model, context: &Context) -> TokenStream {
    let declared = keys::declare(model, &context.krate);
    let keys = keys::implement(model, &context.shadowed);
    let record = record(model, context);
    let of_definition = of_definition(model);
    let implementations = private(&context.krate, &quote!(#keys #record #of_definition));
    let view = view::expand(model, context);
    quote! {
        #declared
        #view
        #implementations
    }
}

/// How the model is stored.
fn record(model: &Model, context: &Context) -> TokenStream {
    let (name, view) = (&model.name, model.view());
    let info = info(model);
    let names: Vec<_> = model.fields.iter().map(|field| &field.name).collect();
    let encode = model.fields.iter().map(|field| {
        let name = &field.name;
        encode_field(&field.ty, field.storing, name, &quote!(&self.#name))
    });
    let decode = model
        .fields
        .iter()
        .map(|field| decode_field(&field.ty, field.storing, &quote!(__decoder)));
    let (primary_names, primary_types): (Vec<_>, Vec<_>) = model
        .primary()
        .map(|field| (&field.name, &field.ty))
        .unzip();

    let indexes: Vec<_> = (0..model.secondary().count()).collect();
    let of_model = model.secondary().map(|field| {
        let Field { name, ty, .. } = field;
        quote!(<#ty as __netabase::KeyPart>::encode(&self.#name, __out))
    });
    let of_ref = model.secondary().map(|field| {
        let Field { name, ty, .. } = field;
        match Held::of(field, &context.shadowed).borrowed_type(&quote!(__netabase)) {
            None => quote!(<#ty as __netabase::KeyPart>::encode(&__ref.#name, __out)),
            Some(_) => quote!(__netabase::EncodeKey::encode_key(&__ref.#name, __out)),
        }
    });
    let skip = model.secondary().map(|field| {
        let ty = &field.ty;
        quote!(<#ty as __netabase::KeyPart>::skip(__input))
    });
    let borrowed = model.fields.iter().map(|field| {
        let name = &field.name;
        match Held::of(field, &context.shadowed).borrowed_type(&quote!(__netabase)) {
            None => {
                let value = decode_field(&field.ty, field.storing, &quote!(__decoder));
                quote!(#name: #value)
            }
            Some(ty) => {
                quote!(#name: <#ty as __netabase::bincode::BorrowDecode<'a, ()>>::borrow_decode(__decoder)?)
            }
        }
    });
    let flat = model
        .fields
        .iter()
        .all(|field| view::is_flat(field, &context.shadowed));
    let from_ref = if view::borrows(model, context) {
        quote!(#view::into_model(__ref))
    } else {
        quote!(__ref)
    };
    let no_index = quote! {
        _ => __netabase::core::unreachable!("a model has no index of this number"),
    };
    quote! {
        #[automatically_derived]
        impl __netabase::Record for #name {
            #info

            const FLAT: bool = #flat;

            type Ref<'a> = #view<'a>;

            #[inline]
            fn from_ref(__ref: Self::Ref<'_>) -> Self {
                #from_ref
            }

            #[inline]
            fn encode_primary_key(&self, __out: &mut __netabase::Vec<u8>) {
                #(<#primary_types as __netabase::KeyPart>::encode(&self.#primary_names, __out);)*
            }

            #[inline]
            fn encode_secondary_key(&self, __index: usize, __out: &mut __netabase::Vec<u8>) {
                match __index {
                    #(#indexes => #of_model,)*
                    #no_index
                }
            }

            #[inline]
            fn encode_secondary_key_of(__ref: &Self::Ref<'_>, __index: usize, __out: &mut __netabase::Vec<u8>) {
                match __index {
                    #(#indexes => #of_ref,)*
                    #no_index
                }
            }

            #[inline]
            fn skip_secondary_key(
                __index: usize,
                __input: &mut &[u8],
            ) -> __netabase::Result<(), __netabase::KeyDecodeError> {
                match __index {
                    #(#indexes => #skip,)*
                    #no_index
                }
            }

            #[inline]
            fn encode_fields<__E: __netabase::bincode::enc::Encoder>(
                &self,
                __encoder: &mut __E,
            ) -> __netabase::Result<(), __netabase::bincode::error::EncodeError> {
                #(#encode;)*
                __netabase::Ok(())
            }

            #[inline]
            fn decode_fields<__D: __netabase::bincode::de::Decoder<Context = ()>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self, __netabase::bincode::error::DecodeError> {
                __netabase::Ok(Self {
                    #(#names: #decode,)*
                })
            }

            #[inline]
            fn borrow_fields<'a, __D: __netabase::bincode::de::BorrowDecoder<'a, Context = ()>>(
                __decoder: &mut __D,
            ) -> __netabase::Result<Self::Ref<'a>, __netabase::bincode::error::DecodeError> {
                __netabase::Ok(#view {
                    #(#borrowed,)*
                })
            }
        }
    }
}

/// What the database records of the model.
fn info(model: &Model) -> TokenStream {
    let name = model.name.to_string();
    let primary_key = model.primary_key();
    let primary_fields = model.primary().map(Field::text);
    let fields = model.fields.iter().map(|field| {
        let (name, ty) = (field.text(), type_text(&field.ty));
        let describe = describe_field(&field.ty, field.storing);
        quote! {
            __netabase::FieldInfo {
                name: #name,
                ty: #ty,
                describe: |__types| #describe,
            }
        }
    });
    let indexes = model.secondary().map(|field| {
        let text = field.text();
        let tree = format!("{name}.{text}");
        let key = model.secondary_key(field);
        let unique = field.role == Role::Secondary { unique: true };
        quote! {
            __netabase::IndexInfo {
                name: #text,
                tree: #tree,
                key: <#key as __netabase::Key>::SHAPE,
                unique: #unique,
            }
        }
    });
    quote! {
        const INFO: __netabase::ModelInfo = __netabase::ModelInfo {
            name: #name,
            fields: &[#(#fields),*],
            primary_fields: &[#(#primary_fields),*],
            primary_key: <#primary_key as __netabase::Key>::SHAPE,
            indexes: &[#(#indexes),*],
        };
    }
}

/// The model as one of its definition.
fn of_definition(model: &Model) -> TokenStream {
    let name = &model.name;
    let definition = &model.attribute.definition;
    let discriminant = discriminant(definition);
    let (primary_key, secondary_keys, keys) =
        (model.primary_key(), model.secondary_keys(), model.keys());
    let (primary_names, primary_types): (Vec<_>, Vec<_>) = model
        .primary()
        .map(|field| (&field.name, &field.ty))
        .unzip();
    let secondary = model.secondary().map(|field| {
        let Field { name, ty, .. } = field;
        let (variant, key) = (field.variant(), model.secondary_key(field));
        quote!(#secondary_keys::#variant(#key(<#ty as __netabase::KeyPart>::copied(&self.#name))))
    });
    quote! {
        #[automatically_derived]
        impl __netabase::NetabaseModelTrait<#definition> for #name {
            const DISCRIMINANT: #discriminant = #discriminant::#name;
            const PLACE: usize = #discriminant::#name as usize;

            type PrimaryKey = #primary_key;
            type SecondaryKeys = #secondary_keys;
            type Keys = #keys;

            #[inline]
            fn primary_key(&self) -> #primary_key {
                #primary_key(#(<#primary_types as __netabase::KeyPart>::copied(&self.#primary_names)),*)
            }

            fn secondary_keys(&self) -> __netabase::Vec<#secondary_keys> {
                __netabase::core::convert::From::from([#(#secondary),*])
            }
        }
    }
}
