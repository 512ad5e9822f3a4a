//! Where manifests are: for this job, for this job at another commit, and for other jobs.

use std::collections::BTreeSet;

use anyhow::Result;
use clickpipes::manifest::Manifest;
use model::project;

use super::declared_key::DeclaredKey;
use super::head_index::HeadIndex;
use super::{Commit, Repository};
use crate::project::ProjectContext;

impl Repository {
    /// The repository with the manifest paths that the project file had at a commit, beside those of today. Paths of the
    /// command line are the same at every commit.
    // A change of `manifests` can take a folder out. Its manifests are removed like any other, and the plan says so.
    //
    /// # Errors
    /// When git cannot answer.
    pub(super) fn with_roots_at(&self, commit: &Commit, project: &ProjectContext) -> Result<Self> {
        let (Some((file, _)), Some(folder)) = (&project.origin, self.project_folder(project)) else {
            return Ok(self.clone());
        };
        let source = self.file_at_commit(commit, file)?;
        let earlier = source.as_ref().and_then(|source| project::parse_project(source).0);
        let mut whole = self.clone();
        for path in earlier.iter().flat_map(|project| &project.manifests) {
            let Some(root) = path_below(&folder, path) else { continue };
            if !whole.roots.contains(&root) {
                whole.roots.push(root);
            }
        }
        Ok(whole)
    }

    /// The folder of the project file, if the manifest paths of this run are those of the file.
    fn project_folder(&self, project: &ProjectContext) -> Option<String> {
        let file = self.path_in_repository(&project.origin.as_ref()?.0)?;
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        (project.manifests == project.all_manifest_paths).then_some(folder)
    }

    /// What `HEAD` declares in folders that are not of this run: the objects of the base that no manifest of the run
    /// declares may be there now. Nobody removed them.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(super) fn read_other_jobs<'m>(
        &self,
        base: impl Iterator<Item = &'m Manifest>,
        declared: &[Manifest],
        project: &ProjectContext,
    ) -> Result<HeadIndex> {
        let declared: BTreeSet<DeclaredKey> = declared.iter().flat_map(DeclaredKey::all_from_manifest).collect();
        let is_gone = |manifest: &&'m Manifest| !declared.contains(&DeclaredKey::from_manifest(manifest));
        let names = base.filter(is_gone).map(|manifest| &manifest.name).collect();
        let folder = self.project_folder(project);
        // With the paths of the project file, a manifest elsewhere in its folder is one that nobody reads.
        let is_of_other_job = |path: &str| {
            let is_read_by_nobody = folder.as_ref().is_some_and(|folder| path_below_folder(folder, path));
            !self.is_manifest_path(path) && !is_read_by_nobody
        };
        Ok(HeadIndex::read_head(self, project, &names)?.in_files(is_of_other_job))
    }
}

fn path_below_folder(folder: &str, path: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// A relative path of the project file as a path in the repository; `None` if it leads out of the folder.
fn path_below(folder: &str, path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let is_inside = !path.starts_with('/') && !parts.contains(&"..");
    let all = folder.split('/').filter(|part| !part.is_empty()).chain(parts);
    is_inside.then(|| all.collect::<Vec<_>>().join("/"))
}
