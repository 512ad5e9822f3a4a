//! What the words of a manifest mean: the same text says something else at another time, or in another
//! environment.

use std::collections::BTreeMap;

use anyhow::Result;
use model::diagnostic::SourceFile;
use model::manifest::Manifest;
use model::project::{self, Environment};

use super::{Chosen, fill};
use crate::git::{Commit, Repository};

/// What variables and names of services stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// The texts of variables.
    pub(crate) variables: BTreeMap<String, String>,
    /// Ids of services by their names.
    services: BTreeMap<String, String>,
}

impl Chosen {
    /// The words of the chosen environment as it is now.
    pub(crate) fn words(&self) -> Words {
        Words { variables: self.variables.clone(), services: self.services.clone() }
    }

    /// The words of the same environment in another commit.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(crate) fn words_at(&self, repository: &Repository, commit: &Commit) -> Result<Words> {
        let file = self.origin.as_ref().map(|(file, _)| repository.file(commit, file));
        Ok(self.words_in(file.transpose()?.flatten().as_ref()))
    }

    /// The words of the same environment in another version of the project file. What that does not
    /// tell is taken from the one of today.
    pub(crate) fn words_in(&self, source: Option<&SourceFile>) -> Words {
        let was = source.and_then(|source| {
            let project = project::load(source).0?;
            let chosen = self.origin.as_ref().and_then(|(_, name)| name.as_ref());
            let name = chosen.or(project.defaults.environment.as_ref())?;
            let mut environments = project.environments;
            environments.remove(name).or_else(|| self.called_otherwise(environments))
        });
        self.words_of(was.unwrap_or_default())
    }

    /// The chosen environment under another name that it had: the only one of this organization that
    /// is there no more.
    fn called_otherwise(&self, was: BTreeMap<String, Environment>) -> Option<Environment> {
        let own = self.organization.as_deref();
        let is_own = |was: &Environment| match was.organization.as_deref().map(fill) {
            Some(Some(id)) => own.is_none_or(|own| own == id),
            Some(None) => false,
            None => true,
        };
        let gone = was.into_iter().filter(|(name, _)| !self.others.contains_key(name));
        let mut gone = gone.map(|(_, was)| was).filter(is_own);
        gone.next().filter(|_| gone.next().is_none())
    }

    /// The words of the other environment after which a folder of the path is named. `None` where its
    /// manifests are about another organization, and so about nothing that is meant here.
    pub(crate) fn words_for(&self, path: &str) -> Option<Words> {
        let Some(other) = self.other_for(path) else { return Some(self.words()) };
        let organization = other.organization.as_deref().and_then(fill);
        match (&self.organization, organization) {
            (Some(own), Some(other)) if *own != other => None,
            _ => Some(self.words_of(other.clone())),
        }
    }

    /// The other environment after which a folder of the path is named.
    pub(crate) fn other_for(&self, path: &str) -> Option<&Environment> {
        let folders = || path.split('/').rev().skip(1);
        let chosen = self.origin.as_ref().and_then(|(_, name)| name.as_deref());
        if folders().any(|folder| Some(folder) == chosen) {
            return None;
        }
        folders().find_map(|folder| self.others.get(folder))
    }

    /// Calls the services of manifests what they are called today.
    pub(crate) fn call_anew(&self, manifests: &mut [Manifest], words: &Words) {
        for service in manifests.iter_mut().filter_map(|manifest| manifest.service.as_mut()) {
            let Some(id) = words.services.get(service) else { continue };
            if self.services.get(service) != Some(id) {
                let today = self.services.iter().find(|(_, other)| *other == id);
                *service = today.map_or(id, |(name, _)| name).clone();
            }
        }
    }

    fn words_of(&self, environment: Environment) -> Words {
        let filled = |(name, text): (String, String)| Some((name, fill(&text)?));
        let mut variables = self.variables.clone();
        variables.extend(environment.variables.into_iter().filter_map(filled));
        let services = environment.services.into_iter().filter_map(filled).collect();
        Words { variables, services }
    }
}
