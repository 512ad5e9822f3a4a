//! The settings of a pipe, at their own address.

use serde_json::{Map, Value};

use super::Call;
use crate::body::parse;
use crate::contract::check::Complaints;
use crate::message::{Answer, Refusal};
use crate::pipe::Pipe;
use crate::rules;
use crate::service::Service;

pub(crate) fn read(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    let pipe = service.pipe(id, call.now)?;
    has_settings(pipe)?;
    Ok(Some(Value::Object(pipe.settings.clone())))
}

/// The API merges although it is a PUT: keys that are left out keep their values.
pub(crate) fn put(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    has_settings(service.pipe(id, call.now)?)?;
    service.must_run(call.now, "update")?;
    let body = parse(call.body)?;
    let given = without_nulls(Some(&body));
    let pipe = service.pipe(id, call.now)?;
    let mut complaints = Complaints::default();
    rules::settings::check(pipe.source, &body, call.options.unknown_fields, &mut complaints);
    if given.is_empty() && complaints.none() {
        complaints.say("settings", "must not be empty");
    }
    if !complaints.none() {
        return Err(Refusal::bad_request(complaints.into_text()));
    }
    pipe.settings.extend(given);
    pipe.updated = call.now;
    Ok(Some(Value::Object(pipe.settings.clone())))
}

fn has_settings(pipe: &Pipe) -> Result<(), Refusal> {
    if pipe.source.is_database() {
        let text = format!("ingestion for pipe \"{}\" not found", pipe.id);
        return Err(Refusal::not_found(text));
    }
    Ok(())
}

pub(crate) fn without_nulls(settings: Option<&Map<String, Value>>) -> Map<String, Value> {
    let given = settings.into_iter().flatten().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.clone(), value.clone())).collect()
}
