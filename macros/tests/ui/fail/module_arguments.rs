use netabase_store::netabase_definition_module;

#[netabase_definition_module]
mod blog_1 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module(Blog)]
mod blog_2 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module(Blog, Blog)]
mod blog_3 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module(Blog, BlogKeys, crat = netabase_store)]
mod blog_4 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module(Blog, BlogKeys, crate = "netabase_store")]
mod blog_5 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module(Blog, BlogKeys, name = blog)]
mod blog_6 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module(Blog, BlogKeys, crate)]
mod blog_7 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module("Blog", BlogKeys)]
mod blog_8 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module(blog::Blog, BlogKeys)]
mod blog_9 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module(Blog BlogKeys)]
mod blog_10 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module(Blog, BlogKeys, "x")]
mod blog_11 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

#[netabase_definition_module(Blog, BlogKeys, crate = netabase_store, crate = netabase_store)]
mod blog_12 {
    use netabase_store::NetabaseModel;

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }
}

fn main() {}
