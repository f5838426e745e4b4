use netabase_store::NetabaseKey;

#[derive(NetabaseKey, Clone)]
struct Slug(String);

fn main() {}
