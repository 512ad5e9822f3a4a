//! The reviewed plans for one apply: a file, or every file of a folder.
//
// Several changes are merged between two applies if one of them fails or waits. Each was reviewed with its own plan.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use model::address::Address;
use planner::Plan;
use serde_json::Value;

use super::differences::{is_in_several, is_replaced_already, joined, object_differences};
use super::{PlanTarget, SavedPlan, StaleObject, address_key, objects_by_address};

/// The reviewed plans, the newest first.
pub struct ReviewedPlans(Vec<SavedPlan>);

impl ReviewedPlans {
    /// Reads a saved plan, or all plans of a folder in the order of their names. An empty folder means that nothing was
    /// reviewed.
    ///
    /// # Errors
    /// When one of them cannot be read, is not a saved plan, or was changed after it was saved.
    pub fn read(path: &Path) -> Result<Self> {
        let files = if path.is_dir() { files_in(path)? } else { vec![path.to_owned()] };
        files.iter().map(|file| SavedPlan::read_file(file)).collect::<Result<_>>().map(Self)
    }

    /// The part of a new plan that was reviewed, and the objects that differ. A replacement that took effect is in sync.
    pub fn restrict(&self, plan: Plan, target: &PlanTarget) -> (Plan, Vec<StaleObject>) {
        let fresh = objects_by_address(&plan, target);
        let (mut stale, mut settled) = (Vec::new(), BTreeSet::new());
        for at in plan.changes.iter().map(|change| &change.address) {
            let Some(change) = fresh.get(&address_key(at)) else { continue };
            // A change that sends nothing needs no review, and a blocked one has its own advice.
            if change["actions"].as_array().is_some_and(Vec::is_empty) {
                continue;
            }
            let reviewed: Vec<&Value> = self.0.iter().filter_map(|saved| saved.objects.get(&address_key(at))).collect();
            if reviewed.iter().any(|it| is_replaced_already(it, change)) {
                settled.insert(at.clone());
                continue;
            }
            let is_reviewed = reviewed.iter().any(|it| object_differences(it, change).is_empty());
            if is_reviewed || is_in_several(&reviewed, change) {
                continue;
            }
            let differences = joined(&reviewed).map(|all| object_differences(&all, change));
            let reasons = differences.unwrap_or_else(|| vec![self.reason_not_planned(at)]);
            stale.push(StaleObject { address: at.clone(), reasons });
        }
        stale.extend(self.0.iter().flat_map(|saved| saved.dropped_write_only(&plan)));
        let left_out: BTreeSet<Address> =
            stale.iter().map(|moved| moved.address.clone()).chain(settled.iter().cloned()).collect();
        let mut plan = plan.without(&left_out);
        plan.in_sync.extend(settled);
        (plan, stale)
    }

    fn reason_not_planned(&self, at: &Address) -> String {
        match self.0.as_slice() {
            [] => "no reviewed plan was found".to_owned(),
            [saved] => saved.reason_not_planned(at),
            _ => "none of the reviewed plans changes it".to_owned(),
        }
    }
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("cannot read {}", folder.display());
    let entries = fs::read_dir(folder).with_context(failed)?;
    let files: std::io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|it| it.path())).collect();
    let mut files = files.with_context(failed)?;
    files.sort();
    Ok(files)
}
