//! Lets the types of this package pass for those of the release of `netabase-core` that defined version 1.0: a type's
//! description names its package.

fn main() {
    println!("cargo::rustc-env=CARGO_PKG_NAME=netabase-core");
    println!("cargo::rustc-env=CARGO_PKG_VERSION=0.1.0");
    println!("cargo::rerun-if-changed=build.rs");
}
