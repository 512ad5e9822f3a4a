//! The organization, its services, and commands to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Call;
use crate::ORGANIZATION;
use crate::body::{parse, text};
use crate::clock::Timestamp;
use crate::message::{Answer, Refusal};
use crate::service::{Service, ServiceState};

const AWAKING: u64 = 45;
const STARTING: u64 = 60;
const STOPPING: u64 = 20;

pub(crate) fn organizations() -> Value {
    let organization = json!({
        "id": ORGANIZATION,
        "name": "Sandbox",
        "createdAt": Timestamp::START.to_string(),
    });
    json!([organization])
}

pub(crate) fn list(services: &BTreeMap<String, Service>, call: &Call<'_>) -> Value {
    services.values().map(|service| service.show(call.now)).collect()
}

/// Commands that do not fit the present state are accepted and do nothing, as `start` does to
/// an idle service.
pub(crate) fn command(service: &mut Service, call: &Call<'_>) -> Answer {
    let body = parse(call.body)?;
    let state = *service.state.at(call.now);
    let path = match (text(&body, "command"), state) {
        (Some("awake"), ServiceState::Idle) => {
            vec![(0, ServiceState::Awaking), (AWAKING, ServiceState::Running)]
        }
        (Some("start"), ServiceState::Stopped) => {
            vec![(0, ServiceState::Starting), (STARTING, ServiceState::Running)]
        }
        (Some("stop"), ServiceState::Running | ServiceState::Idle) => {
            vec![(0, ServiceState::Stopping), (STOPPING, ServiceState::Stopped)]
        }
        (Some("awake" | "start" | "stop"), _) => Vec::new(),
        _ => return Err(Refusal::bad_request("command: must be one of start, stop, awake")),
    };
    if !path.is_empty() {
        service.state.follow(call.now, path);
    }
    Ok(Some(service.show(call.now)))
}
