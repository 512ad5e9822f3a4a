//! A run against one API: the declared objects, and the client.

mod live_view;
mod observe;
mod open;
mod options;
mod plan_rules;
mod prune_inputs;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clickpipes::lifecycle::ServiceState;
use clickpipes::secrets::policy::SecretPolicy;
use model::action::Action;
use model::address::{Address, ServiceRef};
use model::desired::{Desired, Document};
use model::diagnostic::{Diagnostic, SourceFile};
use model::live::Live;
use model::selector::AddressPattern;
use planner::{ApprovalLimits, DownService, Plan, Policy, UnsettledPolicy, WriteOnlyPolicy, plan, prune_unmanaged};

use crate::connection::{Connection, RunTimeout};
use crate::git::PlanCommits;
use crate::output::Output;
use crate::permissions;
use crate::plan_view;
use crate::plan_view::refusals;
use crate::plan_view::refusals::ApplyRefusal;
use crate::plan_view::review_notes;
use crate::render::drift::ChangeInGit;
use crate::render::plan::Context;
use crate::saved_plan::PlanTarget;
use crate::secrets;
use crate::settings_diff::ProjectChanges;
use crate::unreachable::UnreachableService;

pub(crate) use self::live_view::{LiveView, SizeRead};
pub(crate) use self::observe::{ObservedServices, collect_partial};
pub(crate) use self::options::{DriftRevisions, GitOptions, ScopeOptions};
use self::plan_rules::PlanRules;
use self::prune_inputs::{NamesElsewhere, PruneInputs};
use crate::shard::Shard;

/// The waits before the live side is read again.
const SETTLE_DELAYS: [Duration; 3] = [Duration::from_secs(3), Duration::from_secs(6), Duration::from_secs(12)];

/// The declared objects, the selection, and the client.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    desired: Desired,
    /// Objects that are declared in services of other shards.
    in_other_shards: BTreeSet<Address>,
    /// Objects of other shards that may own something that an object of this shard takes over, and the required step
    /// before that.
    holders_elsewhere: BTreeMap<Address, String>,
    warnings: Vec<Diagnostic>,
    selected: BTreeSet<Address>,
    is_partial: bool,
    /// The organization and the services of a plan.
    pub(crate) target: PlanTarget,
    /// Every name of each service, for patterns that protect.
    service_names: BTreeMap<ServiceRef, BTreeSet<ServiceRef>>,
    /// Services that could not be found, and why.
    unknown_services: BTreeMap<ServiceRef, String>,
    /// The services that the first read of live could not reach.
    unreachable: OnceCell<Vec<UnreachableService>>,
    /// The policy of the project file.
    pub(crate) policy: model::project::Policy,
    /// The environment, and the keys of the policy that it sets itself.
    pub(crate) environment_policy_keys: Option<(String, Vec<String>)>,
    /// The earlier manifests.
    base: Option<Desired>,
    /// Facts from git beyond the manifests and the base.
    policy_from_git: Policy,
    /// Inputs for deletes without a manifest.
    prune_inputs: PruneInputs,
    files: Vec<SourceFile>,
    secret_policy: SecretPolicy,
    project_file: Option<Arc<str>>,
    /// The changes of the project file since the base.
    project_changes: ProjectChanges,
    resend_secrets: Vec<AddressPattern>,
    /// The rules of the project; `None` if the command changes nothing.
    rules: Option<PlanRules>,
    /// The commits of the base and of the manifests.
    commits: Option<PlanCommits>,
    /// The time limit of an apply with the same options.
    timeout: RunTimeout,
}

impl Session {
    /// Observes live and compares. See [`Session::unreachable_services`] for the missing services.
    //
    // Right after a change of scale the API reports sizes of zero. Compared with those, a declared size would be
    // dropped, or sent for nothing. So live is read again until it has settled. If it does not, the size is sent.
    pub(crate) async fn plan(&self, limits: &ApprovalLimits) -> Result<Plan> {
        let ObservedServices { live, unreachable } = self.observe().await?;
        self.unreachable.get_or_init(|| unreachable);
        let mut plan = self.compare_with_live(&live, WriteOnlyPolicy::Send, UnsettledPolicy::ReadAgain);
        for delay in SETTLE_DELAYS {
            if plan.unsettled.is_empty() {
                break;
            }
            tokio::time::sleep(delay).await;
            let live = self.observe().await?.live;
            let is_last = delay == SETTLE_DELAYS[SETTLE_DELAYS.len() - 1];
            let unsettled = if is_last { UnsettledPolicy::Send } else { UnsettledPolicy::ReadAgain };
            plan = self.compare_with_live(&live, WriteOnlyPolicy::Send, unsettled);
        }
        plan = self.judge_plan(plan);
        permissions::name_flags(&mut plan, limits);
        Ok(plan)
    }

    /// Plans again after the plan was performed, for readable services. Changes that live cannot show are not planned
    /// again.
    pub(crate) async fn replan_after_apply(&self) -> Result<Plan> {
        let mut scope = self.read_scope();
        // A service that was unreachable before the apply was not changed either.
        scope.kinds.retain(|service, _| self.is_reachable(service));
        let live = self.connection.remote.observe_live(&scope).await?;
        Ok(self.compare_with_live(&live, WriteOnlyPolicy::AssumeSent, UnsettledPolicy::ReadAgain))
    }

    /// Prints notes about objects that are not pruned, where that may surprise.
    fn warn_not_pruned(&self, plan: &Plan, output: Output) {
        let kept = self.prune_inputs.not_pruned_notes(plan, &self.unreachable_names());
        for note in kept.into_iter().chain(prune_inputs::unpicked_notes(plan, &self.desired)) {
            output.print_message_line(&note);
        }
    }

    /// Services that the plan does not cover, because they could not be read.
    pub(crate) fn unreachable_services(&self) -> &[UnreachableService] {
        self.unreachable.get().map_or(&[], Vec::as_slice)
    }

    /// The objects that are declared in unreachable services, and in those of other shards.
    fn unreachable_names(&self) -> NamesElsewhere<'_> {
        let unread = self.desired.keys().filter(|at| !self.is_reachable(&at.service));
        let unread = unread.map(|at| (at, "that could not be read"));
        let all = unread.chain(self.in_other_shards.iter().map(|at| (at, "of another shard")));
        all.map(|(at, why)| ((at.kind, &at.name), (at, why))).collect()
    }

    fn is_reachable(&self, service: &ServiceRef) -> bool {
        self.unreachable_services().iter().all(|unread| unread.service != *service)
    }

    fn compare_with_live(&self, live: &Live, write_only: WriteOnlyPolicy, unsettled: UnsettledPolicy) -> Plan {
        // If live is unknown, nothing counts as missing.
        let mut desired = Cow::Borrowed(&self.desired);
        if !self.unreachable_services().is_empty() {
            desired.to_mut().retain(|at, _| self.is_reachable(&at.service));
        }
        let protect = self.policy.protect.iter().flatten().map(AddressPattern::new).collect();
        let (secrets, service_names) = (self.secret_policy.clone(), self.service_names.clone());
        let resend = self.resend_secrets.clone();
        let keep_stopped = self.policy.keep_stopped.iter().flatten().map(AddressPattern::new).collect();
        let mut live = Cow::Borrowed(live);
        let policy = Policy {
            protect,
            keep_stopped,
            service_names,
            secrets,
            resend,
            readers_elsewhere: self.take_readers_elsewhere(&mut live),
            kinds_not_offered: self.connection.remote.kinds_not_offered(),
            write_only,
            unsettled,
            ..self.policy_from_git.clone()
        };
        let plan = plan(&desired, &live, self.base.as_ref(), &policy);
        // An incomplete set of manifests cannot prove that an object is undeclared.
        let proofs = if self.is_partial {
            BTreeMap::new()
        } else {
            self.prune_inputs.prune_evidence(&plan, &self.unreachable_names())
        };
        let mut plan = prune_unmanaged(plan, &desired, &live, self.base.as_ref(), &proofs, &policy);
        self.prune_inputs.mark_unproven(&mut plan);
        if self.is_partial { plan.narrow_to(|at| self.selected.contains(at)) } else { plan }
    }

    /// The limits and permissions of the project file.
    pub(crate) fn project_limits(&self) -> ApprovalLimits {
        let keys = self.environment_policy_keys.as_ref();
        permissions::approval_limits(&self.policy, &[], &[], self.limits_held_by_base(), keys)
    }

    /// Keys of the limits that are stricter in the base.
    pub(crate) fn limits_held_by_base(&self) -> &[&'static str] {
        &self.project_changes.held_keys
    }

    /// The parts of the plan that apply will refuse, as far as that is known.
    pub(crate) async fn find_refusals(&self, plan: &Plan) -> Vec<ApplyRefusal> {
        let down_services = self.down_services(plan, false).await;
        let mut refusals = refusals::find_refusals(plan, &ApprovalLimits { down_services, ..self.project_limits() });
        let rate = self.plan_context(false).rate;
        let seconds = plan_view::least_cost(plan, &refusals, rate).map_or(0.0, |(_, seconds)| seconds);
        refusals.extend(refusals::refusal_for_time(self.timeout.limit_for_plan(seconds), seconds));
        refusals
    }

    /// The services that the plan would change, and that take no change now. `can_wake` is the flag.
    pub(crate) async fn down_services(&self, plan: &Plan, can_wake: bool) -> BTreeMap<ServiceRef, DownService> {
        // The API deletes objects of an idle service, so its state is not needed.
        if plan.actions.iter().all(|action| matches!(action, Action::Delete { .. })) {
            return BTreeMap::new();
        }
        let can_wake = can_wake || self.policy.wake_idle.unwrap_or_default();
        let is_held_by_base = self.limits_held_by_base().contains(&"wakeIdle");
        let down = self.connection.service_states().await.into_iter().filter_map(|(service, state)| {
            let can_be_woken = match ServiceState::from(&state) {
                ServiceState::Idle if !can_wake => true,
                state if state.is_down_for_good() => false,
                _ => return None,
            };
            Some((service, DownService { state, can_be_woken, is_held_by_base }))
        });
        down.collect()
    }

    /// The facts for a plan's text beyond the plan.
    pub(crate) fn plan_context(&self, diff: bool) -> Context {
        let requests = self.connection.remote.request_counts();
        Context {
            target: Some(self.target.clone()),
            project_changes: review_notes::describe_project_changes(&self.project_changes),
            project_file: self.project_file.clone(),
            unreachable: self.unreachable_services().to_vec(),
            partial: self.included_objects(),
            // A throttled request was sent again, so it counts once.
            requests: usize::try_from(requests.sent - requests.throttled).unwrap_or(usize::MAX),
            rate: self.connection.rate.map(|rate| (rate.requests, rate.window.as_secs_f64())),
            diff,
            refusals: Vec::new(),
            base: self.commits.as_ref().map(|commits| commits.base.clone()),
            commit: self.commits.as_ref().map(|commits| commits.head.clone()),
            unapplied: None,
            target_branch: self.commits.as_ref().and_then(|commits| commits.target_branch.clone()),
            new_exceptions: self.new_exceptions(),
            not_reviewed: 0,
        }
    }

    /// The commit from which the planned change starts, if it changed manifests and was not applied yet.
    pub(crate) fn unapplied_commit(&self) -> Option<String> {
        self.commits.as_ref()?.unapplied.clone()
    }

    /// The number of selected objects and of all, if they are not the same.
    fn included_objects(&self) -> Option<(usize, usize)> {
        let is_partial = self.is_partial || !self.in_other_shards.is_empty();
        is_partial.then_some((self.selected.len(), self.desired.len() + self.in_other_shards.len()))
    }

    /// The selected declared objects, without those of unreachable services.
    pub(crate) fn selected_documents(&self) -> Vec<(Address, Document)> {
        let is_meant = |at: &Address| self.selected.contains(at) && self.is_reachable(&at.service);
        let selected = self.desired.iter().filter(|(at, _)| is_meant(at));
        selected.map(|(at, document)| (at.clone(), document.clone())).collect()
    }

    /// The declared objects that are new or different since the base.
    pub(crate) fn changes_since_base(&self) -> BTreeMap<&Address, ChangeInGit> {
        let Some(base) = &self.base else { return BTreeMap::new() };
        let change = |at: &Address, document: &Document| match base.get(at) {
            None => Some(ChangeInGit::New),
            Some(was) => was.differs_from(document).then_some(ChangeInGit::Edited),
        };
        self.desired.iter().filter_map(|(at, document)| Some((at, change(at, document)?))).collect()
    }

    /// Prints and returns the secret references of selected objects that cannot be resolved here.
    pub(crate) fn print_unresolved(&self, output: Output) -> Vec<Diagnostic> {
        let selected = self.selected_documents();
        let documents = selected.iter().map(|(_, document)| document);
        let unresolved = secrets::find_unresolved(&self.connection.secrets, documents, &self.files);
        output.print_diagnostics(&unresolved, &self.files);
        unresolved
    }
}

impl Session {
    /// Drops the services of other shards, and remembers the objects that are declared there.
    fn narrow_to_shard(mut self, shard: Shard) -> Self {
        let ids = self.connection.services.clone();
        // Without an id, the name decides, so exactly one shard reports that there is no such service.
        let part_of = |service: &ServiceRef| shard.part_of(ids.get(service).map_or(service.as_str(), String::as_str));
        let is_own = |service: &ServiceRef| part_of(service) == shard;
        self.connection.services.retain(|service, _| is_own(service));
        self.target.services.retain(|service, _| is_own(&ServiceRef::new(service)));
        self.in_other_shards = self.desired.keys().filter(|at| !is_own(&at.service)).cloned().collect();
        self.selected.retain(|at| is_own(&at.service));
        let in_base = self.base.iter().flatten().map(|(at, _)| at).chain(self.prune_inputs.removed());
        let removed: BTreeSet<&Address> = in_base.filter(|at| !self.desired.contains_key(at)).collect();
        let holders = self.possible_holders(&removed).into_iter().filter(|at| !is_own(&at.service));
        self.holders_elsewhere = holders
            .map(|at| {
                let part = part_of(&at.service);
                let way_out = if removed.contains(at) {
                    "a pipe that moves to another shard is kept, so delete that one with `state: absent`".to_owned()
                } else {
                    format!("shard {part} stops or deletes that one: apply it first, then this one again")
                };
                (at.clone(), way_out)
            })
            .collect();
        // After the holders were found, which needs the manifests of all parts.
        self.desired.retain(|at, _| is_own(&at.service));
        if let Some(base) = &mut self.base {
            base.retain(|at, _| is_own(&at.service));
        }
        self.prune_inputs.retain_services(is_own);
        self
    }
}
