//! PATCH of the size of a pipe.

use super::{RequestContext, pipes};
use crate::contract::accept::unknown_fields;
use crate::contract::scaling::FIELDS;
use crate::contract::validate::{BodyContext, Complaints, validate_object};
use crate::http_types::{ApiRefusal, ApiResult};
use crate::json_body::parse_object;
use crate::pipe::ReplicaSize;
use crate::quirks::Quirk;
use crate::service::EmulatedService;
use crate::timeline::Timeline;

const ZERO_SCALING_SECONDS: u64 = 3;

pub(crate) fn patch_scaling(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    let pipe = service.find_pipe(id, call.now)?;
    let is_scalable = !pipe.source.is_database() || pipe.scaling.is_some();
    service.require_running(call.now, "update")?;
    let body = parse_object(call.body)?;
    if !is_scalable {
        return Err(ApiRefusal::bad_request("scaling: is not for database pipes"));
    }
    // The real API has an internal error here, and no 400 (seen live).
    if body.is_empty() {
        return Err(ApiRefusal::internal_error());
    }
    let mut complaints = Complaints::new(call.options);
    let context = BodyContext::for_patch(call.options);
    validate_object(&mut complaints, "scaling", FIELDS, &body, context);
    if !complaints.is_empty() {
        return Err(complaints.into_refusal());
    }
    let pipe = service.find_pipe(id, call.now)?;
    if let Some(scaling) = &mut pipe.scaling {
        // From the size that the pipe is heading for: the current one may be the zeros of another change.
        let desired = scaling.final_value().with_overrides(&body);
        schedule_size(scaling, desired, call);
        pipe.unknown_scaling.extend(unknown_fields(FIELDS, &body));
    }
    pipe.updated_at = call.now;
    pipes::render_pipe(service, id, call)
}

pub(crate) fn schedule_size(size: &mut Timeline<ReplicaSize>, desired: ReplicaSize, call: &RequestContext<'_>) {
    let by_quirk = call.options.quirks.has_quirk(Quirk::TransientZeroScaling).then_some(ZERO_SCALING_SECONDS);
    match call.fault_parameters.zero_scaling_seconds.or(by_quirk) {
        Some(seconds) => size.schedule_steps(call.now, [(0, ReplicaSize::ZERO), (seconds, desired)]),
        None => size.schedule_steps(call.now, [(0, desired)]),
    }
}
