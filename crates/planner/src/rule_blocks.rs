//! Objects that the rules of the project forbid to change.

use std::collections::BTreeMap;

use model::address::Address;
use model::rule_finding::RuleFinding;

use crate::block_reason::BlockReason;
use crate::blocked_together::{Absence, block_changes, block_without};
use crate::plan::Plan;

impl Plan {
    /// The plan with the findings of the rules about its changes. A change with a blocking finding is blocked, and so
    /// are the referrers of an object that is therefore not created. A change that is already blocked keeps its reason.
    #[must_use]
    pub fn with_rule_findings(mut self, mut findings: BTreeMap<Address, Vec<RuleFinding>>) -> Self {
        let mut blocked = BTreeMap::new();
        for change in &mut self.changes {
            change.rule_findings = findings.remove(&change.address).unwrap_or_default();
            let forbidding = change.rule_findings.iter().filter(|finding| finding.is_blocking());
            let findings: Vec<RuleFinding> = forbidding.cloned().collect();
            if !findings.is_empty() && !change.verdict.is_blocked() {
                let reason = BlockReason::ForbiddenByRules { findings, is_declared: change.place.is_some() };
                blocked.insert(change.address.clone(), reason);
            }
        }
        // First, while the forbidden creates are still in the plan: their referrers are found by their actions.
        block_without(&mut self, |at| blocked.contains_key(at), Absence::Forbidden);
        block_changes(&mut self, blocked);
        self
    }
}
