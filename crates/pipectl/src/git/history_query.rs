//! Answers from git about objects: their manifests in the base, and the proof that one was declared and removed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use clickpipes::manifest::Manifest;
use model::address::{Address, ServiceRef};
use model::desired::{Desired, Document, Presence};
use planner::{OtherFolders, PruneEvidence, PruneReason};
use serde_json::Value;

use super::declared_key::{DeclaredKey, ManifestOwner};
use super::earlier_manifests::EarlierManifests;
use super::head_index::HeadIndex;
use super::history::{HistoryStep, Walk};
use super::later_manifests::{ObjectNames, dropped_names};
use super::left_tables::{LeftTables, find_left_tables};
use super::manifest_at::{DeclaredState, ManifestArchive, manifests_between, manifests_that_were_elsewhere};
use super::services::GitServices;
use super::target_branch::TargetBranch;
use super::{Commit, Repository, submodules};
use crate::output::Output;
use crate::project::{Bindings, ProjectContext};

/// The questions of a run to git.
#[derive(Clone, Debug, Default)]
pub(crate) struct GitQuery {
    /// The revision whose manifests are the base.
    pub(crate) base: Option<String>,
    /// The commit before the change, if the base is another one: its protection applies.
    pub(crate) before_change: Option<String>,
    /// The revision of `--changed-since`: only manifests changed since then are selected.
    pub(crate) changed_since: Option<String>,
    /// Whether to look for removed manifests.
    pub(crate) needs_removals: bool,
}

/// The answers of git, before the ids of services are known.
#[derive(Default)]
pub(crate) struct GitHistory {
    base: Option<EarlierManifests>,
    before_change: Option<EarlierManifests>,
    /// The manifests of other folders at `HEAD`, for objects of the base.
    other_jobs: HeadIndex,
    /// Manifests of the commits after the base, newest first.
    after_base: Vec<Manifest>,
    /// The later versions of objects that the run does not declare.
    after_base_elsewhere: BTreeMap<Address, Vec<Arc<Value>>>,
    /// The target branch, if the base is where this branch left it and it moved on since.
    target: Option<TargetBranch>,
    since: Option<EarlierManifests>,
    /// `None` if the query does not need them.
    removals: Option<Vec<Removal>>,
    left_tables: LeftTables,
    /// Submodules that moved, or are gone: whether that removed manifests was not searched.
    unsearched_submodules: BTreeSet<String>,
    head_index: HeadIndex,
    /// `None` without a base.
    commits: Option<PlanCommits>,
}

/// The commits of a plan with a base.
pub(crate) struct PlanCommits {
    /// Short hash and subject of the base.
    pub(crate) base: String,
    /// The hash of `HEAD`, or of the head of the pull request that it merges for a test.
    pub(crate) head: String,
    /// The commit before the change, if manifests changed between the base and it.
    pub(crate) unapplied: Option<String>,
    /// The branch that `REV...` names.
    pub(crate) target_branch: Option<String>,
}

/// The proofs that objects without a manifest may be deleted.
pub(crate) type EvidenceByAddress = BTreeMap<Address, PruneEvidence>;

/// A name that a commit removed from the manifests.
struct Removal {
    key: DeclaredKey,
    evidence: PruneEvidence,
    /// Whether an applied tree declared it.
    is_proven: bool,
}

impl GitHistory {
    /// Asks git. Mistakes in the manifests of the base are warnings: an invalid manifest there does not count as
    /// declared.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(crate) fn query_git(
        query: &GitQuery,
        declared: &[Manifest],
        project: &ProjectContext,
        output: Output,
    ) -> Result<Self> {
        if query.base.is_none() && query.changed_since.is_none() && !query.needs_removals {
            submodules::warn_of_missing_in(&project.manifests, output);
            return Ok(Self::default());
        }
        let repository = Repository::open_containing(&project.manifests)?;
        if !query.needs_removals {
            repository.warn_of_missing_submodules(output)?;
        }
        let (mut after_base, mut target) = (Vec::new(), None);
        if let Some(base) = query.base.as_deref() {
            let hash = repository.resolve_commit(base)?.hash;
            // On a branch that merged its target branch, only the merge is on its own line, even if some of the merged
            // commits were applied.
            let tips: Vec<&str> = query.before_change.iter().map(String::as_str).chain(["HEAD"]).collect();
            after_base = manifests_between(&repository, &hash, &tips, project)?;
            after_base.extend(manifests_that_were_elsewhere(&repository, &hash, &tips, declared, project)?);
            target = TargetBranch::read_moved(&repository, base, declared, project, output)?;
        }
        let manifests = |revision: &Option<String>, later| {
            let sought = (declared, later);
            let read = |revision| EarlierManifests::read_revision(&repository, revision, sought, project, output);
            revision.as_deref().map(read).transpose()
        };
        let (base, since) = (manifests(&query.base, &after_base)?, manifests(&query.changed_since, &[])?);
        let before = query.before_change.as_deref();
        let before =
            before.map(|commit| EarlierManifests::read_readable(&repository, commit, (declared, &after_base), project));
        let before = before.transpose()?;
        let earlier = base.iter().chain(&before).flat_map(|it| &it.own);
        let other_jobs = base.as_ref().map(|_| repository.read_other_jobs(earlier, declared, project)).transpose()?;
        let label = |revision: &str| Ok::<_, anyhow::Error>(repository.resolve_commit(revision)?.label());
        let commits = query.base.as_deref().map(|base| {
            // `FETCH_HEAD` names a branch to git alone.
            let target_branch = base.strip_suffix("...").filter(|name| *name != "FETCH_HEAD").map(str::to_owned);
            let head = repository.tested_head()?.label();
            Ok::<_, anyhow::Error>(PlanCommits {
                base: label(base)?,
                head,
                unapplied: unapplied_commit(&repository, query)?,
                target_branch,
            })
        });
        let commits = commits.transpose()?;
        let other_jobs = other_jobs.unwrap_or_default();
        let mut history =
            Self { commits, base, before_change: before, after_base, target, since, other_jobs, ..Self::default() };
        if query.needs_removals {
            let earlier = history.base.iter().chain(&history.before_change).flat_map(|it| &it.applied).cloned();
            let earlier = query.base.is_some().then(|| earlier.collect());
            let (removed, submodules) = read_removals(&repository, earlier, project)?;
            history.unsearched_submodules = submodules;
            if !removed.is_empty() {
                let names = removed.iter().map(|removal| &removal.key.name).collect();
                history.head_index = HeadIndex::read_head(&repository, project, &names)?;
            }
            history.removals = Some(removed);
        }
        if history.base.is_some() || query.needs_removals {
            history.left_tables = find_left_tables(&repository, declared, history.base.as_ref(), project)?;
        }
        Ok(history)
    }

    /// The services that the answers name.
    pub(crate) fn service_names(&self, default: Option<&str>) -> BTreeSet<String> {
        let declared = self
            .base
            .iter()
            .chain(&self.before_change)
            .chain(&self.since)
            .chain(self.target.as_ref().map(|target| &target.tip));
        let base = declared.flat_map(EarlierManifests::owners);
        let removed = self.removals.iter().flatten().map(|removal| removal.key.owner.clone());
        let at_head = self.head_index.owners().chain(self.other_jobs.owners());
        let all = base.chain(removed).chain(at_head);
        all.filter_map(|owner| match owner {
            ManifestOwner::Organization => None,
            ManifestOwner::Default => default.map(str::to_owned),
            ManifestOwner::Service(name) => Some(name),
        })
        .collect()
    }

    /// The objects of the base in the known services, and the manifests of other folders; `None` without `--base`.
    pub(crate) fn take_base(&mut self, desired: &Desired, services: &GitServices) -> (Option<Desired>, OtherFolders) {
        let pinned = self.head_index.pinned.union(&self.other_jobs.pinned).cloned().collect();
        let Some(base) = self.base.take() else { return (None, OtherFolders { pinned, ..OtherFolders::default() }) };
        let declared = all_addresses(desired);
        let (mut own, elsewhere) = base.resolve(&declared, services);
        let taken: BTreeSet<Address> = self.other_jobs.addresses(services).map(|(at, _)| at).collect();
        // An object that another folder declares now has moved to another job, so it is not removed.
        own.retain(|at, _| declared.contains(at) || !taken.contains(at));
        let after_base = std::mem::take(&mut self.after_base_elsewhere);
        (Some(own), OtherFolders { base: elsewhere, after_base, pinned })
    }

    /// The objects before the change, for their protection, and which of them this change removes; `None` if the base
    /// is the same.
    pub(crate) fn take_before_change(
        &mut self,
        desired: &Desired,
        base: Option<&Desired>,
        services: &GitServices,
    ) -> (Option<Desired>, BTreeSet<Address>) {
        let mut removed = BTreeSet::new();
        let before = self.before_change.take().map(|it| it.resolve(&all_addresses(desired), services));
        let mut before: Desired = if let Some((own, others)) = before {
            let taken: BTreeSet<Address> = self.other_jobs.addresses(services).map(|(at, _)| at).collect();
            let gone = own.iter().filter(|(at, _)| !desired.contains_key(*at) && !taken.contains(*at));
            let gone = gone.filter(|(_, document)| document.intent.presence != Presence::Absent);
            removed.extend(gone.map(|(at, _)| at.clone()));
            others.into_iter().chain(own).collect()
        } else {
            let lifted = |base: &&Desired| desired.iter().any(|(at, now)| lifts_protection_alone(base, at, now));
            let Some(base) = base.filter(lifted) else { return (None, removed) };
            base.clone()
        };
        // A change that only removes `protect` lifts a limit, and does not use it.
        for (at, now) in desired {
            if lifts_protection_alone(&before, at, now) {
                before.insert(at.clone(), now.clone());
            }
        }
        (Some(before), removed)
    }

    /// The commits of the base and of `HEAD`; `None` without `--base`.
    pub(crate) fn take_commits(&mut self) -> Option<PlanCommits> {
        self.commits.take()
    }

    /// Gives each declared object the bodies that it had between the base and now.
    pub(crate) fn add_earlier_bodies(&mut self, desired: &mut Desired, services: &GitServices) {
        // An apply that fails halfway leaves live values of its commit, while the base stays. Without these bodies,
        // such a value would look like a change outside git, and block the next commit to the field as a conflict.
        let later = std::mem::take(&mut self.after_base);
        let names_of = |manifest: &Manifest| -> Vec<Address> {
            let keys = DeclaredKey::all_from_manifest(manifest);
            keys.iter().filter_map(|key| services.resolve_address(key)).collect()
        };
        let names: Vec<Vec<Address>> = later.iter().map(names_of).collect();
        let objects = ObjectNames::of_today(desired).find_objects(&names);
        for ((manifest, names), object) in later.into_iter().zip(&names).zip(objects) {
            let found = object.and_then(|at| desired.get_mut(&at).map(|document| (at, document)));
            let Some((at, document)) = found else {
                if let Some(at) = names.last() {
                    self.after_base_elsewhere.entry(at.clone()).or_default().push(manifest.document.body);
                }
                continue;
            };
            for name in dropped_names(names, &at, &document.intent.previous_names) {
                if !document.dropped_names.contains(&name) {
                    document.dropped_names.push(name);
                }
            }
            document.earlier_bodies.push(manifest.document.body);
            if let Presence::Present(state) = manifest.document.intent.presence {
                document.earlier_states.push(state);
                document.earlier_names.extend(Some(manifest.name).filter(|name| *name != at.name));
            }
        }
    }

    /// Gives each declared object the versions that it had on the target branch since the merge base. Returns the
    /// objects that the target branch added.
    pub(crate) fn add_target_versions(
        &mut self,
        desired: &mut Desired,
        base: Option<&Desired>,
        services: &GitServices,
    ) -> BTreeSet<Address> {
        let target = self.target.take().zip(base);
        target.map(|(target, base)| target.add_versions(desired, base, services)).unwrap_or_default()
    }

    /// The objects at the revision of `--changed-since` in the known services.
    pub(crate) fn take_since(&mut self, desired: &Desired, services: &GitServices) -> Option<Desired> {
        self.since.take().map(|manifests| manifests.resolve(&all_addresses(desired), services).0)
    }

    /// The names that commits removed from the manifests, even if something declares them now.
    pub(crate) fn removed_addresses(&self, services: &GitServices) -> BTreeSet<Address> {
        let removed = self.removals.iter().flatten();
        removed.filter_map(|removal| services.resolve_address(&removal.key)).collect()
    }

    /// The tables of new objects that commits took from others, in the known services.
    pub(crate) fn left_tables(&self, services: &GitServices) -> BTreeMap<ServiceRef, BTreeSet<String>> {
        self.left_tables.resolve(services)
    }

    /// The submodules that moved, whose removals are unknown.
    pub(crate) fn unsearched_submodules(&self) -> Vec<String> {
        self.unsearched_submodules.iter().cloned().collect()
    }

    /// The evidence by address, and the reasons why other objects are kept although a commit removed their manifests.
    pub(crate) fn removal_evidence(&self, services: &GitServices) -> (EvidenceByAddress, BTreeMap<Address, String>) {
        let at_head: BTreeMap<Address, &str> = self.head_index.addresses(services).collect();
        let (mut proofs, mut kept) = (EvidenceByAddress::new(), BTreeMap::new());
        for removal in self.removals.iter().flatten() {
            let Some(at) = services.resolve_address(&removal.key) else { continue };
            match at_head.get(&at).copied().or_else(|| self.head_index.file_mentioning(&removal.key.name)) {
                Some(file) => _ = kept.insert(at, format!("{file} declares it, or may do so")),
                None if removal.is_proven => _ = proofs.insert(at, removal.evidence.clone()),
                None => {
                    let reason = &removal.evidence.reason;
                    let advice = "use a base that does, or declare it with `state: absent`";
                    _ = kept.insert(at, format!("{reason}, and the base does not declare it: {advice}"));
                }
            }
        }
        (proofs, kept)
    }
}

impl Repository {
    /// The variables and service aliases of the chosen environment at a commit.
    ///
    /// # Errors
    /// When git fails to read the project file.
    pub(crate) fn bindings_at_commit(&self, project: &ProjectContext, commit: &Commit) -> Result<Bindings> {
        let file = project.origin.as_ref().map(|(file, _)| self.file_at_commit(commit, file));
        Ok(project.bindings_from_file(file.transpose()?.flatten().as_ref()))
    }
}

/// The commit before the change, if manifests changed between the base and it: no apply has done that.
fn unapplied_commit(repository: &Repository, query: &GitQuery) -> Result<Option<String>> {
    let Some((base, change)) = query.base.as_deref().zip(query.before_change.as_deref()) else { return Ok(None) };
    let steps = repository.steps_between(&repository.resolve_commit(base)?.hash, &[change])?;
    if steps.is_empty() { Ok(None) } else { Ok(Some(repository.resolve_commit(change)?.label())) }
}

fn lifts_protection_alone(before: &Desired, at: &Address, now: &Document) -> bool {
    before.get(at).is_some_and(|was| was.intent.protect && was.differs_in_protection_alone(now))
}

/// The addresses of the declared objects and those of their previous names.
pub(super) fn all_addresses(desired: &Desired) -> BTreeSet<Address> {
    let names = desired.iter().flat_map(|(at, document)| {
        let previous = document.intent.previous_names.iter().chain(&document.dropped_names);
        previous.map(|name| at.with_name(name.clone())).chain([at.clone()])
    });
    names.collect()
}

/// The removed names. A name is proven if an applied tree declared it.
//
// Hazard: a branch adds a manifest for somebody else's pipe and removes it again. That would prove that the pipe may be
// deleted. After a fast-forward or a rebase, its commits cannot be distinguished from those of the target branch,
// neither in this change nor in any later one. The base was applied, and the commit before the change was the target
// branch, so only their manifests count.
//
// Without a base, the first parents of HEAD count as the target branch. So a merge counts only against its first
// parent:
//
//     main    o-----------M    M against o: nothing was removed
//     branch   \-+x---x-/      adds x, removes x
fn read_removals(
    repository: &Repository,
    earlier: Option<BTreeSet<DeclaredKey>>,
    project: &ProjectContext,
) -> Result<(Vec<Removal>, BTreeSet<String>)> {
    let mut archive = ManifestArchive::open_archive(repository, project)?;
    let mut removed = find_removals(&mut archive, &repository.read_history(project, Walk::All)?)?;
    let (mut mainline, mut submodules) = (BTreeSet::new(), BTreeSet::new());
    if earlier.is_none() {
        for step in &repository.read_history(project, Walk::FirstParents)? {
            mainline.extend(archive.removed_keys(step)?.into_keys());
            let changed = step.changed_submodules.iter();
            submodules.extend(changed.filter(|path| !repository.roots_inside(path).is_empty()).cloned());
        }
    }
    let (has_base, declared) = (earlier.is_some(), earlier.unwrap_or(mainline));
    for removal in &mut removed {
        removal.is_proven = declared.contains(&removal.key);
    }
    removed.retain(|removal| removal.is_proven || has_base);
    Ok((removed, submodules))
}

/// The names that any step removed, each with the newest commit that removed it. A merge is named only if no commit on
/// its branches removed the name. If any of them had it protected, it stays protected.
fn find_removals(archive: &mut ManifestArchive<'_>, steps: &[HistoryStep]) -> Result<Vec<Removal>> {
    let mut found: BTreeMap<DeclaredKey, (bool, PruneEvidence)> = BTreeMap::new();
    for step in steps {
        for (key, DeclaredState { protection, pinned, .. }) in archive.removed_keys(step)? {
            let earlier = found.get(&key);
            let protection = earlier.map_or(protection, |(_, proof)| proof.protection.max(protection));
            if earlier.is_none_or(|(merge, _)| *merge && !step.is_merge) {
                let reason = PruneReason::RemovedBy(step.commit.clone());
                found.insert(key, (step.is_merge, PruneEvidence { reason, protection, pinned }));
            }
        }
    }
    Ok(found.into_iter().map(|(key, (_, evidence))| Removal { key, evidence, is_proven: false }).collect())
}
