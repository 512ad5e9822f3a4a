//! What manifests may use besides their own text.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::templates::Templates;
use model::diagnostic::SourceFile;
use model::yaml::SpanFiles;

/// What manifests may use besides their own text.
#[derive(Clone, Copy, Debug)]
pub struct LoadContext<'c> {
    /// The values of `${name}`.
    pub variables: &'c BTreeMap<String, String>,
    /// The templates. `None` means those in the files that are loaded.
    pub templates: Option<&'c Templates>,
}

impl<'c> LoadContext<'c> {
    /// The same with these templates.
    #[must_use]
    pub fn with_templates(self, templates: &'c Templates) -> Self {
        Self { templates: Some(templates), ..self }
    }
}

impl<'c> From<&'c BTreeMap<String, String>> for LoadContext<'c> {
    fn from(variables: &'c BTreeMap<String, String>) -> Self {
        Self { variables, templates: None }
    }
}

/// The same with the templates at hand, and the files that they are in.
pub(super) struct RenderContext<'c> {
    pub(super) variables: &'c BTreeMap<String, String>,
    pub(super) templates: &'c Templates,
}

impl RenderContext<'_> {
    /// Calls `load` with the context of these files.
    pub(super) fn for_files<T>(
        files: &[SourceFile],
        context: LoadContext<'_>,
        load: impl FnOnce(&RenderContext<'_>) -> T,
    ) -> T {
        let own;
        let templates = if let Some(templates) = context.templates {
            templates
        } else {
            own = Templates::read(files);
            &own
        };
        load(&RenderContext { variables: context.variables, templates })
    }

    /// The files of the spans in trees of this file.
    pub(super) fn span_files<'f>(&'f self, own: &'f Arc<str>) -> SpanFiles<'f> {
        SpanFiles::new(own, self.templates.files())
    }
}
