//! Tells the program where the documents are that it contains: the page of diagnostic codes and the templates for CI.

use std::env;
use std::path::PathBuf;

fn main() {
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    // A published crate brings its own copies, because it cannot contain files of the folder above.
    let own = folder.join("docs");
    let docs = if own.is_dir() { own } else { folder.join("../../docs") };
    println!("cargo::rustc-env=PIPECTL_DOCS={}", docs.display());
    println!("cargo::rerun-if-changed=build.rs");
}
