//! What this library does to a process when it is loaded into it, and when the process ends: an environment variable says.

use std::env;

/// `abort-at-load`, `abort-at-load-outside-of-cases` or `abort-at-exit`.
const VARIABLE: &str = "NETABASE_ZOO";

#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = at_load;

#[used]
#[unsafe(link_section = ".fini_array")]
static AT_EXIT: extern "C" fn() = at_exit;

extern "C" fn at_load() {
    let is_case = env::var_os("NETABASE_CONFORMANCE_CASE").is_some();
    match env::var(VARIABLE).as_deref() {
        Ok("abort-at-load") => std::process::abort(),
        Ok("abort-at-load-outside-of-cases") if !is_case => std::process::abort(),
        _ => {}
    }
}

extern "C" fn at_exit() {
    if env::var(VARIABLE).as_deref() == Ok("abort-at-exit") {
        std::process::abort();
    }
}
