use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
struct Blog;

fn main() {}
