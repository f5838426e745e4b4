use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    use std::collections::HashMap;

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Blog)]
    pub struct Place {
        #[primary_key]
        pub id: u64,
        #[secondary_key]
        pub names: HashMap<String, String>,
    }
}

fn main() {}
