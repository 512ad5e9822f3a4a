//! The codes of diagnostics that do not come from a schema.

model::codes! {
    NOT_A_MANIFEST = "not-a-manifest",
    LINK_NOT_FOLLOWED = "link-not-followed",
    PROJECT_FILE = "project-file",
    UNKNOWN_KIND = "unknown-kind",
    UNKNOWN_VARIABLE = "unknown-variable",
    TOO_MUCH_TEXT = "too-much-text",
    DUPLICATE_IDENTITY = "duplicate-identity",
    PREVIOUS_NAME_CLAIMED = "previous-name-claimed",
    PREVIOUS_NAME_DECLARED = "previous-name-declared",
    SAME_TABLE = "same-table",
    SAME_READER = "one-reader-only",
    SAME_GROUP = "shared-consumer-group",
    UNKNOWN_TEMPLATE = "unknown-template",
    BROKEN_TEMPLATE = "broken-template",
    DUPLICATE_TEMPLATE = "duplicate-template",
    NESTED_TEMPLATE = "nested-template",
    UNKNOWN_PARAMETER = "unknown-parameter",
    MISSING_PARAMETER = "missing-parameter",
    PARAMETER_NAME = "parameter-name",
    EMPTY_FOR_EACH = "empty-for-each",
}
