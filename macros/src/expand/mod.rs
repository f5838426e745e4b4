//! From what was read to the code that is generated.

mod definition;
mod key_type;
mod keys;
mod model;
mod parts;
mod value;
mod view;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::DeriveInput;

use self::parts::crate_path;
use crate::ast::{KeyType, Model, ValueType};
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

/// The expansion of `#[derive(NetabaseValue)]`.
pub(crate) fn derive_value(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let value_type = errors
        .take(syn::parse2::<DeriveInput>(input))
        .and_then(|input| ValueType::read(&input, &mut errors));
    match value_type {
        Some(value_type) if errors.is_empty() => {
            let krate = crate_path(value_type.krate.as_ref());
            value::expand(&value_type, &krate)
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use quote::ToTokens as _;
    use syn::{File, Item};

    use super::*;

    /// The items of a definition's file, with every macro of this crate expanded.
    fn expanded(source: &str) -> String {
        let mut output = File {
            shebang: None,
            attrs: Vec::new(),
            items: Vec::new(),
        };
        for item in syn::parse_file(source).unwrap().items {
            match item {
                Item::Mod(mut module) => {
                    let attribute = module.attrs.remove(0);
                    let arguments = attribute.meta.require_list().unwrap().tokens.clone();
                    let tokens = definition_module(arguments, module.to_token_stream());
                    let mut module: syn::ItemMod = syn::parse2(tokens).unwrap();
                    let (_, items) = module.content.as_mut().unwrap();
                    let mut derived = Vec::new();
                    for item in items.iter() {
                        if let Item::Struct(item) = item
                            && item
                                .attrs
                                .iter()
                                .any(|attribute| attribute.path().is_ident("netabase"))
                        {
                            let tokens = derive_model(item.to_token_stream());
                            derived.extend(syn::parse2::<File>(tokens).unwrap().items);
                        }
                    }
                    items.extend(derived);
                    output.items.push(Item::Mod(module));
                }
                key_type => {
                    let tokens = derive_key(key_type.to_token_stream());
                    output.items.push(key_type);
                    output
                        .items
                        .extend(syn::parse2::<File>(tokens).unwrap().items);
                }
            }
        }
        prettyplease::unparse(&output)
    }

    /// Compares with the file beside the source; with `BLESS=1` in the environment, writes it.
    fn assert_expansion(name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expansion");
        let source = std::fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
        let recorded = folder.join(format!("{name}.expanded.rs"));
        let expanded = expanded(&source);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&recorded, &expanded).unwrap();
        }
        let recorded = std::fs::read_to_string(recorded).unwrap_or_default();
        assert!(
            expanded == recorded,
            "the expansion of {name}.rs differs from the recorded one; if that is meant, run again with BLESS=1 and read the difference"
        );
    }

    #[test]
    fn a_definition_expands_as_recorded() {
        assert_expansion("definition");
    }

    #[test]
    fn key_types_expand_as_recorded() {
        assert_expansion("key_types");
    }
}
