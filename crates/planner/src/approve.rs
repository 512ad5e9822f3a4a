//! The limits of a plan, and the permissions for changes beyond them.

use std::collections::BTreeMap;
use std::fmt;

use model::action::Action;
use model::address::{Address, ServiceRef};
use model::selector::ObjectName;

use crate::block_reason::{BlockReason, DownService, Permission, fmt_excess};
use crate::blocked_together::{block_changes, with_dependents};
use crate::change::{Change, Verdict};
use crate::order::{ObjectWork, group_by_object};
use crate::plan::Plan;

/// Limits and permissions for the changes of a plan.
#[derive(Clone, Debug, Default)]
pub struct ApprovalLimits {
    /// Deletes in one plan; `None` means no limit.
    pub max_delete: Option<usize>,
    /// Replacements in one plan; `None` means no limit.
    pub max_replace: Option<usize>,
    /// Objects whose deletion was allowed by name; they do not count.
    pub allow_delete: Vec<ObjectName>,
    /// Objects whose replacement this run allows by name; they do not count, and are replaced even if the API may not
    /// create them again.
    pub allow_replace: Vec<ObjectName>,
    /// The same in the project file, for every run.
    pub allow_replace_in_project: Vec<ObjectName>,
    /// Keys of the limits above that come from the base: this commit cannot raise them.
    pub held_by_base: Vec<&'static str>,
    /// The environment of the project file, and the keys that it sets itself: the project's own values for them have no
    /// effect.
    pub environment_keys: Option<(String, Vec<String>)>,
    /// Services that accept no changes now, and how to enable them.
    pub down_services: BTreeMap<ServiceRef, DownService>,
}

impl ApprovalLimits {
    fn allows(&self, verdict: &Verdict, at: &Address) -> bool {
        if verdict == &Verdict::Delete {
            self.allow_delete.iter().any(|pattern| pattern.matches(at))
        } else {
            self.allows_replacing(at)
        }
    }

    fn allows_replacing_now(&self, at: &Address) -> bool {
        self.allow_replace.iter().any(|pattern| pattern.matches(at))
    }

    fn allows_replacing(&self, at: &Address) -> bool {
        self.allows_replacing_now(at) || self.allow_replace_in_project.iter().any(|pattern| pattern.matches(at))
    }
}

/// A plan in which every change without its permission is blocked. Only [`Plan::approve`] creates one, and apply
/// accepts nothing else.
#[derive(Debug)]
pub struct ApprovedPlan {
    plan: Plan,
    exceeded: Vec<LimitExceeded>,
}

impl ApprovedPlan {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The limits that the plan exceeded before their objects were blocked.
    pub fn exceeded_limits(&self) -> &[LimitExceeded] {
        &self.exceeded
    }

    /// The actions to perform, in order.
    pub fn actions(&self) -> &[Action] {
        &self.plan.actions
    }

    /// The actions grouped by object, with their dependencies.
    pub fn work_by_object(&self) -> Vec<ObjectWork<'_>> {
        group_by_object(&self.plan.actions, &self.plan.delete_after, &self.plan.handovers)
    }
}

/// An exceeded limit.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitExceeded {
    /// The change of the objects.
    pub verdict: Verdict,
    /// The limit's key in the project file.
    pub key: &'static str,
    /// The limit.
    pub limit: usize,
    /// Whether it is the limit before this change, which this change cannot raise.
    pub is_of_base: bool,
    /// The objects without permission, each with the permission that it needs.
    pub objects: Vec<Permission>,
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_excess(f, (self.verdict.as_str(), self.objects.len()), (self.key, self.limit, self.is_of_base))
    }
}

type Permit = fn(Address) -> Permission;

impl LimitExceeded {
    fn reasons(&self) -> impl Iterator<Item = (Address, BlockReason)> {
        self.objects.iter().filter_map(|permission| {
            let reason = BlockReason::OverLimit {
                verdict: self.verdict.as_str(),
                count: self.objects.len(),
                key: self.key,
                limit: self.limit,
                is_of_base: self.is_of_base,
                permission: permission.clone(),
            };
            Some((permission.address()?.clone(), reason))
        })
    }
}

/// The reason to block a change that may lose its object or entries of it; `None` if everything that it may lose is
/// allowed.
//
// One permission lifts all reasons, so all are reported. The spelling of the API comes first: whoever followed another
// advice would drop a table for nothing. The project file allows every later run, and each would replace a value that
// the API spells differently.
fn reason_to_hold(change: &Change, limits: &ApprovalLimits) -> Option<BlockReason> {
    if !change.needs_permission() || limits.allows_replacing_now(&change.address) {
        return None;
    }
    let mut reasons = Vec::new();
    if !change.respelled_fields.is_empty() && !change.is_respelled_by_git {
        reasons.push(BlockReason::SpelledByApi(change.address.clone(), change.respelled_fields.clone()));
    }
    if !limits.allows_replacing(&change.address) {
        add_losses(change, &mut reasons);
    }
    if reasons.len() > 1 { Some(BlockReason::Several(reasons)) } else { reasons.pop() }
}

fn add_losses(change: &Change, reasons: &mut Vec<BlockReason>) {
    let at = || change.address.clone();
    let is_replace = change.verdict == Verdict::Replace;
    match &change.blocking_tables[..] {
        // `cdc_only` does not want its tables empty.
        _ if is_replace && change.misses_changes => reasons.push(BlockReason::MissesChanges(at())),
        [] => {}
        tables if is_replace => reasons.push(BlockReason::UnsafeReplacement(at(), tables.to_vec())),
        tables => reasons.push(BlockReason::UnsafeEntries(at(), tables.to_vec())),
    }
    if !change.filled_tables.is_empty() {
        reasons.push(BlockReason::TablesFilled(at(), change.filled_tables.clone()));
    }
    if is_replace && !change.lost_fields.is_empty() {
        reasons.push(BlockReason::LosesFields(at(), change.lost_fields.clone()));
    }
    if !change.respelled_fields.is_empty() && change.is_respelled_by_git {
        reasons.push(BlockReason::SpellingChanged(at(), change.respelled_fields.clone()));
    }
    if !change.unproven_fields.is_empty() {
        reasons.push(BlockReason::UnprovenFields(at(), change.unproven_fields.clone()));
    }
}

impl Plan {
    /// The plan without the replacements that may lose their object, unless they are allowed by name. Each of them is
    /// blocked, and nothing else is.
    #[must_use]
    pub fn block_unsafe_replacements(mut self, limits: &ApprovalLimits) -> Self {
        let blocked = self.unsafe_replacements(limits);
        block_changes(&mut self, blocked);
        self
    }

    /// Approves the changes within `limits`. The replacements that [`Self::block_unsafe_replacements`] names are
    /// blocked, and so is every deletion or replacement of a plan that has too many of them. Nothing else waits for
    /// these objects.
    pub fn approve(self, limits: &ApprovalLimits) -> ApprovedPlan {
        let mut plan = self;
        let (blocked, exceeded) = plan.find_blocked(limits);
        block_changes(&mut plan, blocked);
        ApprovedPlan { plan, exceeded }
    }

    /// The objects that [`Self::approve`] blocks, with the reasons.
    // `plan` needs this before anybody applies the plan, and a copy of a large plan would double its memory.
    pub fn blocked_by(&self, limits: &ApprovalLimits) -> BTreeMap<Address, BlockReason> {
        self.find_blocked(limits).0
    }

    fn find_blocked(&self, limits: &ApprovalLimits) -> (BTreeMap<Address, BlockReason>, Vec<LimitExceeded>) {
        let mut blocked = self.in_down_services(limits);
        blocked.extend(self.unsafe_replacements(limits));
        // Changes that depend on these do not count either.
        let mut blocked = with_dependents(self, blocked);
        let exceeded = self.find_exceeded_limits(limits, &blocked);
        blocked.extend(exceeded.iter().flat_map(LimitExceeded::reasons));
        (with_dependents(self, blocked), exceeded)
    }

    // The API deletes the objects of an idle service, and accepts no other change there.
    fn in_down_services(&self, limits: &ApprovalLimits) -> BTreeMap<Address, BlockReason> {
        let needs_running = self.actions.iter().filter(|action| !matches!(action, Action::Delete { .. }));
        let blocked = needs_running.filter_map(|action| {
            let at = action.address();
            let down = limits.down_services.get(&at.service)?;
            Some((at.clone(), BlockReason::ServiceDown(at.service.clone(), down.clone())))
        });
        blocked.collect()
    }

    fn unsafe_replacements(&self, limits: &ApprovalLimits) -> BTreeMap<Address, BlockReason> {
        let held = |change: &Change| Some((change.address.clone(), reason_to_hold(change, limits)?));
        self.changes.iter().filter_map(held).collect()
    }

    fn find_exceeded_limits(
        &self,
        limits: &ApprovalLimits,
        blocked: &BTreeMap<Address, BlockReason>,
    ) -> Vec<LimitExceeded> {
        let checks = [
            (Verdict::Delete, limits.max_delete, "maxDelete", Permission::Delete as Permit),
            (Verdict::Replace, limits.max_replace, "maxReplace", Permission::Replace as Permit),
        ];
        let exceeded = checks.into_iter().filter_map(|(verdict, limit, key, permit)| {
            let limit = limit?;
            // An object that is blocked for another reason must not use up the limit.
            let is_counted = |at: &Address| !blocked.contains_key(at) && !limits.allows(&verdict, at);
            let counted = self.changes.iter().filter(|it| it.verdict == verdict && is_counted(&it.address));
            let objects: Vec<Permission> = counted.map(|change| permit(change.address.clone())).collect();
            let is_of_base = limits.held_by_base.contains(&key);
            (objects.len() > limit).then_some(LimitExceeded { verdict, key, limit, is_of_base, objects })
        });
        exceeded.collect()
    }

    /// Adds to each blocked change how a person can allow it, in the words of the command.
    pub fn word_permissions(&mut self, describe: &dyn Fn(&BlockReason) -> String) {
        for change in &mut self.changes {
            if let Verdict::Blocked(reason) = &change.verdict {
                change.reason = Some(describe(reason));
            }
        }
    }
}
