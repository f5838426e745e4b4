use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(Clone)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

fn main() {}
