//! The attributes that the macros read.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Meta, Path, Token, braced, bracketed, parenthesized};

use crate::errors::{Errors, closest};

/// What `#[netabase_definition_module(…)]` is given.
pub(crate) struct ModuleArguments {
    pub(crate) definition: Ident,
    pub(crate) keys: Ident,
    pub(crate) krate: Option<Path>,
}

const MODULE_USAGE: &str = "expected the names of the enums to generate, as in `#[netabase_definition_module(BlogDefinition, BlogKeys)]`";

impl Parse for ModuleArguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = |input: ParseStream<'_>| {
            let name = input.call(Ident::parse_any).ok();
            name.filter(|name| syn::parse2::<Ident>(name.to_token_stream()).is_ok())
                .filter(|_| input.is_empty() || input.peek(Token![,]))
                .ok_or_else(|| syn::Error::new(input.span(), MODULE_USAGE))
        };
        let definition = name(input)?;
        if input.is_empty() {
            return Err(syn::Error::new_spanned(
                definition,
                format!("{MODULE_USAGE}; the second name is missing"),
            ));
        }
        input.parse::<Token![,]>()?;
        let keys = name(input)?;
        let mut krate = None;
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if !input.is_empty() {
                crate_option(input, &mut krate)?;
            }
        }
        if definition == keys {
            return Err(syn::Error::new_spanned(
                keys,
                "the definition and its keys need two names",
            ));
        }
        Ok(Self {
            definition,
            keys,
            krate,
        })
    }
}

/// Reads `crate = path`, the only option of its kind.
fn crate_option(input: ParseStream<'_>, krate: &mut Option<Path>) -> syn::Result<()> {
    let option = input
        .call(Ident::parse_any)
        .map_err(|error| syn::Error::new(error.span(), "expected `crate = path`"))?;
    if option != "crate" {
        return Err(unknown_option(&option, &["crate"]));
    }
    if krate.is_some() {
        return Err(syn::Error::new_spanned(option, "`crate` is given twice"));
    }
    if input.parse::<Token![=]>().is_err() {
        return Err(syn::Error::new_spanned(option, "expected `crate = path`"));
    }
    if input.peek(syn::LitStr) {
        return Err(input.error("the path is written without quotes: `crate = path`"));
    }
    *krate = Some(input.call(Path::parse_mod_style)?);
    Ok(())
}

fn unknown_option(option: &Ident, known: &[&str]) -> syn::Error {
    let hint = match closest(&option.to_string(), known) {
        Some(likely) => format!("did you mean `{likely}`?"),
        None => format!("there is only `{}`", known.join("`, `")),
    };
    syn::Error::new_spanned(option, format!("unknown option `{option}`; {hint}"))
}

/// What `#[netabase(…)]` on a model says.
pub(crate) struct ModelAttribute {
    pub(crate) definition: Ident,
    /// Added by the module's attribute: the mark of a model inside its definition.
    pub(crate) context: Option<Context>,
}

/// What a model's derive has to know of its module.
pub(crate) struct Context {
    /// Where `netabase_store` is found.
    pub(crate) krate: Path,
    /// Names of `std` types that mean something else in this module.
    pub(crate) shadowed: Vec<Ident>,
    /// The attributes of the model's view: the derives that it has in common with the model.
    pub(crate) view: TokenStream,
}

impl Context {
    /// `#[netabase(…)]` for a model inside this definition.
    pub(crate) fn attribute(&self, definition: &Ident) -> Attribute {
        let Self {
            krate,
            shadowed,
            view,
        } = self;
        syn::parse_quote!(#[netabase(#definition, __context(#krate, [#(#shadowed),*], {#view}))])
    }
}

impl Parse for Context {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (names, view);
        let krate = input.call(Path::parse_mod_style)?;
        input.parse::<Token![,]>()?;
        bracketed!(names in input);
        let shadowed = Punctuated::<Ident, Token![,]>::parse_terminated(&names)?;
        input.parse::<Token![,]>()?;
        braced!(view in input);
        Ok(Self {
            krate,
            shadowed: shadowed.into_iter().collect(),
            view: view.parse()?,
        })
    }
}

impl Parse for ModelAttribute {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let path = input.call(Path::parse_mod_style).map_err(|error| {
            syn::Error::new(
                error.span(),
                "expected the name of a definition, as in `#[netabase(BlogDefinition)]`",
            )
        })?;
        let definition = path.get_ident().cloned().ok_or_else(|| {
            syn::Error::new_spanned(
                &path,
                "a definition is named without a path: it is generated in the model's own module",
            )
        })?;
        let mut context = None;
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let option = input.call(Ident::parse_any)?;
            if option != "__context" {
                return Err(syn::Error::new_spanned(
                    &option,
                    format!(
                        "unknown option `{option}`; a model only names its definition, as in `#[netabase({definition})]`"
                    ),
                ));
            }
            let within;
            parenthesized!(within in input);
            context = Some(within.parse()?);
        }
        Ok(Self {
            definition,
            context,
        })
    }
}

/// The `#[netabase(…)]` of a model.
pub(crate) fn model_attribute(
    name: &Ident,
    attributes: &[Attribute],
    errors: &mut Errors,
) -> Option<ModelAttribute> {
    for attribute in attributes {
        for key in ["primary_key", "secondary_key"] {
            if attribute.path().is_ident(key) {
                errors.at(
                    attribute,
                    format!("`#[{key}]` belongs on a field of the model"),
                );
            }
        }
    }
    let mut own = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("netabase"));
    let Some(first) = own.next() else {
        errors.at(
            name,
            format!("`{name}` does not say which definition it belongs to; add `#[netabase(…)]` with the definition's name"),
        );
        return None;
    };
    for again in own {
        errors.at(again, "`#[netabase]` is given twice");
    }
    match &first.meta {
        Meta::List(list) => errors.take(list.parse_args()),
        other => {
            errors.at(
                other,
                "expected the name of a definition, as in `#[netabase(BlogDefinition)]`",
            );
            None
        }
    }
}

/// The `crate` of a `#[netabase(crate = path)]` on a key type.
pub(crate) fn key_type_crate(attributes: &[Attribute], errors: &mut Errors) -> Option<Path> {
    let mut krate = None;
    for attribute in attributes {
        if attribute.path().is_ident("netabase") {
            let result =
                attribute.parse_args_with(|input: ParseStream<'_>| crate_option(input, &mut krate));
            errors.take(result);
        }
    }
    krate
}

/// What a field is to its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    Primary,
    Secondary { unique: bool },
}

/// Reads the role that a field's attributes give it.
pub(crate) fn role(field: &syn::Field, errors: &mut Errors) -> Role {
    let mut primary: Option<&Attribute> = None;
    let mut secondary: Option<(&Attribute, bool)> = None;
    for attribute in &field.attrs {
        let path = attribute.path();
        if path.is_ident("primary_key") {
            if primary.is_some() {
                errors.at(attribute, "`#[primary_key]` is given twice");
            }
            if !matches!(attribute.meta, Meta::Path(_)) {
                errors.at(
                    attribute,
                    "`#[primary_key]` takes no options: a primary key is always unique",
                );
            }
            primary = Some(attribute);
        } else if path.is_ident("secondary_key") {
            if secondary.is_some() {
                errors.at(attribute, "`#[secondary_key]` is given twice");
            }
            secondary = Some((attribute, unique(attribute, errors)));
        }
    }
    match (primary, secondary) {
        (None, None) => Role::Plain,
        (Some(_), None) => Role::Primary,
        (None, Some((_, unique))) => Role::Secondary { unique },
        (Some(_), Some((attribute, _))) => {
            errors.at(
                attribute,
                "a field is a primary key or a secondary key, not both",
            );
            Role::Primary
        }
    }
}

/// Whether `#[bincode(with_serde)]` is among the attributes. The rest of `#[bincode(…)]` is for `bincode`'s own derive.
pub(crate) fn with_serde(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("bincode"))
        .filter_map(|attribute| {
            attribute
                .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
                .ok()
        })
        .flatten()
        .any(|option| option.path().is_ident("with_serde"))
}

/// The version of a foreign type's stored form, from `#[netabase(version = 2)]` on a field.
pub(crate) fn field_version(attributes: &[Attribute], errors: &mut Errors) -> Option<u32> {
    let mut version = None;
    for attribute in attributes {
        if !attribute.path().is_ident("netabase") {
            continue;
        }
        let given = attribute.parse_args_with(|input: ParseStream<'_>| {
            let option = input.call(Ident::parse_any)?;
            if option != "version" {
                return Err(unknown_option(&option, &["version"]));
            }
            input.parse::<Token![=]>()?;
            let number: syn::LitInt = input.parse()?;
            let version: u32 = number.base10_parse()?;
            if version == 0 {
                return Err(syn::Error::new_spanned(number, "versions begin with 1"));
            }
            Ok(version)
        });
        match given {
            Ok(given) if version.is_none() => version = Some(given),
            Ok(_) => errors.at(attribute, "`version` is given twice"),
            Err(error) if !matches!(attribute.meta, Meta::List(_)) => {
                let _ = error;
                errors.at(
                    attribute,
                    "`#[netabase]` on a field gives the version of a foreign type, as in `#[netabase(version = 1)]`",
                );
            }
            Err(error) => errors.push(error),
        }
    }
    version
}

/// Whether this `#[secondary_key]` says `unique`.
fn unique(attribute: &Attribute, errors: &mut Errors) -> bool {
    let Meta::List(list) = &attribute.meta else {
        if let Meta::NameValue(_) = &attribute.meta {
            errors.at(
                attribute,
                "expected `#[secondary_key]` or `#[secondary_key(unique)]`",
            );
        }
        return false;
    };
    let options = list.parse_args_with(|input: ParseStream<'_>| {
        Punctuated::<Ident, Token![,]>::parse_terminated_with(input, Ident::parse_any)
    });
    let Ok(options) = options else {
        errors.at(
            &list.tokens,
            "expected `#[secondary_key]` or `#[secondary_key(unique)]`",
        );
        return false;
    };
    let mut unique = false;
    for option in &options {
        if option != "unique" {
            errors.push(unknown_option(option, &["unique"]));
        } else if unique {
            errors.at(option, "`unique` is given twice");
        }
        unique |= option == "unique";
    }
    unique
}

/// The attributes that say something of an item to its readers, which what is generated from it says too.
pub(crate) fn carried_over(attributes: &[Attribute]) -> Vec<Attribute> {
    let carried = ["doc", "deprecated"];
    attributes
        .iter()
        .filter(|attribute| carried.iter().any(|name| attribute.path().is_ident(name)))
        .cloned()
        .collect()
}

/// A trait that an item derives.
#[derive(Clone)]
pub(crate) struct Derive {
    /// The trait as the user wrote it.
    pub(crate) path: Path,
    /// The condition of a `#[cfg_attr(condition, derive(…))]` around it.
    condition: Option<Meta>,
}

impl Derive {
    /// The trait's own name.
    pub(crate) fn name(&self) -> String {
        self.path
            .segments
            .last()
            .map(|segment| segment.ident.unraw().to_string())
            .unwrap_or_default()
    }

    /// Whether the two derive a trait of one name under one condition.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.name() == other.name() && self.condition == other.condition
    }

    /// Whether it holds in every build.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.condition.is_none()
    }
}

impl ToTokens for Derive {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let path = &self.path;
        tokens.extend(match &self.condition {
            None => quote!(#[derive(#path)]),
            Some(condition) => quote!(#[cfg_attr(#condition, derive(#path))]),
        });
    }
}

/// The traits that an item derives, in order.
pub(crate) fn derives(attributes: &[Attribute]) -> Vec<Derive> {
    let mut found = Vec::new();
    for attribute in attributes {
        if attribute.path().is_ident("derive") {
            collect_derives(&attribute.meta, None, &mut found);
        } else if attribute.path().is_ident("cfg_attr") {
            let parts = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            let mut parts = parts.unwrap_or_default().into_iter();
            let condition = parts.next();
            for part in parts.filter(|part| part.path().is_ident("derive")) {
                collect_derives(&part, condition.as_ref(), &mut found);
            }
        }
    }
    found
}

fn collect_derives(meta: &Meta, condition: Option<&Meta>, found: &mut Vec<Derive>) {
    let Meta::List(list) = meta else { return };
    let paths = list.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
    found.extend(paths.unwrap_or_default().into_iter().map(|path| Derive {
        path,
        condition: condition.cloned(),
    }));
}
