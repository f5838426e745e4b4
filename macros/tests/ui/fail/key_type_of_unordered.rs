use netabase_store::NetabaseKey;

#[derive(NetabaseKey, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Names(Vec<String>);

fn main() {}
