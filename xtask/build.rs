//! Tells the program which platform it was built for.

fn main() {
    if let Ok(target) = std::env::var("TARGET") {
        println!("cargo::rustc-env=XTASK_TARGET={target}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
