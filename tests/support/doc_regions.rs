//! Parts of documents that are generated: they stand between `<!-- NAME:begin -->` and `<!-- NAME:end -->`.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of this repository.
pub(crate) fn repository_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Fails if the part of a document differs from what is generated. With `UPDATE_DOCS=1`, rewrites it.
#[track_caller]
pub(crate) fn assert_region(page: &str, name: &str, generated: &str) {
    let file = repository_file(page);
    let text = fs::read_to_string(&file).unwrap();
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{page} lacks {begin}"));
    let (current, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{page} lacks {end}"));
    let generated = format!("\n{}\n\n", generated.trim());
    if std::env::var_os("UPDATE_DOCS").is_some() && current != generated {
        fs::write(&file, format!("{before}{begin}{generated}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(current, generated, "{page} is not what is generated: run this test with UPDATE_DOCS=1");
}

/// Fails if a file differs from what is generated. With `UPDATE_DOCS=1`, rewrites it.
#[track_caller]
pub(crate) fn assert_generated_file(path: &str, generated: &str) {
    let file = repository_file(path);
    let current = fs::read_to_string(&file).unwrap_or_default();
    if std::env::var_os("UPDATE_DOCS").is_some() && current != generated {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, generated).unwrap();
        return;
    }
    assert!(current == generated, "{path} is not what is generated: run this test with UPDATE_DOCS=1");
}
