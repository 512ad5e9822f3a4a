//! Private connections that pipes refer to.

use schemars::JsonSchema;

use serde_json::Value;

use crate::envelope::{EndpointMetadata, Envelope, LOOK_ALIKE_RULES};
use crate::exclusive_read::{ExclusiveRead, Sharing, read_named_by};
use crate::validate::{
    CrossFieldRule, RuleContext, RuleFinding, RuleSet, custom_rule, fields_only_for, forbidden_fields, required_fields,
    unique_entries, value_is, value_is_not,
};
use model::annotations;
use model::diagnostic::Evidence;
use model::path::FieldPath;
use model::text::{Arn, DnsName, NonEmptyText, ServiceAttachment};

/// A manifest of one reverse private endpoint.
pub type EndpointManifest = Envelope<ReversePrivateEndpoint, EndpointMetadata, ReversePrivateEndpointSpec>;

/// The word for the kind.
#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(missing_docs, reason = "the word says it")]
pub enum ReversePrivateEndpoint {
    ReversePrivateEndpoint,
}

/// The share of a VPC resource takes one endpoint.
pub(crate) fn exclusive_reads(body: &Value) -> Vec<ExclusiveRead> {
    let path = "vpcResourceShareArn";
    read_named_by(body, "resource share", path, String::new(), Sharing::Broken).into_iter().collect()
}

/// The target of the endpoint. A resource with its own targets has several.
pub(crate) fn connection_target(body: &Value) -> Option<&str> {
    const FIELDS: [&str; 4] =
        ["vpcEndpointServiceName", "vpcResourceConfigurationId", "mskClusterArn", "gcpServiceAttachment"];
    let mappings = body["customPrivateDnsMappings"].as_array();
    if mappings.into_iter().flatten().any(|entry| entry.get("targetId").is_some()) {
        return None;
    }
    FIELDS.iter().find_map(|field| body[field].as_str())
}

/// Whether the endpoint is of a type that does not name each broker of a cluster. A newer type may.
pub(crate) fn has_no_brokers(body: &Value) -> bool {
    const TYPES: [&str; 3] = ["VPC_ENDPOINT_SERVICE", "VPC_RESOURCE", "GCP_PSC_SERVICE_ATTACHMENT"];
    body["type"].as_str().is_some_and(|word| TYPES.contains(&word))
}

/// The DNS names in a manifest of the endpoint, each with its field.
pub(crate) fn own_dns_names(body: &Value) -> Vec<(FieldPath, &str)> {
    let list = FieldPath::parse("customPrivateDnsMappings");
    let entries = list.value_in(body).and_then(Value::as_array).into_iter().flatten().enumerate();
    let names = entries.filter_map(|(at, entry)| {
        Some((list.child(at).child("privateDnsName"), entry.get("privateDnsName")?.as_str()?))
    });
    names.collect()
}

/// The field that identifies a DNS name of an endpoint.
const DNS_NAME: &[&str] = &["privateDnsName"];

/// A private connection to a source. Only its DNS names can be changed in place.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReversePrivateEndpointSpec {
    /// The desired state: the endpoint exists or not.
    #[schemars(transform = annotations::local_only, transform = annotations::default_is("present"))]
    pub state: Option<DesiredEndpointState>,
    /// Refuses every plan that would delete or replace the endpoint.
    #[schemars(transform = annotations::local_only, transform = annotations::default_is(false))]
    pub protect: Option<bool>,
    /// The type of service behind the endpoint.
    #[schemars(transform = annotations::requires_replace)]
    pub r#type: Option<EndpointType>,
    /// The name of the VPC endpoint service, for `VPC_ENDPOINT_SERVICE`.
    #[schemars(transform = annotations::requires_replace)]
    pub vpc_endpoint_service_name: Option<NonEmptyText>,
    /// The id of the VPC resource configuration, for `VPC_RESOURCE`.
    #[schemars(transform = annotations::requires_replace)]
    pub vpc_resource_configuration_id: Option<NonEmptyText>,
    /// The ARN of the share of the VPC resource, for `VPC_RESOURCE`.
    #[schemars(transform = annotations::requires_replace)]
    pub vpc_resource_share_arn: Option<Arn>,
    /// The ARN of the MSK cluster, for `MSK_MULTI_VPC`.
    #[schemars(transform = annotations::requires_replace)]
    pub msk_cluster_arn: Option<Arn>,
    /// The authentication of clients at the MSK cluster, for `MSK_MULTI_VPC`.
    #[schemars(transform = annotations::requires_replace)]
    pub msk_authentication: Option<MskAuthentication>,
    /// The service attachment, for `GCP_PSC_SERVICE_ATTACHMENT`:
    /// `projects/…/regions/…/serviceAttachments/…`. In private preview.
    #[schemars(transform = annotations::requires_replace)]
    pub gcp_service_attachment: Option<ServiceAttachment>,
    /// DNS names that resolve to the endpoint. An update replaces the whole list; an empty list
    /// removes all names. Not for `MSK_MULTI_VPC`.
    #[schemars(transform = annotations::unordered_by(DNS_NAME))]
    pub custom_private_dns_mappings: Option<Vec<PrivateDnsMapping>>,
}

/// Whether an endpoint should exist.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DesiredEndpointState {
    /// There.
    Present,
    /// Deleted. The manifest stays as the record of it.
    Absent,
}

/// The target type of an endpoint.
#[derive(JsonSchema)]
pub enum EndpointType {
    /// A VPC endpoint service of AWS.
    #[serde(rename = "VPC_ENDPOINT_SERVICE")]
    VpcEndpointService,
    /// A VPC resource of AWS.
    #[serde(rename = "VPC_RESOURCE")]
    VpcResource,
    /// An MSK cluster that admits other VPCs.
    #[serde(rename = "MSK_MULTI_VPC")]
    MskMultiVpc,
    /// A service attachment of Google Private Service Connect.
    #[serde(rename = "GCP_PSC_SERVICE_ATTACHMENT")]
    GcpPscServiceAttachment,
}

/// The authentication of clients for an MSK cluster.
#[derive(JsonSchema)]
pub enum MskAuthentication {
    /// With IAM.
    #[serde(rename = "SASL_IAM")]
    SaslIam,
    /// With user and password.
    #[serde(rename = "SASL_SCRAM")]
    SaslScram,
}

/// A DNS name of an endpoint.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrivateDnsMapping {
    /// An exact name, or one with a leading wildcard: `*.example.com`. No two endpoints of a
    /// service can share one.
    pub private_dns_name: DnsName,
    /// The id of the resource configuration that the name points to, if a `VPC_RESOURCE` has several.
    #[schemars(transform = annotations::newer_schema)]
    pub target_id: Option<NonEmptyText>,
}

pub(crate) const RULE_SETS: &[RuleSet] = &[LOOK_ALIKE_RULES, SPEC_RULES];

const SPEC_RULES: RuleSet = RuleSet {
    object_paths: &["spec"],
    rules: &[
        required_fields("missing-part", Evidence::Schema, &["type"], value_is_not("state", &["absent"])),
        required_fields(
            "endpoint-service-name",
            Evidence::Provider,
            &["vpcEndpointServiceName"],
            value_is("type", &["VPC_ENDPOINT_SERVICE"]),
        ),
        required_fields(
            "endpoint-resource",
            Evidence::Provider,
            &["vpcResourceConfigurationId", "vpcResourceShareArn"],
            value_is("type", &["VPC_RESOURCE"]),
        ),
        required_fields(
            "endpoint-msk",
            Evidence::Provider,
            &["mskClusterArn", "mskAuthentication"],
            value_is("type", &["MSK_MULTI_VPC"]),
        ),
        required_fields(
            "endpoint-service-attachment",
            Evidence::Provider,
            &["gcpServiceAttachment"],
            value_is("type", &["GCP_PSC_SERVICE_ATTACHMENT"]),
        ),
        field_of_type(&["vpcEndpointServiceName"], &["VPC_ENDPOINT_SERVICE"]),
        field_of_type(&["vpcResourceConfigurationId", "vpcResourceShareArn"], &["VPC_RESOURCE"]),
        field_of_type(&["mskClusterArn", "mskAuthentication"], &["MSK_MULTI_VPC"]),
        field_of_type(&["gcpServiceAttachment"], &["GCP_PSC_SERVICE_ATTACHMENT"]),
        forbidden_fields(
            "endpoint-msk-dns",
            Evidence::Schema,
            &["customPrivateDnsMappings"],
            value_is("type", &["MSK_MULTI_VPC"]),
        )
        .with_reason("the API does not support custom names there"),
        custom_rule(
            "endpoint-dns-target",
            Evidence::Ours,
            &["type", "customPrivateDnsMappings"],
            target_without_resource,
        ),
        unique_entries("duplicate-dns-name", Evidence::Schema, "customPrivateDnsMappings", "privateDnsName"),
        custom_rule("dns-wildcard-overlap", Evidence::Ours, &["customPrivateDnsMappings"], wildcard_over_exact),
    ],
};

/// Fields of one type of endpoint. The provider does not refuse them elsewhere.
const fn field_of_type(fields: &'static [&'static str], types: &'static [&'static str]) -> CrossFieldRule {
    fields_only_for("endpoint-other-type", Evidence::Ours, fields, value_is("type", types))
}

fn target_without_resource(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    if scope.text_at("type").is_none_or(|kind| kind == "VPC_RESOURCE") {
        return Vec::new();
    }
    let names = scope.list_at("customPrivateDnsMappings").iter().enumerate();
    let with_target = names.filter(|(_, name)| name.get("targetId").is_some());
    let message = "`targetId` is only for `type: VPC_RESOURCE`";
    with_target
        .map(|(at, _)| {
            let path = FieldPath::parse("customPrivateDnsMappings").child(at).child("targetId");
            RuleFinding::new(path, message).with_help("remove `targetId`")
        })
        .collect()
}

fn wildcard_over_exact(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let entries = scope.list_at("customPrivateDnsMappings").iter();
    let names: Vec<Option<String>> =
        entries.map(|entry| Some(entry.get("privateDnsName")?.as_str()?.to_lowercase())).collect();
    let wildcards: Vec<&str> = names.iter().flatten().filter_map(|name| name.strip_prefix('*')).collect();
    let exact = names.iter().enumerate().filter_map(|(at, name)| Some((at, name.as_ref()?)));
    let covered = exact.filter_map(|(at, name)| {
        let wildcard = wildcards.iter().find(|suffix| !name.starts_with('*') && name.ends_with(**suffix))?;
        let path = FieldPath::parse("customPrivateDnsMappings").child(at).child("privateDnsName");
        let message = format!("`*{wildcard}` covers `{name}` already");
        Some(RuleFinding::new(path, message).with_help("remove one of them, unless they lead to different targets"))
    });
    covered.collect()
}
