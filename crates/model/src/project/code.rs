//! What can be wrong with a project file beyond its schema.

use crate::code::codes;

codes! {
    PROJECT_DOCUMENTS = "project-documents",
    UNSET_VARIABLE = "unset-variable",
}
