//! Diagnostic codes of YAML itself, for any document.

crate::codes! {
    SYNTAX = "yaml-syntax",
    TAB = "yaml-tab",
    CHARACTER = "yaml-character",
    DUPLICATE_KEY = "yaml-duplicate-key",
    KEY = "yaml-key",
    ALIAS = "yaml-alias",
    MERGE = "yaml-merge",
    TAG = "yaml-tag",
    DEPTH = "yaml-depth",
    TOO_LARGE = "yaml-too-large",
    YAML_1_1 = "yaml-1-1",
    TOO_MANY = "too-many-problems",
}

/// The errors after which a document is not read.
pub const LOSES_DOCUMENT: [&str; 5] = [SYNTAX, TAB, CHARACTER, DEPTH, TOO_LARGE];
