use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    pub struct User {
        pub id: u64,
    }
}

fn main() {}
