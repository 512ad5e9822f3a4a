//! What is deleted though no manifest says so: what git proves was declared once, or what is in a
//! scope of which the project says that git is all there is to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Result;
use model::address::{Address, Kind, ServiceRef};
use model::pattern::Pattern;
use model::project::{Policy, Prune};
use planner::{Ground, Plan, Proof};

use crate::cli::GitArgs;
use crate::exit::Usage;
use crate::git::{Memory, Proofs, Services};
use crate::output::Output;
use crate::project::Chosen;
use crate::select::Selection;

/// What gives the right to delete live objects that nobody declares.
#[derive(Default)]
pub(super) struct Pruning {
    /// What history proves, object by object.
    removed: Proofs,
    /// What history proves no less, but for the file that declares it.
    kept: BTreeMap<Address, String>,
    scope: Vec<Pattern>,
    /// Where the scope may reach.
    services: BTreeSet<ServiceRef>,
}

/// What is to be pruned by. A plan of a part deletes nothing that is not part of it.
///
/// # Errors
/// When it is a scope, and none is declared, or nothing says what all manifests are.
pub(super) fn wanted(
    git: &GitArgs,
    chosen: &Chosen,
    selection: &Selection,
    output: Output,
) -> Result<Prune> {
    let wanted = git.prune.map(Prune::from).or(chosen.policy.prune).unwrap_or(Prune::Never);
    let partial = !selection.is_all() || git.changed_since.is_some();
    if wanted != Prune::Never && partial {
        output.say("note: nothing is pruned, as only a part of the objects is considered");
        return Ok(Prune::Never);
    }
    match wanted {
        Prune::Never | Prune::Git => Ok(wanted),
        Prune::Scope => by_scope(chosen, output),
    }
}

/// A scope is held against all that the project declares. A file that somebody happens to name
/// would condemn the pipes of all the others.
fn by_scope(chosen: &Chosen, output: Output) -> Result<Prune> {
    if chosen.policy.prune_scope.iter().flatten().next().is_none() {
        let how =
            "declare it in pipectl.yaml, such as `policy: {pruneScope: [\"SERVICE/team-*\"]}`";
        return Err(Usage(format!("pruning by scope needs a scope: {how}")).into());
    }
    if chosen.whole.is_empty() {
        let how = "declare `manifests` in pipectl.yaml, as the scope is held against all of them";
        return Err(Usage(format!("pruning by scope needs to know all manifests: {how}")).into());
    }
    let whole = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let named: Vec<PathBuf> = chosen.manifests.iter().map(whole).collect();
    let is_named = |path| named.iter().any(|named| whole(path).starts_with(named));
    if chosen.whole.iter().all(is_named) {
        return Ok(Prune::Scope);
    }
    output.say("note: nothing is pruned, as only a part of the project's manifests is named");
    Ok(Prune::Never)
}

/// The project's services that a scope may reach, whether anything is declared in them or not.
pub(super) fn services(prune: Prune, chosen: &Chosen) -> impl Iterator<Item = String> {
    let scope = scope(prune, &chosen.policy);
    let reached = |name: &&String| scope.iter().any(|pattern| pattern.may_be_in(name));
    chosen.services.keys().filter(reached).cloned().collect::<Vec<_>>().into_iter()
}

fn scope(prune: Prune, policy: &Policy) -> Vec<Pattern> {
    match prune {
        Prune::Scope => policy.prune_scope.iter().flatten().map(Pattern::new).collect(),
        Prune::Never | Prune::Git => Vec::new(),
    }
}

impl Pruning {
    /// Takes from the memory of git what it proves, if it was asked.
    pub(super) fn new(prune: Prune, policy: &Policy, memory: &Memory, services: &Services) -> Self {
        let scope = scope(prune, policy);
        let reached = scope.iter().flat_map(|pattern| services.matching(pattern)).cloned();
        let services_reached = reached.collect();
        let (removed, kept) = memory.removed(services);
        Self { removed, kept, services: services_reached, scope }
    }

    /// What has to be read besides what is declared.
    pub(super) fn reads(&self) -> impl Iterator<Item = (&ServiceRef, Kind)> {
        let removed = self.removed.keys().map(|at| (&at.service, at.kind));
        removed.chain(self.services.iter().map(|service| (service, Kind::ClickPipe)))
    }

    /// What is not deleted, though its manifest was removed from the files that are named.
    pub(super) fn kept(&self, plan: &Plan) -> Vec<String> {
        let unmanaged = plan.unmanaged.iter().map(|other| &other.at);
        let kept = unmanaged.filter_map(|at| Some((at, self.kept.get(at)?)));
        kept.map(|(at, file)| format!("note: {at} is not pruned: {file} declares it, or may do so"))
            .collect()
    }

    /// Why live objects that nobody declares may be deleted. A scope is about pipes: whether
    /// somebody else uses an endpoint, a name does not tell.
    pub(super) fn proofs(&self, plan: &Plan) -> BTreeMap<Address, Proof> {
        let pipes = plan.unmanaged.iter().map(|other| &other.at);
        let pipes = pipes.filter(|at| at.kind == Kind::ClickPipe);
        let covered = pipes.filter_map(|at| {
            let pattern = self.scope.iter().find(|pattern| pattern.matches(at))?;
            let ground = Ground::InScope(pattern.to_string());
            Some((at.clone(), Proof { ground, protect: false, pinned: None }))
        });
        covered.chain(self.removed.clone()).collect()
    }
}
