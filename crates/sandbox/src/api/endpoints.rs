//! Reverse private endpoints.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::RequestContext;
use crate::api_rule::ApiRule;
use crate::clock::Timestamp;
use crate::contract::accept::{accepted_body, merge_patch};
use crate::contract::endpoint::FIELDS;
use crate::contract::validate::{BodyContext, Complaints, validate_object};
use crate::endpoint::{EmulatedEndpoint, EndpointStatus, private_dns_names};
use crate::http_types::{ApiRefusal, ApiResult};
use crate::json_body::{has_value, object_items, parse_object, text_field, text_items};
use crate::options::NullInPatch;
use crate::service::EmulatedService;
use crate::timeline::Timeline;

// Both durations are ours: the API documents none.
const PROVISIONING_SECONDS: u64 = 45;
const DELETING_SECONDS: u64 = 30;

pub(crate) fn list_endpoints(service: &EmulatedService, call: &RequestContext<'_>) -> Value {
    let show = |endpoint: &EmulatedEndpoint| endpoint.render_endpoint(&service.id, call.now, call.options);
    service.endpoints.iter().map(show).collect()
}

pub(crate) fn read_endpoint(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    let service_id = service.id.clone();
    let endpoint = find_endpoint(service, id)?;
    Ok(Some(endpoint.render_endpoint(&service_id, call.now, call.options)))
}

pub(crate) fn create_endpoint(service: &mut EmulatedService, call: &mut RequestContext<'_>) -> ApiResult {
    let body = parse_object(call.body)?;
    let mut complaints = Complaints::new(call.options);
    let context = BodyContext::for_create(call.options);
    validate_object(&mut complaints, "", FIELDS, &body, context);
    validate_type(&body, &mut complaints);
    validate_dns_names(service, &body, None, &mut complaints);
    if !complaints.is_empty() {
        return Err(complaints.into_refusal());
    }
    let mut status = Timeline::new(EndpointStatus::Provisioning);
    status.schedule_steps(call.now, [(PROVISIONING_SECONDS, status_after_provisioning(&body))]);
    let id = call.ids.next_id();
    let mut body = accepted_body(FIELDS, &body);
    if let Some(name) = text_field(&body, "description").map(|name| call.options.quirks.kept_name(name)) {
        body.insert("description".to_owned(), name.into());
    }
    service.endpoints.push(EmulatedEndpoint { id: id.clone(), body, status, deleted_from: None });
    read_endpoint(service, &id, call)
}

pub(crate) fn patch_endpoint(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    let body = parse_object(call.body)?;
    let kept = find_endpoint(service, id)?.body.clone();
    let mut complaints = Complaints::new(call.options);
    validate_object(&mut complaints, "", FIELDS, &body, BodyContext::for_patch(call.options));
    if text_field(&kept, "type") == Some("MSK_MULTI_VPC") && private_dns_names(&body).next().is_some() {
        complaints.refuse(ApiRule::EndpointDns, "customPrivateDnsMappings", "is not for MSK_MULTI_VPC");
    }
    validate_dns_names(service, &body, Some(id), &mut complaints);
    if !complaints.is_empty() {
        return Err(complaints.into_refusal());
    }
    // The private DNS names are replaced as a whole, `[]` clears them; every other field is ignored.
    merge_patch(FIELDS, &mut find_endpoint(service, id)?.body, &body, NullInPatch::Ignored);
    read_endpoint(service, id, call)
}

pub(crate) fn delete_endpoint(service: &mut EmulatedService, id: &str, call: &RequestContext<'_>) -> ApiResult {
    let endpoint = find_endpoint(service, id)?;
    endpoint.status.schedule_steps(call.now, [(0, EndpointStatus::Deleting)]);
    // A second DELETE does not postpone the end of the first.
    endpoint.deleted_from.get_or_insert(call.now.after_seconds(DELETING_SECONDS));
    Ok(None)
}

/// Refuses a pipe that gets an unusable endpoint. One that it had `before` is not checked again.
// This is our choice: only a Ready endpoint carries a connection, and the API checks a new connection at once. No
// refusal of another edit of a pipe behind a dead endpoint was seen.
pub(crate) fn refuse_unusable_endpoints(
    service: &EmulatedService,
    source_fields: &Map<String, Value>,
    before: &Map<String, Value>,
    now: Timestamp,
) -> Result<(), ApiRefusal> {
    let kept: Vec<&str> = text_items(before, "reversePrivateEndpointIds").collect();
    for id in text_items(source_fields, "reversePrivateEndpointIds").filter(|id| !kept.contains(id)) {
        let endpoint = service.endpoints.iter().find(|endpoint| endpoint.id == id);
        let status = endpoint.map(|endpoint| *endpoint.status.value_at(now));
        if status != Some(EndpointStatus::Ready) {
            let what = if status.is_some() { "is not ready" } else { "does not exist" };
            let text = format!("source.kafka.reversePrivateEndpointIds: reverse private endpoint {id} {what}");
            return Err(ApiRefusal::bad_request(text));
        }
    }
    Ok(())
}

fn find_endpoint<'a>(service: &'a mut EmulatedService, id: &str) -> Result<&'a mut EmulatedEndpoint, ApiRefusal> {
    let found = service.endpoints.iter_mut().find(|endpoint| endpoint.id == id);
    found.ok_or_else(|| ApiRefusal::not_found(format!("reverse private endpoint {id} not found")))
}

fn status_after_provisioning(body: &Map<String, Value>) -> EndpointStatus {
    match text_field(body, "type") {
        // The owner of the source account has to accept these by hand.
        Some("VPC_ENDPOINT_SERVICE" | "VPC_RESOURCE") => EndpointStatus::PendingAcceptance,
        _ => EndpointStatus::Ready,
    }
}

/// The required fields of each type of endpoint.
const PARTS: &[(&str, &[&str])] = &[
    ("VPC_ENDPOINT_SERVICE", &["vpcEndpointServiceName"]),
    ("VPC_RESOURCE", &["vpcResourceConfigurationId", "vpcResourceShareArn"]),
    ("MSK_MULTI_VPC", &["mskClusterArn", "mskAuthentication"]),
    ("GCP_PSC_SERVICE_ATTACHMENT", &["gcpServiceAttachment"]),
];

fn validate_type(body: &Map<String, Value>, complaints: &mut Complaints) {
    let kind = text_field(body, "type").unwrap_or_default();
    for (of, fields) in PARTS {
        for field in *fields {
            match (*of == kind, has_value(body, field)) {
                (true, false) => complaints.refuse(ApiRule::EndpointParts, field, format!("is required with {kind}")),
                (false, true) => {
                    complaints.refuse(ApiRule::EndpointOtherParts, field, format!("is only allowed with {of}"));
                }
                (true, true) | (false, false) => {}
            }
        }
    }
    if kind != "VPC_RESOURCE" && object_items(body, "customPrivateDnsMappings").any(|it| has_value(it, "targetId")) {
        complaints.refuse(ApiRule::EndpointTarget, "customPrivateDnsMappings", "targetId is only for VPC_RESOURCE");
    }
    if kind == "MSK_MULTI_VPC" && private_dns_names(body).next().is_some() {
        complaints.refuse(ApiRule::EndpointDns, "customPrivateDnsMappings", "is not for MSK_MULTI_VPC");
    }
    if text_field(body, "gcpServiceAttachment").is_some_and(|given| !is_service_attachment(given)) {
        complaints.refuse(
            ApiRule::EndpointAttachment,
            "gcpServiceAttachment",
            "must be projects/{project}/regions/{region}/serviceAttachments/{name}",
        );
    }
}

fn is_service_attachment(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    matches!(parts.as_slice(), ["projects", _, "regions", _, "serviceAttachments", _])
        && parts.iter().all(|part| !part.is_empty())
}

fn validate_dns_names(
    service: &EmulatedService,
    body: &Map<String, Value>,
    own: Option<&str>,
    complaints: &mut Complaints,
) {
    // Unique within the service, so the names of an endpoint do not collide with themselves in a PATCH.
    let others = service.endpoints.iter().filter(|endpoint| Some(endpoint.id.as_str()) != own);
    let mut used: BTreeSet<&str> = others.flat_map(EmulatedEndpoint::private_dns_names).collect();
    let wildcards: Vec<&str> = private_dns_names(body).filter_map(|name| name.strip_prefix('*')).collect();
    for (index, name) in private_dns_names(body).enumerate() {
        let at = format!("customPrivateDnsMappings[{index}].privateDnsName");
        if !used.insert(name) {
            complaints.refuse(ApiRule::EndpointDns, &at, "is used already within the service");
        }
        if !name.starts_with('*') && wildcards.iter().any(|suffix| name.ends_with(suffix)) {
            complaints.refuse(ApiRule::EndpointWildcard, &at, "is covered by a name with a wildcard");
        }
        if name.strip_prefix("*.").unwrap_or(name).contains('*') {
            complaints.refuse(ApiRule::EndpointDns, &at, "may have a wildcard only as its first label");
        }
    }
}
