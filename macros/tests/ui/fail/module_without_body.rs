use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog;

fn main() {}
