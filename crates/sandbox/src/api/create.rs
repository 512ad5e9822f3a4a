//! Creating a pipe: POST of the collection.

use serde_json::{Map, Value};

use super::{Call, pipes};
use crate::body::{object, objects, parse, text};
use crate::contract::check::{Complaints, Context, check_object};
use crate::contract::source::Source;
use crate::contract::store::keep;
use crate::contract::{root, scaling};
use crate::lifecycle::{self, PipeState};
use crate::message::{Answer, Refusal};
use crate::options::{NullInPatch, Options, Quirk};
use crate::pipe::{Pipe, Size};
use crate::rules;
use crate::service::Service;
use crate::timeline::Timeline;

pub(crate) fn create(service: &mut Service, call: &mut Call<'_>) -> Answer {
    service.must_run(call.now, "creation")?;
    let body = parse(call.body)?;
    let source = accept(&body, call.options)?;
    let arm = arm_of(&body, source);
    if call.tweaks.unreachable {
        return Err(rules::connectivity::unreachable());
    }
    if let Some(reason) = rules::connectivity::failure(source, &arm) {
        return Err(Refusal::bad_request(reason));
    }
    refuse_lacking_roles(&body)?;
    let mut pipe = build(&body, source, &arm, call);
    super::endpoints::refuse_unusable(service, &pipe.arm, call.now)?;
    refuse_collision(service, &pipe, call.options)?;
    begin(service, &mut pipe, call);
    let id = pipe.id.clone();
    service.pipes.push(pipe);
    pipes::show(service, &id, call)
}

/// The source of a body that keeps to the contract and to every rule.
fn accept(body: &Map<String, Value>, options: &Options) -> Result<Source, Refusal> {
    let mut complaints = Complaints::default();
    let context = Context::create(options.unknown_fields);
    check_object(&mut complaints, "", root::FIELDS, body, context);
    let source = one_arm(body, options, &mut complaints);
    if let Some(source) = source {
        check_parts(source, body, options, &mut complaints);
    }
    match source {
        Some(source) if complaints.none() => Ok(source),
        _ => Err(Refusal::bad_request(complaints.into_text())),
    }
}

/// The one arm that is given; anything else is a complaint.
fn one_arm(
    body: &Map<String, Value>,
    options: &Options,
    complaints: &mut Complaints,
) -> Option<Source> {
    let Some(sources) = object(body, "source") else {
        if body.contains_key("source") {
            complaints.say("source", "must be an object");
        }
        return None;
    };
    super::patch::check_arms(sources, options.unknown_fields, complaints);
    let given = |source: &Source| sources.get(source.arm()).is_some_and(|arm| !arm.is_null());
    let arms: Vec<Source> = Source::ALL.into_iter().filter(given).collect();
    match arms.as_slice() {
        [source] => Some(*source),
        [] => {
            complaints.say("source", "needs one source, none is given");
            None
        }
        _ => {
            complaints.say("source", "needs one source, several are given");
            None
        }
    }
}

fn check_parts(
    source: Source,
    body: &Map<String, Value>,
    options: &Options,
    complaints: &mut Complaints,
) {
    let context = Context::create(options.unknown_fields);
    let at = format!("source.{}", source.arm());
    match object(body, "source").and_then(|sources| object(sources, source.arm())) {
        Some(arm) => {
            let mut shape = Complaints::default();
            check_object(&mut shape, &at, source.fields(), arm, context);
            // Rules between fields say little about fields that are not even well formed.
            if shape.none() {
                rules::check_source(source, arm, &mut shape);
            }
            complaints.absorb(shape);
        }
        None => complaints.say(&at, "must be an object"),
    }
    check_destination(source, body, options, complaints);
    check_size_and_settings(source, body, options, complaints);
}

fn check_destination(
    source: Source,
    body: &Map<String, Value>,
    options: &Options,
    complaints: &mut Complaints,
) {
    let Some(destination) = object(body, "destination") else {
        if body.contains_key("destination") {
            complaints.say("destination", "must be an object");
        }
        return;
    };
    let mut shape = Complaints::default();
    let mut destination = destination.clone();
    if source.is_database() {
        rules::destination::check_shape(&destination, &mut shape);
        destination.retain(|name, _| !rules::destination::is_table_shaped(name));
    }
    let context = Context::create(options.unknown_fields);
    check_object(&mut shape, "destination", source.destination(), &destination, context);
    if options.strict_database && text(&destination, "database").is_none() {
        shape.say("destination.database", "'undefined' is not accepted, a value is required");
    }
    if shape.none() {
        let mappings = field_mappings(body);
        rules::destination::check(source, &destination, &mappings, &mut shape);
    }
    complaints.absorb(shape);
}

fn check_size_and_settings(
    source: Source,
    body: &Map<String, Value>,
    options: &Options,
    complaints: &mut Complaints,
) {
    for part in ["scaling", "settings"] {
        if source.is_database() && body.contains_key(part) {
            complaints.say(part, "is not for database pipes");
        }
    }
    if source.is_database() {
        return;
    }
    if object(body, "scaling").is_some_and(Map::is_empty) {
        complaints.say("scaling", "must not be empty");
    }
    match body.get("settings") {
        None => {}
        Some(Value::Object(settings)) => {
            rules::settings::check(source, settings, options.unknown_fields, complaints);
        }
        Some(_) => complaints.say("settings", "must be an object"),
    }
}

fn arm_of(body: &Map<String, Value>, source: Source) -> Map<String, Value> {
    let sources = object(body, "source");
    sources.and_then(|sources| object(sources, source.arm())).cloned().unwrap_or_default()
}

fn field_mappings(body: &Map<String, Value>) -> Vec<Value> {
    objects(body, "fieldMappings").cloned().map(Value::Object).collect()
}

/// A role by this name has no grants here; the API checks that roles may write.
fn refuse_lacking_roles(body: &Map<String, Value>) -> Result<(), Refusal> {
    let destination = object(body, "destination");
    let mut roles = destination.into_iter().flat_map(|it| crate::body::texts(it, "roles"));
    if roles.any(|role| role == "no_grants") {
        let text = "ClickHouse validation failed: code: 497, message: Not enough privileges";
        return Err(Refusal::bad_request(text));
    }
    Ok(())
}

fn build(
    body: &Map<String, Value>,
    source: Source,
    arm: &Map<String, Value>,
    call: &mut Call<'_>,
) -> Pipe {
    let now = call.now;
    let mut destination =
        keep(source.destination(), object(body, "destination").unwrap_or(&Map::new()));
    if !destination.contains_key("database") {
        destination.shift_insert(0, "database".to_owned(), "default".into());
    }
    Pipe {
        id: call.ids.issue(),
        name: text(body, "name").unwrap_or_default().to_owned(),
        source,
        arm: keep(source.fields(), arm),
        destination,
        field_mappings: field_mappings(body),
        scaling: first_size(source, body, call),
        settings: super::settings::without_nulls(object(body, "settings")),
        created: now,
        updated: now,
        life: Timeline::new(PipeState::Provisioning),
        listed_from: now.after_seconds(call.tweaks.list_lag),
        gone_from: None,
        swept: false,
    }
}

fn first_size(
    source: Source,
    body: &Map<String, Value>,
    call: &Call<'_>,
) -> Option<Timeline<Size>> {
    if source.is_database() {
        return None;
    }
    let mut wanted = Map::new();
    let nothing = Map::new();
    let given = object(body, "scaling").unwrap_or(&nothing);
    crate::contract::store::merge(scaling::FIELDS, &mut wanted, given, NullInPatch::Ignored);
    let mut size = Timeline::new(Size::DEFAULT.with(&wanted));
    if call.options.quirks.has(Quirk::TransientZeroScaling) {
        super::scaling::settle_later(&mut size, Size::DEFAULT.with(&wanted), call);
    }
    Some(size)
}

fn refuse_collision(service: &Service, pipe: &Pipe, options: &Options) -> Result<(), Refusal> {
    if options.strict_names && service.pipes.iter().any(|other| other.name == pipe.name) {
        return Err(Refusal::bad_request("name: is used by another ClickPipe of the service"));
    }
    let left = pipe.tables().into_iter().find(|table| service.tables.contains(table));
    match left {
        Some(table) if options.leftover_tables => {
            Err(Refusal::bad_request(format!("destination table {table} exists and is not empty")))
        }
        _ => Ok(()),
    }
}

fn begin(service: &mut Service, pipe: &mut Pipe, call: &Call<'_>) {
    let infrastructure = service.infrastructure();
    pipe.life.follow(call.now, lifecycle::created(pipe.course(), infrastructure));
    if pipe.source.is_database() {
        service.provision_cdc(call.now);
    }
}
