//! `netabase_store` found elsewhere than under its own name.

mod vendor {
    pub mod storage {
        pub use netabase_store::*;
    }
}

#[vendor::storage::netabase_definition_module(Blog, BlogKeys, crate = crate::vendor::storage)]
mod blog {
    use crate::vendor::storage::{NetabaseKey, NetabaseModel};

    /// Hides the crate.
    #[allow(dead_code)]
    mod netabase_store {}

    #[derive(NetabaseKey, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, bincode::Encode, bincode::Decode)]
    #[netabase(crate = super::vendor::storage)]
    pub struct Slug(pub String);

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct Post {
        #[primary_key]
        pub slug: Slug,
    }
}

fn main() {
    let _ = blog::PostPrimaryKey(blog::Slug(String::new()));
}
