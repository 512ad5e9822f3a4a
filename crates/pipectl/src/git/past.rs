//! What files declared once, read as they were meant then.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Result;
use model::diagnostic::SourceFile;
use model::live::Id;
use model::manifest;

use super::Repository;
use super::blobs::Blobs;
use super::memory::Key;
use crate::project::{Chosen, Words};

/// What one version of a file declares, by every name: whether it is protected, and its pinned id.
pub(super) type Declared = BTreeMap<Key, (bool, Option<Id>)>;

/// Reads versions of files. Each is read once for each version of the project file.
pub(super) struct Past<'r> {
    chosen: &'r Chosen,
    blobs: Blobs,
    /// Where the project file is in the repository, if it says anything of the environment.
    project: Option<String>,
    /// What the commits' project files say, as positions in `words`.
    commits: HashMap<String, usize>,
    projects: HashMap<String, usize>,
    words: Vec<Words>,
    known: HashMap<(String, usize), Rc<Declared>>,
}

impl<'r> Past<'r> {
    /// Starts to read.
    ///
    /// # Errors
    /// When git cannot be run.
    pub(super) fn open(repository: &Repository, chosen: &'r Chosen) -> Result<Self> {
        let project = chosen.origin.as_ref().and_then(|(file, _)| repository.inside(file));
        Ok(Self {
            chosen,
            blobs: Blobs::open(repository)?,
            project,
            commits: HashMap::new(),
            projects: HashMap::new(),
            // Those of today are the first, for commits without a project file.
            words: vec![chosen.words()],
            known: HashMap::new(),
        })
    }

    /// What the contents declare in that commit.
    ///
    /// # Errors
    /// When git does not have them.
    pub(super) fn declared(
        &mut self,
        commit: &str,
        hashes: &[String],
    ) -> Result<Vec<Rc<Declared>>> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let words = self.words(commit)?;
        hashes.iter().map(|hash| self.content(hash, words)).collect()
    }

    fn content(&mut self, hash: &str, words: usize) -> Result<Rc<Declared>> {
        let key = (hash.to_owned(), words);
        if let Some(known) = self.known.get(&key) {
            return Ok(Rc::clone(known));
        }
        let text = self.blobs.text(hash)?;
        let declared = text.map(|text| declared(text, self.chosen, &self.words[words]).0);
        let declared = Rc::new(declared.unwrap_or_default());
        self.known.insert(key, Rc::clone(&declared));
        Ok(declared)
    }

    fn words(&mut self, commit: &str) -> Result<usize> {
        let Some(project) = &self.project else { return Ok(0) };
        if let Some(known) = self.commits.get(commit) {
            return Ok(*known);
        }
        let found = self.blobs.find(&format!("{commit}:{project}"))?;
        let at = match found {
            Some((hash, Some(text))) => *self.projects.entry(hash).or_insert_with(|| {
                let source = SourceFile { name: Arc::from("history"), text: Arc::from(text) };
                let words = self.chosen.words_in(Some(&source));
                let same = self.words.iter().position(|other| *other == words);
                same.unwrap_or_else(|| {
                    self.words.push(words);
                    self.words.len() - 1
                })
            }),
            _ => 0,
        };
        self.commits.insert(commit.to_owned(), at);
        Ok(at)
    }
}

/// What a text declares, and whether there may be more in it than can be told. A mistake in a field
/// does not make a manifest another one: what was wrong once, or is by now, is still declared.
pub(super) fn declared(text: String, chosen: &Chosen, words: &Words) -> (Declared, bool) {
    let file = SourceFile { name: Arc::from("history"), text: Arc::from(text) };
    let manifest::Identified { mut manifests, unclear } =
        manifest::identify(&file, &words.variables);
    chosen.call_anew(&mut manifests, words);
    let keys = manifests.iter().flat_map(|manifest| {
        let intent = &manifest.document.intent;
        let last = (intent.protect, intent.pinned.clone());
        Key::all_of(manifest).into_iter().map(move |key| (key, last.clone()))
    });
    (keys.collect(), unclear)
}
