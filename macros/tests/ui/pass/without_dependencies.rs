//! A user who depends on `netabase_store` alone.
#![deny(warnings, missing_docs)]

use netabase_store::netabase_definition_module;

/// One definition.
#[netabase_definition_module(Blog, BlogKeys)]
pub mod blog {
    use netabase_store::{NetabaseModel, netabase};

    /// A user.
    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        /// Number.
        #[primary_key]
        pub id: u64,
        /// Address.
        #[secondary_key(unique)]
        pub email: String,
    }
}

/// Another one, which leaves out the import of the attribute, and is private.
#[netabase_definition_module(Shop, ShopKeys)]
mod shop {
    pub use std::collections::BTreeMap;

    use netabase_store::NetabaseModel;

    pub const FREE: u32 = 0;

    /// Not a model.
    #[derive(Debug, Clone)]
    pub struct Price(pub u32);

    #[derive(NetabaseModel, Clone, Debug)]
    #[netabase(Shop)]
    pub(crate) struct Item {
        #[primary_key]
        id: u64,
        #[secondary_key]
        pub(crate) tags: Option<String>,
        words: BTreeMap<u8, String>,
    }

    #[derive(NetabaseModel, Clone)]
    #[netabase(Shop)]
    struct Order {
        #[primary_key]
        id: u64,
    }

    impl Item {
        pub(crate) fn new(id: u64) -> Self {
            Self { id, tags: None, words: BTreeMap::new() }
        }
    }

    pub fn total(items: &[Item]) -> Price {
        let _: Shop = Order { id: 0 }.into();
        Price(items.iter().filter(|item| item.words.is_empty()).map(|item| item.id as u32).sum::<u32>() + FREE)
    }
}

fn main() {
    let user = blog::User { id: 1, email: String::new() };
    let _: blog::Blog = user.into();
    let item = shop::Item::new(1);
    let _ = shop::total(&[item.clone()]).0;
    let _ = (shop::ItemPrimaryKey(1), item.tags);
}
