//! Unreachable sources. The API connects to the source before it accepts a pipe; the sandbox makes no connections and
//! fails for reserved names, with phrases of the API.

use serde_json::{Map, Value};

use crate::contract::source::ApiSource;
use crate::http_types::ApiRefusal;
use crate::json_body::{object_field, text_field};

// RFC 2606 reserves the domain: no host of it can exist.
const UNREACHABLE_DOMAIN: &str = ".invalid";
/// The prefix of buckets, streams, topics and containers that do not exist here.
const MISSING_PREFIX: &str = "no-such-";

pub(crate) fn source_unreachable() -> ApiRefusal {
    ApiRefusal::bad_request("failed to establish connection: context deadline exceeded")
}

/// The reason why the source cannot be reached; `None` if it can.
pub(crate) fn connection_failure(source: ApiSource, source_fields: &Map<String, Value>) -> Option<String> {
    let host = source_hosts(source, source_fields).into_iter().find(|host| host.ends_with(UNREACHABLE_DOMAIN));
    if let Some(host) = host {
        return Some(format!("dial tcp: lookup {host}: no such host"));
    }
    let name = resource_names(source, source_fields).into_iter().find(|name| name.starts_with(MISSING_PREFIX))?;
    Some(format!("failed to access {name}: it does not exist"))
}

fn source_hosts(source: ApiSource, source_fields: &Map<String, Value>) -> Vec<&str> {
    let given = |name| text_field(source_fields, name).unwrap_or_default();
    match source {
        ApiSource::Kafka => {
            let registry = object_field(source_fields, "schemaRegistry").and_then(|it| text_field(it, "url"));
            let brokers = given("brokers").split(',').map(url_host);
            brokers.chain(registry.map(url_host)).collect()
        }
        ApiSource::ObjectStorage => vec![url_host(given("url"))],
        ApiSource::Postgres | ApiSource::Mysql => vec![given("host")],
        ApiSource::Mongodb => {
            let authority = url_authority(given("uri"));
            // After the last `@`: a password may contain one, and the message quotes the host.
            let hosts = authority.rsplit('@').next().unwrap_or(authority);
            hosts.split(',').map(url_host).collect()
        }
        ApiSource::Kinesis | ApiSource::Pubsub | ApiSource::Bigquery => Vec::new(),
    }
}

fn resource_names(source: ApiSource, source_fields: &Map<String, Value>) -> Vec<&str> {
    let given = |name| text_field(source_fields, name).unwrap_or_default();
    match source {
        ApiSource::ObjectStorage => {
            let url = given("url");
            let path = url.split("://").nth(1).and_then(|rest| rest.split('/').nth(1));
            vec![url_authority(url), path.unwrap_or_default(), given("azureContainerName")]
        }
        ApiSource::Kinesis => vec![given("streamName")],
        ApiSource::Pubsub => vec![given("topic")],
        ApiSource::Bigquery => vec![url_authority(given("snapshotStagingPath"))],
        ApiSource::Kafka | ApiSource::Postgres | ApiSource::Mysql | ApiSource::Mongodb => Vec::new(),
    }
}

fn url_authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

fn url_host(address: &str) -> &str {
    let authority = url_authority(address.trim());
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failure_of(source: ApiSource, arm: &Value) -> Option<String> {
        connection_failure(source, arm.as_object().unwrap())
    }

    #[test]
    fn invalid_host_names_are_unreachable() {
        let kafka = json!({"brokers": "a.example:9092, b.invalid:9092"});
        let mongodb = json!({"uri": "mongodb://user:pa@ss@a.example,b.invalid:27017/db"});
        let bucket = json!({"url": "https://s3.amazonaws.com/no-such-bucket/x.json"});
        let stream = json!({"streamName": "no-such-stream"});
        for (source, arm) in [
            (ApiSource::Kafka, kafka),
            (ApiSource::Mongodb, mongodb),
            (ApiSource::ObjectStorage, bucket),
            (ApiSource::Kinesis, stream),
        ] {
            assert!(failure_of(source, &arm).is_some(), "{arm}");
        }
    }

    #[test]
    fn connection_error_quotes_no_password() {
        let mongodb = json!({"uri": "mongodb://user:secret@b.invalid:27017/db"});
        let reason = failure_of(ApiSource::Mongodb, &mongodb).unwrap();
        assert_eq!(reason, "dial tcp: lookup b.invalid: no such host");
    }

    #[test]
    fn other_host_names_are_reachable() {
        let url = json!({"url": "https://bucket.s3.amazonaws.com/data/*.json"});
        assert_eq!(failure_of(ApiSource::ObjectStorage, &url), None);
        assert_eq!(failure_of(ApiSource::Postgres, &json!({"host": "pg.example.com"})), None);
    }
}
