//! Reverse private endpoints.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Call;
use crate::body::{given, parse, text, texts};
use crate::clock::Timestamp;
use crate::contract::check::{Complaints, Context, check_object};
use crate::contract::endpoint::FIELDS;
use crate::contract::store::{keep, merge};
use crate::endpoint::{Endpoint, EndpointStatus, private_names};
use crate::message::{Answer, Refusal};
use crate::options::NullInPatch;
use crate::service::Service;
use crate::timeline::Timeline;

const PROVISIONING: u64 = 45;
const DELETING: u64 = 30;

pub(crate) fn list(service: &Service, call: &Call<'_>) -> Value {
    let show = |endpoint: &Endpoint| endpoint.show(&service.id, call.now, &call.options.quirks);
    service.endpoints.iter().map(show).collect()
}

pub(crate) fn read(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    let service_id = service.id.clone();
    let endpoint = find(service, id)?;
    Ok(Some(endpoint.show(&service_id, call.now, &call.options.quirks)))
}

pub(crate) fn create(service: &mut Service, call: &mut Call<'_>) -> Answer {
    let body = parse(call.body)?;
    let mut complaints = Complaints::default();
    let context = Context::create(call.options.unknown_fields);
    check_object(&mut complaints, "", FIELDS, &body, context);
    check_type(&body, &mut complaints);
    check_names(service, &body, None, &mut complaints);
    if !complaints.none() {
        return Err(Refusal::bad_request(complaints.into_text()));
    }
    let mut status = Timeline::new(EndpointStatus::Provisioning);
    status.follow(call.now, [(PROVISIONING, provisioned(&body))]);
    let id = call.ids.issue();
    let body = keep(FIELDS, &body);
    service.endpoints.push(Endpoint { id: id.clone(), body, status, gone_from: None });
    read(service, &id, call)
}

/// Only the private DNS names can be changed, and are replaced whole; the rest is passed over.
pub(crate) fn patch(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    let body = parse(call.body)?;
    let kept = find(service, id)?.body.clone();
    let mut complaints = Complaints::default();
    check_object(&mut complaints, "", FIELDS, &body, Context::patch(call.options.unknown_fields));
    if text(&kept, "type") == Some("MSK_MULTI_VPC") && private_names(&body).next().is_some() {
        complaints.say("customPrivateDnsMappings", "is not for MSK_MULTI_VPC");
    }
    check_names(service, &body, Some(id), &mut complaints);
    if !complaints.none() {
        return Err(Refusal::bad_request(complaints.into_text()));
    }
    merge(FIELDS, &mut find(service, id)?.body, &body, NullInPatch::Ignored);
    read(service, id, call)
}

pub(crate) fn delete(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    let endpoint = find(service, id)?;
    endpoint.status.follow(call.now, [(0, EndpointStatus::Deleting)]);
    endpoint.gone_from.get_or_insert(call.now.after_seconds(DELETING));
    Ok(None)
}

/// A pipe cannot reach its source through an endpoint that is missing or not ready.
pub(crate) fn refuse_unusable(
    service: &Service,
    arm: &Map<String, Value>,
    now: Timestamp,
) -> Result<(), Refusal> {
    for id in texts(arm, "reversePrivateEndpointIds") {
        let endpoint = service.endpoints.iter().find(|endpoint| endpoint.id == id);
        let status = endpoint.map(|endpoint| *endpoint.status.at(now));
        if status != Some(EndpointStatus::Ready) {
            let what = if status.is_some() { "is not ready" } else { "does not exist" };
            let text = format!(
                "source.kafka.reversePrivateEndpointIds: reverse private endpoint {id} {what}"
            );
            return Err(Refusal::bad_request(text));
        }
    }
    Ok(())
}

fn find<'a>(service: &'a mut Service, id: &str) -> Result<&'a mut Endpoint, Refusal> {
    let found = service.endpoints.iter_mut().find(|endpoint| endpoint.id == id);
    found.ok_or_else(|| Refusal::not_found(format!("reverse private endpoint {id} not found")))
}

/// Where the source's owner has to accept the connection, the endpoint waits for that.
fn provisioned(body: &Map<String, Value>) -> EndpointStatus {
    match text(body, "type") {
        Some("VPC_ENDPOINT_SERVICE" | "VPC_RESOURCE") => EndpointStatus::PendingAcceptance,
        _ => EndpointStatus::Ready,
    }
}

fn check_type(body: &Map<String, Value>, complaints: &mut Complaints) {
    let kind = text(body, "type").unwrap_or_default();
    let needed: &[&str] = match kind {
        "VPC_ENDPOINT_SERVICE" => &["vpcEndpointServiceName"],
        "VPC_RESOURCE" => &["vpcResourceConfigurationId", "vpcResourceShareArn"],
        "MSK_MULTI_VPC" => &["mskClusterArn", "mskAuthentication"],
        "GCP_PSC_SERVICE_ATTACHMENT" => &["gcpServiceAttachment"],
        _ => &[],
    };
    for field in needed.iter().filter(|field| !given(body, field)) {
        complaints.say(field, format!("is required with {kind}"));
    }
    if kind == "MSK_MULTI_VPC" && private_names(body).next().is_some() {
        complaints.say("customPrivateDnsMappings", "is not for MSK_MULTI_VPC");
    }
    if text(body, "gcpServiceAttachment").is_some_and(|given| !is_attachment(given)) {
        complaints.say(
            "gcpServiceAttachment",
            "must be projects/{project}/regions/{region}/serviceAttachments/{name}",
        );
    }
}

fn is_attachment(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    matches!(parts.as_slice(), ["projects", _, "regions", _, "serviceAttachments", _])
        && parts.iter().all(|part| !part.is_empty())
}

/// A private DNS name is exact or begins with a wildcard, and belongs to one endpoint of the
/// service.
fn check_names(
    service: &Service,
    body: &Map<String, Value>,
    own: Option<&str>,
    complaints: &mut Complaints,
) {
    let others = service.endpoints.iter().filter(|endpoint| Some(endpoint.id.as_str()) != own);
    let mut used: BTreeSet<&str> = others.flat_map(Endpoint::private_names).collect();
    for (index, name) in private_names(body).enumerate() {
        let at = format!("customPrivateDnsMappings[{index}].privateDnsName");
        if !used.insert(name) {
            complaints.say(&at, "is used already within the service");
        }
        if name.strip_prefix("*.").unwrap_or(name).contains('*') {
            complaints.say(&at, "may have a wildcard only as its first label");
        }
    }
}
