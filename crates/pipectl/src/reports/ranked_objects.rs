//! The objects of a run in the order in which a reviewer should look at them.

use std::collections::BTreeMap;

use model::action::Action;
use model::address::Address;
use planner::{Change, Verdict};

use super::run_report::RunReport;
use crate::apply::{ObjectResult, Outcome};
use crate::render::plan::{action_steps, describe_change};

/// How much a reviewer should care, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ObjectSeverity {
    NotApplied,
    Blocked,
    Delete,
    Replace,
    Update,
    Rename,
    Adopt,
    Create,
}

impl ObjectSeverity {
    /// Whether a report must name the object however short it has to be.
    pub(super) fn is_severe(self) -> bool {
        self <= Self::Replace
    }

    /// The machine's word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NotApplied => "trouble",
            Self::Blocked => "blocked",
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Update => "update",
            Self::Rename => "rename",
            Self::Adopt => "adopt",
            Self::Create => "create",
        }
    }

    /// A spot of colour.
    pub(super) fn emoji(self) -> &'static str {
        match self {
            Self::NotApplied => "❌",
            Self::Blocked => "⛔",
            Self::Delete => "🔴",
            Self::Replace => "🟣",
            Self::Update => "🟡",
            Self::Rename => "🔵",
            Self::Adopt | Self::Create => "🟢",
        }
    }
}

/// One object that is not in sync, with everything the run knows of it.
pub(super) struct RankedObject<'r> {
    pub(super) change: &'r Change,
    pub(super) actions: Vec<&'r Action>,
    pub(super) result: Option<&'r ObjectResult>,
    pub(super) severity: ObjectSeverity,
}

/// The objects, the most dangerous first.
pub(super) fn ranked_objects(run: &RunReport) -> Vec<RankedObject<'_>> {
    let Some(plan) = &run.plan else { return Vec::new() };
    let mut actions: BTreeMap<&Address, Vec<&Action>> = BTreeMap::new();
    for action in &plan.actions {
        actions.entry(action.address()).or_default().push(action);
    }
    let results: BTreeMap<&Address, &ObjectResult> =
        run.results.iter().map(|result| (&result.address, result)).collect();
    let mut objects: Vec<RankedObject<'_>> = plan
        .changes
        .iter()
        .map(|change| {
            let result = results.get(&change.address).copied();
            let actions = actions.remove(&change.address).unwrap_or_default();
            RankedObject { change, actions, result, severity: object_severity(change, result) }
        })
        .collect();
    objects.sort_by(|a, b| (a.severity, &a.change.address).cmp(&(b.severity, &b.change.address)));
    objects
}

fn object_severity(change: &Change, result: Option<&ObjectResult>) -> ObjectSeverity {
    if result.is_some_and(|result| result.outcome != Outcome::Applied) {
        return ObjectSeverity::NotApplied;
    }
    match change.verdict {
        Verdict::Blocked(_) => ObjectSeverity::Blocked,
        Verdict::Delete => ObjectSeverity::Delete,
        Verdict::Replace => ObjectSeverity::Replace,
        Verdict::Update => ObjectSeverity::Update,
        Verdict::Rename => ObjectSeverity::Rename,
        Verdict::Adopt => ObjectSeverity::Adopt,
        Verdict::Create => ObjectSeverity::Create,
    }
}

impl RankedObject<'_> {
    /// Whether apply did not begin with it.
    pub(super) fn is_skipped(&self) -> bool {
        self.result.is_some_and(|result| result.outcome == Outcome::Skipped)
    }

    /// Whether apply did not get through with it.
    pub(super) fn is_not_applied(&self) -> bool {
        self.severity == ObjectSeverity::NotApplied
    }

    /// The object's name, which says its kind where that is not a pipe.
    pub(super) fn display_name(&self) -> String {
        format!("{}/{}", self.change.address.service, crate::render::plan::object_label(&self.change.address))
    }

    /// What becomes of it, or what became of it.
    pub(super) fn outcome_text(&self) -> String {
        let planned = match &self.change.verdict {
            Verdict::Blocked(_) => "blocked".to_owned(),
            _ => describe_change(self.change, &self.actions),
        };
        match self.result {
            Some(result) => {
                format!("{}: {planned}", crate::render::apply_summary::outcome_word(result.outcome))
            }
            None => planned,
        }
    }

    /// The one thing to know about it.
    pub(super) fn reason_text(&self) -> String {
        let failed = self.result.and_then(|result| result.error.as_ref());
        if let Some(error) = failed {
            return error.message.clone();
        }
        if let Verdict::Blocked(reason) = &self.change.verdict {
            return reason.to_string();
        }
        let forcing = self.change.fields.iter().filter(|field| field.forces_replacement);
        let forcing: Vec<String> = forcing.map(|field| format!("`{}`", field.path)).collect();
        let forced = (!forcing.is_empty()).then(|| format!("{} cannot be changed in place", forcing.join(", ")));
        let said: Vec<String> = forced.into_iter().chain(self.change.data_effects.first().cloned()).collect();
        if said.is_empty() { self.changed_field_names() } else { said.join("; ") }
    }

    /// The fields that change, by name.
    fn changed_field_names(&self) -> String {
        let mut names: Vec<String> = self.change.fields.iter().map(|field| format!("`{}`", field.path)).collect();
        names.dedup();
        names.join(", ")
    }

    /// What there is to know beyond the fields, most urgent first.
    pub(super) fn detail_lines(&self) -> Vec<String> {
        let mut facts = self.apply_notes();
        facts.extend(self.change.data_effects.iter().map(|sentence| format!("data: {sentence}")));
        let steps = action_steps(self.change, &self.actions);
        if steps.len() > 1 {
            facts.push(format!("actions: {}", steps.join(", ")));
        }
        let carried: Vec<String> = self.change.resent_fields.iter().map(|path| format!("`{path}`")).collect();
        if !carried.is_empty() {
            facts.push(format!("also sends (required by the API): {}", carried.join(", ")));
        }
        // What is made is sent whole, as everybody knows.
        if !self.change.secrets.is_empty() && self.change.verdict != Verdict::Create {
            let sent: Vec<String> = self.change.secrets.iter().map(ToString::to_string).collect();
            facts.push(format!("secrets: {}", sent.join(", ")));
        }
        facts
    }

    /// What apply has to say beyond the outcome.
    pub(super) fn apply_notes(&self) -> Vec<String> {
        let Some(result) = self.result else { return Vec::new() };
        let stopped = result
            .left_stopped
            .as_ref()
            .map(|reason| format!("STOPPED for an edit and could not be restarted: {reason}"));
        let hint = result.error.as_ref().and_then(|error| error.hint.clone());
        let hint = hint.map(|hint| format!("hint: {hint}"));
        let rest = (!result.not_begun.is_empty()).then(|| format!("not started: {}", result.not_begun.join(", ")));
        stopped.into_iter().chain(hint).chain(rest).chain(result.notes.iter().cloned()).collect()
    }
}
