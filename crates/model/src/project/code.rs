//! Diagnostic codes of the project file, beyond those of its schema.

crate::codes! {
    PROJECT_DOCUMENTS = "project-documents",
    ABSENT_DEFAULT = "absent-default",
    PATH_OUTSIDE = "path-outside-project",
    BRACES_IN_PATTERN = "braces-in-pattern",
    BAD_VARIABLE = "bad-variable",
    UNSET_VARIABLE = "unset-variable",
    VARIABLE_NOT_ALLOWED = "variable-not-allowed",
    BAD_RULE = "bad-rule",
    DUPLICATE_RULE = "duplicate-rule",
    RULE_VIOLATION = "rule-violation",
    RULE_FAILED = "rule-failed",
    UNKNOWN_RULE = "unknown-rule",
}
