//! What a run has to tell, whatever the command was.

use model::address::Address;
use model::desired::Document;
use model::diagnostic::Diagnostic;
use planner::Plan;

use crate::apply::Report;
use crate::render::diagnostics::{count, plural};
use crate::render::drift::Drift;
use crate::render::plan::{self, Context};
use crate::render::results;
use crate::reviewed::Moved;

/// Everything that reports are made of, borrowed from the command.
#[derive(Debug, Default)]
pub struct Run<'r> {
    /// The word on the command line: `plan`, `apply`, `drift`, `validate`.
    pub command: &'static str,
    /// How it went, in the word that JSON has for it.
    pub outcome: &'static str,
    /// What `-o json` prints.
    pub json: String,
    /// The plan, if it came to one.
    pub plan: Option<&'r Plan>,
    /// What `drift` found.
    pub drift: Option<&'r Drift<'r>>,
    /// What else is said about the plan.
    pub context: Context,
    /// What became of each object, once something was performed.
    pub results: &'r [Report],
    /// The declared objects.
    pub declared: Vec<(Address, &'r Document)>,
    /// What was refused because nobody reviewed it.
    pub refused: &'r [Moved],
    /// What the plan is recognised by.
    pub digest: Option<String>,
    /// What is wrong with files.
    pub diagnostics: &'r [Diagnostic],
    /// How many files were read.
    pub files: usize,
    /// Why the run ended early.
    pub errors: Vec<String>,
}

/// How much somebody changed outside git, if that is left alone.
fn drifted(plan: &Plan) -> String {
    match plan.drift().count() {
        0 => String::new(),
        fields => format!(", drift in {}", plural(fields, "field")),
    }
}

impl Run<'_> {
    /// The run in a few words: what is missing of it, then the counts.
    pub(super) fn headline(&self) -> String {
        match self.context.unread.len() {
            0 => self.counts(),
            unread => format!("{} not read; {}", plural(unread, "service"), self.counts()),
        }
    }

    fn counts(&self) -> String {
        let problems = count(self.diagnostics);
        match (self.plan, self.drift) {
            (Some(plan), _) if !self.errors.is_empty() => {
                format!("{}: {}", self.outcome, plan::counts(plan))
            }
            _ if !self.errors.is_empty() && problems.is_empty() => "failed".to_owned(),
            _ if !self.errors.is_empty() => format!("failed: {problems}"),
            (Some(_), _) if !self.results.is_empty() => results::counts(self.results),
            (Some(plan), _) if plan.is_empty() => format!("no changes{}", drifted(plan)),
            (Some(plan), _) => format!("{}{}", plan::counts(plan), drifted(plan)),
            (None, Some(drift)) => drift.counts(),
            (None, None) if problems.is_empty() => {
                let manifests = plural(self.declared.len(), "manifest");
                format!("{manifests} in {}, valid", plural(self.files, "file"))
            }
            (None, None) => format!("{problems} in {}", plural(self.files, "file")),
        }
    }

    /// Why the run did not do all that it was to do, apart from what went wrong with one object.
    pub(super) fn obstacles(&self) -> Vec<String> {
        let refused = self
            .refused
            .iter()
            .map(|object| format!("refused: {}: {}", object.at, object.reasons.join("; ")));
        let unread = self.context.unread.iter().map(ToString::to_string);
        self.errors.iter().cloned().chain(unread).chain(refused).collect()
    }

    /// What is not in the headline: what stays, and how it was read.
    pub(super) fn remainder(&self) -> Vec<String> {
        let partial = self.context.partial.map(|(considered, declared)| {
            format!("Partial: {considered} of {declared} objects considered.")
        });
        let Some(plan) = self.plan else {
            let against = self.drift.map(|drift| format!("Compared with {}.", drift.against));
            return partial.into_iter().chain(against).collect();
        };
        let mut parts = Vec::new();
        if !self.results.is_empty() {
            parts.push(format!("Planned: {}.", plan::counts(plan)));
        }
        parts.extend(partial);
        parts.push(format!(
            "{} unchanged, {} unmanaged.",
            plan.in_sync.len(),
            plan.unmanaged.len()
        ));
        parts.extend(plan::not_compared::sentence(plan));
        if self.results.is_empty() {
            parts.extend(plan::cost(plan, &self.context));
        }
        parts.extend(self.digest.as_ref().map(|digest| format!("Digest: `{digest}`")));
        parts
    }
}
