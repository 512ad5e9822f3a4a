//! The paths of the sandbox itself, below `/_sandbox`: no key, no rate limit, no entry in the journal.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::discovery::SourceField;
use crate::endpoint::EndpointStatus;
use crate::faults::Fault;
use crate::http_types::{SandboxRequest, SandboxResponse};
use crate::lifecycle::EmulatedPipeState;
use crate::request_log::LoggedRequest;
use crate::routes::normalize_path;
use crate::service::ServiceState;
use crate::world::World;

pub(crate) const ADMIN_PREFIX: &str = "/_sandbox/";

// Larger numbers would panic in `Duration::from_secs_f64`; ten years are enough for every test.
const MAX_ADVANCE_SECONDS: f64 = 10.0 * 365.0 * 86_400.0;

impl World {
    /// Answers one request to the API or to the sandbox itself.
    pub fn handle_request(&mut self, request: &SandboxRequest) -> SandboxResponse {
        handle_admin_request(self, request).unwrap_or_else(|| self.handle_api_request(request))
    }
}

/// `None` if the request is for the API.
fn handle_admin_request(world: &mut World, request: &SandboxRequest) -> Option<SandboxResponse> {
    let what = normalize_path(&request.path).strip_prefix(ADMIN_PREFIX)?;
    let answer = match (request.method.as_str(), what) {
        ("GET", "journal") => Ok(world.request_log().iter().map(LoggedRequest::to_json).collect()),
        ("GET", "options") => Ok(json!(world.options())),
        ("GET", "clock") => Ok(json!({"now": world.now().to_string()})),
        ("POST", "advance") => advance_clock(world, &request.body),
        ("POST", "faults") => add_faults(world, &request.body),
        ("DELETE", "faults") => {
            world.fault_script().clear();
            Ok(json!({}))
        }
        ("POST", "service-state") => set_service_state(world, &request.body),
        ("POST", "pipe-state") => set_pipe_state(world, &request.body),
        ("POST", "endpoint-status") => set_endpoint_status(world, &request.body),
        ("POST", "edit") => edit_pipe(world, &request.body),
        ("POST", "fields") => set_source_fields(world, &request.body),
        ("POST", "drop-tables") => drop_tables(world, &request.body),
        _ => {
            return Some(SandboxResponse::from_json(404, &json!({"error": "no such path of the sandbox"})));
        }
    };
    Some(match answer {
        Ok(body) => SandboxResponse::from_json(200, &body),
        Err(error) => SandboxResponse::from_json(400, &json!({"error": error})),
    })
}

fn parse_body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceClock {
    seconds: f64,
}

fn advance_clock(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let AdvanceClock { seconds } = parse_body(body)?;
    if !(0.0..=MAX_ADVANCE_SECONDS).contains(&seconds) {
        return Err("`seconds` must be between 0 and ten years".to_owned());
    }
    world.advance_clock(Duration::from_secs_f64(seconds));
    Ok(json!({"now": world.now().to_string()}))
}

fn add_faults(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let given: Value = parse_body(body)?;
    let list = if given.is_array() { given } else { json!([given]) };
    let faults: Vec<Fault> = serde_json::from_value(list).map_err(|error| error.to_string())?;
    for fault in faults {
        world.fault_script().add(fault);
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetServiceState {
    service: String,
    state: ServiceState,
}

fn set_service_state(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let SetServiceState { service, state } = parse_body(body)?;
    let id = world.ensure_service(&service);
    world.set_service_state(&id, state);
    Ok(json!({"id": id}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetPipeState {
    service: String,
    pipe: String,
    state: EmulatedPipeState,
}

fn set_pipe_state(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let SetPipeState { service, pipe, state } = parse_body(body)?;
    ok_if_found(world.set_pipe_state(&service, &pipe, state), "pipe")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetEndpointStatus {
    service: String,
    endpoint: String,
    status: EndpointStatus,
}

fn set_endpoint_status(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let SetEndpointStatus { service, endpoint, status } = parse_body(body)?;
    ok_if_found(world.set_endpoint_status(&service, &endpoint, status), "endpoint")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditPipe {
    service: String,
    pipe: String,
    merge: Value,
}

fn edit_pipe(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let EditPipe { service, pipe, merge } = parse_body(body)?;
    if let Some(field) = world.find_unknown_edit(&service, &pipe, &merge) {
        return Err(format!("the pipe has no field `{field}`"));
    }
    ok_if_found(world.edit_pipe(&service, &pipe, |live| apply_merge_patch(live, &merge)), "pipe")
}

/// RFC 7396.
fn apply_merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(target) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            apply_merge_patch(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetSourceFields {
    of: String,
    fields: Vec<SourceField>,
}

fn set_source_fields(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let SetSourceFields { of, fields } = parse_body(body)?;
    world.set_source_fields(&of, fields);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DropTables {
    service: String,
}

fn drop_tables(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let DropTables { service } = parse_body(body)?;
    world.drop_tables(&service);
    Ok(json!({}))
}

fn ok_if_found(found: bool, what: &str) -> Result<Value, String> {
    if found { Ok(json!({})) } else { Err(format!("no such {what}")) }
}
