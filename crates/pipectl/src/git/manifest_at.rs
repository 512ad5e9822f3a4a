//! Reads manifests of earlier commits, each with the variables and aliases of its own time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Result;
use clickpipes::manifest::{self, Manifest, Templates};
use clickpipes::pipe::written_tables::written_table_names;
use model::address::{Kind, Name};
use model::desired::Presence;
use model::diagnostic::SourceFile;
use model::live::Id;
use planner::LastProtection;

use super::Repository;
use super::cat_file::BlobReader;
use super::declared_key::DeclaredKey;
use super::earlier_manifests::referenced_elsewhere;
use super::head_index::HeadIndex;
use super::history::HistoryStep;
use super::template_archive::TemplateArchive;
use crate::project::{Bindings, ProjectContext};

/// The names that one version of a file declares.
pub(super) type DeclaredKeys = BTreeMap<DeclaredKey, DeclaredState>;

/// What counts of an earlier manifest besides its name.
#[derive(Clone)]
pub(super) struct DeclaredState {
    pub(super) protection: LastProtection,
    pub(super) pinned: Option<Id>,
    /// The tables that it gives to its pipe, each as `database.table`.
    pub(super) tables: Vec<String>,
}

/// Versions of files. Each is parsed once for each version of the project file.
pub(super) struct ManifestArchive<'r> {
    context: &'r ProjectContext,
    blobs: BlobReader,
    /// The path of the project file in the repository; `None` if there is none.
    project_path: Option<String>,
    /// The bindings at each commit, as positions in `bindings`.
    bindings_by_commit: HashMap<String, usize>,
    bindings_by_hash: HashMap<String, usize>,
    bindings: Vec<Bindings>,
    templates: TemplateArchive<'r>,
    /// By the hash, the bindings, and the templates for contents that may use some.
    declared_by_blob: HashMap<(String, usize, Option<usize>), Rc<DeclaredKeys>>,
}

impl<'r> ManifestArchive<'r> {
    pub(super) fn open_archive(repository: &Repository, context: &'r ProjectContext) -> Result<Self> {
        let project_path = context.origin.as_ref().and_then(|(file, _)| repository.path_in_repository(file));
        Ok(Self {
            context,
            blobs: BlobReader::start_process(repository)?,
            templates: TemplateArchive::new(repository, context, project_path.clone()),
            project_path,
            bindings_by_commit: HashMap::new(),
            bindings_by_hash: HashMap::new(),
            // Position 0 is today's: it serves commits without a project file.
            bindings: vec![context.current_bindings()],
            declared_by_blob: HashMap::new(),
        })
    }

    /// The names that the contents declare, with the bindings of the commit.
    ///
    /// # Errors
    /// When git does not have the contents.
    pub(super) fn declared_at(&mut self, commit: &str, hashes: &[String]) -> Result<Vec<Rc<DeclaredKeys>>> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let bindings_index = self.bindings_index(commit)?;
        hashes.iter().map(|hash| self.declared_in_blob(hash, commit, bindings_index)).collect()
    }

    /// The names that one step removed, each with its state before.
    pub(super) fn removed_keys(&mut self, step: &HistoryStep) -> Result<DeclaredKeys> {
        let before = self.declared_at(&format!("{}^", step.hash), &step.old_hashes)?;
        let after = self.declared_at(&step.hash, &step.new_hashes)?;
        let before = before.iter().flat_map(|declared| declared.iter());
        let removed = before.filter(|(key, _)| !after.iter().any(|declared| declared.contains_key(*key)));
        Ok(removed.map(|(key, state)| (key.clone(), state.clone())).collect())
    }

    /// The valid manifests in the contents, with the bindings of the commit. A change of a template is a change of each
    /// manifest that uses it.
    ///
    /// # Errors
    /// When git does not have the contents.
    pub(super) fn manifests_at(&mut self, commit: &str, hashes: &[String]) -> Result<Vec<Manifest>> {
        let index = self.bindings_index(commit)?;
        let mut texts = self.read_texts(hashes)?;
        if texts.iter().any(|text| manifest::may_contain_template(text)) {
            let users = self.templates.users_at(commit, &mut self.blobs)?;
            texts.extend(self.read_texts(&users.into_iter().filter(|it| !hashes.contains(it)).collect::<Vec<_>>())?);
        }
        let mut found = Vec::new();
        for text in texts {
            let templates = self.templates.position_for(&text, commit, &mut self.blobs)?;
            let file = SourceFile { name: Arc::from("history"), text: Arc::from(text) };
            let context = self.bindings[index].load_context().with_templates(self.templates.at(templates));
            let mut manifests = manifest::parse_manifests(&[file], context).manifests;
            self.context.rename_services(&mut manifests, &self.bindings[index]);
            found.extend(manifests);
        }
        Ok(found)
    }

    /// Whether one of the contents contains one of the names. Most do not, and parsing is slow.
    ///
    /// # Errors
    /// When git does not have the contents.
    pub(super) fn is_any_mentioned(&mut self, hashes: &[String], names: &WrittenNames<'_>) -> Result<bool> {
        Ok(self.read_texts(hashes)?.iter().any(|text| names.is_any_in(text)))
    }

    fn read_texts(&mut self, hashes: &[String]) -> Result<Vec<String>> {
        // Most YAML files of a repository are not manifests.
        let is_likely = |text: &String| text.contains(manifest::API_VERSION_PREFIX);
        let texts = hashes.iter().map(|hash| Ok(self.blobs.read_text(hash)?.filter(is_likely)));
        texts.filter_map(Result::transpose).collect()
    }

    fn declared_in_blob(&mut self, hash: &str, commit: &str, bindings_index: usize) -> Result<Rc<DeclaredKeys>> {
        // First without templates: most contents use none, and only the text of a new content shows whether it does.
        if let Some(known) = self.declared_by_blob.get(&(hash.to_owned(), bindings_index, None)) {
            return Ok(Rc::clone(known));
        }
        let Some(text) = self.blobs.read_text(hash)? else { return Ok(Rc::default()) };
        let templates = self.templates.position_for(&text, commit, &mut self.blobs)?;
        let key = (hash.to_owned(), bindings_index, templates);
        if let Some(known) = self.declared_by_blob.get(&key) {
            return Ok(Rc::clone(known));
        }
        let parts = (&self.bindings[bindings_index], self.templates.at(templates));
        let declared = Rc::new(parse_declared(text, self.context, parts).0);
        self.declared_by_blob.insert(key, Rc::clone(&declared));
        Ok(declared)
    }

    fn bindings_index(&mut self, commit: &str) -> Result<usize> {
        let Some(project) = &self.project_path else { return Ok(0) };
        if let Some(known) = self.bindings_by_commit.get(commit) {
            return Ok(*known);
        }
        let found = self.blobs.find_blob(&format!("{commit}:{project}"))?;
        let at = match found {
            Some((hash, Some(text))) => *self.bindings_by_hash.entry(hash).or_insert_with(|| {
                let source = SourceFile { name: Arc::from("history"), text: Arc::from(text) };
                let bindings = self.context.bindings_from_file(Some(&source));
                let same = self.bindings.iter().position(|other| *other == bindings);
                same.unwrap_or_else(|| {
                    self.bindings.push(bindings);
                    self.bindings.len() - 1
                })
            }),
            _ => 0,
        };
        self.bindings_by_commit.insert(commit.to_owned(), at);
        Ok(at)
    }
}

/// The names that a text declares, and whether it has documents that cannot be identified.
pub(super) fn parse_declared(
    text: String,
    context: &ProjectContext,
    (bindings, templates): (&Bindings, &Templates),
) -> (DeclaredKeys, bool) {
    // Only the identity is read. A mistake in a field does not remove an object, neither in an old version, whose rules
    // were different, nor in the current one.
    let file = SourceFile { name: Arc::from("history"), text: Arc::from(text) };
    let manifest::IdentifiedManifests { manifests, has_unidentified: unclear } =
        manifest::identify_manifests(&file, bindings.load_context().with_templates(templates));
    let keys = manifests.into_iter().flat_map(|mut identified| {
        context.rename_services(std::slice::from_mut(&mut identified.manifest), bindings);
        let manifest::IdentifiedManifest { manifest, has_template_fields } = identified;
        let intent = &manifest.document.intent;
        let protection = match (intent.protect, has_template_fields) {
            (true, _) => LastProtection::Protected,
            (false, true) => LastProtection::Unprotected,
            (false, false) => LastProtection::Unknown,
        };
        let is_present = intent.presence != Presence::Absent;
        let tables = if is_present { written_table_names(&manifest.document.body) } else { Vec::new() };
        let last = DeclaredState { protection, pinned: intent.pinned_id.clone(), tables };
        DeclaredKey::all_from_manifest(&manifest).into_iter().map(move |key| (key, last.clone()))
    });
    (keys.collect(), unclear)
}

/// Manifests of the commits after a commit up to another one, newest first.
pub(super) fn manifests_between(
    repository: &Repository,
    from: &str,
    tips: &[&str],
    project: &ProjectContext,
) -> Result<Vec<Manifest>> {
    let mut archive = ManifestArchive::open_archive(repository, project)?;
    let mut found = Vec::new();
    for step in repository.steps_between(from, tips)? {
        found.extend(archive.manifests_at(&step.hash, &step.new_hashes)?);
    }
    Ok(found)
}

/// Later manifests from the folders of other jobs: of objects that the run declares and no other folder has at `HEAD`,
/// and of objects to which those refer.
// An object can move to another job and back while the base stays the same. What an apply of the other job did to it
// counts as git's own, above all a new name: without it, the plan would create the object a second time.
pub(super) fn manifests_that_were_elsewhere(
    repository: &Repository,
    from: &str,
    tips: &[&str],
    declared: &[Manifest],
    project: &ProjectContext,
) -> Result<Vec<Manifest>> {
    let steps = repository.steps_elsewhere(from, tips, project)?;
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let referenced = referenced_elsewhere(declared);
    let is_referenced = |manifest: &Manifest| referenced.contains(&(manifest.kind, manifest.name.clone()));
    let keys_of = |manifest: &Manifest| {
        let kind = manifest.kind;
        DeclaredKey::all_from_manifest(manifest).into_iter().map(move |key| (kind, key.name)).collect::<Vec<_>>()
    };
    // The newest comes first, so each rename connects to the names before it.
    let mut names: BTreeSet<(Kind, Name)> = declared.iter().flat_map(keys_of).collect();
    let mut archive = ManifestArchive::open_archive(repository, project)?;
    let mut found = Vec::new();
    for step in steps {
        let mut manifests = archive.manifests_at(&step.hash, &step.new_hashes)?;
        manifests.retain(|it| {
            let keys = keys_of(it);
            let is_ours = keys.iter().any(|key| names.contains(key));
            names.extend(keys.into_iter().filter(|_| is_ours));
            is_ours || is_referenced(it)
        });
        found.extend(manifests);
    }
    let found_names = found.iter().map(|manifest| &manifest.name).collect();
    let elsewhere = HeadIndex::read_head(repository, project, &found_names)?;
    let elsewhere = elsewhere.in_files(|path| !repository.is_manifest_path(path)).names();
    found.retain(|manifest| is_referenced(manifest) || !elsewhere.contains(&(manifest.kind, manifest.name.clone())));
    Ok(found)
}

/// Names for a search in texts. A separate search for each of a thousand names in a thousand texts would be too slow.
pub(super) struct WrittenNames<'n> {
    words: HashSet<&'n str>,
    /// Names with other characters than words have.
    others: Vec<&'n str>,
}

impl<'n> WrittenNames<'n> {
    pub(super) fn new(names: impl Iterator<Item = &'n str>) -> Self {
        let (words, others): (Vec<_>, _) = names.partition(|name| name.chars().all(is_word_letter));
        Self { words: words.into_iter().collect(), others }
    }

    fn is_any_in(&self, text: &str) -> bool {
        text.split(|letter| !is_word_letter(letter)).any(|word| self.words.contains(word))
            || self.others.iter().any(|name| text.contains(name))
    }
}

fn is_word_letter(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.')
}
