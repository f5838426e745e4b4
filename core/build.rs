//! Tells the loader which target it is built for: what a manifest file names a platform by.

fn main() {
    if let Ok(target) = std::env::var("TARGET") {
        println!("cargo::rustc-env=NETABASE_TARGET={target}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
