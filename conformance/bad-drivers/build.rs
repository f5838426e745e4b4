//! Lets the types of `tampered` pass for those of another release of `netabase-core`: a type's description names its
//! package.

fn main() {
    println!("cargo::rustc-env=CARGO_PKG_NAME=netabase-core");
    println!("cargo::rustc-env=CARGO_PKG_VERSION=0.99.0");
    println!("cargo::rerun-if-changed=build.rs");
}
