//! Limits the size of all files of a project together. Each file has its own limit.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::classify::{self, DocumentClass};
use super::load_context::RenderContext;
use model::diagnostic::{Diagnostic, SourceFile};
use model::path::FieldPath;
use model::yaml::{self, PendingDiagnostic, PendingDiagnostics, YamlNode};

/// The most values that templates and `forEach` may make in all files together: about ten thousand pipes.
// Without it, forty files with a `forEach` of some thousand names each would fill the memory.
pub(super) const MAX_PROJECT_NODES: usize = 1_000_000;

/// The number of values that may still be created.
pub(super) struct ProjectBound {
    left: AtomicUsize,
}

impl Default for ProjectBound {
    fn default() -> Self {
        Self { left: AtomicUsize::new(MAX_PROJECT_NODES) }
    }
}

impl ProjectBound {
    /// Reserves a number of values; `false` if not enough are left. Then none are left.
    pub(super) fn reserve(&self, count: usize) -> bool {
        let take = |left: usize| Some(left.saturating_sub(count));
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        before.is_ok_and(|before| before > count)
    }

    /// Whether something was omitted.
    pub(super) fn is_exceeded(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

/// The error at the document that exceeds the limit.
// Files are read in parallel, so it is chance which of them reached the limit. Here they are counted in order.
pub(super) fn exceeded_bound(files: &[SourceFile], context: &RenderContext<'_>) -> Option<(usize, Diagnostic)> {
    let mut sum = 0_usize;
    let mut last = None;
    for (index, file) in files.iter().enumerate() {
        for document in yaml::read_documents(&file.text, &mut PendingDiagnostics::default()) {
            let made = made_values(&document.root, context);
            sum = sum.saturating_add(made);
            if made > 0 {
                let entries = document.root.entry("forEach").map_or(document.root.head_span(), |entry| entry.span);
                last = Some((index, entries));
            }
            if sum >= MAX_PROJECT_NODES {
                return last.map(|(index, span)| (index, too_many(span).into_diagnostic(&files[index].name)));
            }
        }
    }
    // Values within texts are not counted here.
    last.map(|(index, span)| (index, too_many(span).into_diagnostic(&files[index].name)))
}

fn too_many(span: yaml::Span) -> PendingDiagnostic {
    let message = format!("with this file, all manifests together contain more than {MAX_PROJECT_NODES} values");
    PendingDiagnostic::error(yaml::code::TOO_LARGE, span, message)
        .with_path(FieldPath::parse("forEach"))
        .with_help("load a part of the files at a time, or split the project; nothing was loaded")
}

/// The values that a document creates beyond its own.
fn made_values(root: &YamlNode, context: &RenderContext<'_>) -> usize {
    if classify::classify_document(root) == DocumentClass::Template {
        return 0;
    }
    let template = root.node_at(&["spec", "template"]).and_then(YamlNode::as_text);
    let template = template.and_then(|name| context.templates.find(name)).map_or(0, |it| it.spec.node_count());
    match root.node_at(&["forEach"]) {
        Some(entries) => {
            let own = root.node_count().saturating_sub(entries.node_count());
            entries.items().len().saturating_mul(own.saturating_add(template))
        }
        None => template,
    }
}
