use netabase_store::NetabaseModel;

#[derive(NetabaseModel)]
#[netabase(Blog)]
pub struct User {
    #[primary_key]
    pub id: u64,
}

#[derive(NetabaseModel)]
pub struct Post {
    pub id: u64,
}

fn main() {}
