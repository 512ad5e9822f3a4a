//! The effects of a stop.

use serde_json::Value;

use crate::lifecycle::{self, PipeState};
use crate::start_paused;
use model::action::{Action, RunState};
use model::live::Object;

/// The effect of the stop among these actions; `None` without one. `live` is the object before them.
pub fn stop_effects(live: Option<&Object>, actions: &[Action]) -> Option<String> {
    if !actions.iter().any(is_stop) {
        return None;
    }
    match (live, actions.iter().find_map(created_body)) {
        (_, Some(body)) => Some(describe_initial_run(body).to_owned()),
        (Some(live), None) => describe_interim_stop(live, actions),
        (None, None) => None,
    }
}

fn is_stop(action: &Action) -> bool {
    matches!(action, Action::SetState { to: RunState::Stopped, .. })
}

fn created_body(action: &Action) -> Option<&Value> {
    match action {
        Action::Create { body, .. } => Some(body),
        Action::Update { .. } | Action::SetState { .. } | Action::Delete { .. } => None,
    }
}

// A create starts the pipe, so a stop comes after it has begun to read.
fn describe_initial_run(body: &Value) -> &'static str {
    if start_paused::has_switch(body) {
        start_paused::FALLBACK_EFFECT
    } else if lifecycle::is_finite_load(body) {
        "the API starts every new pipe: it may load everything before it is stopped"
    } else {
        "the API starts every new pipe: it reads until it is stopped"
    }
}

fn describe_interim_stop(live: &Object, actions: &[Action]) -> Option<String> {
    match PipeState::from(&live.state) {
        // The API answers 200 and drops the stop until then (documentation of the lifecycle).
        PipeState::Provisioning | PipeState::Setup | PipeState::Snapshot | PipeState::Resync => {
            let is_edited = actions.iter().any(|action| matches!(action, Action::Update { .. }));
            // Nobody has seen what the API answers then: its documentation has a stop only for a pipe that runs, and
            // Terraform edits no completed pipe.
            let end = if is_edited && lifecycle::is_finite_load(&live.body) {
                ", and then it is `Completed`, and the API may refuse the edit"
            } else {
                ""
            };
            Some(format!("it is in `{}`: the API stops it only when its load is done{end}", live.state))
        }
        PipeState::Paused if actions.last().is_some_and(is_stop) && actions.len() > 1 => {
            Some("the API resumes it to test the edit: it reads until it is stopped again".to_owned())
        }
        _ => None,
    }
}
