//! What a stop on the way to what is wanted does to the data.

use serde_json::Value;

use crate::action::{Action, RunState};
use crate::live::Object;
use crate::pipe::course;

/// Performing these actions on the live object, if there is one yet.
pub fn stops(live: Option<&Object>, actions: &[Action]) -> Option<String> {
    if !actions.iter().any(is_stop) {
        return None;
    }
    match (live, actions.iter().find_map(created)) {
        (_, Some(body)) => Some(made_running(body).to_owned()),
        (Some(live), None) => on_the_way(live, actions),
        (None, None) => None,
    }
}

fn is_stop(action: &Action) -> bool {
    matches!(action, Action::SetState { to: RunState::Stopped, .. })
}

fn created(action: &Action) -> Option<&Value> {
    match action {
        Action::Create { body, .. } => Some(body),
        Action::Update { .. } | Action::SetState { .. } | Action::Delete { .. } => None,
    }
}

/// The API makes no pipe stopped.
fn made_running(body: &Value) -> &'static str {
    if course::ends_by_itself(body) {
        "the API makes it running: it may have loaded everything before it is stopped"
    } else {
        "the API makes it running: it reads until it is stopped"
    }
}

fn on_the_way(live: &Object, actions: &[Action]) -> Option<String> {
    match live.state.as_str() {
        state @ ("Provisioning" | "Setup" | "Snapshot" | "Resync") => {
            Some(format!("it is in `{state}`: the stop breaks off a load that is under way"))
        }
        "Paused" if actions.last().is_some_and(is_stop) && actions.len() > 1 => {
            Some("the API resumes it to try the edit out: it reads until it is stopped".to_owned())
        }
        _ => None,
    }
}
