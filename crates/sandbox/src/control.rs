//! The sandbox's own paths, below `/_sandbox`: no key, no limit, no entry in the journal.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::discovery::Field;
use crate::endpoint::EndpointStatus;
use crate::faults::Fault;
use crate::journal::Entry;
use crate::lifecycle::PipeState;
use crate::message::{Request, Response};
use crate::routes::plain;
use crate::service::ServiceState;
use crate::world::World;

const PREFIX: &str = "/_sandbox/";

/// No test needs to go further at once.
const LONGEST_ADVANCE: f64 = 10.0 * 365.0 * 86_400.0;

/// The answer to a request for the sandbox itself; `None` when it is for the API.
pub(crate) fn handle(world: &mut World, request: &Request) -> Option<Response> {
    let what = plain(&request.path).strip_prefix(PREFIX)?;
    let answer = match (request.method.as_str(), what) {
        ("GET", "journal") => Ok(world.journal().iter().map(Entry::show).collect()),
        ("GET", "clock") => Ok(json!({"now": world.now().to_string()})),
        ("POST", "advance") => advance(world, &request.body),
        ("POST", "faults") => add_faults(world, &request.body),
        ("DELETE", "faults") => {
            world.faults().clear();
            Ok(json!({}))
        }
        ("POST", "service-state") => set_service_state(world, &request.body),
        ("POST", "pipe-state") => set_pipe_state(world, &request.body),
        ("POST", "endpoint-status") => set_endpoint_status(world, &request.body),
        ("POST", "edit") => edit(world, &request.body),
        ("POST", "fields") => set_fields(world, &request.body),
        ("POST", "drop-tables") => drop_tables(world, &request.body),
        _ => return Some(Response::json(404, &json!({"error": "no such path of the sandbox"}))),
    };
    Some(match answer {
        Ok(body) => Response::json(200, &body),
        Err(error) => Response::json(400, &json!({"error": error})),
    })
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

fn advance(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let Advance { seconds } = read(body)?;
    if !(0.0..=LONGEST_ADVANCE).contains(&seconds) {
        return Err("`seconds` must be between 0 and ten years".to_owned());
    }
    world.advance(Duration::from_secs_f64(seconds));
    Ok(json!({"now": world.now().to_string()}))
}

fn add_faults(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let given: Value = read(body)?;
    let list = if given.is_array() { given } else { json!([given]) };
    let faults: Vec<Fault> = serde_json::from_value(list).map_err(|error| error.to_string())?;
    for fault in faults {
        world.faults().add(fault);
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfService {
    service: String,
    state: ServiceState,
}

fn set_service_state(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let OfService { service, state } = read(body)?;
    let id = world.ensure_service(&service);
    world.set_service_state(&id, state);
    Ok(json!({"id": id}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPipe {
    service: String,
    pipe: String,
    state: PipeState,
}

fn set_pipe_state(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let OfPipe { service, pipe, state } = read(body)?;
    found(world.set_pipe_state(&service, &pipe, state), "pipe")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfEndpoint {
    service: String,
    endpoint: String,
    status: EndpointStatus,
}

fn set_endpoint_status(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let OfEndpoint { service, endpoint, status } = read(body)?;
    found(world.set_endpoint_status(&service, &endpoint, status), "endpoint")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    service: String,
    pipe: String,
    merge: Value,
}

/// Changes a pipe as somebody at the console would: a JSON merge patch.
fn edit(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let Edit { service, pipe, merge } = read(body)?;
    found(world.edit_pipe(&service, &pipe, |live| merge_into(live, &merge)), "pipe")
}

/// RFC 7396.
fn merge_into(target: &mut Value, patch: &Value) {
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
            merge_into(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldsOf {
    of: String,
    fields: Vec<Field>,
}

fn set_fields(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let FieldsOf { of, fields } = read(body)?;
    world.set_fields(&of, fields);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DropTables {
    service: String,
}

fn drop_tables(world: &mut World, body: &[u8]) -> Result<Value, String> {
    let DropTables { service } = read(body)?;
    world.drop_tables(&service);
    Ok(json!({}))
}

fn found(found: bool, what: &str) -> Result<Value, String> {
    if found { Ok(json!({})) } else { Err(format!("no such {what}")) }
}
