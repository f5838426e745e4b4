use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub enum Role {
        Reader,
        Writer,
    }

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub union Number {
        pub integer: u32,
        pub float: f32,
    }

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct Pair(#[primary_key] pub u64, pub String);

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct Nothing;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct Empty {}
}

fn main() {}
