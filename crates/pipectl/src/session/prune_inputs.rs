//! Inputs for deletes without a manifest: objects that git proves to have declared once, or objects in a scope that
//! belongs to git alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Result;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::Desired;
use model::project::{Policy, PruneMode};
use model::selector::AddressPattern;
use planner::{LastProtection, Plan, PruneEvidence, PruneReason, UnmanagedObject};

use crate::diagnostics::pluralize;
use crate::exit::UsageError;
use crate::git::{EvidenceByAddress, GitHistory, GitServices};
use crate::output::Output;
use crate::project::ProjectContext;
use crate::selection::Selection;
use crate::session::GitOptions;

/// The evidence that allows to delete undeclared live objects.
#[derive(Default)]
pub(super) struct PruneInputs {
    /// Whether the git history was searched for removed manifests.
    searched_git: bool,
    /// The submodules whose history was not searched.
    unsearched_submodules: Vec<String>,
    /// The evidence from the history, object by object.
    history_evidence: EvidenceByAddress,
    /// The reasons why other objects are kept although a commit removed their manifests.
    kept: BTreeMap<Address, String>,
    scope_patterns: Vec<AddressPattern>,
    /// The services that the scope covers.
    scope_services: BTreeSet<ServiceRef>,
}

/// Declared objects of services that the run does not read, with the reason, by kind and name, which a moved object
/// keeps.
pub(super) type NamesElsewhere<'d> = BTreeMap<(Kind, &'d Name), (&'d Address, &'static str)>;

/// The effective prune mode. A plan of a part deletes nothing outside of that part.
///
/// # Errors
/// When the mode is a scope and none is declared, or when the set of all manifests is unknown.
pub(super) fn effective_prune(
    git: &GitOptions,
    project: &ProjectContext,
    selection: &Selection,
    output: Output,
) -> Result<PruneMode> {
    let requested = git.prune.or(project.policy.prune).unwrap_or(PruneMode::Never);
    // Objects outside of the selection are not fully loaded, and so look undeclared.
    let partial = !selection.selects_all() || git.changed_since.is_some();
    if requested != PruneMode::Never && partial {
        output.print_message_line("note: nothing is pruned, because only a part of the objects is selected");
        return Ok(PruneMode::Never);
    }
    match requested {
        PruneMode::Never | PruneMode::Git => Ok(requested),
        PruneMode::Scope => check_prune_scope(project, output),
    }
}

/// A scope is compared with all manifests of the project. With only some of the files, the pipes of all others would be
/// deleted.
fn check_prune_scope(project: &ProjectContext, output: Output) -> Result<PruneMode> {
    if project.policy.prune_scope.iter().flatten().next().is_none() {
        let how = "declare it in pipectl.yaml, such as `policy: {pruneScope: [\"SERVICE/team-*\"]}`";
        return Err(UsageError(format!("pruning by scope needs a scope: {how}")).into());
    }
    if project.all_manifest_paths.is_empty() {
        let how = "declare `manifests` in pipectl.yaml, because the scope is compared with all of them";
        return Err(UsageError(format!("pruning by scope needs to know all manifests: {how}")).into());
    }
    // A link and its target are one folder.
    let whole = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let named: Vec<PathBuf> = project.manifests.iter().map(whole).collect();
    let is_named = |path| named.iter().any(|named| whole(path).starts_with(named));
    if project.all_manifest_paths.iter().all(is_named) {
        return Ok(PruneMode::Scope);
    }
    output.print_message_line("note: nothing is pruned, because only a part of the project's manifests is named");
    Ok(PruneMode::Never)
}

/// The project's services that a scope may reach, whether anything is declared in them or not.
pub(super) fn services_in_scope(prune: PruneMode, project: &ProjectContext) -> impl Iterator<Item = String> {
    let scope = patterns_of_scope(prune, &project.policy);
    let reached = |name: &&String| scope.iter().any(|pattern| pattern.can_match_service(name));
    project.services.keys().filter(reached).cloned().collect::<Vec<_>>().into_iter()
}

fn patterns_of_scope(prune: PruneMode, policy: &Policy) -> Vec<AddressPattern> {
    match prune {
        PruneMode::Scope => policy.prune_scope.iter().flatten().map(AddressPattern::new).collect(),
        PruneMode::Never | PruneMode::Git => Vec::new(),
    }
}

impl PruneInputs {
    /// Takes the evidence from the git history, if it was searched.
    pub(super) fn new(prune: PruneMode, policy: &Policy, history: &GitHistory, services: &GitServices) -> Self {
        let scope_patterns = patterns_of_scope(prune, policy);
        let reached = scope_patterns.iter().flat_map(|pattern| services.matching_pattern(pattern)).cloned();
        let services_reached = reached.collect();
        let (history_evidence, kept) = history.removal_evidence(services);
        let searched_git = prune == PruneMode::Git;
        let unsearched_submodules = history.unsearched_submodules();
        let scope_services = services_reached;
        Self { searched_git, unsearched_submodules, history_evidence, kept, scope_patterns, scope_services }
    }

    /// Limits the deletes to these services.
    pub(super) fn retain_services(&mut self, is_own: impl Fn(&ServiceRef) -> bool) {
        self.history_evidence.retain(|at, _| is_own(&at.service));
        self.kept.retain(|at, _| is_own(&at.service));
        self.scope_services.retain(is_own);
    }

    /// The objects that git proves to have declared once.
    pub(super) fn removed(&self) -> impl Iterator<Item = &Address> {
        self.history_evidence.keys()
    }

    /// The lists to read in addition to those of declared objects.
    pub(super) fn kinds_to_read(&self) -> impl Iterator<Item = (&ServiceRef, Kind)> {
        let removed = self.removed().map(|at| (&at.service, at.kind));
        removed.chain(self.scope_services.iter().map(|service| (service, Kind::ClickPipe)))
    }

    /// Notes about objects that are kept although their manifest was removed from the named files. `unread` are the
    /// declared objects of unreachable services.
    pub(super) fn not_pruned_notes(&self, plan: &Plan, unread: &NamesElsewhere<'_>) -> Vec<String> {
        let unmanaged = || plan.unmanaged.iter().map(|other| &other.address);
        let kept = unmanaged().filter_map(|at| Some((at, self.kept.get(at)?)));
        let kept = kept.map(|(at, reason)| format!("note: {at} is not pruned: {reason}"));
        let moved = unmanaged()
            .filter(|at| self.may_be_pruned(at))
            .filter_map(|at| Some((at, unread.get(&(at.kind, &at.name))?)));
        let moved = moved.map(|(at, (other, why))| {
            format!("note: {at} is not pruned: it is declared as {other}, in a service {why}")
        });
        let removed = plan.unmanaged.iter().filter(|other| self.searched_git && other.manifest_removed);
        let removed = removed.map(|other| &other.address).filter(|at| !at.kind.is_singleton());
        let unproven = removed.filter(|at| !self.history_evidence.contains_key(at) && !self.kept.contains_key(at));
        let unproven = unproven.map(|at| {
            format!(
                "note: {at} is not pruned: no commit of this repository removed its manifest (where another one took the \
                 name into `previousNames`, it was renamed), and those of submodules are not read. To delete it, declare \
                 it with `state: absent`"
            )
        });
        kept.chain(moved).chain(unproven).chain(self.submodules_note(plan)).collect()
    }

    /// Marks objects that are kept although the history was searched: the advice to search it would not help.
    pub(super) fn mark_unproven(&self, plan: &mut Plan) {
        plan.unmanaged.iter_mut().for_each(|other| other.is_unproven = self.searched_git);
    }

    /// Without a base, objects that were removed in a submodule are not named.
    fn submodules_note(&self, plan: &Plan) -> Option<String> {
        let is_unexplained = |at: &&Address| !self.history_evidence.contains_key(*at) && !self.kept.contains_key(*at);
        let unmanaged = plan.unmanaged.iter().map(|other| &other.address).filter(|at| !at.kind.is_singleton());
        let count = unmanaged.filter(is_unexplained).count();
        let is_silent = self.unsearched_submodules.is_empty() || count == 0;
        (!is_silent).then(|| {
            format!(
                "warning: `--prune=git` does not search the history of submodules ({}): {} that no manifest declares \
                 are kept, even if their manifests were removed there. `--base REF` names what was removed since REF; to \
                 delete it, declare it with `state: absent`",
                self.unsearched_submodules.join(", "),
                pluralize(count, "live object"),
            )
        })
    }

    fn may_be_pruned(&self, at: &Address) -> bool {
        self.history_evidence.contains_key(at) || self.scope_patterns.iter().any(|pattern| pattern.matches(at))
    }

    /// The evidence for the delete of undeclared live objects. A scope covers only pipes: the name of an endpoint does
    /// not show whether somebody else uses it.
    ///
    /// A pipe that moved to another service is there under the same name. While that service cannot be read (it is
    /// down, or its name is misspelt), the other half of the move will not happen, and only the delete would be done.
    pub(super) fn prune_evidence(&self, plan: &Plan, unread: &NamesElsewhere<'_>) -> BTreeMap<Address, PruneEvidence> {
        let pipes = plan.unmanaged.iter().map(|other| &other.address);
        let pipes = pipes.filter(|at| at.kind == Kind::ClickPipe);
        let covered = pipes.filter_map(|at| {
            let pattern = self.scope_patterns.iter().find(|pattern| pattern.matches(at))?;
            let ground = PruneReason::InScope(pattern.to_string());
            Some((at.clone(), PruneEvidence { reason: ground, protection: LastProtection::Unprotected, pinned: None }))
        });
        let evidence = covered.chain(self.history_evidence.clone());
        evidence.filter(|(at, _)| !unread.contains_key(&(at.kind, &at.name))).collect()
    }
}

/// The remedy for an undeclared live object with the name of a manifest whose `metadata.id` pins another object.
// Neither its name nor `--prune=git` can delete it, because the name belongs to the manifest with the id.
pub(super) fn unpicked_notes(plan: &Plan, desired: &Desired) -> Vec<String> {
    let blocked: BTreeSet<&Address> =
        plan.changes.iter().filter(|it| it.verdict.is_blocked()).map(|it| &it.address).collect();
    let picking = desired.iter().filter(|(at, it)| it.intent.pinned_id.is_some() && !blocked.contains(at));
    let names: BTreeSet<Address> = picking
        .flat_map(|(at, it)| it.intent.previous_names.iter().chain([&at.name]).map(|name| at.with_name(name.clone())))
        .collect();
    let others = plan.unmanaged.iter().filter(|other| names.contains(&other.address));
    let note = |other: &UnmanagedObject| {
        let (at, id) = (&other.address, &other.id);
        format!(
            "note: {at} ({id}) is kept: `metadata.id` of another manifest selects another object of this name. To delete it, declare it \
             under a new name with `metadata.id: {id}` and `state: absent`"
        )
    };
    others.map(note).collect()
}
