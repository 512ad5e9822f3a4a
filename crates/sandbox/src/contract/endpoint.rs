//! Reverse private endpoints.

use super::field_spec::{FieldSpec, JsonType, TEXT, UnsetValue, optional, required};

#[rustfmt::skip]
pub(crate) static FIELDS: &[FieldSpec] = &[
    required("description", JsonType::Text { min: 1, max: 255 }),
    required("type", JsonType::OneOf(&[
        "VPC_ENDPOINT_SERVICE", "VPC_RESOURCE", "MSK_MULTI_VPC", "GCP_PSC_SERVICE_ATTACHMENT",
    ])),
    optional("vpcEndpointServiceName", TEXT).nullable(),
    optional("vpcResourceConfigurationId", TEXT).nullable(),
    optional("vpcResourceShareArn", TEXT).nullable(),
    optional("mskClusterArn", TEXT).nullable(),
    optional("mskAuthentication", JsonType::OneOf(&["SASL_IAM", "SASL_SCRAM"])).nullable(),
    optional("gcpServiceAttachment", TEXT).nullable(),
    // The only field of the PATCH schema.
    optional("customPrivateDnsMappings", JsonType::Objects(DNS_MAPPING, 0)).patchable().unset(UnsetValue::EmptyList),
];

static DNS_MAPPING: &[FieldSpec] = &[required("privateDnsName", TEXT), optional("targetId", TEXT).newer()];
