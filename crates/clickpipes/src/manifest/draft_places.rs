//! The places of the fields of drafts, for messages about two of them.
//
// A draft does not keep its YAML tree. Few drafts conflict, so the file of a conflicting one is read a second time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;

use super::draft::DraftManifest;
use super::file;
use super::load_context::RenderContext;
use super::render_document::RenderedDocument;
use model::diagnostic::{Diagnostic, RelatedPlace, SourceFile};
use model::path::FieldPath;
use model::yaml::{PendingDiagnostic, Span, SpanFiles};

pub(super) struct DraftPlaces<'f> {
    files: &'f [SourceFile],
    context: &'f RenderContext<'f>,
    /// The trees of the drafts of a file, by its position. Each file is read again once at most.
    trees: RefCell<HashMap<usize, Vec<RenderedDocument>>>,
}

impl<'f> DraftPlaces<'f> {
    pub(super) fn new(files: &'f [SourceFile], context: &'f RenderContext<'f>) -> Self {
        Self { files, context, trees: RefCell::default() }
    }

    /// A diagnostic at a field of a draft, with a field of another draft as the related place.
    pub(super) fn related_diagnostic(
        &self,
        remark: impl FnOnce(Span) -> PendingDiagnostic,
        (draft, at): (&DraftManifest, &FieldPath),
        (other, other_at, label): (&DraftManifest, &FieldPath, &str),
    ) -> Diagnostic {
        let (mut span, mut other_span) = (self.span_at(draft, at), self.span_at(other, other_at));
        let is_one_file = draft.file_index == other.file_index || span.file > 0;
        let mut label = label.to_owned();
        if span == other_span && is_one_file {
            // Both have the field from one template, or from one text: only the users differ.
            let shared = self.span_files(draft).place(span);
            (span, other_span) = (self.user_span(draft), self.user_span(other));
            if self.span_files(draft).place(span) != shared {
                let _ = write!(label, "; both have it from {shared}");
            }
        } else {
            // A place in a template or in the defaults does not show which manifest is meant.
            for (span, draft, which) in [(other_span, other, "it is"), (span, draft, "this one is")] {
                if span.file > 0 {
                    let user = self.span_files(draft).place(self.user_span(draft));
                    let _ = write!(label, "; {which} that of {user}");
                }
            }
        }
        let also = RelatedPlace { place: self.span_files(other).place(other_span), label };
        let remark = remark(span).with_path(at.clone());
        Diagnostic { also: Some(also), ..remark.into_diagnostic(self.span_files(draft)) }
    }

    fn span_files(&self, draft: &DraftManifest) -> SpanFiles<'_> {
        self.context.span_files(&self.files[draft.file_index].name)
    }

    fn span_at(&self, draft: &DraftManifest, path: &FieldPath) -> Span {
        // Manifests of one `forEach` have one text for their names, and an entry each.
        let is_identity = *path == draft.identity_path();
        self.in_tree(draft, |tree| tree.entry.filter(|_| is_identity).unwrap_or_else(|| tree.root.span_at(path)))
    }

    /// The entry of `forEach`, or where the manifest names its template.
    fn user_span(&self, draft: &DraftManifest) -> Span {
        self.in_tree(draft, |tree| {
            let used = tree.template.as_ref().map(|template| template.used);
            tree.entry.or(used).unwrap_or_else(|| tree.root.head_span())
        })
    }

    fn in_tree(&self, draft: &DraftManifest, read: impl FnOnce(&RenderedDocument) -> Span) -> Span {
        let mut trees = self.trees.borrow_mut();
        let read_again = || {
            let (validated, _) = file::validate_file(&self.files[draft.file_index], self.context);
            validated.into_iter().map(|document| document.rendered).collect()
        };
        read(&trees.entry(draft.file_index).or_insert_with(read_again)[draft.index_in_file])
    }
}
