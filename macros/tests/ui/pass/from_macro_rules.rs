//! A definition that a `macro_rules` macro writes.

macro_rules! definition {
    ($name:ident, $model:ident, $key:ty, $text:ty) => {
        #[netabase_store::netabase_definition_module($name, TheKeys)]
        pub mod definition {
            #[derive(netabase_store::NetabaseModel)]
            #[netabase($name)]
            pub struct $model {
                #[primary_key]
                pub key: $key,
                #[secondary_key]
                pub text: $text,
            }
        }
    };
}

definition!(Definition, Model, u64, Option<String>);

fn main() {
    let view = definition::ModelRef { key: 1, text: Some("borrowed") };
    let _ = view.into_model();
}
