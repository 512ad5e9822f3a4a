//! Reading and deleting pipes.

use serde_json::Value;

use super::RequestContext;
use crate::clock::Timestamp;
use crate::http_types::ApiResult;
use crate::options::SandboxOptions;
use crate::service::EmulatedService;

pub(crate) fn list_pipes(service: &EmulatedService, call: &RequestContext<'_>) -> ApiResult {
    if call.options.idle_refuses_reads {
        service.require_running(call.now, "listing")?;
    }
    Ok(Some(Value::Array(visible_pipes(service, call.now, call.options, call.read_seed))))
}

pub(crate) fn visible_pipes(
    service: &EmulatedService,
    now: Timestamp,
    options: &SandboxOptions,
    seed: u64,
) -> Vec<Value> {
    let visible = service.pipes.iter().filter(|pipe| pipe.listed_from <= now && !pipe.is_deleted(now));
    visible.map(|pipe| pipe.render_pipe(&service.id, now, options, seed)).collect()
}

pub(crate) fn read_pipe(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    if call.options.idle_refuses_reads {
        service.require_running(call.now, "reading")?;
    }
    render_pipe(service, id, call)
}

pub(crate) fn render_pipe(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    let service_id = service.id.clone();
    let pipe = service.find_pipe(id, call.now)?;
    Ok(Some(pipe.render_pipe(&service_id, call.now, call.options, call.read_seed)))
}

pub(crate) fn delete_pipe(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    if call.options.idle_refuses_reads {
        service.require_running(call.now, "deletion")?;
    }
    let now = call.now;
    let pipe = service.find_pipe(id, now)?;
    // The API deletes in the background: reads find the pipe for some seconds more.
    pipe.deleted_from.get_or_insert(now.after_seconds(call.fault_parameters.delete_seconds));
    // It never drops destination tables.
    let left = if pipe.has_rows(now) { pipe.destination_tables() } else { Vec::new() };
    service.leftover_tables.extend(left);
    Ok(None)
}
