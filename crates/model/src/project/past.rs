//! The project file of an earlier commit.

use serde_json::Value;

use super::{Project, single_document};
use crate::diagnostic::{Diagnostic, SourceFile};
use crate::path::FieldPath;
use crate::schema_validator::code::UNKNOWN_FIELD;
use crate::yaml::{PendingDiagnostic, PendingDiagnostics, Span, read_documents};

/// Reads the project file of an earlier commit. Unknown fields are ignored: another version of the program may know
/// them. Other mistakes count only if they hide what the file allows.
///
/// # Errors
/// The first mistake of a file that cannot be read.
// Hazard: a file that "cannot be read" must not become "there is no policy".
pub fn parse_past_project(file: &SourceFile) -> Result<Project, Box<Diagnostic>> {
    let mut remarks = PendingDiagnostics::default();
    let documents = read_documents(&file.text, &mut remarks);
    let is_text_sound = remarks.error_count() == 0;
    let mut value = single_document(&documents, &mut remarks).filter(|_| is_text_sound);
    let (unknown, others): (Vec<_>, Vec<_>) =
        remarks.into_vec().into_iter().partition(|remark| remark.code == UNKNOWN_FIELD);
    for remark in &unknown {
        if let Some(value) = &mut value {
            remove_field(value, &remark.path);
        }
    }
    let project = value.and_then(|value| serde_json::from_value(value).ok());
    project.ok_or_else(|| {
        let first = others.into_iter().chain(unknown).min_by_key(|remark| remark.severity);
        let first = first.unwrap_or_else(|| {
            PendingDiagnostic::error(super::code::PROJECT_DOCUMENTS, Span::default(), "this is not a project file")
        });
        Box::new(first.into_diagnostic(&file.name))
    })
}

fn remove_field(document: &mut Value, path: &FieldPath) {
    let Some((last, above)) = path.segments().split_last() else { return };
    let owner = above.iter().try_fold(document, |value, segment| match value {
        Value::Array(items) => items.get_mut(segment.parse::<usize>().ok()?),
        value => value.get_mut(segment),
    });
    owner.and_then(Value::as_object_mut).map(|owner| owner.remove(last));
}
