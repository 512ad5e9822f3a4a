//! A stored reverse private endpoint, and how a read shows it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::contract::endpoint::FIELDS;
use crate::contract::render::{ReadContext, render_fields};
use crate::json_body::text_field;
use crate::options::SandboxOptions;
use crate::timeline::Timeline;
use crate::uuid;

/// The status of a reverse private endpoint, in the spelling of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the API's and say all that is known")]
pub enum EndpointStatus {
    Unknown,
    Provisioning,
    Deleting,
    Ready,
    Failed,
    PendingAcceptance,
    Rejected,
    Expired,
}

/// The brokers of every emulated MSK cluster.
const MSK_BROKERS: u8 = 3;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EmulatedEndpoint {
    pub(crate) id: String,
    pub(crate) body: Map<String, Value>,
    pub(crate) status: Timeline<EndpointStatus>,
    pub(crate) deleted_from: Option<Timestamp>,
}

impl EmulatedEndpoint {
    pub(crate) fn is_deleted(&self, now: Timestamp) -> bool {
        self.deleted_from.is_some_and(|from| from <= now)
    }

    pub(crate) fn private_dns_names(&self) -> impl Iterator<Item = &str> {
        private_dns_names(&self.body)
    }

    /// One name for each broker, in order (seen at MSK clusters).
    fn broker_names(&self) -> impl Iterator<Item = String> {
        let cluster = text_field(&self.body, "mskClusterArn").and_then(|arn| arn.split('/').nth(1)).unwrap_or("msk");
        let is_msk = text_field(&self.body, "type") == Some("MSK_MULTI_VPC");
        (1..=MSK_BROKERS)
            .filter(move |_| is_msk)
            .map(move |number| format!("b-{number}.{cluster}.kafka.sandbox.example"))
    }

    /// The child resources that the schema says an endpoint of this type has.
    fn dns_targets(&self, dns_name: &str) -> Value {
        let resource = text_field(&self.body, "vpcResourceConfigurationId");
        let target = |id| json!({"id": id, "kind": "RESOURCE_CONFIGURATION", "internalDnsName": dns_name});
        resource.into_iter().map(target).collect()
    }

    pub(crate) fn render_endpoint(&self, service: &str, now: Timestamp, options: &SandboxOptions) -> Value {
        let reading = ReadContext::new(options, 0, &self.id);
        let mut rendered = render_fields(FIELDS, &self.body, reading);
        // Derived from the id, so that every read shows the same names.
        let endpoint_id = format!("vpce-{:017x}", uuid::hash_text(&self.id) >> 4);
        let dns_name = format!("{endpoint_id}.vpce.sandbox.example");
        let own_names = self.private_dns_names().map(str::to_owned);
        let private_names: Vec<String> = own_names.chain(self.broker_names()).collect();
        let mut put = |name: &str, value: Value| rendered.insert(name.to_owned(), value);
        put("id", json!(self.id));
        put("serviceId", json!(service));
        put("endpointId", json!(endpoint_id));
        if options.newer_fields {
            put("dnsTargets", self.dns_targets(&dns_name));
            let to_endpoint = |name| json!({"privateDnsName": name, "internalDnsName": dns_name});
            put("privateDnsMappings", self.private_dns_names().map(to_endpoint).collect());
        }
        put("dnsNames", json!([dns_name]));
        put("privateDnsNames", json!(private_names));
        put("status", json!(self.status.value_at(now)));
        Value::Object(rendered)
    }
}

pub(crate) fn private_dns_names(body: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let mappings = body.get("customPrivateDnsMappings").and_then(Value::as_array);
    mappings.into_iter().flatten().filter_map(|mapping| mapping["privateDnsName"].as_str())
}
