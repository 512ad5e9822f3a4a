//! The manifests of one commit, read from git's objects.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use clickpipes::manifest;
use model::diagnostic::SourceFile;

use super::cat_file::BlobReader;
use super::{Commit, Repository};
use crate::manifest_files;
use crate::project::ProjectContext;

/// A file of a commit.
pub(super) struct Blob {
    /// The path from the top of the repository.
    pub(super) path: String,
    /// The hash of the content.
    pub(super) hash: String,
    /// Whether it is a symbolic link. Its content is the path of the target.
    is_link: bool,
}

impl Repository {
    /// The manifest files under the repository's roots at a commit, named as in git: `1a2b3c4:pipes/orders.yaml`. With
    /// those of submodules that are checked out.
    ///
    /// # Errors
    /// When a file cannot be read, or is not text.
    pub(crate) fn manifest_files_at(&self, commit: &Commit) -> Result<Vec<SourceFile>> {
        let mut files = self.tree_files_at(commit)?;
        files.extend(self.submodule_files(commit)?);
        Ok(files)
    }

    /// The same without submodules.
    ///
    /// # Errors
    /// As above.
    pub(super) fn tree_files_at(&self, commit: &Commit) -> Result<Vec<SourceFile>> {
        let mut blobs = BlobReader::start_process(self)?;
        let mut files = Vec::new();
        for blob in self.files_with_links(commit, &mut blobs)?.iter().filter(|blob| self.is_manifest_path(&blob.path)) {
            let name = format!("{}:{}", commit.short, blob.path);
            match blobs.read_text(&blob.hash)? {
                Some(text) => files.push(SourceFile { name: name.into(), text: Arc::from(text) }),
                None => bail!("{name} is not text, or too large for a manifest"),
            }
        }
        Ok(files)
    }

    /// The files of a commit. A link to a file counts as a file with the target's content.
    fn files_with_links(&self, commit: &Commit, blobs: &mut BlobReader) -> Result<Vec<Blob>> {
        // The working folder follows links, so the base has to. Targets are searched only in the commit's own tree:
        // nothing outside the repository is read.
        let (links, mut files): (Vec<Blob>, Vec<Blob>) =
            self.list_entries(commit)?.into_iter().partition(|blob| blob.is_link);
        let mut targets = BTreeMap::new();
        for link in links.iter().filter(|link| self.is_manifest_path(&link.path)) {
            let target = blobs.read_text(&link.hash)?.and_then(|to| resolve_link(&link.path, &to));
            targets.extend(target.map(|target| (link.path.as_str(), target)));
        }
        for link in targets.keys() {
            let mut here = *link;
            for _ in 0..MAX_LINK_CHAIN {
                here = targets.get(here).map_or(here, String::as_str);
            }
            let hash = files.iter().find(|file| file.path == here).map(|file| file.hash.clone());
            files.extend(hash.map(|hash| Blob { path: (*link).to_owned(), hash, is_link: false }));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Where a path leads at a commit in which it, or a folder above it, is a link, as the working folder is read. `None` if
    /// that is out of the repository.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(super) fn follow_folder_links(&self, path: &str, commit: &Commit) -> Result<Option<String>> {
        let mut path = path.to_owned();
        for _ in 0..MAX_LINK_CHAIN {
            let Some(link) = self.link_above(&path, commit)? else { break };
            let to = BlobReader::start_process(self)?.read_text(&link.hash)?;
            let Some(target) = to.and_then(|to| resolve_link(&link.path, &to)) else { return Ok(None) };
            path = format!("{target}{}", &path[link.path.len()..]);
        }
        Ok(Some(path))
    }

    /// The link at a path of a commit, or in place of a folder above it.
    fn link_above(&self, path: &str, commit: &Commit) -> Result<Option<Blob>> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let above: Vec<&str> = ends.map(|end| &path[..end]).filter(|folder| !folder.is_empty()).collect();
        let listed =
            self.git_output_bytes(&[&["ls-tree", "-z", "--full-tree", &commit.hash, "--"], &above[..]].concat())?;
        let mut entries = lines_of(&listed).into_iter().filter_map(|line| parse_entry(&line));
        Ok(entries.find(|entry| entry.is_link && above.contains(&entry.path.as_str())))
    }

    /// The files with templates that these manifests of a commit may use.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(super) fn template_files_at(
        &self,
        files: &[SourceFile],
        commit: &Commit,
        project: &ProjectContext,
    ) -> Result<Vec<SourceFile>> {
        if !files.iter().any(|file| manifest::may_use_template(&file.text)) {
            return Ok(Vec::new());
        }
        let mut found = self.with_template_roots_at(commit, project)?.manifest_files_at(commit)?;
        found.retain(|file| manifest::may_contain_template(&file.text));
        Ok(found)
    }

    /// The templates in files that are not among the manifests.
    ///
    /// # Errors
    /// When git fails.
    pub(crate) fn templates_elsewhere(
        &self,
        files: &[SourceFile],
        commit: &Commit,
        project: &ProjectContext,
    ) -> Result<Vec<SourceFile>> {
        let mut found = self.template_files_at(files, commit, project)?;
        found.retain(|file| files.iter().all(|known| known.name != file.name));
        Ok(found)
    }

    /// The manifest files in other folders at a commit. Objects may have moved here from them.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn manifest_files_elsewhere(
        &self,
        commit: &Commit,
        project: &ProjectContext,
    ) -> Result<Vec<SourceFile>> {
        self.likely_manifests(commit, |path| self.may_have_moved(path, project))
    }

    /// The files of a commit that have the name of a manifest and contain one.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(super) fn likely_manifests(
        &self,
        commit: &Commit,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<SourceFile>> {
        let mut blobs = BlobReader::start_process(self)?;
        let mut files = Vec::new();
        let has_name = |path: &str| manifest_files::has_manifest_name(path.as_ref()) && is_wanted(path);
        for blob in self.list_files(commit)?.iter().filter(|blob| has_name(&blob.path)) {
            // Most YAML files of a repository are not manifests.
            let text = blobs.read_text(&blob.hash)?.filter(|text| text.contains(manifest::API_VERSION_PREFIX));
            let name = format!("{}:{}", commit.short, blob.path);
            files.extend(text.map(|text| SourceFile { name: name.into(), text: Arc::from(text) }));
        }
        Ok(files)
    }

    /// Whether a manifest in another folder may declare objects of this environment.
    pub(super) fn may_have_moved(&self, path: &str, project: &ProjectContext) -> bool {
        let named = manifest_files::has_manifest_name(path.as_ref()) && !self.is_manifest_path(path);
        named && project.other_environment_for(path).is_none()
    }

    /// The files of this name that a commit has in any folder, and links of this name.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(super) fn paths_named(&self, commit: &Commit, name: &str) -> Result<Vec<String>> {
        let paths = self.list_entries(commit)?.into_iter().map(|entry| entry.path);
        Ok(paths.filter(|path| Path::new(path).file_name().is_some_and(|it| it == name)).collect())
    }

    /// The files of a commit, without links.
    pub(super) fn list_files(&self, commit: &Commit) -> Result<Vec<Blob>> {
        Ok(self.list_entries(commit)?.into_iter().filter(|blob| !blob.is_link).collect())
    }

    /// The manifest files of a commit, without links. `commit` is a hash, or its parent `HASH^`.
    pub(super) fn manifest_blobs(&self, commit: &str) -> Result<Vec<Blob>> {
        let commit = Commit { hash: commit.to_owned(), short: String::new(), subject: String::new() };
        let entries = self.list_entries(&commit)?;
        let mut roots = self.roots.clone();
        for root in &mut roots {
            if entries.iter().any(|it| it.is_link && is_at_or_below(&it.path, root))
                && let Some(folder) = self.follow_folder_links(root, &commit)?
            {
                *root = folder;
            }
        }
        let here = Self { roots, ..self.clone() };
        Ok(entries.into_iter().filter(|blob| !blob.is_link && here.is_manifest_path(&blob.path)).collect())
    }

    fn list_entries(&self, commit: &Commit) -> Result<Vec<Blob>> {
        Ok(self.tree_lines(commit)?.iter().filter_map(|line| parse_entry(line)).collect())
    }

    pub(super) fn tree_lines(&self, commit: &Commit) -> Result<Vec<String>> {
        let listed = self.git_output_bytes(&["ls-tree", "-r", "-z", "--full-tree", &commit.hash])?;
        Ok(lines_of(&listed))
    }

    /// Whether the path is under a root and has the name of a manifest, as in the working folder.
    pub(super) fn is_manifest_path(&self, path: &str) -> bool {
        self.roots.iter().any(|root| is_manifest_below(root, path))
    }
}

fn lines_of(listed: &[u8]) -> Vec<String> {
    let lines = listed.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

/// An entry of a tree: mode, kind and hash, then the path.
fn parse_entry(entry: &str) -> Option<Blob> {
    let (meta, path) = entry.split_once('\t')?;
    let mut meta = meta.split(' ');
    let (mode, kind, hash) = (meta.next()?, meta.next()?, meta.next()?);
    let is_link = mode == LINK_MODE;
    (kind == "blob").then(|| Blob { path: path.to_owned(), hash: hash.to_owned(), is_link })
}

/// The target of a link; `None` if it is outside the repository.
fn resolve_link(link: &str, to: &str) -> Option<String> {
    let mut path: Vec<&str> = link.split('/').collect();
    path.pop();
    if to.starts_with('/') {
        return None;
    }
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = path.pop()?,
            part => path.push(part),
        }
    }
    Some(path.join("/"))
}

// Links of a stranger's tree may go in a circle.
const MAX_LINK_CHAIN: usize = 8;

pub(super) const LINK_MODE: &str = "120000";

fn is_at_or_below(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_manifest_below(root: &str, path: &str) -> bool {
    if path == root {
        return true;
    }
    let below = match root {
        "" => Some(path),
        root => path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/')),
    };
    below.is_some_and(|below| {
        let hidden = below.split('/').any(|part| part.starts_with('.'));
        !hidden && manifest_files::has_manifest_name(Path::new(below))
    })
}

#[cfg(test)]
mod tests {
    use super::is_manifest_below;

    #[test]
    fn git_tree_filter_accepts_manifests_only() {
        for (root, path, counts) in [
            ("pipes", "pipes/a.yaml", true),
            ("pipes", "pipes/deep/er/a.yml", true),
            ("", "a.yaml", true),
            ("one.txt", "one.txt", true),
            ("pipes", "pipes2/a.yaml", false),
            ("pipes", "pipes/.hidden/a.yaml", false),
            ("pipes", "pipes/.a.yaml", false),
            ("pipes", "pipes/pipectl.yaml", false),
            ("pipes", "pipes/notes.md", false),
        ] {
            assert_eq!(is_manifest_below(root, path), counts, "{root} {path}");
        }
    }
}
