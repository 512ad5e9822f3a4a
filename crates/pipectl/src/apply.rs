//! The interpreter of actions. It performs what an approved plan holds, and decides nothing.
//!
//! Objects that do not depend on each other are worked on side by side. A failure ends the work on
//! its own object; everything else goes on.

use std::cell::Cell;

use futures_util::StreamExt;
use futures_util::stream;
use model::action::{Action, RunState};
use model::address::Address;
use planner::{Approved, stages};
use remote::{Error, Performed, Remote};
use serde::Serialize;

/// How the work on one object ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Everything was done.
    Applied,
    /// An action failed; those before it were done.
    Failed,
    /// Nothing was tried.
    Skipped,
    /// An answer was lost: the next run looks and goes on from there.
    Unknown,
}

/// What became of one object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The object.
    pub at: Address,
    /// How it ended.
    pub outcome: Outcome,
    /// How many of its actions were done.
    pub done: usize,
    /// How many there are.
    pub actions: usize,
    /// The live state at the end, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What else there is to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// An error of the API, without anything secret in it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What went wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The API's id of the request, for its support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Whether the key was refused.
    pub auth: bool,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            message: error.to_string(),
            hint: error.hint(),
            request_id: error.request_id().map(str::to_owned),
            auth: error.is_auth(),
        }
    }
}

/// Performs the plan. `told` hears of every object as it ends.
pub async fn apply(
    remote: &Remote,
    approved: &Approved,
    parallel: usize,
    told: impl Fn(&Report),
) -> Vec<Report> {
    // A refused key is refused for everything: nothing more is sent then.
    let refused = Cell::new(false);
    let mut reports = Vec::new();
    for stage in stages(approved.actions()) {
        let lanes = stage.into_iter().map(|lane| async {
            let report = perform(remote, lane, &refused).await;
            told(&report);
            report
        });
        let done: Vec<Report> =
            stream::iter(lanes).buffer_unordered(parallel.max(1)).collect().await;
        reports.extend(done);
    }
    reports.sort_by(|a, b| a.at.cmp(&b.at));
    reports
}

async fn perform(remote: &Remote, lane: Vec<&Action>, refused: &Cell<bool>) -> Report {
    let mut report = Report {
        at: lane[0].at().clone(),
        outcome: Outcome::Skipped,
        done: 0,
        actions: lane.len(),
        state: None,
        notes: Vec::new(),
        error: None,
    };
    for (index, action) in lane.iter().enumerate() {
        if refused.get() {
            return report;
        }
        tracing::info!(at = %report.at, action = kind_of(action), "perform");
        match remote.perform(action).await {
            Ok(performed) => report.add(performed),
            Err(error) => {
                refused.set(refused.get() || error.is_auth());
                report.fail(&error);
                resume(remote, &lane[..index], &lane[index + 1..], &mut report).await;
                return report;
            }
        }
    }
    report
}

/// A pipe that was stopped for an edit is started again when the edit fails.
async fn resume(remote: &Remote, done: &[&Action], rest: &[&Action], report: &mut Report) {
    let stopped = done.iter().any(|a| matches!(a, Action::SetState { to: RunState::Stopped, .. }));
    let restart = rest.iter().find(|a| matches!(a, Action::SetState { to: RunState::Running, .. }));
    let (true, Some(restart)) = (stopped, restart) else { return };
    let note = match remote.perform(restart).await {
        Ok(_) => "it was stopped for the edit, and is started again".to_owned(),
        Err(error) => format!("IT IS STILL STOPPED: starting it again failed, too: {error}"),
    };
    report.notes.push(note);
}

impl Report {
    fn add(&mut self, performed: Performed) {
        self.outcome = Outcome::Applied;
        self.done += 1;
        self.state = Some(performed.state.to_string()).filter(|state| !state.is_empty());
        self.notes.extend(performed.notes);
    }

    fn fail(&mut self, error: &Error) {
        self.outcome = if error.outcome_unknown() { Outcome::Unknown } else { Outcome::Failed };
        self.error = Some(Failure::from(error));
    }
}

fn kind_of(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } => "create",
        Action::Update { .. } => "update",
        Action::SetState { to: RunState::Running, .. } => "start",
        Action::SetState { to: RunState::Stopped, .. } => "stop",
        Action::Delete { .. } => "delete",
    }
}
