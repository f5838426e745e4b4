//! Derive macros of netabase_store.
