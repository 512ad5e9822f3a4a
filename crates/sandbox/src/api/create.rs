//! Creating a pipe: POST of the collection.

use serde_json::{Map, Value};

use super::{RequestContext, pipes};
use crate::api_rule::ApiRule;
use crate::contract::accept::{accepted_body, unknown_fields};
use crate::contract::source::ApiSource;
use crate::contract::validate::{BodyContext, Complaints, validate_object};
use crate::contract::{root, scaling};
use crate::http_types::{ApiRefusal, ApiResult};
use crate::json_body::{is_true, object_field, object_items, parse_object, text_field};
use crate::lifecycle::{self, EmulatedPipeState, PipeMode};
use crate::options::{LeftoverTables, NullInPatch, SandboxOptions};
use crate::pipe::{EmulatedPipe, ReplicaSize};
use crate::rules;
use crate::service::EmulatedService;
use crate::timeline::Timeline;

pub(crate) fn create_pipe(service: &mut EmulatedService, call: &mut RequestContext<'_>) -> ApiResult {
    service.require_running(call.now, "creation")?;
    let body = parse_object(call.body)?;
    let source = validate_new_pipe(&body, call.options)?;
    let source_fields = given_source_fields(&body, source);
    // After the form was checked: a mistake in the body is found without a connection.
    if call.fault_parameters.is_unreachable {
        return Err(rules::connectivity::source_unreachable());
    }
    // The API connects to the source before it answers. That may take longer than its gateway waits: 504
    // after 30 s, while the pipe is still being created (seen live).
    if let Some(reason) = rules::connectivity::connection_failure(source, &source_fields) {
        return Err(ApiRefusal::bad_request(reason));
    }
    refuse_lacking_roles(&body)?;
    let mut pipe = build_pipe(&body, source, &source_fields, call);
    super::endpoints::refuse_unusable_endpoints(service, &pipe.source_fields, &Map::new(), call.now)?;
    refuse_collision(service, &pipe, call.options)?;
    start_provisioning(service, &mut pipe, call.options.newer_fields && is_true(&body, "startPaused"), call);
    let id = pipe.id.clone();
    service.pipes.push(pipe);
    pipes::render_pipe(service, &id, call)
}

fn validate_new_pipe(body: &Map<String, Value>, options: &SandboxOptions) -> Result<ApiSource, ApiRefusal> {
    let mut complaints = Complaints::new(options);
    let context = BodyContext::for_create(options);
    validate_object(&mut complaints, "", root::FIELDS, body, context);
    let source = single_source(body, options, &mut complaints);
    if let Some(source) = source {
        validate_parts(source, body, options, &mut complaints);
    }
    match source {
        Some(source) if complaints.is_empty() => Ok(source),
        _ => Err(complaints.into_refusal()),
    }
}

fn single_source(
    body: &Map<String, Value>,
    options: &SandboxOptions,
    complaints: &mut Complaints,
) -> Option<ApiSource> {
    let Some(sources) = object_field(body, "source") else {
        if body.contains_key("source") {
            complaints.add("source", "must be an object");
        }
        return None;
    };
    super::patch::validate_source_keys(sources, options.unknown_fields, complaints);
    let given = |source: &ApiSource| sources.get(source.json_key()).is_some_and(|arm| !arm.is_null());
    let arms: Vec<ApiSource> = ApiSource::ALL.into_iter().filter(given).collect();
    match arms.as_slice() {
        [source] => Some(*source),
        [] => {
            complaints.add("source", "needs one source, none is given");
            None
        }
        _ => {
            complaints.add("source", "needs one source, several are given");
            None
        }
    }
}

fn validate_parts(source: ApiSource, body: &Map<String, Value>, options: &SandboxOptions, complaints: &mut Complaints) {
    let context = BodyContext::for_create(options);
    let path = format!("source.{}", source.json_key());
    match object_field(body, "source").and_then(|sources| object_field(sources, source.json_key())) {
        Some(source_fields) => {
            let mut source_complaints = Complaints::new(options);
            validate_object(&mut source_complaints, &path, source.field_specs(), source_fields, context);
            // Rules between fields would only repeat a mistake in the form of a field.
            if source_complaints.is_empty() {
                rules::validate_source(source, source_fields, &mut source_complaints);
            }
            complaints.append(source_complaints);
        }
        None => complaints.add(&path, "must be an object"),
    }
    validate_destination_body(source, body, options, complaints);
    validate_size_and_settings(source, body, options, complaints);
}

fn validate_destination_body(
    source: ApiSource,
    body: &Map<String, Value>,
    options: &SandboxOptions,
    complaints: &mut Complaints,
) {
    let Some(destination) = object_field(body, "destination") else {
        if body.contains_key("destination") {
            complaints.add("destination", "must be an object");
        }
        return;
    };
    let mut shape = Complaints::new(options);
    let mut destination = destination.clone();
    if source.is_database() {
        // Refused in the words of the API, then removed: the rows would call them unknown fields.
        rules::destination::refuse_table_keys(&destination, &mut shape);
        destination.retain(|name, _| !rules::destination::is_table_key(name));
    }
    let context = BodyContext::for_create(options);
    validate_object(&mut shape, "destination", source.destination_specs(), &destination, context);
    if options.strict_database && text_field(&destination, "database").is_none() {
        shape.add("destination.database", "'undefined' is not accepted, a value is required");
    }
    if shape.is_empty() {
        let mappings = given_field_mappings(body);
        rules::destination::validate_destination(source, &destination, &mappings, &mut shape);
    }
    complaints.append(shape);
}

fn validate_size_and_settings(
    source: ApiSource,
    body: &Map<String, Value>,
    options: &SandboxOptions,
    complaints: &mut Complaints,
) {
    for part in ["scaling", "settings", "startPaused"] {
        if source.is_database() && body.contains_key(part) {
            let rule = match (part, source) {
                ("startPaused", _) => ApiRule::DatabaseStartPaused,
                ("scaling", ApiSource::Bigquery) => ApiRule::BigqueryScaling,
                _ => ApiRule::DatabaseDestination,
            };
            complaints.refuse(rule, part, "is not for database pipes");
        }
    }
    if source.is_database() && source != ApiSource::Bigquery {
        return;
    }
    // An empty change of the scaling is an error of the real API, but a 500.
    if object_field(body, "scaling").is_some_and(Map::is_empty) {
        complaints.refuse(ApiRule::EmptyScaling, "scaling", "must not be empty");
    }
    match body.get("settings") {
        None => {}
        Some(Value::Object(settings)) => {
            rules::settings::validate_settings(source, settings, options, complaints);
        }
        Some(_) => complaints.add("settings", "must be an object"),
    }
}

fn given_source_fields(body: &Map<String, Value>, source: ApiSource) -> Map<String, Value> {
    let sources = object_field(body, "source");
    sources.and_then(|sources| object_field(sources, source.json_key())).cloned().unwrap_or_default()
}

fn given_field_mappings(body: &Map<String, Value>) -> Vec<Value> {
    object_items(body, "fieldMappings").cloned().map(Value::Object).collect()
}

fn refuse_lacking_roles(body: &Map<String, Value>) -> Result<(), ApiRefusal> {
    // The API checks that the roles may write (seen live). The name that fails here is ours.
    let destination = object_field(body, "destination");
    let mut roles = destination.into_iter().flat_map(|it| crate::json_body::text_items(it, "roles"));
    if roles.any(|role| role == "no_grants") {
        let text = "ClickHouse validation failed: 497, message: Not enough privileges";
        return Err(ApiRefusal::bad_request(text));
    }
    Ok(())
}

fn build_pipe(
    body: &Map<String, Value>,
    source: ApiSource,
    source_fields: &Map<String, Value>,
    call: &mut RequestContext<'_>,
) -> EmulatedPipe {
    let now = call.now;
    let mut destination =
        accepted_body(source.destination_specs(), object_field(body, "destination").unwrap_or(&Map::new()));
    // The examples of the reference page omit it. A newer schema requires it, as `strict_database` does.
    if !destination.contains_key("database") {
        destination.shift_insert(0, "database".to_owned(), "default".into());
    }
    EmulatedPipe {
        id: call.ids.next_id(),
        name: call.options.quirks.kept_name(text_field(body, "name").unwrap_or_default()),
        source,
        source_fields: accepted_body(source.field_specs(), source_fields),
        destination,
        field_mappings: given_field_mappings(body),
        scaling: initial_size(source, body, call),
        unknown_scaling: object_field(body, "scaling")
            .map(|it| unknown_fields(scaling::FIELDS, it))
            .unwrap_or_default(),
        settings: super::settings::without_nulls(object_field(body, "settings")),
        unknown_fields: unknown_fields(root::FIELDS, body),
        created_at: now,
        updated_at: now,
        states: Timeline::new(EmulatedPipeState::Provisioning),
        // Hazard for clients: a list that lags makes a successful create look lost, and a second POST creates a second
        // pipe.
        listed_from: now.after_seconds(call.fault_parameters.list_lag_seconds),
        deleted_from: None,
        has_dropped_tables: false,
    }
}

fn initial_size(
    source: ApiSource,
    body: &Map<String, Value>,
    call: &RequestContext<'_>,
) -> Option<Timeline<ReplicaSize>> {
    let given = object_field(body, "scaling");
    if source.is_database() && !(source == ApiSource::Bigquery && given.is_some()) {
        return None;
    }
    let mut desired = Map::new();
    let nothing = Map::new();
    let given = given.unwrap_or(&nothing);
    crate::contract::accept::merge_patch(scaling::FIELDS, &mut desired, given, NullInPatch::Ignored);
    let mut size = Timeline::new(ReplicaSize::DEFAULT.with_overrides(&desired));
    super::scaling::schedule_size(&mut size, ReplicaSize::DEFAULT.with_overrides(&desired), call);
    Some(size)
}

fn refuse_collision(
    service: &EmulatedService,
    pipe: &EmulatedPipe,
    options: &SandboxOptions,
) -> Result<(), ApiRefusal> {
    // No schema says that names are unique, and no refusal was seen: by default two pipes may have one name.
    if options.strict_names && service.pipes.iter().any(|other| other.name == pipe.name) {
        return Err(ApiRefusal::bad_request("name: is used by another ClickPipe of the service"));
    }
    // The tables of a deleted database pipe are kept, and a new one needs empty tables. No request shows that before: a
    // client that replaces a pipe fails here after its delete.
    let is_checked = if pipe.source.is_database() {
        options.leftover_tables != LeftoverTables::Accepted && pipe.pipe_mode() != PipeMode::CdcOnly
    } else {
        options.leftover_tables == LeftoverTables::RefusedToAll
    };
    if is_checked { refuse_filled_tables(service, &pipe.destination_tables()) } else { Ok(()) }
}

pub(super) fn refuse_filled_tables(service: &EmulatedService, tables: &[String]) -> Result<(), ApiRefusal> {
    match tables.iter().find(|table| service.leftover_tables.contains(*table)) {
        Some(table) => Err(ApiRefusal::bad_request(format!("destination table {table} exists and is not empty"))),
        None => Ok(()),
    }
}

fn start_provisioning(
    service: &mut EmulatedService,
    pipe: &mut EmulatedPipe,
    is_paused: bool,
    call: &RequestContext<'_>,
) {
    let schedule = if is_paused {
        lifecycle::paused_creation_schedule()
    } else {
        lifecycle::creation_schedule(pipe.pipe_mode(), service.cdc_infrastructure())
    };
    pipe.states.schedule_steps(call.now, schedule);
    if pipe.source.is_database() {
        service.provision_cdc(call.now);
    }
}
