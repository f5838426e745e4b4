use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        #[primary_key]
        pub id: u64,
        #[secondary_key]
        #[secondary_key]
        pub name: String,
    }
}

fn main() {}
