//! What can be wrong with a project file beyond its schema.

crate::codes! {
    PROJECT_DOCUMENTS = "project-documents",
    PATH_OUTSIDE = "path-outside-project",
    BAD_VARIABLE = "bad-variable",
    UNSET_VARIABLE = "unset-variable",
}
