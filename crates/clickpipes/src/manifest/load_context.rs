//! The data that manifests may use in addition to their own text.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::defaults::EnvironmentDefaults;
use super::project_bound::ProjectBound;
use super::templates::Templates;
use model::diagnostic::SourceFile;
use model::project::Environment;
use model::yaml::SpanFiles;

/// The data that manifests may use in addition to their own text.
#[derive(Clone, Copy, Debug)]
pub struct LoadContext<'c> {
    /// The values of `${name}`.
    pub variables: &'c BTreeMap<String, String>,
    /// The templates. `None` means those in the files that are loaded.
    pub templates: Option<&'c Templates>,
    /// The defaults of the environment.
    pub defaults: Option<&'c EnvironmentDefaults>,
    /// The other environments of the project, for templates that only they use. `None` if unknown.
    pub other_environments: Option<&'c BTreeMap<String, Environment>>,
}

impl<'c> LoadContext<'c> {
    /// The same with these templates.
    #[must_use]
    pub fn with_templates(self, templates: &'c Templates) -> Self {
        Self { templates: Some(templates), ..self }
    }

    /// The same with these other environments.
    #[must_use]
    pub fn with_other_environments(self, environments: &'c BTreeMap<String, Environment>) -> Self {
        Self { other_environments: Some(environments), ..self }
    }

    /// The variables of all environments.
    fn all_variables(&self) -> Option<BTreeMap<String, String>> {
        let others = self.other_environments?.values().flat_map(|environment| environment.variables.clone());
        Some(others.chain(self.variables.clone()).collect())
    }

    /// The same with these defaults.
    #[must_use]
    pub fn with_defaults(self, defaults: &'c EnvironmentDefaults) -> Self {
        Self { defaults: Some(defaults), ..self }
    }
}

impl<'c> From<&'c BTreeMap<String, String>> for LoadContext<'c> {
    fn from(variables: &'c BTreeMap<String, String>) -> Self {
        Self { variables, templates: None, defaults: None, other_environments: None }
    }
}

/// The context with its templates, and their files.
pub(super) struct RenderContext<'c> {
    pub(super) variables: &'c BTreeMap<String, String>,
    /// The variables of all environments, if known.
    pub(super) all_variables: Option<BTreeMap<String, String>>,
    pub(super) templates: &'c Templates,
    pub(super) defaults: Option<&'c EnvironmentDefaults>,
    /// The same, even if only other environments have some.
    pub(super) other_defaults: Option<&'c EnvironmentDefaults>,
    /// The limit for the values of all files together.
    pub(super) bound: ProjectBound,
    /// The files of the templates, and then the project file.
    other_files: Vec<Arc<str>>,
}

impl RenderContext<'_> {
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
        let variables = context.variables;
        let defaults = context.defaults.filter(|defaults| !defaults.is_empty());
        let mut other_files = templates.files().to_vec();
        other_files.extend(defaults.and_then(EnvironmentDefaults::file_name));
        let (other_defaults, bound) = (context.defaults, ProjectBound::default());
        let all_variables = context.all_variables();
        load(&RenderContext { variables, all_variables, templates, defaults, other_defaults, bound, other_files })
    }

    /// Whether no value comes from another file.
    pub(super) fn is_plain(&self) -> bool {
        self.other_files.is_empty()
    }

    /// The number of the project file in spans.
    pub(super) fn defaults_file(&self) -> u32 {
        u32::try_from(self.templates.files().len() + 1).unwrap_or(u32::MAX)
    }

    pub(super) fn span_files<'f>(&'f self, own: &'f Arc<str>) -> SpanFiles<'f> {
        SpanFiles::new(own, &self.other_files)
    }
}
