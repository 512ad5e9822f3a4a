//! The templates of earlier commits.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use clickpipes::manifest::{self, Templates};
use model::diagnostic::SourceFile;

use super::Repository;
use super::cat_file::BlobReader;
use super::manifest_roots::project_roots;
use super::tree::Blob;
use crate::project::ProjectContext;

/// The templates of each requested commit. Commits with the same template files share them.
pub(super) struct TemplateArchive<'r> {
    repository: Repository,
    context: &'r ProjectContext,
    /// The path of the project file in the repository; `None` if there is none.
    project_path: Option<String>,
    /// The repository with the roots of templates, by the hash of the project file; the empty hash for today's.
    by_project_file: HashMap<String, Repository>,
    contents: HashMap<String, BlobContent>,
    by_commit: HashMap<String, usize>,
    by_files: HashMap<Vec<String>, usize>,
    sets: Vec<Templates>,
    none: Templates,
}

#[derive(Clone, Default)]
struct BlobContent {
    /// The text, if it may declare a template.
    template: Option<Arc<str>>,
    may_use_template: bool,
}

impl<'r> TemplateArchive<'r> {
    pub(super) fn new(repository: &Repository, context: &'r ProjectContext, project_path: Option<String>) -> Self {
        Self {
            repository: repository.clone(),
            context,
            project_path,
            by_project_file: HashMap::new(),
            contents: HashMap::new(),
            by_commit: HashMap::new(),
            by_files: HashMap::new(),
            sets: Vec::new(),
            none: Templates::default(),
        }
    }

    pub(super) fn at(&self, position: Option<usize>) -> &Templates {
        position.and_then(|at| self.sets.get(at)).unwrap_or(&self.none)
    }

    /// The templates of a commit for a text; `None` for a text that uses none.
    ///
    /// # Errors
    /// When git does not answer.
    pub(super) fn position_for(&mut self, text: &str, commit: &str, blobs: &mut BlobReader) -> Result<Option<usize>> {
        if !manifest::may_use_template(text) {
            return Ok(None);
        }
        if let Some(known) = self.by_commit.get(commit) {
            return Ok(Some(*known));
        }
        let mut files = Vec::new();
        for blob in self.manifest_blobs(commit, blobs)? {
            let template = self.content(&blob.hash, blobs)?.template;
            files.extend(template.map(|text| (blob.hash, SourceFile { name: blob.path.into(), text })));
        }
        let hashes: Vec<String> = files.iter().map(|(hash, _)| hash.clone()).collect();
        let position = *self.by_files.entry(hashes).or_insert_with(|| {
            let files: Vec<SourceFile> = files.into_iter().map(|(_, file)| file).collect();
            self.sets.push(Templates::read(&files));
            self.sets.len() - 1
        });
        self.by_commit.insert(commit.to_owned(), position);
        Ok(Some(position))
    }

    /// The contents of the commit that may use a template.
    ///
    /// # Errors
    /// When git does not answer.
    pub(super) fn users_at(&mut self, commit: &str, blobs: &mut BlobReader) -> Result<Vec<String>> {
        let mut users = Vec::new();
        for Blob { hash, .. } in self.manifest_blobs(commit, blobs)? {
            if self.content(&hash, blobs)?.may_use_template {
                users.push(hash);
            }
        }
        Ok(users)
    }

    /// The manifest files where templates are at the commit.
    fn manifest_blobs(&mut self, commit: &str, blobs: &mut BlobReader) -> Result<Vec<Blob>> {
        let file = match &self.project_path {
            Some(path) => blobs.find_blob(&format!("{commit}:{path}"))?.zip(Some(path)),
            None => None,
        };
        let (hash, text) = match file {
            Some(((hash, text), path)) => (hash, text.zip(Some(path))),
            None => (String::new(), None),
        };
        let (repository, context) = (&self.repository, self.context);
        let whole = self.by_project_file.entry(hash).or_insert_with(|| {
            let roots = text.and_then(|(text, path)| {
                project_roots(path, &SourceFile { name: Arc::from("history"), text: Arc::from(text) })
            });
            repository.with_template_roots(context, roots)
        });
        whole.manifest_blobs(commit)
    }

    fn content(&mut self, hash: &str, blobs: &mut BlobReader) -> Result<BlobContent> {
        if let Some(known) = self.contents.get(hash) {
            return Ok(known.clone());
        }
        let text = blobs.read_text(hash)?.unwrap_or_default();
        let content = BlobContent {
            may_use_template: manifest::may_use_template(&text),
            template: manifest::may_contain_template(&text).then(|| Arc::from(text)),
        };
        self.contents.insert(hash.to_owned(), content.clone());
        Ok(content)
    }
}
