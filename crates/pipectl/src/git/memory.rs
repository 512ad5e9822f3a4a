//! What git remembers of the objects: how they were declared in a base, and which were declared
//! once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::Result;
use model::address::{Address, Kind, Name};
use model::desired::Desired;
use model::diagnostic::{Severity, SourceFile};
use model::live::Id;
use model::manifest::{self, Manifest};
use planner::{Ground, Proof};

use super::blobs::Blobs;
use super::history::Step;
use super::services::Services;
use super::{Commit, Repository};
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

/// A name that no manifest declares any more.
struct Removal {
    key: Key,
    proof: Proof,
}

/// What the last commit declares, in whatever folder: what moved was not removed, nor what is only
/// missing in the working folder.
#[derive(Default)]
struct AtHead {
    keys: Vec<Key>,
    /// Texts of manifests with mistakes. Whatever they mention may be declared in them.
    unclear: Vec<String>,
}

/// What one version of a file declares, by every name.
type Declared = BTreeMap<Key, (bool, Option<Id>)>;

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
        let variables = &chosen.variables;
        if ask.removed {
            let removed = removals(&repository, &repository.history()?, variables)?;
            if !removed.is_empty() {
                let head = repository.commit("HEAD")?;
                memory.at_head = AtHead::read(&repository, &head, variables)?;
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
        let at_head = self.at_head.keys.iter().map(|key| key.owner.clone());
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

    /// The proofs, by address, if they were asked for.
    pub(crate) fn removed(&self, services: &Services) -> Option<BTreeMap<Address, Proof>> {
        let moved = self.at_head.keys.iter();
        let moved: BTreeSet<Address> = moved.filter_map(|key| services.address(key)).collect();
        let gone = self.removed.as_ref()?.iter();
        let gone = gone.filter(|removal| !self.at_head.may_declare(&removal.key));
        let gone = gone
            .filter_map(|removal| Some((services.address(&removal.key)?, removal.proof.clone())));
        Some(gone.filter(|(at, _)| !moved.contains(at)).collect())
    }
}

/// What a revision declares, with the variables of its own time.
fn manifests(
    repository: &Repository,
    revision: &str,
    chosen: &Chosen,
    output: Output,
) -> Result<Vec<Manifest>> {
    let commit = repository.commit(revision)?;
    let files = repository.files(&commit)?;
    let mut loaded = manifest::load(&files, &chosen.variables_at(repository, &commit)?);
    loaded.diagnostics.retain(|problem| problem.severity == Severity::Error);
    for problem in &mut loaded.diagnostics {
        problem.severity = Severity::Warning;
    }
    output.problems(&loaded.diagnostics, &files);
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
    fn all_of(manifest: &Manifest) -> Vec<Self> {
        let own = Self::of(manifest);
        let previous = manifest.document.intent.previous_names.iter();
        let previous = previous.map(|name| Self { name: name.clone(), ..own.clone() });
        previous.chain([own.clone()]).collect()
    }
}

/// A mistake in a field does not make a manifest another one: what was wrong once, or is wrong by
/// now, is still declared.
fn declared(text: String, variables: &BTreeMap<String, String>) -> (Declared, bool) {
    let file = SourceFile { name: Arc::from("history"), text: Arc::from(text) };
    let (manifests, problems) = manifest::identified(&file, variables);
    let keys = manifests.iter().flat_map(|manifest| {
        let intent = &manifest.document.intent;
        let last = (intent.protect, intent.pinned.clone());
        Key::all_of(manifest).into_iter().map(move |key| (key, last.clone()))
    });
    let unclear = problems.iter().any(|problem| problem.severity == Severity::Error);
    (keys.collect(), unclear)
}

/// What some commit took away, with the newest such commit. A merge is only named where no commit
/// on the way to it did the same; what either of them protected stays protected.
fn removals(
    repository: &Repository,
    steps: &[Step],
    variables: &BTreeMap<String, String>,
) -> Result<Vec<Removal>> {
    let mut blobs = Blobs::open(repository)?;
    let mut known: HashMap<&str, Declared> = HashMap::new();
    for hash in steps.iter().flat_map(|step| step.before.iter().chain(&step.after)) {
        if !known.contains_key(hash.as_str()) {
            let text = blobs.text(hash)?;
            let keys = text.map(|text| declared(text, variables).0).unwrap_or_default();
            known.insert(hash, keys);
        }
    }
    let mut found: BTreeMap<Key, (bool, Proof)> = BTreeMap::new();
    for step in steps {
        for (key, (protect, pinned)) in step.before.iter().flat_map(|hash| &known[hash.as_str()]) {
            let earlier = found.get(key);
            let better = earlier.is_none_or(|(merge, _)| *merge && !step.merge);
            let protect = *protect || earlier.is_some_and(|(_, proof)| proof.protect);
            if better && !step.after.iter().any(|hash| known[hash.as_str()].contains_key(key)) {
                let ground = Ground::RemovedBy(step.commit.clone());
                let proof = Proof { ground, protect, pinned: pinned.clone() };
                found.insert(key.clone(), (step.merge, proof));
            }
        }
    }
    Ok(found.into_iter().map(|(key, (_, proof))| Removal { key, proof }).collect())
}

impl AtHead {
    fn read(
        repository: &Repository,
        head: &Commit,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut found = Self::default();
        let mut blobs = Blobs::open(repository)?;
        for blob in repository.tree(head)? {
            if !files::is_named_as_manifest(blob.path.as_ref())
                && !repository.is_manifest(&blob.path)
            {
                continue;
            }
            let Some(text) = blobs.text(&blob.hash)? else { continue };
            // Most YAML of a repository is about something else.
            if !text.contains(OURS) {
                continue;
            }
            let (keys, unclear) = declared(text.clone(), variables);
            found.keys.extend(keys.into_keys());
            found.unclear.extend(unclear.then_some(text));
        }
        Ok(found)
    }

    fn may_declare(&self, key: &Key) -> bool {
        self.unclear.iter().any(|text| text.contains(key.name.as_str()))
    }
}

/// What every manifest says of itself.
const OURS: &str = "pipectl/";
