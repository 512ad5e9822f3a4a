//! Variable values and service aliases of an environment, today or at a commit.

use std::collections::BTreeMap;

use clickpipes::manifest::{EnvironmentDefaults, LoadContext, Manifest};
use model::diagnostic::SourceFile;
use model::project::Environment;

use super::ProjectContext;

/// The values of variables, and the ids behind names of services.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bindings {
    variables: BTreeMap<String, String>,
    /// Ids by name.
    service_ids: BTreeMap<String, String>,
    defaults: EnvironmentDefaults,
}

impl Bindings {
    /// The variables and settings that manifests may use.
    pub(crate) fn load_context(&self) -> LoadContext<'_> {
        LoadContext::from(&self.variables).with_defaults(&self.defaults)
    }
}

impl ProjectContext {
    /// The variables and settings that current manifests may use.
    pub(crate) fn load_context(&self) -> LoadContext<'_> {
        let context = LoadContext::from(&self.variables).with_defaults(&self.defaults);
        context.with_other_environments(&self.other_environments)
    }

    /// The bindings of the chosen environment today.
    pub(crate) fn current_bindings(&self) -> Bindings {
        let (variables, service_ids) = (self.variables.clone(), self.services.clone());
        Bindings { variables, service_ids, defaults: self.defaults.clone() }
    }

    /// The bindings of the same environment in another version of the project file. Variables that it lacks have
    /// today's values.
    pub(crate) fn bindings_from_file(&self, source: Option<&SourceFile>) -> Bindings {
        // An earlier manifest is read with the variables of its time. With the current ones, the new value of a
        // variable would be in the base as well, and the old one in live would look like drift.
        let earlier = source.and_then(|source| self.environment_in(source));
        self.bindings_of(earlier.unwrap_or_default())
    }

    /// The selected environment under an earlier name: the only one of this organization that was in `was` and is not
    /// in today's file. `None` if there are several.
    pub(super) fn find_renamed(&self, was: BTreeMap<String, Environment>) -> Option<Environment> {
        let missing = was.into_iter().filter(|(name, _)| !self.other_environments.contains_key(name));
        let mut missing = missing.map(|(_, was)| was).filter(|was| self.may_be_own(was));
        missing.next().filter(|_| missing.next().is_none())
    }

    /// Whether an earlier environment may belong to the organization of this run.
    pub(super) fn may_be_own(&self, was: &Environment) -> bool {
        let id = was.organization.as_deref().and_then(|text| self.env_access.expand(text));
        let pair = self.organization.as_deref().zip(id.as_deref());
        pair.is_none_or(|(own, id)| own.eq_ignore_ascii_case(id))
    }

    /// The bindings for manifests at `path`: those of the environment that a folder of the path is named after, or the
    /// current ones. `None` if that environment belongs to another organization.
    pub(crate) fn bindings_for_path(&self, path: &str) -> Option<Bindings> {
        let Some(other) = self.other_environment_for(path) else {
            return Some(self.current_bindings());
        };
        let organization = other.organization.as_deref().and_then(|text| self.env_access.expand(text));
        match (&self.organization, organization) {
            (Some(own), Some(other)) if *own != other => None,
            _ => Some(self.bindings_of(other.clone())),
        }
    }

    /// The bindings of another environment of the project file.
    pub(crate) fn bindings_of_other(&self, name: &str) -> Option<Bindings> {
        self.other_environments.get(name).map(|other| self.bindings_of(other.clone()))
    }

    /// Another environment that a folder of the path is named after.
    pub(crate) fn other_environment_for(&self, path: &str) -> Option<&Environment> {
        let folders = || path.split('/').rev().skip(1);
        let chosen = self.origin.as_ref().and_then(|(_, name)| name.as_deref());
        if folders().any(|folder| Some(folder) == chosen) {
            return None;
        }
        folders().find_map(|folder| self.other_environments.get(folder))
    }

    /// Whether manifests at `path` declare objects of another environment: a folder is named after an environment with
    /// other services, variables or another organization. Otherwise the folder belongs to this environment, too.
    pub(crate) fn is_of_other_environment(&self, path: &str) -> bool {
        let places = |it: &Environment| (it.organization.clone(), it.services.clone(), it.variables.clone());
        self.other_environment_for(path).is_some_and(|other| places(other) != places(&self.written))
    }

    /// Renames services in earlier manifests to their names of today.
    // Names are matched by id: an alias may be renamed, or be given to another service.
    pub(crate) fn rename_services(&self, manifests: &mut [Manifest], bindings: &Bindings) {
        for service in manifests.iter_mut().filter_map(|manifest| manifest.service.as_mut()) {
            let Some(id) = bindings.service_ids.get(service) else { continue };
            if self.services.get(service) != Some(id) {
                let today = self.services.iter().find(|(_, other)| *other == id);
                *service = today.map_or(id, |(name, _)| name).clone();
            }
        }
    }

    fn bindings_of(&self, environment: Environment) -> Bindings {
        let filled = |(name, text): (String, String)| Some((name, self.env_access.expand(&text)?));
        let mut variables = self.variables.clone();
        variables.extend(environment.variables.into_iter().filter_map(filled));
        let services = environment.services.into_iter().filter_map(filled).collect();
        // Everything that was read from YAML can be written as JSON.
        let defaults = serde_json::to_value(&environment.defaults).unwrap_or_default();
        Bindings { variables, service_ids: services, defaults: EnvironmentDefaults::from_values(&defaults) }
    }
}
