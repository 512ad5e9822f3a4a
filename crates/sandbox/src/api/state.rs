//! Commands to a pipe: start, stop, resync.

use serde_json::{Map, Value};

use super::{Call, pipes};
use crate::body::{parse, text};
use crate::lifecycle::{PipeState, already_running, already_stopped, resynced, started, stopped};
use crate::message::{Answer, Refusal};
use crate::options::Dialect;
use crate::pipe::Pipe;
use crate::service::Service;

pub(crate) fn patch(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    service.pipe(id, call.now)?;
    service.must_run(call.now, "update")?;
    let body = parse(call.body)?;
    let command = command(&body, call.options.dialect)?;
    let pipe = service.pipe(id, call.now)?;
    match command {
        "start" => start(pipe, call)?,
        "stop" => stop(pipe, call),
        "resync" => resync(pipe, call)?,
        _ => return Err(Refusal::bad_request("command: must be one of start, stop, resync")),
    }
    pipe.updated = call.now;
    pipes::show(service, id, call)
}

/// The schema calls it `command`, the reference page `action`.
fn command(body: &Map<String, Value>, dialect: Dialect) -> Result<&str, Refusal> {
    let keys: &[(&str, bool)] =
        &[("command", dialect.official()), ("action", dialect.reference_page())];
    let known = |name: &str| keys.iter().any(|(key, allowed)| *key == name && *allowed);
    if let Some(name) = body.keys().find(|name| !known(name)) {
        return Err(Refusal::bad_request(format!(
            "{name}: unknown field (the sandbox refuses these)"
        )));
    }
    let given = keys.iter().find_map(|(key, _)| text(body, key));
    given.ok_or_else(|| Refusal::bad_request("command: 'undefined' is not accepted"))
}

/// `start` is not idempotent.
fn start(pipe: &mut Pipe, call: &Call<'_>) -> Result<(), Refusal> {
    let state = pipe.state(call.now);
    if already_running(state) {
        let short_id = pipe.short_id();
        return Err(Refusal::bad_request(format!("{short_id} ClickPipe is already running")));
    }
    if state == PipeState::Completed {
        return Err(Refusal::bad_request("a completed ClickPipe cannot be started"));
    }
    pipe.swept = false;
    pipe.life.follow(call.now, started(pipe.course()));
    Ok(())
}

/// Harmless when repeated. What it does to a completed pipe is undefined; here it does nothing.
fn stop(pipe: &mut Pipe, call: &Call<'_>) {
    let state = pipe.state(call.now);
    if state == PipeState::Completed {
        return;
    }
    if already_stopped(state) {
        // A resumption that is due is called off.
        pipe.life.follow(call.now, []);
    } else if !already_stopped(*pipe.life.last()) {
        pipe.life.follow(call.now, stopped(pipe.course()));
    }
}

fn resync(pipe: &mut Pipe, call: &Call<'_>) -> Result<(), Refusal> {
    if !pipe.source.is_cdc() {
        return Err(Refusal::bad_request("resync is for Postgres, MySQL and MongoDB ClickPipes"));
    }
    pipe.life.follow(call.now, resynced(pipe.course()));
    Ok(())
}
