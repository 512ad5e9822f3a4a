//! Follows moved folders of manifests through the history.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Repository;
use super::tree::Blob;
use crate::project::ProjectContext;

// Two folders that replace each other repeatedly would be followed for ever.
const MAX_MOVES: usize = 16;

impl Repository {
    /// The commits that moved a folder of manifests here, each with the repository of the roots before it.
    // A removal before the move is only in the history of the old name.
    pub(super) fn folder_moves(&self, project: &ProjectContext) -> Result<Vec<(String, Self)>> {
        let mut moves: Vec<(String, Self)> = Vec::new();
        let mut roots: Vec<(String, String)> =
            self.roots.iter().map(|root| ("HEAD".to_owned(), root.clone())).collect();
        while let Some((until, root)) = roots.pop() {
            let here = Self { roots: vec![root.clone()], ..self.clone() };
            let Some((commit, folders)) = here.find_previous_folders(&until, project)? else {
                continue;
            };
            for folder in folders {
                let both = Self { roots: vec![folder.clone(), root.clone()], ..self.clone() };
                moves.push((commit.clone(), both));
                if moves.len() < MAX_MOVES {
                    roots.push((format!("{commit}^"), folder));
                }
            }
        }
        Ok(moves)
    }

    /// The first commit with the folder, and the folders that it replaced: they have no manifest left, and files of the
    /// same names are here.
    fn find_previous_folders(
        &self,
        until: &str,
        project: &ProjectContext,
    ) -> Result<Option<(String, BTreeSet<String>)>> {
        let root = self.roots[0].as_str();
        // The whole repository cannot have moved.
        if root.is_empty() {
            return Ok(None);
        }
        let arguments = ["log", "--full-history", "--diff-filter=A", "--no-show-signature", "--format=%H"];
        let log = self.git_output_line(&[&arguments, [until, "--", root].as_slice()].concat())?;
        let Some(first) = log.lines().last() else { return Ok(None) };
        // The first commit of the repository has no parent.
        let Ok(parent) = self.resolve_commit(&format!("{first}^")) else { return Ok(None) };
        let (before, after) = (self.list_files(&parent)?, self.list_files(&self.resolve_commit(first)?)?);
        let here = |blob: &&Blob| self.is_manifest_path(&blob.path);
        // The folder existed before this commit, so nothing moved here as a whole.
        if before.iter().any(|blob| here(&blob)) {
            return Ok(None);
        }
        let left: BTreeSet<&str> = after.iter().map(|blob| blob.path.as_str()).collect();
        let names = after.iter().filter(here).filter_map(|blob| blob.path.strip_prefix(root));
        let names: Vec<&str> = names.filter(|name| name.starts_with('/')).collect();
        let deleted = before.iter().map(|blob| blob.path.as_str());
        let deleted = deleted.filter(|path| !left.contains(path) && self.may_have_moved(path, project));
        let folders = deleted.flat_map(|path| names.iter().filter_map(|name| path.strip_suffix(name)));
        let is_left = |folder: &str| {
            let earlier = Self { roots: vec![folder.to_owned()], ..self.clone() };
            left.iter().any(|path| earlier.is_manifest_path(path) && !self.is_manifest_path(path))
        };
        let folders = folders.filter(|folder| !is_left(folder)).map(str::to_owned).collect();
        Ok(Some((first.to_owned(), folders)))
    }
}
