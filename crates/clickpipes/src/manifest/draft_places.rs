//! Where the fields of drafts stand, for messages about two of them.
//
// A draft does not keep the tree of its YAML. Few drafts conflict, so a file in which one does is read a second time.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::draft::DraftManifest;
use super::file;
use model::desired::Place;
use model::diagnostic::{Diagnostic, RelatedPlace, SourceFile};
use model::path::FieldPath;
use model::yaml::{PendingDiagnostic, Span, YamlNode};

pub(super) struct DraftPlaces<'f> {
    files: &'f [SourceFile],
    variables: &'f BTreeMap<String, String>,
    /// The trees of the drafts of a file, by its position. Each file is read again once at most.
    trees: RefCell<HashMap<usize, Vec<YamlNode>>>,
}

impl<'f> DraftPlaces<'f> {
    pub(super) fn new(files: &'f [SourceFile], variables: &'f BTreeMap<String, String>) -> Self {
        Self { files, variables, trees: RefCell::default() }
    }

    /// A diagnostic at a field of a draft, with a field of another draft as the related place.
    pub(super) fn related_diagnostic(
        &self,
        remark: impl FnOnce(Span) -> PendingDiagnostic,
        (draft, at): (&DraftManifest, &FieldPath),
        (other, other_at, label): (&DraftManifest, &FieldPath, &str),
    ) -> Diagnostic {
        let span = self.span_at(other, other_at);
        let also = RelatedPlace {
            place: Place { file: self.files[other.file_index].name.clone(), line: span.line, column: span.column },
            span: span.byte_range(),
            label: label.to_owned(),
        };
        let remark = remark(self.span_at(draft, at)).with_path(at.clone());
        Diagnostic { also: Some(also), ..remark.into_diagnostic(&self.files[draft.file_index].name) }
    }

    fn span_at(&self, draft: &DraftManifest, path: &FieldPath) -> Span {
        let mut trees = self.trees.borrow_mut();
        let read_again = || file::draft_trees(&self.files[draft.file_index], self.variables);
        trees.entry(draft.file_index).or_insert_with(read_again)[draft.index_in_file].span_at(path)
    }
}
