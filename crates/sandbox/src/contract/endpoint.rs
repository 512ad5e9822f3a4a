//! Reverse private endpoints.

use super::row::{Field, Shape, TEXT, Unset, may, need};

#[rustfmt::skip]
pub(crate) static FIELDS: &[Field] = &[
    need("description", Shape::Text { min: 1, max: 255 }),
    need("type", Shape::OneOf(&[
        "VPC_ENDPOINT_SERVICE", "VPC_RESOURCE", "MSK_MULTI_VPC", "GCP_PSC_SERVICE_ATTACHMENT",
    ])),
    may("vpcEndpointServiceName", TEXT).nullable(),
    may("vpcResourceConfigurationId", TEXT).nullable(),
    may("vpcResourceShareArn", TEXT).nullable(),
    may("mskClusterArn", TEXT).nullable(),
    may("mskAuthentication", Shape::OneOf(&["SASL_IAM", "SASL_SCRAM"])).nullable(),
    may("gcpServiceAttachment", TEXT).nullable(),
    may("customPrivateDnsMappings", Shape::Objects(DNS_MAPPING, 0)).patchable().unset(Unset::EmptyList),
];

static DNS_MAPPING: &[Field] = &[need("privateDnsName", TEXT)];
