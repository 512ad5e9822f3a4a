//! Editing a pipe: PATCH of the pipe itself.

use serde_json::{Map, Value};

use super::{Call, pipes};
use crate::body::{given, object, objects, parse, text};
use crate::contract::check::{Complaints, Context, check_object};
use crate::contract::root;
use crate::contract::row::{Echo, Patch};
use crate::contract::source::Source;
use crate::contract::store::merge;
use crate::lifecycle::{self, Edit, PipeState};
use crate::message::{Answer, Refusal};
use crate::options::{Quirk, UnknownFields};
use crate::pipe::Pipe;
use crate::rules::mappings::Delta;
use crate::rules::{self, Arm};
use crate::service::Service;

pub(crate) fn patch(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    service.must_run(call.now, "update")?;
    let body = parse(call.body)?;
    let mut edited = service.pipe(id, call.now)?.clone();
    let mut complaints = Complaints::default();
    let context = Context::patch(call.options.unknown_fields);
    check_object(&mut complaints, "", root::FIELDS, &body, context);
    let settled = complaints.none();
    let mut changed = settled && rename(&mut edited, &body);
    changed |= edit_source(&mut edited, &body, call, &mut complaints)?;
    changed |= edit_destination(&mut edited, &body, call, &mut complaints);
    changed |= edit_settings(&mut edited, &body, call, &mut complaints);
    if !complaints.none() {
        return Err(Refusal::bad_request(complaints.into_text()));
    }
    super::endpoints::refuse_unusable(service, &edited.arm, call.now)?;
    if changed {
        edited.updated = call.now;
        *service.pipe(id, call.now)? = edited;
    }
    pipes::show(service, id, call)
}

fn rename(pipe: &mut Pipe, body: &Map<String, Value>) -> bool {
    let Some(name) = text(body, "name") else { return false };
    name.clone_into(&mut pipe.name);
    true
}

/// Names that `source` does not have.
pub(crate) fn check_arms(
    sources: &Map<String, Value>,
    unknown: UnknownFields,
    complaints: &mut Complaints,
) {
    for (name, value) in sources {
        let known = Source::ALL.iter().any(|source| source.arm() == name);
        if name == "validateSamples" {
            if !value.is_boolean() {
                complaints.say("source.validateSamples", "must be a boolean");
            }
        } else if !known && unknown == UnknownFields::Refuse {
            complaints.say(&format!("source.{name}"), "unknown field (the sandbox refuses these)");
        }
    }
}

fn edit_source(
    pipe: &mut Pipe,
    body: &Map<String, Value>,
    call: &Call<'_>,
    complaints: &mut Complaints,
) -> Result<bool, Refusal> {
    if !given(body, "source") {
        return Ok(false);
    }
    let Some(sources) = object(body, "source") else {
        complaints.say("source", "must be an object");
        return Ok(false);
    };
    check_arms(sources, call.options.unknown_fields, complaints);
    let Some(patch) = own_arm(pipe.source, sources, complaints) else { return Ok(false) };
    let at = format!("source.{}", pipe.source.arm());
    let context = Context::patch(call.options.unknown_fields);
    check_object(complaints, &at, pipe.source.fields(), patch, context);
    if !complaints.none() {
        return Ok(false);
    }
    let delta = Delta::of(patch);
    must_be_paused(pipe, patch, &delta, call)?;
    must_reconnect(pipe.source, &pipe.arm, patch)?;
    let changed = apply(pipe, patch, &delta, call, complaints);
    if let Some(reason) = rules::connectivity::failure(pipe.source, &pipe.arm) {
        complaints.quote(&reason);
    }
    if changed {
        resume(pipe, &delta, call);
    }
    Ok(changed)
}

/// The arm of the body, which has to be the pipe's; `bigquery` cannot be edited at all.
fn own_arm<'a>(
    source: Source,
    sources: &'a Map<String, Value>,
    complaints: &mut Complaints,
) -> Option<&'a Map<String, Value>> {
    for other in Source::ALL.into_iter().filter(|other| given(sources, other.arm())) {
        let at = format!("source.{}", other.arm());
        match sources[other.arm()] {
            _ if other == Source::Bigquery => complaints.say(&at, "cannot be edited"),
            _ if other != source => complaints.say(&at, "is not the source of this ClickPipe"),
            Value::Object(_) => {}
            _ => complaints.say(&at, "must be an object"),
        }
    }
    object(sources, source.arm())
}

/// The API edits the mappings of a CDC pipe only while it is paused.
fn must_be_paused(
    pipe: &Pipe,
    patch: &Map<String, Value>,
    delta: &Delta,
    call: &Call<'_>,
) -> Result<(), Refusal> {
    let sync_settings = object(patch, "settings")
        .is_some_and(|it| !it.values().all(Value::is_null))
        && call.options.quirks.has(Quirk::SyncSettingsNeedPause);
    let any = !patch.is_empty() && call.options.quirks.has(Quirk::EditsNeedPause);
    let needed = delta.adds() || delta.removes() || sync_settings || any;
    if !pipe.source.is_cdc() || !needed || pipe.state(call.now) == PipeState::Paused {
        return Ok(());
    }
    let title = pipe.source.title();
    Err(Refusal::bad_request(format!("{title} ClickPipe must be paused to edit")))
}

/// The API checks a connection with the credentials of the body alone: it reads back none.
fn must_reconnect(
    source: Source,
    kept: &Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<(), Refusal> {
    let connects = source.fields().iter().any(|field| field.connection && given(patch, field.name));
    if connects && given(kept, "credentials") && !given(patch, "credentials") {
        let text = "failed permissions validation: Authentication failed";
        return Err(Refusal::bad_request(text));
    }
    Ok(())
}

fn apply(
    pipe: &mut Pipe,
    patch: &Map<String, Value>,
    delta: &Delta,
    call: &Call<'_>,
    complaints: &mut Complaints,
) -> bool {
    let at = format!("source.{}", pipe.source.arm());
    let mut arm = Arm { at, fields: &pipe.arm, complaints };
    match pipe.source {
        Source::Kafka => rules::kafka::check_patch(&mut arm, patch),
        Source::ObjectStorage => rules::object_storage::check_patch(&mut arm, patch),
        _ => delta.check(&mut arm),
    }
    let mut changed = delta.adds() || delta.removes();
    if changed {
        let left = delta.left(&pipe.arm);
        pipe.arm.insert("tableMappings".to_owned(), left.into());
    }
    forget_other_authentication(pipe, patch);
    changed |= merge(pipe.source.fields(), &mut pipe.arm, patch, call.options.null_in_patch);
    rules::check_source(pipe.source, &pipe.arm, complaints);
    changed
}

/// Another authentication leaves nothing of the one before: neither its secret nor its role.
fn forget_other_authentication(pipe: &mut Pipe, patch: &Map<String, Value>) {
    let wanted = text(patch, "authentication");
    let field = pipe.source.fields().iter().find(|field| field.name == "authentication");
    let patchable = field.is_some_and(|field| field.patch == Patch::Applied);
    if !patchable || wanted.is_none() || wanted == text(&pipe.arm, "authentication") {
        return;
    }
    for field in pipe.source.fields().iter().filter(|field| field.echo == Echo::Secret) {
        pipe.arm.shift_remove(field.name);
    }
    pipe.arm.shift_remove("iamRole");
}

/// The API resumes a paused CDC pipe by itself, to validate what was changed.
fn resume(pipe: &mut Pipe, delta: &Delta, call: &Call<'_>) {
    let paused = pipe.source.is_cdc() && pipe.state(call.now) == PipeState::Paused;
    if paused && call.options.quirks.has(Quirk::AutoResume) {
        let edit = Edit { adds: delta.adds(), removes: delta.removes() };
        let path = lifecycle::resumed(pipe.course(), edit, call.tweaks.resume_after);
        pipe.life.follow(call.now, path);
    }
}

fn edit_destination(
    pipe: &mut Pipe,
    body: &Map<String, Value>,
    call: &Call<'_>,
    complaints: &mut Complaints,
) -> bool {
    let destination = object(body, "destination");
    let columns = destination.is_some_and(|destination| given(destination, "columns"));
    let mappings = given(body, "fieldMappings");
    if pipe.source.is_database() && (given(body, "destination") || mappings) {
        complaints.say("destination", "cannot be edited on a database pipe");
        return false;
    }
    if mappings && !columns {
        complaints.quote("Columns are required if field mappings are provided");
    }
    if given(body, "destination") && !columns {
        complaints.say("destination.columns", "'undefined' is not accepted, a value is required");
    }
    let Some(destination) = destination.filter(|_| columns) else { return false };
    let context = Context::patch(call.options.unknown_fields);
    check_object(complaints, "destination", pipe.source.destination(), destination, context);
    if !complaints.none() {
        return false;
    }
    let null = call.options.null_in_patch;
    merge(pipe.source.destination(), &mut pipe.destination, destination, null);
    if mappings {
        let given = objects(body, "fieldMappings").cloned().map(Value::Object);
        pipe.field_mappings = given.collect();
    }
    let (kept, mappings) = (&pipe.destination, &pipe.field_mappings);
    rules::destination::check_field_mappings(kept, mappings, complaints);
    true
}

/// The API takes `settings` in a PATCH and does nothing with them.
fn edit_settings(
    pipe: &mut Pipe,
    body: &Map<String, Value>,
    call: &Call<'_>,
    complaints: &mut Complaints,
) -> bool {
    let settings = object(body, "settings");
    let Some(settings) = settings.filter(|_| !call.options.quirks.has(Quirk::PatchIgnoresSettings))
    else {
        return false;
    };
    rules::settings::check(pipe.source, settings, call.options.unknown_fields, complaints);
    pipe.settings.extend(super::settings::without_nulls(Some(settings)));
    true
}
