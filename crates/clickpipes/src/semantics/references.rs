//! References from one object to another: by name in manifests, by id or DNS name in live bodies.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{FieldSemantics, masked};
use crate::named_host::NamedHost;
use model::address::{Kind, Name};
use model::live::{Id, Object};

/// The port of the first broker behind an endpoint of Amazon MSK. The others follow.
const FIRST_BROKER_PORT: u64 = 14_001;

/// How the value of a field names the hosts of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Connection {
    /// One host.
    Host,
    /// Hosts and ports, with commas between them.
    Brokers,
    /// A URL.
    Url,
}

impl FieldSemantics {
    /// The object that a value references by name, if the field takes such references.
    pub fn referenced_object(&self, value: &Value) -> Option<(Kind, Name)> {
        let kind = self.refers_to?;
        let name = value.as_object()?.get("endpoint")?.as_str()?;
        Some((kind, Name::new(name)))
    }

    /// The objects that a manifest's body refers to by name.
    pub fn referenced_objects(&self, body: &Value) -> Vec<(Kind, Name)> {
        if !self.leads_to_objects {
            return Vec::new();
        }
        if let Some(found) = self.referenced_object(body) {
            return vec![found];
        }
        match body {
            Value::Array(items) => items.iter().flat_map(|item| self.list_item().referenced_objects(item)).collect(),
            Value::Object(fields) => {
                fields.iter().flat_map(|(name, value)| self.child_field(name).referenced_objects(value)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        }
    }

    /// The reference to an object by name, as in a manifest.
    pub fn reference_by_name(name: &Name) -> Value {
        json!({ "endpoint": name.as_str() })
    }

    /// The same as a text for people.
    pub fn reference_text(name: &Name) -> String {
        format!("{{endpoint: {name}}}")
    }

    /// The object that a live value references: the API knows only ids.
    // As an id, and not as a text: an id in capitals would match no object, and its object would look unused.
    pub fn referenced_id(&self, live: &Value) -> Option<(Kind, Id)> {
        Some((self.refers_to.filter(|_| self.connects_to.is_none())?, Id::new(live.as_str()?)))
    }

    /// The hosts that a value connects to, in lower case, without ports and without the dot at the end.
    pub fn connected_hosts(&self, value: &Value) -> Vec<String> {
        let Some(text) = self.connects_to.and(value.as_str()) else { return Vec::new() };
        NamedHost::from_url(text).iter().map(|host| host.name().to_owned()).collect()
    }

    /// Whether the API hides the hosts of a value: they may be any.
    pub fn hides_hosts(&self, value: &Value) -> bool {
        self.connects_to.and(value.as_str()).is_some_and(masked::hides_more_than_login)
    }

    /// Whether the API hides any host in a body.
    pub fn has_hidden_hosts(&self, body: &Value) -> bool {
        match body {
            _ if !self.leads_to_objects => false,
            Value::Array(items) => items.iter().any(|item| self.list_item().has_hidden_hosts(item)),
            Value::Object(fields) => fields.iter().any(|(name, value)| self.child_field(name).has_hidden_hosts(value)),
            _ => self.hides_hosts(body),
        }
    }

    /// The hosts that a body connects to, anywhere in it.
    pub fn all_connected_hosts(&self, body: &Value) -> Vec<String> {
        match body {
            _ if !self.leads_to_objects => Vec::new(),
            Value::Array(items) => items.iter().flat_map(|item| self.list_item().all_connected_hosts(item)).collect(),
            Value::Object(fields) => {
                fields.iter().flat_map(|(name, value)| self.child_field(name).all_connected_hosts(value)).collect()
            }
            _ => self.connected_hosts(body),
        }
    }

    /// The API's value for a reference to `object`; `None` while the object lacks it. A live value that also refers to
    /// the object is kept.
    pub fn referenced_value(&self, reference: &Value, object: &Object, live: Option<&Value>) -> Option<Value> {
        let names = dns_names(self.refers_to?, &object.body);
        // No pipe can connect to a wildcard: it represents names that only the owner of the endpoint knows.
        let mut exact = names.iter().filter(|name| !name.contains('*'));
        let is_name =
            |host: &String| dns_patterns(host).iter().any(|it| names.iter().any(|name| name.eq_ignore_ascii_case(it)));
        let leads_there = |live: &&Value| {
            let hosts = self.connected_hosts(live);
            !hosts.is_empty() && hosts.iter().all(is_name)
        };
        match self.connects_to {
            None => Some(object.id.as_str().into()),
            Some(Connection::Host | Connection::Url) => {
                live.filter(leads_there).cloned().or_else(|| Some(Value::from(*exact.next()?)))
            }
            Some(Connection::Brokers) => {
                let port = reference.get("firstPort").and_then(Value::as_u64);
                // Some brokers are enough to find all: a broker that was added to the cluster replaces no pipe.
                let found = live.filter(|_| port.is_none()).filter(leads_there).cloned();
                found.or_else(|| broker_list(&object.body, port.unwrap_or(FIRST_BROKER_PORT)))
            }
        }
    }

    /// The kinds of the objects that a value refers to, by name or by id, anywhere in it.
    pub fn referenced_kinds(&self, value: &Value) -> BTreeSet<Kind> {
        let by_id = self.referenced_id(value).map(|(kind, _)| kind);
        if let Some(kind) = self.referenced_object(value).map(|(kind, _)| kind).or(by_id) {
            return BTreeSet::from([kind]);
        }
        match value {
            _ if !self.leads_to_objects => BTreeSet::new(),
            Value::Array(items) => items.iter().flat_map(|item| self.list_item().referenced_kinds(item)).collect(),
            Value::Object(fields) => {
                fields.iter().flat_map(|(name, value)| self.child_field(name).referenced_kinds(value)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => BTreeSet::new(),
        }
    }

    /// The kinds of objects that may refer to an object of this kind.
    pub fn referring_kinds(kind: Kind) -> impl Iterator<Item = Kind> {
        // Called for each declared object.
        static REFERENCES: LazyLock<Vec<(Kind, Kind)>> = LazyLock::new(|| {
            let pairs = Kind::ALL.into_iter().flat_map(|from| Kind::ALL.map(|to| (from, to)));
            pairs.filter(|(from, to)| FieldSemantics::for_kind(*from).refers_to_kind(*to)).collect()
        });
        REFERENCES.iter().filter(move |(_, to)| *to == kind).map(|(from, _)| *from)
    }

    /// Whether a value of the field, or of a field below, can refer to another object: by name, by id or by a host.
    pub fn leads_to_objects(&self) -> bool {
        self.leads_to_objects
    }

    pub(super) fn can_lead_to_objects(&self) -> bool {
        let mut below = self.fields.values().chain(&self.items).chain(&self.fallback);
        self.refers_to.is_some() || self.connects_to.is_some() || below.any(|field| field.leads_to_objects)
    }

    fn refers_to_kind(&self, kind: Kind) -> bool {
        let mut below = self.fields.values().map(AsRef::as_ref).chain(self.items.as_deref());
        self.leads_to_objects && (self.refers_to == Some(kind) || below.any(|field: &Self| field.refers_to_kind(kind)))
    }
}

/// A DNS name without the dot at its end: `a.example.` is `a.example`.
fn without_root_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// The DNS names of an object, those that its owner chose first. One may start with `*.`.
pub fn dns_names(kind: Kind, body: &Value) -> Vec<&str> {
    if kind != Kind::ReversePrivateEndpoint {
        return Vec::new();
    }
    let chosen = chosen_dns_names(kind, body).into_iter();
    let listed = ["privateDnsNames", "dnsNames"].into_iter().filter_map(|list| body[list].as_array()).flatten();
    let names = chosen.chain(listed.filter_map(Value::as_str)).map(without_root_dot);
    names.filter(|name| !name.is_empty()).collect()
}

/// The DNS names of an object that its owner chose.
pub fn chosen_dns_names(kind: Kind, body: &Value) -> Vec<&str> {
    let is_endpoint = kind == Kind::ReversePrivateEndpoint;
    let mappings = body["customPrivateDnsMappings"].as_array().filter(|_| is_endpoint).into_iter().flatten();
    mappings.filter_map(|mapping| mapping["privateDnsName"].as_str()).map(without_root_dot).collect()
}

/// The live body of an object after an update, with its new DNS names.
pub fn body_after_update(live: &Value, sent: &Value) -> Value {
    let mut after = live.clone();
    let (Value::Object(fields), Value::Object(sent)) = (&mut after, sent) else { return after };
    fields.extend(sent.iter().map(|(name, value)| (name.clone(), value.clone())));
    let chosen = |body: &Value| -> BTreeSet<String> {
        chosen_dns_names(Kind::ReversePrivateEndpoint, body).into_iter().map(str::to_ascii_lowercase).collect()
    };
    let (was, kept) = (chosen(live), chosen(&after));
    // An API may repeat the chosen names among the generated ones (the sandbox does; for the live one this is unknown).
    if let Some(Value::Array(names)) = after.get_mut("privateDnsNames") {
        let is_lost = |name: &str| was.contains(name) && !kept.contains(name);
        names.retain(|name| !name.as_str().is_some_and(|name| is_lost(&name.to_ascii_lowercase())));
    }
    after
}

/// The names in [`dns_names`] that lead a host to an object: the host itself, and `*.` with each part of its end.
pub fn dns_patterns(host: &str) -> Vec<String> {
    let ends = host.match_indices('.').map(|(dot, _)| format!("*{}", &host[dot..]));
    [host.to_owned()].into_iter().chain(ends).collect()
}

fn broker_list(endpoint: &Value, first_port: u64) -> Option<Value> {
    let names = endpoint["privateDnsNames"].as_array()?.iter().filter_map(Value::as_str);
    let address = |(name, port): (&str, u64)| Some(format!("{name}:{}", u16::try_from(port).ok()?));
    // Without the brokers that get no port, the pipe would read a part of the cluster.
    let brokers: Option<Vec<String>> = names.zip(first_port..).map(address).collect();
    brokers.filter(|brokers| !brokers.is_empty()).map(|brokers| brokers.join(",").into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{FieldSemantics, dns_patterns};
    use model::address::Kind;
    use model::live::{Id, Object, State};
    use model::path::FieldPath;

    fn resolve(field: &str, reference: &Value, endpoint: &Value, live: Option<&str>) -> Value {
        let rules = FieldSemantics::for_kind(Kind::ClickPipe).field_at(&FieldPath::parse(field));
        let object = Object { id: Id::new("e1"), state: State::new("Ready"), body: endpoint.clone() };
        rules.referenced_value(reference, &object, live.map(Value::from).as_ref()).unwrap_or_default()
    }

    #[test]
    fn host_reference_becomes_a_dns_name() {
        let reference = json!({"endpoint": "db"});
        let plain = json!({"dnsNames": ["vpce-1.example"], "privateDnsNames": []});
        let named = json!({"dnsNames": ["vpce-1.example"],
            "customPrivateDnsMappings": [{"privateDnsName": "*.corp.example"}, {"privateDnsName": "db.shop.example"}]});
        for (endpoint, live, expected) in [
            (&plain, None, json!("vpce-1.example")),
            (&named, None, json!("db.shop.example")),
            (&named, Some("vpce-1.example"), json!("vpce-1.example")),
            (&named, Some("PG.corp.example"), json!("PG.corp.example")),
            (&named, Some("other.example"), json!("db.shop.example")),
            (&json!({}), Some("other.example"), Value::Null),
        ] {
            assert_eq!(resolve("source.postgres.host", &reference, endpoint, live), expected, "{endpoint} {live:?}");
        }
    }

    #[test]
    fn broker_reference_becomes_one_broker_for_each_private_name() {
        let msk = json!({"privateDnsNames": ["b-1.k.example", "b-2.k.example"], "dnsNames": ["vpce.example"]});
        let reference = json!({"endpoint": "msk"});
        let other_port = json!({"endpoint": "msk", "firstPort": 9001});
        let default = json!("b-1.k.example:14001,b-2.k.example:14002");
        for (reference, live, expected) in [
            (&reference, None, default.clone()),
            (&other_port, None, json!("b-1.k.example:9001,b-2.k.example:9002")),
            (&reference, Some("b-2.k.example:14002"), json!("b-2.k.example:14002")),
            (&other_port, Some("b-2.k.example:14002"), json!("b-1.k.example:9001,b-2.k.example:9002")),
            (&reference, Some("b-1.k.example:14001,b.example:1"), default.clone()),
        ] {
            assert_eq!(resolve("source.kafka.brokers", reference, &msk, live), expected, "{reference} {live:?}");
        }
        assert_eq!(resolve("source.kafka.brokers", &reference, &json!({"dnsNames": ["a"]}), None), Value::Null);
        for (first_port, expected) in
            [(65_534, json!("b-1.k.example:65534,b-2.k.example:65535")), (65_535, Value::Null)]
        {
            let reference = json!({"endpoint": "msk", "firstPort": first_port});
            assert_eq!(resolve("source.kafka.brokers", &reference, &msk, None), expected, "{first_port}");
        }
    }

    #[test]
    fn host_lies_under_wildcards() {
        assert_eq!(dns_patterns("a.b.example"), ["a.b.example", "*.b.example", "*.example"]);
    }
}
