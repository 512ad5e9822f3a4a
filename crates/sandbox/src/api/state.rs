//! Commands to a pipe: start, stop, resync.

use serde_json::{Map, Value};

use super::{RequestContext, pipes};
use crate::http_types::{ApiRefusal, ApiResult};
use crate::json_body::{parse_object, text_field};
use crate::lifecycle::{
    EmulatedPipeState, drops_stop, is_already_running, is_already_stopped, resync_schedule, start_schedule,
    stop_schedule,
};
use crate::options::ApiDialect;
use crate::pipe::EmulatedPipe;
use crate::quirks::Quirk;
use crate::service::EmulatedService;

pub(crate) fn patch_state(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    // First, so that an unknown pipe is a 404 in a service that sleeps, too.
    service.find_pipe(id, call.now)?;
    service.require_running(call.now, "update")?;
    let body = parse_object(call.body)?;
    let command = requested_command(&body, call.options.dialect)?;
    let pipe = service.find_pipe(id, call.now)?;
    match command {
        "start" => start_pipe(pipe, call)?,
        "stop" => stop_pipe(pipe, call),
        "resync" => resync_pipe(pipe, call)?,
        _ => return Err(ApiRefusal::bad_request("command: must be one of start, stop, resync")),
    }
    pipe.updated_at = call.now;
    pipes::render_pipe(service, id, call)
}

fn requested_command(body: &Map<String, Value>, dialect: ApiDialect) -> Result<&str, ApiRefusal> {
    // The schema and every released client say `command`; only the reference page says `action`.
    let keys: &[(&str, bool)] = &[("command", dialect.has_official_shape()), ("action", dialect.has_reference_shape())];
    let known = |name: &str| keys.iter().any(|(key, allowed)| *key == name && *allowed);
    if let Some(name) = body.keys().find(|name| !known(name)) {
        return Err(ApiRefusal::bad_request(format!("{name}: unknown field (the sandbox refuses these)")));
    }
    let given = keys.iter().find_map(|(key, _)| text_field(body, key));
    given.ok_or_else(|| ApiRefusal::bad_request("command: 'undefined' is not accepted"))
}

fn start_pipe(pipe: &mut EmulatedPipe, call: &RequestContext<'_>) -> Result<(), ApiRefusal> {
    let state = pipe.state_at(call.now);
    // Not idempotent (seen live for Running): a client must take this refusal for success.
    if is_already_running(state) {
        let short_id = pipe.short_id();
        return Err(ApiRefusal::bad_request(format!("{short_id} ClickPipe is already running")));
    }
    // The schema names Stopped and Failed as states to start from; the rest is our reading of it.
    if state == EmulatedPipeState::Completed {
        return Err(ApiRefusal::bad_request("a completed ClickPipe cannot be started"));
    }
    pipe.has_dropped_tables = false;
    pipe.states.schedule_steps(call.now, start_schedule(pipe.pipe_mode()));
    Ok(())
}

fn stop_pipe(pipe: &mut EmulatedPipe, call: &RequestContext<'_>) {
    let state = pipe.state_at(call.now);
    let dropped = pipe.source.is_database() && drops_stop(state) && call.options.quirks.has_quirk(Quirk::DroppedStops);
    // The effect on a completed pipe is undefined in the API. Here there is none.
    if state == EmulatedPipeState::Completed || dropped {
        return;
    }
    if is_already_stopped(state) {
        // Cancels a resume that an edit has scheduled. That the API does the same is unproven.
        pipe.states.schedule_steps(call.now, []);
    } else if !is_already_stopped(*pipe.states.final_value()) {
        pipe.states.schedule_steps(call.now, stop_schedule(pipe.pipe_mode()));
    }
}

fn resync_pipe(pipe: &mut EmulatedPipe, call: &RequestContext<'_>) -> Result<(), ApiRefusal> {
    if !pipe.source.is_cdc() {
        return Err(ApiRefusal::bad_request("resync is for Postgres, MySQL and MongoDB ClickPipes"));
    }
    pipe.states.schedule_steps(call.now, resync_schedule(pipe.pipe_mode()));
    Ok(())
}
