use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
        #[secondary_key]
        pub foo_bar: u64,
        #[secondary_key]
        pub foo__bar: u64,
        #[secondary_key]
        pub _1: u64,
    }
}

fn main() {}
