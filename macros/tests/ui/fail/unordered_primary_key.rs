use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Blog)]
    pub struct Place {
        #[primary_key]
        pub latitude: f64,
        pub name: String,
    }
}

fn main() {}
