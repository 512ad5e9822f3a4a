//! The manifest paths: of this job, of this job at another commit, and of other jobs.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use clickpipes::manifest::Manifest;
use model::diagnostic::SourceFile;
use model::project;
use model::sanitize::sanitize_line;

use super::declared_key::DeclaredKey;
use super::head_index::HeadIndex;
use super::{Commit, Repository};
use crate::project::{PROJECT_FILE, ProjectContext};

impl Repository {
    /// The repository with the manifest paths that the project file had at a commit, in addition to the current ones.
    /// Paths of the command line are the same at every commit.
    /// A change of `manifests` can remove a folder. Its manifests are then removed like any other, and the plan says
    /// so.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn with_roots_at(&self, commit: &Commit, project: &ProjectContext) -> Result<Self> {
        if project.has_named_manifests() {
            return Ok(self.clone());
        }
        let earlier = self.project_roots_at(commit, project)?;
        Ok(self.with_roots(&self.roots, earlier.unwrap_or_default()))
    }

    /// The repository with the paths to templates at a commit as roots: those of the command line, and those of the
    /// project file at that commit.
    /// Hazard: with the current paths, a template that moved would be missing in the base. If a change names another
    /// folder of templates, the base would be read with the new ones: no difference, and no protection.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn with_template_roots_at(&self, commit: &Commit, project: &ProjectContext) -> Result<Self> {
        Ok(self.with_template_roots(project, self.project_roots_at(commit, project)?))
    }

    /// The same with the paths of the project file; without them, with the current ones.
    pub(super) fn with_template_roots(&self, project: &ProjectContext, of_project: Option<Vec<String>>) -> Self {
        let today = || project.all_manifest_paths.iter().filter_map(|path| self.path_in_repository(path)).collect();
        let named = if project.has_named_manifests() { &self.roots[..] } else { &[] };
        self.with_roots(named, of_project.unwrap_or_else(today))
    }

    fn with_roots(&self, first: &[String], more: Vec<String>) -> Self {
        let mut roots = first.to_vec();
        roots.extend(more.into_iter().filter(|root| !first.contains(root)));
        Self { roots, ..self.clone() }
    }

    /// The manifest paths of the project file at a commit; `None` if there is no file, or it has errors.
    fn project_roots_at(&self, commit: &Commit, project: &ProjectContext) -> Result<Option<Vec<String>>> {
        let Some((file, _)) = &project.origin else { return Ok(None) };
        let (source, path) = (self.file_at_commit(commit, file)?, self.path_in_repository(file));
        let roots = path.zip(source).and_then(|(path, source)| project_roots(&path, &source));
        let follow = |root: String| match self.follow_folder_links(&root, commit)? {
            Some(folder) => Ok(folder),
            None => bail!(
                "{PROJECT_FILE}: `manifests`: {} pointed outside the repository in {}, so its manifests are unknown: name another \
                 commit",
                sanitize_line(&root),
                commit.label()
            ),
        };
        roots.map(|roots| roots.into_iter().map(follow).collect()).transpose()
    }

    /// The repository with the paths that a run at that commit read: those of its project file, if it lists any.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn with_roots_of(&self, commit: &Commit, project: &ProjectContext) -> Result<Self> {
        let listed = self.project_roots_at(commit, project)?.filter(|roots| !roots.is_empty());
        let roots = listed.filter(|_| !project.has_named_manifests());
        Ok(roots.map_or_else(|| self.clone(), |roots| Self { roots, ..self.clone() }))
    }

    /// The folder of the project file, if the manifest paths of this run are those of the file.
    fn project_folder(&self, project: &ProjectContext) -> Option<String> {
        let file = self.path_in_repository(&project.origin.as_ref()?.0)?;
        (!project.has_named_manifests()).then(|| folder_of(&file).to_owned())
    }

    /// The manifests at `HEAD` in folders that are not part of this run. Objects of the base that no manifest of the
    /// run declares may be there now; nobody removed them.
    ///
    /// # Errors
    /// When git fails.
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
        // With the paths of the project file, no job reads a manifest elsewhere in its folder.
        let is_of_other_job = |path: &str| {
            let is_read_by_nobody = folder.as_ref().is_some_and(|folder| path_below_folder(folder, path));
            !self.is_manifest_path(path) && !is_read_by_nobody
        };
        Ok(HeadIndex::read_head(self, project, &names)?.in_files(is_of_other_job))
    }
}

/// The manifest paths of a project file at this path of the repository; `None` if it has errors.
pub(super) fn project_roots(path: &str, source: &SourceFile) -> Option<Vec<String>> {
    let project = project::parse_past_project(source).ok()?;
    Some(project.manifests.iter().filter_map(|manifests| path_below(folder_of(path), manifests)).collect())
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
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
