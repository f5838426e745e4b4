//! A definition's module: the enums over its models, and the models with their place in it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{DeriveInput, Ident, Item, ItemMod, Meta, Path, Token, Visibility, parse_quote};

use super::keys;
use super::parts::{
    EnumVariant, crate_path, discriminant, enum_codec, enum_from, private, without_context,
};
use crate::ast::Model;
use crate::attr::{self, Context, Derive, ModuleArguments};
use crate::errors::Errors;
use crate::valid::{self, Names};

/// The expansion of `#[netabase_definition_module]`.
///
/// Models with a mistake in them stay in the module as plain structs, so that only the mistake is reported.
pub(crate) fn expand(
    arguments: Option<ModuleArguments>,
    mut module: ItemMod,
    mut errors: Errors,
) -> TokenStream {
    let Some((_, items)) = &mut module.content else {
        errors.at(
            &module,
            "a definition's module has its body here: the macro has to see the models",
        );
        return errors.into_compile_errors();
    };
    let mut models = Vec::new();
    let mut found = false;
    for item in items.iter_mut() {
        if let Some(model) = read_model(item, arguments.as_ref(), &mut found, &mut errors) {
            models.push(model);
        }
    }
    if !found {
        errors.at(
            &module.ident,
            "a definition has at least one model: a struct with `#[derive(NetabaseModel)]` directly in this module",
        );
    }
    let mut names = Names::of_items(items.iter());
    let shadowed = ["String", "Vec", "Option"]
        .into_iter()
        .filter(|name| names.contains(name))
        .map(|name| Ident::new(name, Span::call_site()))
        .collect();
    let mut collisions = Errors::default();
    if let Some(arguments) = &arguments {
        reserve_names(arguments, &models, &mut names, &mut collisions);
    }
    match &arguments {
        Some(arguments) if collisions.is_empty() => {
            let krate = crate_path(arguments.krate.as_ref());
            mark_models(items, &models, arguments, &krate, shadowed);
            if !models.is_empty() {
                items.push(Item::Verbatim(generate(arguments, &models, &krate)));
            }
        }
        _ => {
            for item in items.iter_mut() {
                let is_model = |found: &Found| matches!(item, Item::Struct(item) if item.ident == found.model.name);
                if models.iter().any(is_model) {
                    strip(item);
                }
            }
        }
    }
    errors.append(collisions);
    if !errors.is_empty() {
        keep_import(items);
    }
    if let Some(import) = use_attribute(items) {
        items.push(import);
    }
    items.push(Item::Verbatim(errors.into_compile_errors()));
    quote!(#module)
}

/// A model of the module.
struct Found {
    model: Model,
    derives: Vec<Derive>,
    serde: Vec<syn::Attribute>,
}

/// Reads the model that an item is, if it is one and without mistakes.
fn read_model(
    item: &mut Item,
    arguments: Option<&ModuleArguments>,
    found: &mut bool,
    errors: &mut Errors,
) -> Option<Found> {
    let (Item::Struct(syn::ItemStruct { attrs, .. })
    | Item::Enum(syn::ItemEnum { attrs, .. })
    | Item::Union(syn::ItemUnion { attrs, .. })) = item
    else {
        return None;
    };
    let derives = attr::derives(attrs);
    let derive = derives
        .iter()
        .find(|derive| derive.name() == "NetabaseModel");
    let attribute = attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("netabase"));
    let mut mistakes = Errors::default();
    match (derive, attribute) {
        (None, None) => return None,
        (None, Some(_)) if derives.iter().any(|derive| derive.name() == "NetabaseKey") => {
            return None;
        }
        (None, Some(attribute)) => {
            mistakes.at(
                attribute,
                "`#[netabase]` is for models, which derive `NetabaseModel`; add `#[derive(NetabaseModel)]`",
            );
        }
        (Some(derive), _) if !derive.is_unconditional() => {
            mistakes.at(
                &derive.path,
                "a model is one in every build: `NetabaseModel` cannot be derived by `cfg_attr`",
            );
        }
        (Some(_), _) => {}
    }
    *found = true;
    let input = match &*item {
        Item::Struct(item) => DeriveInput::from(item.clone()),
        Item::Enum(item) => DeriveInput::from(item.clone()),
        Item::Union(item) => DeriveInput::from(item.clone()),
        _ => return None,
    };
    refuse_conditions(&input, &mut mistakes);
    let model = Model::read(&input, &mut mistakes);
    if let Some(model) = &model {
        valid::model(model, &mut mistakes);
        if let Some(arguments) = arguments
            && arguments.definition != model.attribute.definition
        {
            let named = &model.attribute.definition;
            mistakes.at(
                named,
                format!(
                    "`{}` is in the module of `{}`, but names the definition `{named}`",
                    model.name, arguments.definition
                ),
            );
        }
    }
    if !mistakes.is_empty() {
        errors.append(mistakes);
        strip(item);
        return None;
    }
    let serde = input
        .attrs
        .iter()
        .filter(|attribute| is_serde_crate(attribute))
        .cloned()
        .collect();
    model.map(|model| Found {
        model,
        derives,
        serde,
    })
}

/// Whether this is `#[serde(crate = "…")]`, without which serde's derives may not find their crate.
fn is_serde_crate(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("serde")
        && attribute
            .parse_args::<syn::MetaNameValue>()
            .is_ok_and(|option| option.path.is_ident("crate"))
}

/// The stored form and the definition are one in every build.
fn refuse_conditions(input: &DeriveInput, errors: &mut Errors) {
    for attribute in &input.attrs {
        if attribute.path().is_ident("cfg") {
            errors.at(
                attribute,
                "a model is one in every build, since the database records it; put `#[cfg]` on the whole module instead",
            );
        }
    }
    let syn::Data::Struct(data) = &input.data else {
        return;
    };
    for attribute in data.fields.iter().flat_map(|field| &field.attrs) {
        if attribute.path().is_ident("cfg")
            || is_conditional(attribute, &["primary_key", "secondary_key"])
        {
            errors.at(
                attribute,
                "a model has the same fields and keys in every build, since its stored form is made of them; remove the condition",
            );
        }
    }
}

/// Makes a model that has mistakes in it a plain item.
fn strip(item: &mut Item) {
    let (attrs, fields): (&mut Vec<syn::Attribute>, Vec<&mut syn::Field>) = match item {
        Item::Struct(item) => (&mut item.attrs, item.fields.iter_mut().collect()),
        Item::Enum(item) => {
            let fields = item.variants.iter_mut();
            let fields = fields.flat_map(|variant| variant.fields.iter_mut());
            (&mut item.attrs, fields.collect())
        }
        Item::Union(item) => (&mut item.attrs, item.fields.named.iter_mut().collect()),
        _ => return,
    };
    let derives: Vec<_> = attr::derives(attrs)
        .into_iter()
        .filter(|derive| derive.name() != "NetabaseModel")
        .collect();
    let has_bincode = derives
        .iter()
        .any(|derive| ["Encode", "Decode", "BorrowDecode"].contains(&derive.name().as_str()));
    let stays = |attribute: &syn::Attribute| {
        !is_conditional(attribute, &["primary_key", "secondary_key", "derive"])
            && !["netabase", "primary_key", "secondary_key", "derive"]
                .iter()
                .any(|name| attribute.path().is_ident(name))
            && (has_bincode || !attribute.path().is_ident("bincode"))
    };
    for field in fields {
        field.attrs.retain(stays);
    }
    attrs.retain(stays);
    attrs.push(parse_quote!(#[allow(dead_code)]));
    attrs.extend(
        derives
            .iter()
            .map(|derive| -> syn::Attribute { parse_quote!(#derive) }),
    );
}

/// Whether this is a `#[cfg_attr(…)]` around an attribute of one of these names.
fn is_conditional(attribute: &syn::Attribute, names: &[&str]) -> bool {
    attribute.path().is_ident("cfg_attr")
        && attribute
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|parts| {
                parts
                    .iter()
                    .skip(1)
                    .any(|part| names.iter().any(|name| part.path().is_ident(name)))
            })
}

/// Keeps the import of the derive from being reported as unused where models became plain structs.
fn keep_import(items: &mut [Item]) {
    for item in items {
        if let Item::Use(item) = item {
            let mut is_import = false;
            valid::imported(&item.tree, &mut |_, original| {
                is_import |= original == "NetabaseModel";
            });
            if is_import {
                item.attrs.push(parse_quote!(#[allow(unused_imports)]));
            }
        }
    }
}

/// Checks that every generated name is free.
fn reserve_names(
    arguments: &ModuleArguments,
    models: &[Found],
    names: &mut Names,
    errors: &mut Errors,
) {
    for name in [&arguments.definition, &arguments.keys] {
        for generated in [name.clone(), discriminant(name)] {
            names.generate(&generated, name.span(), "a generated enum", errors);
        }
    }
    for Found { model, .. } in models {
        let origin = format!("a type generated for `{}`", model.name);
        for name in model.generated() {
            names.generate(&name, model.name.span(), &origin, errors);
        }
    }
}

/// Tells every model that it is inside its definition.
fn mark_models(
    items: &mut [Item],
    models: &[Found],
    arguments: &ModuleArguments,
    krate: &Path,
    shadowed: Vec<Ident>,
) {
    const SHARED: [&str; 8] = [
        "Clone",
        "Copy",
        "Debug",
        "PartialEq",
        "Eq",
        "PartialOrd",
        "Ord",
        "Hash",
    ];
    let mut context = Context {
        krate: krate.clone(),
        shadowed,
        view: TokenStream::new(),
    };
    for item in items {
        let Item::Struct(item) = item else { continue };
        let Some(found) = models.iter().find(|found| found.model.name == item.ident) else {
            continue;
        };
        let shared = found
            .derives
            .iter()
            .filter(|derive| SHARED.contains(&derive.name().as_str()));
        context.view = quote!(#(#shared)*);
        for attribute in &mut item.attrs {
            if attribute.path().is_ident("netabase") {
                *attribute = context.attribute(&arguments.definition);
            }
        }
    }
}

/// A use of the module `netabase` that the user may have imported for its name, which would otherwise leave the import unused.
fn use_attribute(items: &[Item]) -> Option<Item> {
    let mut is_imported = false;
    for item in items {
        if let Item::Use(item) = item {
            valid::imported(&item.tree, &mut |name, original| {
                is_imported |= name == "netabase" && original == "netabase";
            });
        }
    }
    is_imported.then(|| {
        parse_quote! {
            #[allow(unused_imports)]
            use self::netabase as _;
        }
    })
}

/// The definition and its keys.
fn generate(arguments: &ModuleArguments, models: &[Found], krate: &Path) -> TokenStream {
    let ModuleArguments {
        definition, keys, ..
    } = arguments;
    let visibility = narrowest(models);
    let names: Vec<_> = models.iter().map(|found| &found.model.name).collect();
    let model_keys: Vec<_> = models.iter().map(|found| found.model.keys()).collect();
    let carried = models.iter().map(|found| {
        let Model { name, carried, .. } = &found.model;
        let is_doc = |attribute: &syn::Attribute| attribute.path().is_ident("doc");
        let doc = (!carried.iter().any(is_doc)).then(|| {
            let doc = format!("A [`{name}`].");
            quote!(#[doc = #doc])
        });
        quote!(#doc #(#carried)*)
    });
    let key_docs = names.iter().map(|name| format!("A key of a [`{name}`]."));

    let derives = common_derives(models);
    let has_serde = derives
        .iter()
        .any(|derive| ["Serialize", "Deserialize"].contains(&derive.name().as_str()));
    let serde = models
        .iter()
        .find_map(|found| found.serde.first())
        .filter(|_| has_serde);
    let key_derives = keys::enum_derives(krate);
    let keys_doc = format!("The keys of the models of [`{definition}`].");
    let definition_discriminant = declare_discriminant(definition, &names, visibility, krate);
    let keys_discriminant = declare_discriminant(keys, &names, visibility, krate);
    let implementations = private(
        krate,
        &[
            implement_definition(definition, keys, models),
            implement_keys(keys, models),
            implement_discriminant(definition, &names),
            implement_discriminant(keys, &names),
        ]
        .into_iter()
        .collect(),
    );
    quote! {
        #[doc = "The models that live in one database."]
        #[allow(dead_code, deprecated, clippy::large_enum_variant)]
        #(#derives)*
        #serde
        #visibility enum #definition {
            #(#carried #names(#names),)*
        }

        #[doc = #keys_doc]
        #key_derives
        #visibility enum #keys {
            #(#[doc = #key_docs] #names(#model_keys),)*
        }

        #definition_discriminant
        #keys_discriminant
        #implementations
    }
}

/// What every model derives, of the traits that the definition may derive too.
fn common_derives(models: &[Found]) -> Vec<&Derive> {
    const COMMON: [&str; 9] = [
        "Clone",
        "Debug",
        "PartialEq",
        "Eq",
        "PartialOrd",
        "Ord",
        "Hash",
        "Serialize",
        "Deserialize",
    ];
    let Some((first, others)) = models.split_first() else {
        return Vec::new();
    };
    first
        .derives
        .iter()
        .filter(|derive| COMMON.contains(&derive.name().as_str()))
        .filter(|derive| {
            others
                .iter()
                .all(|other| other.derives.iter().any(|own| own.is_like(derive)))
        })
        .collect()
}

/// The visibility of the model that the fewest see: an enum over them is to be seen by no more.
fn narrowest(models: &[Found]) -> &Visibility {
    let width = |visibility: &Visibility| match visibility {
        Visibility::Public(_) => 3,
        Visibility::Restricted(restricted) if restricted.path.is_ident("crate") => 2,
        Visibility::Restricted(_) => 1,
        Visibility::Inherited => 0,
    };
    models
        .iter()
        .map(|found| &found.model.visibility)
        .min_by_key(|visibility| width(visibility))
        .unwrap_or(&Visibility::Inherited)
}

/// The field-less enum of an enum's variants.
fn declare_discriminant(
    name: &Ident,
    variants: &[&Ident],
    visibility: &Visibility,
    krate: &Path,
) -> TokenStream {
    let discriminant = discriminant(name);
    let derives = keys::enum_derives(krate);
    let doc = format!("The variants of [`{name}`], without what is in them.");
    let docs = variants.iter().map(|name| format!("[`{name}`]."));
    quote! {
        #[doc = #doc]
        #derives
        #[derive(#krate::__private::core::marker::Copy)]
        #visibility enum #discriminant {
            #(#[doc = #docs] #variants,)*
        }
    }
}

/// strum's traits for an enum and the enum of its variants, as strum's derives give them.
fn implement_discriminant(name: &Ident, variants: &[&Ident]) -> TokenStream {
    let discriminant = discriminant(name);
    let texts: Vec<_> = variants.iter().map(ToString::to_string).collect();
    let number = texts.len();
    let into_text = |ty: TokenStream, generics: TokenStream, patterns: &[TokenStream]| {
        quote! {
            #[automatically_derived]
            impl #generics __netabase::core::convert::From<#ty> for &'static str {
                #[inline]
                fn from(__value: #ty) -> Self {
                    match __value {
                        #(#patterns => #texts,)*
                    }
                }
            }
        }
    };
    let full: Vec<_> = variants
        .iter()
        .map(|variant| quote!(#name::#variant(_)))
        .collect();
    let bare: Vec<_> = variants
        .iter()
        .map(|variant| quote!(#discriminant::#variant))
        .collect();
    let into_texts = [
        into_text(quote!(#name), quote!(), &full),
        into_text(quote!(&'__a #name), quote!(<'__a>), &full),
        into_text(quote!(#discriminant), quote!(), &bare),
        into_text(quote!(&'__a #discriminant), quote!(<'__a>), &bare),
    ];
    quote! {
        #(#into_texts)*

        #[automatically_derived]
        impl __netabase::core::convert::From<&#name> for #discriminant {
            #[inline]
            fn from(__value: &#name) -> Self {
                match __value {
                    #(#full => #bare,)*
                }
            }
        }

        #[automatically_derived]
        impl __netabase::core::convert::From<#name> for #discriminant {
            #[inline]
            fn from(__value: #name) -> Self {
                <Self as __netabase::core::convert::From<&#name>>::from(&__value)
            }
        }

        #[automatically_derived]
        impl __netabase::strum::IntoDiscriminant for #name {
            type Discriminant = #discriminant;

            #[inline]
            fn discriminant(&self) -> #discriminant {
                <#discriminant as __netabase::core::convert::From<&Self>>::from(self)
            }
        }

        #[automatically_derived]
        impl __netabase::strum::EnumCount for #discriminant {
            const COUNT: usize = #number;
        }

        #[automatically_derived]
        impl __netabase::strum::VariantNames for #discriminant {
            const VARIANTS: &'static [&'static str] = &[#(#texts),*];
        }

        #[automatically_derived]
        impl __netabase::strum::VariantArray for #discriminant {
            const VARIANTS: &'static [Self] = &[#(#bare),*];
        }

        #[automatically_derived]
        impl __netabase::strum::IntoEnumIterator for #discriminant {
            type Iterator = __netabase::core::iter::Copied<__netabase::core::slice::Iter<'static, Self>>;

            #[inline]
            fn iter() -> Self::Iterator {
                __netabase::core::iter::Iterator::copied(
                    <Self as __netabase::strum::VariantArray>::VARIANTS.iter(),
                )
            }
        }

        #[automatically_derived]
        impl __netabase::core::fmt::Display for #discriminant {
            fn fmt(&self, __formatter: &mut __netabase::core::fmt::Formatter<'_>) -> __netabase::core::fmt::Result {
                __formatter.pad(<&'static str as __netabase::core::convert::From<&Self>>::from(self))
            }
        }
    }
}

fn implement_definition(definition: &Ident, keys: &Ident, models: &[Found]) -> TokenStream {
    let discriminant = discriminant(definition);
    let text = definition.to_string();
    let names: Vec<_> = models.iter().map(|found| &found.model.name).collect();
    let texts = names.iter().map(ToString::to_string);
    let model_keys: Vec<_> = models.iter().map(|found| found.model.keys()).collect();
    let variants: Vec<_> = names
        .iter()
        .map(|name| {
            let decoder = without_context();
            let decode = quote!(<#name as __netabase::Record>::decode_fields(#decoder));
            EnumVariant {
                name: Ident::clone(name),
                encode: quote!(<#name as __netabase::Record>::encode_fields(__value, __encoder)),
                decode,
            }
        })
        .collect();
    let codec = enum_codec(definition, &variants);
    let conversions = names.iter().map(|name| {
        let from = enum_from(definition, name, name);
        let others = (names.len() > 1).then(|| quote!(__other => __netabase::Err(__other),));
        quote! {
            #from

            #[automatically_derived]
            impl __netabase::core::convert::TryFrom<#definition> for #name {
                type Error = #definition;

                #[inline]
                fn try_from(__value: #definition) -> __netabase::Result<Self, #definition> {
                    match __value {
                        #definition::#name(__model) => __netabase::Ok(__model),
                        #others
                    }
                }
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl __netabase::NetabaseDefinitionTrait for #definition {
            type Keys = #keys;
            type Discriminant = #discriminant;

            const NAME: &'static str = #text;
            const MODELS: &'static [&'static __netabase::ModelInfo] =
                &[#(&<#names as __netabase::Record>::INFO),*];

            fn visit_models<__V: __netabase::ModelVisitor<Self>>(
                __visitor: &mut __V,
            ) -> __netabase::Result<(), __V::Error> {
                #(__netabase::ModelVisitor::visit::<#names>(__visitor)?;)*
                __netabase::Ok(())
            }

            fn to_key(&self) -> __netabase::Result<#keys, __netabase::NetabaseError> {
                __netabase::Ok(match self {
                    #(Self::#names(__model) => #keys::#names(#model_keys::Primary(
                        <#names as __netabase::NetabaseModelTrait<Self>>::primary_key(__model),
                    )),)*
                })
            }

            #[inline]
            fn discriminant_name(&self) -> &'static str {
                match self {
                    #(Self::#names(_) => #texts,)*
                }
            }
        }

        #codec
        #(#conversions)*
    }
}

fn implement_keys(keys: &Ident, models: &[Found]) -> TokenStream {
    let variants: Vec<_> = models
        .iter()
        .map(|found| EnumVariant::of(found.model.name.clone(), &found.model.keys()))
        .collect();
    let codec = enum_codec(keys, &variants);
    let conversions = models
        .iter()
        .map(|found| enum_from(keys, &found.model.name, &found.model.keys()));
    quote! {
        #codec
        #(#conversions)*
    }
}
