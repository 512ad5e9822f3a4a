//! The organization, its services, and commands to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::RequestContext;
use crate::ORGANIZATION;
use crate::clock::Timestamp;
use crate::http_types::{ApiRefusal, ApiResult};
use crate::json_body::{parse_object, text_field};
use crate::service::{EmulatedService, ServiceState};

const AWAKING_SECONDS: u64 = 45;
const STARTING_SECONDS: u64 = 60;
const STOPPING_SECONDS: u64 = 20;

pub(crate) fn list_organizations() -> Value {
    let organization = json!({
        "id": ORGANIZATION,
        "name": "Sandbox",
        "createdAt": Timestamp::START.to_string(),
        "privateEndpoints": [],
        "byocConfig": [],
    });
    json!([organization])
}

pub(crate) fn list_services(services: &BTreeMap<String, EmulatedService>, call: &RequestContext<'_>) -> Value {
    services.values().map(|service| service.to_json(call.now)).collect()
}

/// The identities of the service at other clouds. The form of the principal is our choice.
pub(crate) fn read_context(service: &EmulatedService) -> Value {
    let principal = format!("serviceAccount:clickpipes-{}@sandbox.iam.gserviceaccount.com", &service.id[..8]);
    json!({"gcpWorkloadIdentity": {"supported": true, "ready": true, "principal": principal}})
}

pub(crate) fn run_service_command(service: &mut EmulatedService, call: &RequestContext<'_>) -> ApiResult {
    let body = parse_object(call.body)?;
    let state = *service.state.value_at(call.now);
    let path = match (text_field(&body, "command"), state) {
        (Some("awake"), ServiceState::Idle) => {
            vec![(0, ServiceState::Awaking), (AWAKING_SECONDS, ServiceState::Running)]
        }
        (Some("start"), ServiceState::Stopped) => {
            vec![(0, ServiceState::Starting), (STARTING_SECONDS, ServiceState::Running)]
        }
        (Some("stop"), ServiceState::Running | ServiceState::Idle) => {
            vec![(0, ServiceState::Stopping), (STOPPING_SECONDS, ServiceState::Stopped)]
        }
        // 200 without effect, as the real API answers `start` of an idle service.
        (Some("awake" | "start" | "stop"), _) => Vec::new(),
        _ => return Err(ApiRefusal::bad_request("command: must be one of start, stop, awake")),
    };
    if !path.is_empty() {
        service.state.schedule_steps(call.now, path);
    }
    Ok(Some(service.to_json(call.now)))
}
