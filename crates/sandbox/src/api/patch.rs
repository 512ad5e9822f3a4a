//! Editing a pipe: PATCH of the pipe itself.

use serde_json::{Map, Value};

use super::{RequestContext, pipes};
use crate::api_rule::RuleEvidence;
use crate::contract::accept::{merge_patch, unknown_fields};
use crate::contract::field_spec::{PatchSupport, ReadVisibility};
use crate::contract::root;
use crate::contract::source::ApiSource;
use crate::contract::validate::{BodyContext, Complaints, validate_object};
use crate::http_types::{ApiRefusal, ApiResult};
use crate::json_body::{has_value, object_field, object_items, parse_object, text_field};
use crate::lifecycle::{self, EmulatedPipeState, MappingEdit, PipeMode};
use crate::options::{LeftoverTables, UnknownFields};
use crate::pipe::EmulatedPipe;
use crate::quirks::{Quirk, Quirks};
use crate::rules::mappings::MappingDelta;
use crate::rules::{self, SourceCheck};
use crate::service::EmulatedService;

pub(crate) fn patch_pipe(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    service.require_running(call.now, "update")?;
    let body = parse_object(call.body)?;
    // All changes go to a copy, which is stored at the end: a refused PATCH changes nothing.
    let mut edited = service.find_pipe(id, call.now)?.clone();
    let mut complaints = Complaints::new(call.options);
    let context = BodyContext::for_patch(call.options);
    validate_object(&mut complaints, "", root::FIELDS, &body, context);
    let settled = complaints.is_empty();
    let mut changed = settled && rename_pipe(&mut edited, &body, &call.options.quirks);
    changed |= edit_source(&mut edited, &body, call, &mut complaints)?;
    changed |= edit_destination(&mut edited, &body, call, &mut complaints);
    changed |= edit_settings(&mut edited, &body, call, &mut complaints);
    let unknown = unknown_fields(root::FIELDS, &body);
    changed |= !unknown.is_empty();
    edited.unknown_fields.extend(unknown);
    if !complaints.is_empty() {
        return Err(complaints.into_refusal());
    }
    let before = service.find_pipe(id, call.now)?.source_fields.clone();
    super::endpoints::refuse_unusable_endpoints(service, &edited.source_fields, &before, call.now)?;
    move_tables(service, &edited, call)?;
    if changed {
        edited.updated_at = call.now;
        *service.find_pipe(id, call.now)? = edited;
    }
    pipes::render_pipe(service, id, call)
}

/// A removed mapping leaves its table with its rows, and an added mapping needs an empty one.
fn move_tables(
    service: &mut EmulatedService,
    edited: &EmulatedPipe,
    call: &RequestContext<'_>,
) -> Result<(), ApiRefusal> {
    let kept = service.find_pipe(&edited.id, call.now)?;
    let (before, has_rows) = (kept.destination_tables(), kept.has_rows(call.now));
    let after = edited.destination_tables();
    let added: Vec<String> = after.iter().filter(|table| !before.contains(table)).cloned().collect();
    if call.options.leftover_tables == LeftoverTables::RefusedToAll && edited.pipe_mode() != PipeMode::CdcOnly {
        super::create::refuse_filled_tables(service, &added)?;
    }
    let removed = before.into_iter().filter(|table| has_rows && !after.contains(table));
    service.leftover_tables.extend(removed);
    Ok(())
}

fn rename_pipe(pipe: &mut EmulatedPipe, body: &Map<String, Value>, quirks: &Quirks) -> bool {
    let Some(name) = text_field(body, "name") else { return false };
    pipe.name = quirks.kept_name(name);
    true
}

pub(crate) fn validate_source_keys(sources: &Map<String, Value>, unknown: UnknownFields, complaints: &mut Complaints) {
    for (name, value) in sources {
        let known = ApiSource::ALL.iter().any(|source| source.json_key() == name);
        // Not a source, but an experimental switch next to the sources, which no read returns.
        if name == "validateSamples" {
            if !value.is_boolean() {
                complaints.add("source.validateSamples", "must be a boolean");
            }
        } else if !known && unknown == UnknownFields::Refuse {
            complaints.add_unknown_field(&format!("source.{name}"));
        }
    }
}

fn edit_source(
    pipe: &mut EmulatedPipe,
    body: &Map<String, Value>,
    call: &RequestContext<'_>,
    complaints: &mut Complaints,
) -> Result<bool, ApiRefusal> {
    if !has_value(body, "source") {
        return Ok(false);
    }
    let Some(sources) = object_field(body, "source") else {
        complaints.add("source", "must be an object");
        return Ok(false);
    };
    validate_source_keys(sources, call.options.unknown_fields, complaints);
    let Some(patch) = own_source_patch(pipe.source, sources, complaints) else { return Ok(false) };
    let at = format!("source.{}", pipe.source.json_key());
    let context = BodyContext::for_patch(call.options);
    validate_object(complaints, &at, pipe.source.field_specs(), patch, context);
    if pipe.source == ApiSource::Pubsub || call.options.refuse_create_only {
        refuse_create_only(pipe.source, patch, complaints);
    }
    if !complaints.is_empty() {
        return Ok(false);
    }
    let delta = MappingDelta::from_patch(patch);
    require_paused(pipe, patch, &delta, call)?;
    require_credentials(pipe.source, &pipe.source_fields, patch)?;
    let changed = apply_source_patch(pipe, patch, &delta, call, complaints);
    if let Some(reason) = rules::connectivity::connection_failure(pipe.source, &pipe.source_fields) {
        complaints.add_message(RuleEvidence::Live, &reason);
    }
    if changed {
        resume_after_edit(pipe, &delta, call);
    }
    Ok(changed)
}

/// Refuses create-only fields, in the words of the API.
fn refuse_create_only(source: ApiSource, patch: &Map<String, Value>, complaints: &mut Complaints) {
    let specs = source.field_specs().iter().filter(|field| field.patch_support == PatchSupport::Ignored);
    for field in specs.filter(|field| has_value(patch, field.name)) {
        let (source, evidence) = match source {
            ApiSource::Pubsub => ("Pub/Sub", RuleEvidence::Live),
            other => (other.display_name(), RuleEvidence::Ours),
        };
        let name = field.name;
        let text = format!("{name} is immutable for {source} sources and cannot be changed via PATCH");
        complaints.add_message(evidence, &text);
    }
}

fn own_source_patch<'a>(
    source: ApiSource,
    sources: &'a Map<String, Value>,
    complaints: &mut Complaints,
) -> Option<&'a Map<String, Value>> {
    for other in ApiSource::ALL.into_iter().filter(|other| has_value(sources, other.json_key())) {
        let at = format!("source.{}", other.json_key());
        match sources[other.json_key()] {
            // The PATCH schema has no `bigquery`.
            _ if other == ApiSource::Bigquery => complaints.add(&at, "cannot be edited"),
            _ if other != source => {
                complaints.add_message(RuleEvidence::Ours, &format!("{at}: is not the source of this ClickPipe"));
            }
            Value::Object(_) => {}
            _ => complaints.add(&at, "must be an object"),
        }
    }
    object_field(sources, source.json_key())
}

fn require_paused(
    pipe: &EmulatedPipe,
    patch: &Map<String, Value>,
    delta: &MappingDelta,
    call: &RequestContext<'_>,
) -> Result<(), ApiRefusal> {
    let sync_settings = object_field(patch, "settings").is_some_and(|it| !it.values().all(Value::is_null))
        && call.options.quirks.has_quirk(Quirk::SyncSettingsNeedPause);
    let any = !patch.is_empty() && call.options.quirks.has_quirk(Quirk::EditsNeedPause);
    // Seen live for mappings. The console wants a pause for synchronisation settings; whether the API wants
    // one too is unproven.
    let needed = delta.has_additions() || delta.has_removals() || sync_settings || any;
    if !pipe.source.is_cdc() || !needed || pipe.state_at(call.now) == EmulatedPipeState::Paused {
        return Ok(());
    }
    let title = pipe.source.display_name();
    Err(ApiRefusal::bad_request(format!("{title} ClickPipe must be paused to edit")))
}

fn require_credentials(
    source: ApiSource,
    kept: &Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<(), ApiRefusal> {
    let connects = source.field_specs().iter().any(|field| field.connection && has_value(patch, field.name));
    // The API checks the connection with the credentials of the body alone. Without them it tries no
    // password, also if the connection field is unchanged (seen live).
    if connects && has_value(kept, "credentials") && !has_value(patch, "credentials") {
        let text = "failed permissions validation: Authentication failed";
        return Err(ApiRefusal::bad_request(text));
    }
    Ok(())
}

fn apply_source_patch(
    pipe: &mut EmulatedPipe,
    patch: &Map<String, Value>,
    delta: &MappingDelta,
    call: &RequestContext<'_>,
    complaints: &mut Complaints,
) -> bool {
    let source_path = format!("source.{}", pipe.source.json_key());
    let mut check = SourceCheck { path: source_path, fields: &pipe.source_fields, complaints };
    match pipe.source {
        ApiSource::Kafka => rules::kafka::validate_kafka_patch(&mut check, patch),
        ApiSource::ObjectStorage => rules::object_storage::validate_storage_patch(&mut check, patch),
        _ => delta.validate_delta(&mut check),
    }
    // Before the other fields: the rules below check the resulting source.
    let mut changed = delta.has_additions() || delta.has_removals();
    if changed {
        let left = delta.remaining_mappings(&pipe.source_fields);
        pipe.source_fields.insert("tableMappings".to_owned(), left.into());
    }
    drop_old_authentication(pipe, patch);
    changed |= merge_patch(pipe.source.field_specs(), &mut pipe.source_fields, patch, call.options.null_in_patch);
    // The result is checked, not the PATCH: two fields that exclude each other may come from different requests.
    rules::validate_source(pipe.source, &pipe.source_fields, complaints);
    changed
}

/// Removes the secret and the role of the previous authentication.
fn drop_old_authentication(pipe: &mut EmulatedPipe, patch: &Map<String, Value>) {
    // The official provider omits an unset role from the PATCH and expects none in the next read, so the API
    // must remove it by itself.
    let desired = text_field(patch, "authentication");
    let field = pipe.source.field_specs().iter().find(|field| field.name == "authentication");
    let patchable = field.is_some_and(|field| field.patch_support == PatchSupport::Applied);
    if !patchable || desired.is_none() || desired == text_field(&pipe.source_fields, "authentication") {
        return;
    }
    for field in pipe.source.field_specs().iter().filter(|field| field.visibility == ReadVisibility::Secret) {
        pipe.source_fields.shift_remove(field.name);
    }
    pipe.source_fields.shift_remove("iamRole");
}

fn resume_after_edit(pipe: &mut EmulatedPipe, delta: &MappingDelta, call: &RequestContext<'_>) {
    // The API resumes the pipe by itself to validate the edit, after it has answered (seen live). A client
    // that wants the pipe paused has to stop it again.
    let paused = pipe.source.is_cdc() && pipe.state_at(call.now) == EmulatedPipeState::Paused;
    if paused && call.options.quirks.has_quirk(Quirk::AutoResume) {
        let edit = MappingEdit { has_additions: delta.has_additions(), has_removals: delta.has_removals() };
        let path = lifecycle::resume_schedule(pipe.pipe_mode(), edit, call.fault_parameters.resume_seconds);
        pipe.states.schedule_steps(call.now, path);
    }
}

fn edit_destination(
    pipe: &mut EmulatedPipe,
    body: &Map<String, Value>,
    call: &RequestContext<'_>,
    complaints: &mut Complaints,
) -> bool {
    let destination = object_field(body, "destination");
    let columns = destination.is_some_and(|destination| has_value(destination, "columns"));
    let mappings = has_value(body, "fieldMappings");
    // A database pipe creates its tables from its mappings, so it has no columns to edit.
    if pipe.source.is_database() && (has_value(body, "destination") || mappings) {
        complaints.add("destination", "cannot be edited on a database pipe");
        return false;
    }
    // Both refusals were seen live, the first in these words.
    if mappings && !columns {
        complaints.add_message(RuleEvidence::Live, "Columns are required if field mappings are provided");
    }
    if has_value(body, "destination") && !columns {
        complaints.add("destination.columns", "'undefined' is not accepted, a value is required");
    }
    let Some(destination) = destination.filter(|_| columns) else { return false };
    let context = BodyContext::for_patch(call.options);
    validate_object(complaints, "destination", pipe.source.destination_specs(), destination, context);
    if !complaints.is_empty() {
        return false;
    }
    let null = call.options.null_in_patch;
    merge_patch(pipe.source.destination_specs(), &mut pipe.destination, destination, null);
    if mappings {
        let given = object_items(body, "fieldMappings").cloned().map(Value::Object);
        pipe.field_mappings = given.collect();
    }
    let (kept, mappings) = (&pipe.destination, &pipe.field_mappings);
    rules::destination::validate_field_mappings(kept, mappings, complaints);
    true
}

fn edit_settings(
    pipe: &mut EmulatedPipe,
    body: &Map<String, Value>,
    call: &RequestContext<'_>,
    complaints: &mut Complaints,
) -> bool {
    let settings = object_field(body, "settings");
    // The schema lists `settings` in this PATCH, and the live API ignores them silently (seen live): only the PUT
    // changes them.
    let Some(settings) = settings.filter(|_| !call.options.quirks.has_quirk(Quirk::PatchIgnoresSettings)) else {
        return false;
    };
    rules::settings::validate_settings(pipe.source, settings, call.options, complaints);
    pipe.settings.extend(super::settings::without_nulls(Some(settings)));
    true
}
