//! What git remembers of the objects: how they were declared in a base, and which were declared
//! once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use model::address::{Address, Kind, Name};
use model::desired::Desired;
use model::diagnostic::Severity;
use model::manifest::{self, Manifest};
use planner::{Ground, Proof};

use super::Repository;
use super::blobs::Blobs;
use super::history::Step;
use super::past::{self, Past};
use super::services::Services;
use crate::files;
use crate::output::Output;
use crate::project::Chosen;

/// What is asked of git.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    /// The revision whose manifests are the base.
    pub(crate) base: Option<String>,
    /// The revision since which a manifest must have changed to be meant.
    pub(crate) since: Option<String>,
    /// Whether to look for what was declared once.
    pub(crate) removed: bool,
}

/// What git remembers, before services are looked up.
#[derive(Default)]
pub(crate) struct Memory {
    base: Option<Vec<Manifest>>,
    since: Option<Vec<Manifest>>,
    /// `None` where nobody asked.
    removed: Option<Vec<Removal>>,
    at_head: AtHead,
}

/// Whose object it is, as the manifest says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// The organization's.
    Organization,
    /// That of the service that is the default.
    Default,
    /// That of this service.
    Service(String),
}

/// One name under which a manifest declared an object, without its service being looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) owner: Owner,
    pub(super) kind: Kind,
    pub(super) name: Name,
}

/// Why objects may be deleted that nobody declares.
pub(crate) type Proofs = BTreeMap<Address, Proof>;

/// A name that no manifest declares any more.
struct Removal {
    key: Key,
    proof: Proof,
}

/// What the last commit declares, in whatever folder: what moved was not removed, nor what is only
/// missing in the working folder.
#[derive(Default)]
struct AtHead {
    /// Each with its file, as the next are.
    keys: Vec<(Key, String)>,
    /// Texts of manifests with mistakes. Whatever they mention may be declared in them.
    unclear: Vec<(String, String)>,
}

impl Memory {
    /// Asks git. Mistakes in the manifests of the base are warnings: what cannot be read there is
    /// as if it had not been declared.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(crate) fn read(ask: &Ask, chosen: &Chosen, output: Output) -> Result<Self> {
        if ask.base.is_none() && ask.since.is_none() && !ask.removed {
            return Ok(Self::default());
        }
        let repository = Repository::of(&chosen.manifests)?;
        let manifests = |revision: &Option<String>| {
            let revision = revision.as_ref();
            revision.map(|revision| manifests(&repository, revision, chosen, output)).transpose()
        };
        let base = manifests(&ask.base)?;
        let mut memory = Self { base, since: manifests(&ask.since)?, ..Self::default() };
        if ask.removed {
            let removed = removals(&repository, &repository.history(chosen)?, chosen)?;
            if !removed.is_empty() {
                let names = removed.iter().map(|removal| &removal.key.name).collect();
                memory.at_head = AtHead::read(&repository, chosen, &names)?;
            }
            memory.removed = Some(removed);
        }
        Ok(memory)
    }

    /// The services that it names.
    pub(crate) fn services(&self, default: Option<&str>) -> BTreeSet<String> {
        let declared = self.base.iter().chain(&self.since);
        let base = declared.flatten().map(Key::of).map(|key| key.owner);
        let removed = self.removed.iter().flatten().map(|removal| removal.key.owner.clone());
        let at_head = self.at_head.keys.iter().map(|(key, _)| key.owner.clone());
        let all = base.chain(removed).chain(at_head);
        all.filter_map(|owner| match owner {
            Owner::Organization => None,
            Owner::Default => default.map(str::to_owned),
            Owner::Service(name) => Some(name),
        })
        .collect()
    }

    /// What the base declares, if there is one, in the services that are known.
    pub(crate) fn base(&mut self, services: &Services) -> Option<Desired> {
        self.base.take().map(|manifests| desired(manifests, services))
    }

    /// What was declared when the changes began that are meant, likewise.
    pub(crate) fn since(&mut self, services: &Services) -> Option<Desired> {
        self.since.take().map(|manifests| desired(manifests, services))
    }

    /// The proofs, by address, and the files which keep what would be proven else: they declare it.
    pub(crate) fn removed(&self, services: &Services) -> (Proofs, BTreeMap<Address, String>) {
        let at_head = self.at_head.keys.iter();
        let at_head: BTreeMap<Address, &str> = at_head
            .filter_map(|(key, file)| Some((services.address(key)?, file.as_str())))
            .collect();
        let (mut proofs, mut kept) = (Proofs::new(), BTreeMap::new());
        for removal in self.removed.iter().flatten() {
            let Some(at) = services.address(&removal.key) else { continue };
            match at_head.get(&at).copied().or_else(|| self.at_head.declaring(removal)) {
                Some(file) => _ = kept.insert(at, file.to_owned()),
                None => _ = proofs.insert(at, removal.proof.clone()),
            }
        }
        (proofs, kept)
    }
}

/// What a revision declares, with the variables of its own time, in whatever folder it stood.
fn manifests(
    repository: &Repository,
    revision: &str,
    chosen: &Chosen,
    output: Output,
) -> Result<Vec<Manifest>> {
    let commit = repository.commit(revision)?;
    let files = repository.files(&commit)?;
    let words = chosen.words_at(repository, &commit)?;
    let mut loaded = manifest::load(&files, &words.variables);
    chosen.call_anew(&mut loaded.manifests, &words);
    loaded.diagnostics.retain(|problem| problem.severity == Severity::Error);
    for problem in &mut loaded.diagnostics {
        problem.severity = Severity::Warning;
    }
    output.problems(&loaded.diagnostics, &files);
    let mut known: BTreeSet<Key> = loaded.manifests.iter().map(Key::of).collect();
    let gone = repository.files_gone(&commit, chosen)?;
    let mut moved = manifest::load(&gone, &words.variables).manifests;
    chosen.call_anew(&mut moved, &words);
    loaded.manifests.extend(moved.into_iter().filter(|manifest| known.insert(Key::of(manifest))));
    Ok(loaded.manifests)
}

fn desired(manifests: Vec<Manifest>, services: &Services) -> Desired {
    let known = manifests
        .into_iter()
        .filter_map(|manifest| Some((services.address(&Key::of(&manifest))?, manifest.document)));
    known.collect()
}

impl Key {
    fn of(manifest: &Manifest) -> Self {
        let owner = match (manifest.organization, &manifest.service) {
            (true, _) => Owner::Organization,
            (false, Some(name)) => Owner::Service(name.clone()),
            (false, None) => Owner::Default,
        };
        Self { owner, kind: manifest.kind, name: manifest.name.clone() }
    }

    /// Every name that the manifest declares its object by.
    pub(super) fn all_of(manifest: &Manifest) -> Vec<Self> {
        let own = Self::of(manifest);
        let previous = manifest.document.intent.previous_names.iter();
        let previous = previous.map(|name| Self { name: name.clone(), ..own.clone() });
        previous.chain([own.clone()]).collect()
    }
}

/// What some commit took away, with the newest such commit. A merge is only named where no commit
/// on the way to it did the same; what either of them protected stays protected.
fn removals(repository: &Repository, steps: &[Step], chosen: &Chosen) -> Result<Vec<Removal>> {
    let mut past = Past::open(repository, chosen)?;
    let mut found: BTreeMap<Key, (bool, Proof)> = BTreeMap::new();
    for step in steps {
        let before = past.declared(&format!("{}^", step.hash), &step.before)?;
        let after = past.declared(&step.hash, &step.after)?;
        for (key, (protect, pinned)) in before.iter().flat_map(|declared| declared.iter()) {
            let earlier = found.get(key);
            let better = earlier.is_none_or(|(merge, _)| *merge && !step.merge);
            let protect = *protect || earlier.is_some_and(|(_, proof)| proof.protect);
            if better && !after.iter().any(|declared| declared.contains_key(key)) {
                let ground = Ground::RemovedBy(step.commit.clone());
                let proof = Proof { ground, protect, pinned: pinned.clone() };
                found.insert(key.clone(), (step.merge, proof));
            }
        }
    }
    Ok(found.into_iter().map(|(key, (_, proof))| Removal { key, proof }).collect())
}

impl AtHead {
    /// `names` are those that are asked about.
    fn read(repository: &Repository, chosen: &Chosen, names: &BTreeSet<&Name>) -> Result<Self> {
        let mut found = Self::default();
        let mut blobs = Blobs::open(repository)?;
        for blob in repository.tree(&repository.commit("HEAD")?)? {
            let meant = repository.is_manifest(&blob.path);
            if !meant && !files::is_named_as_manifest(blob.path.as_ref()) {
                continue;
            }
            let Some(text) = blobs.text(&blob.hash)? else { continue };
            // Most YAML of a repository is about something else.
            if !text.contains(OURS) {
                continue;
            }
            let words = if meant { Some(chosen.words()) } else { chosen.words_for(&blob.path) };
            let Some(words) = words else { continue };
            let (declared, unclear) = past::declared(text.clone(), chosen, &words);
            let place = |key| (key, blob.path.clone());
            let asked = declared.into_keys().filter(|key| names.contains(&key.name));
            found.keys.extend(asked.map(place));
            found.unclear.extend(unclear.then_some((text, blob.path)));
        }
        Ok(found)
    }

    /// The file that declares the object, or may do so.
    fn declaring(&self, removal: &Removal) -> Option<&str> {
        let name = removal.key.name.as_str();
        self.unclear.iter().find(|(text, _)| text.contains(name)).map(|(_, path)| path.as_str())
    }
}

/// What every manifest says of itself.
const OURS: &str = "pipectl/";
