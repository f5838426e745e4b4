//! The rules that what was read has to keep.

use std::collections::BTreeMap;

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{Ident, Item, UseTree};

use crate::ast::Model;
use crate::errors::Errors;

/// Checks one model by itself.
pub(crate) fn model(model: &Model, errors: &mut Errors) {
    if model.primary().next().is_none() {
        errors.at(
            &model.name,
            format!(
                "`{}` has no primary key; put `#[primary_key]` on the field that identifies a record, or on several",
                model.name
            ),
        );
    }
    let mut named = BTreeMap::new();
    for field in model.secondary() {
        let camel = field.camel_case();
        if !camel.starts_with(|first: char| first.is_alphabetic()) {
            errors.at(
                &field.name,
                format!(
                    "a secondary key is called after its field, and `{}` does not begin with a letter",
                    field.name.unraw()
                ),
            );
        } else if let Some(other) = named.insert(camel.clone(), &field.name) {
            errors.at(
                &field.name,
                format!(
                    "`{}` and `{}` would both be called `{}`; rename one of the two fields",
                    other.unraw(),
                    field.name.unraw(),
                    model.secondary_key(field),
                ),
            );
        }
    }
}

/// The names of a module's items, and those that are generated into it.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Takes the names of the items that the user wrote.
    pub(crate) fn of_items<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut names = Self::default();
        for item in items {
            let mut declare = |name: &Ident| {
                let name = name.unraw().to_string();
                names.0.insert(name, "an item of this module".to_owned());
            };
            match item {
                Item::Const(item) => declare(&item.ident),
                Item::Enum(item) => declare(&item.ident),
                Item::ExternCrate(item) => {
                    declare(item.rename.as_ref().map_or(&item.ident, |(_, name)| name));
                }
                Item::Fn(item) => declare(&item.sig.ident),
                Item::Mod(item) => declare(&item.ident),
                Item::Static(item) => declare(&item.ident),
                Item::Struct(item) => declare(&item.ident),
                Item::Trait(item) => declare(&item.ident),
                Item::TraitAlias(item) => declare(&item.ident),
                Item::Type(item) => declare(&item.ident),
                Item::Union(item) => declare(&item.ident),
                Item::Use(item) => imported(&item.tree, &mut |name, _| declare(name)),
                _ => {}
            }
        }
        names
    }

    /// Whether an item of this name was written.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Adds a generated name, which has to be free.
    pub(crate) fn generate(&mut self, name: &Ident, at: Span, origin: &str, errors: &mut Errors) {
        let text = name.unraw().to_string();
        if let Some(other) = self.0.get(&text) {
            errors.at_span(
                at,
                format!("{origin} is called `{text}`, which is the name of {other} too; rename one of the two"),
            );
        } else {
            self.0.insert(text, origin.to_owned());
        }
    }
}

/// Calls `visit` with every name that a `use` brings in, and with the name that it has where it comes from.
pub(crate) fn imported(tree: &UseTree, visit: &mut impl FnMut(&Ident, &Ident)) {
    match tree {
        UseTree::Path(path) => match &*path.tree {
            UseTree::Name(name) if name.ident == "self" => visit(&path.ident, &path.ident),
            UseTree::Rename(rename) if rename.ident == "self" => {
                visit(&rename.rename, &path.ident);
            }
            tree => imported(tree, visit),
        },
        UseTree::Name(name) => visit(&name.ident, &name.ident),
        UseTree::Rename(rename) => visit(&rename.rename, &rename.ident),
        UseTree::Group(group) => {
            for tree in &group.items {
                imported(tree, visit);
            }
        }
        UseTree::Glob(_) => {}
    }
}
