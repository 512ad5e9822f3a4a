//! The size that the database pipes of a service share.

use serde_json::{Map, Value};

use super::Call;
use crate::body::parse;
use crate::contract::cdc_scaling::FIELDS;
use crate::contract::check::{Complaints, Context, check_object};
use crate::message::{Answer, Refusal};
use crate::service::{CdcScaling, CdcSize, Service};

/// Seconds until a new size is in use; reads show the old one until then.
const PROPAGATION: u64 = 180;

pub(crate) fn read(service: &mut Service, call: &Call<'_>) -> Answer {
    let scaling = available(service, call)?;
    Ok(Some(scaling.size.at(call.now).show()))
}

pub(crate) fn patch(service: &mut Service, call: &Call<'_>) -> Answer {
    let body = parse(call.body)?;
    let scaling = available(service, call)?;
    let wanted = accept(&body, call)?;
    scaling.size.follow(call.now, [(PROPAGATION, wanted)]);
    Ok(Some(scaling.size.at(call.now).show()))
}

/// Whether this service has anything to scale.
pub(crate) fn is_available(service: &Service, call: &Call<'_>) -> bool {
    service.cdc.as_ref().is_some_and(|scaling| scaling.available_from <= call.now)
}

fn available<'a>(service: &'a mut Service, call: &Call<'_>) -> Result<&'a mut CdcScaling, Refusal> {
    let scaling = service.cdc.as_mut().filter(|scaling| scaling.available_from <= call.now);
    scaling.ok_or_else(missing)
}

pub(crate) fn missing() -> Refusal {
    Refusal::not_found("CDC scaling exists once the first database ClickPipe is provisioned")
}

fn accept(body: &Map<String, Value>, call: &Call<'_>) -> Result<CdcSize, Refusal> {
    let mut complaints = Complaints::default();
    check_object(&mut complaints, "", FIELDS, body, Context::create(call.options.unknown_fields));
    let cpu = body.get("replicaCpuMillicores").and_then(Value::as_i64).unwrap_or_default();
    let memory = body.get("replicaMemoryGb").and_then(Value::as_f64).unwrap_or_default();
    if complaints.none() {
        if cpu % 1000 != 0 {
            complaints.say("replicaCpuMillicores", "must be a multiple of 1000");
        }
        if memory % 4.0 != 0.0 {
            complaints.say("replicaMemoryGb", "must be a multiple of 4");
        }
        let fourfold = f64::from(u32::try_from(cpu / 1000).unwrap_or_default()) * 4.0;
        if (memory - fourfold).abs() > f64::EPSILON {
            complaints.say("replicaMemoryGb", "must be four times the number of cores");
        }
    }
    if complaints.none() {
        return Ok(CdcSize { cpu, memory });
    }
    Err(Refusal::bad_request(complaints.into_text()))
}
