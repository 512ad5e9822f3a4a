//! How much a plan may do before a person must say yes to it in so many words.

use std::collections::BTreeSet;
use std::fmt;

use model::action::Action;
use model::address::Address;
use model::selector::AddressPattern;
use serde::Serialize;

use crate::block_reason::BlockReason;
use crate::change::Verdict;
use crate::order::{self, ObjectWork, group_by_object};
use crate::plan::Plan;

/// The blast radius that is let through without a flag.
#[derive(Clone, Debug, Default)]
pub struct ApprovalLimits {
    /// Deletes in one plan; `None` is no limit.
    pub max_delete: Option<usize>,
    /// Replacements in one plan; `None` is no limit.
    pub max_replace: Option<usize>,
    /// Objects whose deletion was allowed by name; they do not count.
    pub allow_delete: Vec<AddressPattern>,
    /// Objects whose replacement was allowed by name; they do not count, and are replaced even
    /// where the API may not make them again.
    pub allow_replace: Vec<AddressPattern>,
}

/// A plan that is within its limits. Only [`Plan::approve`] makes one, and apply takes nothing
/// else.
#[derive(Debug)]
pub struct ApprovedPlan(Plan);

impl ApprovedPlan {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.0
    }

    /// What there is to do, in order.
    pub fn actions(&self) -> &[Action] {
        &self.0.actions
    }

    /// The same by object, with what has to wait for what.
    pub fn work_by_object(&self) -> Vec<ObjectWork<'_>> {
        group_by_object(&self.0.actions, &self.0.delete_after)
    }
}

/// What goes beyond the limits, and how to allow it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitsExceeded {
    /// One sentence for each limit that is exceeded, naming the flags that lift it.
    pub exceeded: Vec<String>,
}

impl fmt::Display for LimitsExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.exceeded.join("\n"))
    }
}

impl Plan {
    /// The plan without the replacements that may lose their object, unless they are allowed by
    /// name. Each of them is blocked, and nothing else is.
    #[must_use]
    pub fn block_unsafe_replacements(mut self, limits: &ApprovalLimits) -> Self {
        let mut blocked = BTreeSet::new();
        for change in &mut self.changes {
            let allowed = limits.allow_replace.iter().any(|pattern| pattern.matches(&change.address));
            if change.verdict != Verdict::Replace || allowed {
                continue;
            }
            let reason = if !change.respelled_fields.is_empty() {
                BlockReason::SpelledByApi(change.address.clone(), change.respelled_fields.clone())
            } else if !change.blocking_tables.is_empty() {
                BlockReason::UnsafeReplacement(change.address.clone(), change.blocking_tables.clone())
            } else {
                continue;
            };
            blocked.insert(change.address.clone());
            change.reason = Some(reason.to_string());
            change.verdict = Verdict::Blocked(reason);
            change.data_effects = Vec::new();
            change.secrets = Vec::new();
        }
        order::retain_objects(&mut self.actions, &mut self.delete_after, |at| !blocked.contains(at));
        self
    }

    /// Lets the plan through if it is within `limits`, without the replacements that
    /// [`Self::block_unsafe_replacements`] blocks.
    ///
    /// # Errors
    /// Says which limit is exceeded and by what; nothing of the plan may be performed then.
    pub fn approve(self, limits: &ApprovalLimits) -> Result<ApprovedPlan, LimitsExceeded> {
        let plan = self.block_unsafe_replacements(limits);
        let checks = [
            (&Verdict::Delete, limits.max_delete, &limits.allow_delete, "maxDelete", "--allow-delete"),
            (&Verdict::Replace, limits.max_replace, &limits.allow_replace, "maxReplace", "--allow-replace"),
        ];
        let exceeded: Vec<String> = checks
            .into_iter()
            .filter_map(|(verdict, most, allowed, key, flag)| plan.limit_exceeded(verdict, most?, allowed, key, flag))
            .collect();
        if exceeded.is_empty() { Ok(ApprovedPlan(plan)) } else { Err(LimitsExceeded { exceeded }) }
    }

    fn limit_exceeded(
        &self,
        verdict: &Verdict,
        most: usize,
        allowed: &[AddressPattern],
        key: &str,
        flag: &str,
    ) -> Option<String> {
        let objects: Vec<&Address> = self
            .changes
            .iter()
            .filter(|change| &change.verdict == verdict)
            .filter(|change| !allowed.iter().any(|pattern| pattern.matches(&change.address)))
            .map(|change| &change.address)
            .collect();
        let flags: Vec<String> = objects.iter().map(|at| format!("{flag} {}", at.to_glob_argument())).collect();
        let many = if objects.len() == 1 { "object" } else { "objects" };
        (objects.len() > most).then(|| {
            format!(
                "the plan would {} {} {many}, but `{key}` is {most}; allow each by name: {}",
                verdict.as_str(),
                objects.len(),
                flags.join(" ")
            )
        })
    }
}
