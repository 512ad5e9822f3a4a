//! The API connects to the source before it accepts a pipe. The sandbox connects to nothing:
//! it fails for names that say so, with phrases that the API uses.

use serde_json::{Map, Value};

use crate::body::{object, text};
use crate::contract::source::Source;
use crate::message::Refusal;

/// A host under this domain does not exist, by RFC 2606.
const UNREACHABLE: &str = ".invalid";
/// A bucket, stream, topic or container whose name begins so does not exist here.
const MISSING: &str = "no-such-";

/// What is said of a source that does not answer at all.
pub(crate) fn unreachable() -> Refusal {
    Refusal::bad_request("failed to establish connection: context deadline exceeded")
}

/// Why the source cannot be reached.
pub(crate) fn failure(source: Source, arm: &Map<String, Value>) -> Option<String> {
    let host = hosts(source, arm).into_iter().find(|host| host.ends_with(UNREACHABLE));
    if let Some(host) = host {
        return Some(format!("dial tcp: lookup {host}: no such host"));
    }
    let name = places(source, arm).into_iter().find(|name| name.starts_with(MISSING))?;
    Some(format!("failed to access {name}: it does not exist"))
}

fn hosts(source: Source, arm: &Map<String, Value>) -> Vec<&str> {
    let given = |name| text(arm, name).unwrap_or_default();
    match source {
        Source::Kafka => {
            let registry = object(arm, "schemaRegistry").and_then(|it| text(it, "url"));
            let brokers = given("brokers").split(',').map(host_of);
            brokers.chain(registry.map(host_of)).collect()
        }
        Source::ObjectStorage => vec![host_of(given("url"))],
        Source::Postgres | Source::Mysql => vec![given("host")],
        Source::Mongodb => {
            let authority = authority_of(given("uri"));
            let hosts = authority.rsplit('@').next().unwrap_or(authority);
            hosts.split(',').map(host_of).collect()
        }
        Source::Kinesis | Source::Pubsub | Source::Bigquery => Vec::new(),
    }
}

fn places(source: Source, arm: &Map<String, Value>) -> Vec<&str> {
    let given = |name| text(arm, name).unwrap_or_default();
    match source {
        Source::ObjectStorage => {
            let url = given("url");
            let path = url.split("://").nth(1).and_then(|rest| rest.split('/').nth(1));
            vec![authority_of(url), path.unwrap_or_default(), given("azureContainerName")]
        }
        Source::Kinesis => vec![given("streamName")],
        Source::Pubsub => vec![given("topic")],
        Source::Bigquery => vec![authority_of(given("snapshotStagingPath"))],
        Source::Kafka | Source::Postgres | Source::Mysql | Source::Mongodb => Vec::new(),
    }
}

/// What stands between the scheme and the path.
fn authority_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

fn host_of(address: &str) -> &str {
    let authority = authority_of(address.trim());
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failure_of(source: Source, arm: &Value) -> Option<String> {
        failure(source, arm.as_object().unwrap())
    }

    #[test]
    fn names_that_say_so_are_unreachable() {
        let kafka = json!({"brokers": "a.example:9092, b.invalid:9092"});
        let mongodb = json!({"uri": "mongodb://user:pa@ss@a.example,b.invalid:27017/db"});
        let bucket = json!({"url": "https://s3.amazonaws.com/no-such-bucket/x.json"});
        let stream = json!({"streamName": "no-such-stream"});
        for (source, arm) in [
            (Source::Kafka, kafka),
            (Source::Mongodb, mongodb),
            (Source::ObjectStorage, bucket),
            (Source::Kinesis, stream),
        ] {
            assert!(failure_of(source, &arm).is_some(), "{arm}");
        }
    }

    #[test]
    fn a_reason_quotes_no_password() {
        let mongodb = json!({"uri": "mongodb://user:secret@b.invalid:27017/db"});
        let reason = failure_of(Source::Mongodb, &mongodb).unwrap();
        assert_eq!(reason, "dial tcp: lookup b.invalid: no such host");
    }

    #[test]
    fn other_names_are_reachable() {
        let url = json!({"url": "https://bucket.s3.amazonaws.com/data/*.json"});
        assert_eq!(failure_of(Source::ObjectStorage, &url), None);
        assert_eq!(failure_of(Source::Postgres, &json!({"host": "pg.example.com"})), None);
    }
}
