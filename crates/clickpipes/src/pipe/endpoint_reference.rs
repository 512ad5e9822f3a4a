//! Fields that refer to a reverse private endpoint: by its id, by its DNS name, by its brokers.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::source::text_at;
use model::schema::OneOfTwo;
use model::text::{BrokerAddresses, HostAddress, ObjectName, TcpPort, Uuid};

/// A reverse private endpoint, by UUID or by the name that a manifest declares it under.
pub struct EndpointReference;

impl JsonSchema for EndpointReference {
    fn schema_name() -> Cow<'static, str> {
        "EndpointReference".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A reverse private endpoint: its UUID, or `{endpoint: NAME}`.",
            "anyOf": [
                generator.subschema_for::<Uuid>(),
                generator.subschema_for::<DeclaredEndpoint>(),
            ]
        })
    }
}

/// A reverse private endpoint that a manifest of the same service declares.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredEndpoint {
    /// The endpoint's `metadata.name`.
    pub endpoint: ObjectName,
}

/// The host of a database, or the endpoint in front of it.
pub type DatabaseHost = OneOfTwo<HostAddress, DeclaredEndpoint>;

/// Brokers, or the endpoint in front of them.
pub type Brokers = OneOfTwo<BrokerAddresses, BrokersOfEndpoint>;

/// The brokers behind a reverse private endpoint that a manifest of the same service declares: one
/// for each of its private DNS names, in order.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BrokersOfEndpoint {
    /// The endpoint's `metadata.name`.
    pub endpoint: ObjectName,
    /// The port of the first broker. Each other broker has the next port. If it is omitted, it is
    /// 14001, as at Amazon MSK.
    pub first_port: Option<TcpPort>,
}

/// The hosts at a field, for people.
pub(crate) fn host_text(source: &Value, field: &str) -> String {
    match referenced_endpoint(source, field) {
        Some(name) => format!("endpoint {name}"),
        None => text_at(source, field),
    }
}

/// The endpoint that a field refers to by name.
pub(crate) fn referenced_endpoint<'s>(source: &'s Value, field: &str) -> Option<&'s str> {
    source[field].get("endpoint")?.as_str()
}
