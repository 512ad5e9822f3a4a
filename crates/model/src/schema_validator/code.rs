//! Diagnostic codes of the schema validation.

crate::codes! {
    UNKNOWN_FIELD = "unknown-field",
    MISSING_FIELD = "missing-field",
    WRONG_TYPE = "wrong-type",
    BAD_VALUE = "bad-value",
    OUT_OF_RANGE = "out-of-range",
    BAD_LENGTH = "bad-length",
    BAD_PATTERN = "bad-pattern",
    NULL_VALUE = "null-value",
    LITERAL_SECRET = "literal-secret",
    ONE_OF = "one-of",
    DUPLICATE_ITEM = "duplicate-item",
}
