//! The settings endpoint of a pipe.

use serde_json::{Map, Value};

use super::RequestContext;
use crate::api_rule::ApiRule;
use crate::contract::validate::Complaints;
use crate::http_types::{ApiRefusal, ApiResult};
use crate::json_body::parse_object;
use crate::pipe::EmulatedPipe;
use crate::rules;
use crate::service::EmulatedService;

pub(crate) fn read_settings(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    let pipe = service.find_pipe(id, call.now)?;
    require_settings(pipe)?;
    Ok(Some(Value::Object(pipe.settings.clone())))
}

pub(crate) fn put_settings(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    require_settings(service.find_pipe(id, call.now)?)?;
    service.require_running(call.now, "update")?;
    let body = parse_object(call.body)?;
    let given = without_nulls(Some(&body));
    let pipe = service.find_pipe(id, call.now)?;
    let mut complaints = Complaints::new(call.options);
    rules::settings::validate_settings(pipe.source, &body, call.options, &mut complaints);
    if given.is_empty() && complaints.is_empty() {
        complaints.refuse(ApiRule::EmptySettings, "settings", "must not be empty");
    }
    if !complaints.is_empty() {
        return Err(complaints.into_refusal());
    }
    // The API merges although it is a PUT: an omitted key keeps its value (proven for object storage), so no
    // client can unset one.
    pipe.settings.extend(given);
    pipe.updated_at = call.now;
    Ok(Some(Value::Object(pipe.settings.clone())))
}

fn require_settings(pipe: &EmulatedPipe) -> Result<(), ApiRefusal> {
    if pipe.source.is_database() {
        // The real text (seen live). It misleads: the pipe exists, it only has no settings.
        let text = format!("ingestion for pipe \"{}\" not found", pipe.id);
        return Err(ApiRefusal::not_found(text));
    }
    Ok(())
}

pub(crate) fn without_nulls(settings: Option<&Map<String, Value>>) -> Map<String, Value> {
    let given = settings.into_iter().flatten().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.clone(), value.clone())).collect()
}
