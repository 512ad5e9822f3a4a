//! The size that the database pipes of a service share.

use serde_json::{Map, Value};

use super::RequestContext;
use crate::api_rule::ApiRule;
use crate::contract::cdc_scaling::FIELDS;
use crate::contract::validate::{BodyContext, Complaints, validate_object};
use crate::http_types::{ApiRefusal, ApiResult};
use crate::json_body::parse_object;
use crate::service::{CdcScalingState, CdcSize, EmulatedService};

// Reads show the old size until then. The real API takes 2 to 5 minutes.
const PROPAGATION_SECONDS: u64 = 180;

pub(crate) fn read_cdc_scaling(service: &mut EmulatedService, call: &RequestContext<'_>) -> ApiResult {
    let scaling = available_scaling(service, call)?;
    Ok(Some(scaling.size.value_at(call.now).to_json()))
}

pub(crate) fn patch_cdc_scaling(service: &mut EmulatedService, call: &RequestContext<'_>) -> ApiResult {
    let body = parse_object(call.body)?;
    let scaling = available_scaling(service, call)?;
    let desired = validate_size(&body, call)?;
    scaling.size.schedule_steps(call.now, [(PROPAGATION_SECONDS, desired)]);
    Ok(Some(scaling.size.value_at(call.now).to_json()))
}

pub(crate) fn is_available(service: &EmulatedService, call: &RequestContext<'_>) -> bool {
    service.cdc_scaling.as_ref().is_some_and(|scaling| scaling.available_from <= call.now)
}

fn available_scaling<'a>(
    service: &'a mut EmulatedService,
    call: &RequestContext<'_>,
) -> Result<&'a mut CdcScalingState, ApiRefusal> {
    let scaling = service.cdc_scaling.as_mut().filter(|scaling| scaling.available_from <= call.now);
    scaling.ok_or_else(scaling_not_found)
}

pub(crate) fn scaling_not_found() -> ApiRefusal {
    // The real status is unproven: the official provider polls through any error here.
    ApiRefusal::not_found("CDC scaling exists once the first database ClickPipe is provisioned")
}

fn validate_size(body: &Map<String, Value>, call: &RequestContext<'_>) -> Result<CdcSize, ApiRefusal> {
    let mut complaints = Complaints::new(call.options);
    // As for a create, because a PATCH needs both fields.
    validate_object(&mut complaints, "", FIELDS, body, BodyContext::for_create(call.options));
    let cpu = body.get("replicaCpuMillicores").and_then(Value::as_i64).unwrap_or_default();
    let memory = body.get("replicaMemoryGb").and_then(Value::as_f64).unwrap_or_default();
    if complaints.is_empty() {
        if cpu % 1000 != 0 {
            complaints.refuse(ApiRule::CdcScaling, "replicaCpuMillicores", "must be a multiple of 1000");
        }
        if memory % 4.0 != 0.0 {
            complaints.refuse(ApiRule::CdcScaling, "replicaMemoryGb", "must be a multiple of 4");
        }
        let fourfold = f64::from(u32::try_from(cpu / 1000).unwrap_or_default()) * 4.0;
        if (memory - fourfold).abs() > f64::EPSILON {
            complaints.refuse(ApiRule::CdcScaling, "replicaMemoryGb", "must be four times the number of cores");
        }
    }
    if complaints.is_empty() {
        return Ok(CdcSize { cpu, memory });
    }
    Err(complaints.into_refusal())
}
