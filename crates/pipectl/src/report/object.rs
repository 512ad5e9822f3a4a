//! The objects of a run in the order in which a reviewer should look at them.

use std::collections::BTreeMap;

use model::action::Action;
use model::address::Address;
use planner::{Change, Verdict};

use super::run::Run;
use crate::apply::{Outcome, Report};
use crate::render::plan::{steps, words};

/// How much a reviewer should care, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Danger {
    Trouble,
    Blocked,
    Delete,
    Replace,
    Update,
    Rename,
    Adopt,
    Create,
}

impl Danger {
    /// Whether a report must name the object however short it has to be.
    pub(super) fn is_grave(self) -> bool {
        self <= Self::Replace
    }

    /// The machine's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Trouble => "trouble",
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
    pub(super) fn spot(self) -> &'static str {
        match self {
            Self::Trouble => "❌",
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
pub(super) struct Object<'r> {
    pub(super) change: &'r Change,
    pub(super) actions: Vec<&'r Action>,
    pub(super) result: Option<&'r Report>,
    pub(super) danger: Danger,
}

/// The objects, the most dangerous first.
pub(super) fn objects<'r>(run: &Run<'r>) -> Vec<Object<'r>> {
    let Some(plan) = run.plan else { return Vec::new() };
    let mut actions: BTreeMap<&Address, Vec<&Action>> = BTreeMap::new();
    for action in &plan.actions {
        actions.entry(action.at()).or_default().push(action);
    }
    let results: BTreeMap<&Address, &Report> =
        run.results.iter().map(|result| (&result.at, result)).collect();
    let mut objects: Vec<Object<'r>> = plan
        .changes
        .iter()
        .map(|change| {
            let result = results.get(&change.at).copied();
            let actions = actions.remove(&change.at).unwrap_or_default();
            Object { change, actions, result, danger: danger(change, result) }
        })
        .collect();
    objects.sort_by(|a, b| (a.danger, &a.change.at).cmp(&(b.danger, &b.change.at)));
    objects
}

fn danger(change: &Change, result: Option<&Report>) -> Danger {
    if result.is_some_and(|result| result.outcome != Outcome::Applied) {
        return Danger::Trouble;
    }
    match change.verdict {
        Verdict::Blocked(_) => Danger::Blocked,
        Verdict::Delete => Danger::Delete,
        Verdict::Replace => Danger::Replace,
        Verdict::Update => Danger::Update,
        Verdict::Rename => Danger::Rename,
        Verdict::Adopt => Danger::Adopt,
        Verdict::Create => Danger::Create,
    }
}

impl Object<'_> {
    /// Whether apply did not begin with it.
    pub(super) fn is_skipped(&self) -> bool {
        self.result.is_some_and(|result| result.outcome == Outcome::Skipped)
    }

    /// Whether apply did not get through with it.
    pub(super) fn is_trouble(&self) -> bool {
        self.danger == Danger::Trouble
    }

    /// The object's name, which says its kind where that is not a pipe.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.change.at.service, crate::render::plan::name(&self.change.at))
    }

    /// What becomes of it, or what became of it.
    pub(super) fn what(&self) -> String {
        let planned = match &self.change.verdict {
            Verdict::Blocked(_) => "blocked".to_owned(),
            _ => words(self.change, &self.actions),
        };
        match self.result {
            Some(result) => format!("{}: {planned}", crate::render::results::word(result.outcome)),
            None => planned,
        }
    }

    /// The one thing to know about it.
    pub(super) fn why(&self) -> String {
        let failed = self.result.and_then(|result| result.error.as_ref());
        if let Some(error) = failed {
            return error.message.clone();
        }
        if let Verdict::Blocked(reason) = &self.change.verdict {
            return reason.to_string();
        }
        let forcing = self.change.fields.iter().filter(|field| field.forces_replacement);
        let forcing: Vec<String> = forcing.map(|field| format!("`{}`", field.path)).collect();
        let forced = (!forcing.is_empty())
            .then(|| format!("{} cannot be changed in place", forcing.join(", ")));
        let said: Vec<String> =
            forced.into_iter().chain(self.change.data.first().cloned()).collect();
        if said.is_empty() { self.fields() } else { said.join("; ") }
    }

    /// The fields that change, by name.
    fn fields(&self) -> String {
        let mut names: Vec<String> =
            self.change.fields.iter().map(|field| format!("`{}`", field.path)).collect();
        names.dedup();
        names.join(", ")
    }

    /// What there is to know beyond the fields, most urgent first.
    pub(super) fn facts(&self) -> Vec<String> {
        let mut facts = self.notes();
        facts.extend(self.change.data.iter().map(|sentence| format!("data: {sentence}")));
        let steps = steps(self.change, &self.actions);
        if steps.len() > 1 {
            facts.push(format!("actions: {}", steps.join(", ")));
        }
        let carried: Vec<String> =
            self.change.carries.iter().map(|path| format!("`{path}`")).collect();
        if !carried.is_empty() {
            facts.push(format!("sends along: {}", carried.join(", ")));
        }
        // What is made is sent whole, as everybody knows.
        if !self.change.sends.is_empty() && self.change.verdict != Verdict::Create {
            let sent: Vec<String> = self.change.sends.iter().map(ToString::to_string).collect();
            facts.push(format!("sends: {}", sent.join(", ")));
        }
        facts
    }

    /// What apply has to say beyond the outcome.
    pub(super) fn notes(&self) -> Vec<String> {
        let Some(result) = self.result else { return Vec::new() };
        let stopped = result.left_stopped.as_ref().map(|reason| {
            format!("STOPPED for an edit, and it could not be started again: {reason}")
        });
        let hint = result.error.as_ref().and_then(|error| error.hint.clone());
        let hint = hint.map(|hint| format!("hint: {hint}"));
        let rest = (!result.not_begun.is_empty())
            .then(|| format!("not begun: {}", result.not_begun.join(", ")));
        stopped.into_iter().chain(hint).chain(rest).chain(result.notes.iter().cloned()).collect()
    }
}
