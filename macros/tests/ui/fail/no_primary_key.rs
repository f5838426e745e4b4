use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        pub id: u64,
        #[secondary_key]
        pub name: String,
    }
}

fn main() {}
