//! The objects that `HEAD` declares, in any folder.

use std::collections::BTreeSet;

use anyhow::Result;
use clickpipes::manifest::{self, Templates};
use model::address::{Address, Kind, Name};
use model::live::Id;

use super::Repository;
use super::cat_file::BlobReader;
use super::declared_key::{DeclaredKey, ManifestOwner};
use super::manifest_at::{self, DeclaredState};
use super::services::GitServices;
use crate::manifest_files;
use crate::project::ProjectContext;

/// The objects that `HEAD` declares, in any folder.
// A manifest that moved to another folder, or is only missing in the working folder, must not count as removed.
#[derive(Default)]
pub(super) struct HeadIndex {
    /// Each with the path of its file.
    keys: Vec<(DeclaredKey, String)>,
    /// The ids that manifests pin. Such a manifest may have another name than its live object.
    pub(super) pinned: BTreeSet<Id>,
    /// Texts and paths of files with mistakes. Any name that occurs in them may be declared there.
    ambiguous_files: Vec<(String, String)>,
}

impl HeadIndex {
    /// Reads `HEAD` with its submodules, and keeps the objects with one of these names.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(super) fn read_head(
        repository: &Repository,
        project: &ProjectContext,
        names: &BTreeSet<&Name>,
    ) -> Result<Self> {
        let mut found = Self::default();
        if names.is_empty() {
            return Ok(found);
        }
        let head = repository.resolve_commit("HEAD")?;
        let mut blobs = BlobReader::start_process(repository)?;
        for blob in repository.list_files(&head)? {
            if repository.is_manifest_path(&blob.path) || manifest_files::has_manifest_name(blob.path.as_ref()) {
                let text = blobs.read_text(&blob.hash)?.unwrap_or_default();
                found.add_file(text, blob.path, (repository, project), names);
            }
        }
        for (path, text) in repository.past_submodules(&head, project)?.texts_elsewhere()? {
            found.add_file(text, path, (repository, project), names);
        }
        Ok(found)
    }

    fn add_file(
        &mut self,
        text: String,
        path: String,
        (repository, project): (&Repository, &ProjectContext),
        names: &BTreeSet<&Name>,
    ) {
        // Most YAML files of a repository are not manifests, and parsing is slow.
        if !text.contains(manifest::API_VERSION_PREFIX) {
            return;
        }
        let is_ours = repository.is_manifest_path(&path);
        let bindings = if is_ours { Some(project.current_bindings()) } else { project.bindings_for_path(&path) };
        let Some(bindings) = bindings else { return };
        let (declared, unclear) =
            manifest_at::parse_declared(text.clone(), project, (&bindings, &Templates::default()));
        for (key, DeclaredState { pinned, .. }) in declared {
            self.pinned.extend(pinned);
            if names.contains(&key.name) {
                self.keys.push((key, path.clone()));
            }
        }
        self.ambiguous_files.extend(unclear.then_some((text, path)));
    }

    /// The objects that files at these paths declare.
    pub(super) fn in_files(mut self, is_wanted: impl Fn(&str) -> bool) -> Self {
        self.keys.retain(|(_, path)| is_wanted(path));
        self
    }

    /// The names without their services.
    pub(super) fn names(&self) -> BTreeSet<(Kind, Name)> {
        self.keys.iter().map(|(key, _)| (key.kind, key.name.clone())).collect()
    }

    pub(super) fn owners(&self) -> impl Iterator<Item = ManifestOwner> {
        self.keys.iter().map(|(key, _)| key.owner.clone())
    }

    /// The addresses in the known services, each with its file.
    pub(super) fn addresses(&self, services: &GitServices) -> impl Iterator<Item = (Address, &str)> {
        self.keys.iter().filter_map(|(key, file)| Some((services.resolve_address(key)?, file.as_str())))
    }

    /// A file with mistakes in which the object may be declared.
    pub(super) fn file_mentioning(&self, name: &Name) -> Option<&str> {
        self.ambiguous_files.iter().find(|(text, _)| text.contains(name.as_str())).map(|(_, path)| path.as_str())
    }
}
