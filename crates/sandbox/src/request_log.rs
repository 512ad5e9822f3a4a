//! The log of requests and answers, without secrets.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::contract::accept::{MASK, mask_values};

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoggedRequest {
    /// The virtual time of the request.
    pub received_at: Timestamp,
    /// The method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// `false` if a fault cut the connection before the answer.
    pub answered: bool,
    /// The `requestId` of the answer.
    pub request_id: String,
    /// The body, with `***` for every secret; null if there was none or it was not JSON.
    pub body: Value,
    /// The error text of the answer; `None` for a success.
    pub error: Option<String>,
}

impl LoggedRequest {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "at": self.received_at.to_string(),
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "answered": self.answered,
            "requestId": self.request_id,
            "body": self.body,
            "error": self.error,
        })
    }
}

// A sandbox may run for days; without a limit the log would fill the memory and the saved world.
const MAX_ENTRIES: usize = 2_000;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RequestLog(Vec<LoggedRequest>);

impl RequestLog {
    pub(crate) fn record_request(&mut self, entry: LoggedRequest) {
        if self.0.len() >= MAX_ENTRIES {
            // A tenth at a time: removing the first entry for each new one would move all others.
            self.0.drain(..MAX_ENTRIES / 10);
        }
        self.0.push(entry);
    }

    pub(crate) fn entries(&self) -> &[LoggedRequest] {
        &self.0
    }
}

/// Everything below these keys is secret.
const SECRET_OBJECTS: [&str; 3] = ["credentials", "accesskey", "serviceaccountkey"];
/// A key that contains one of these is the name of a secret.
const SECRET_NAME_PARTS: [&str; 8] =
    ["password", "secret", "connectionstring", "privatekey", "certificatekey", "serviceaccount", "token", "credential"];

pub(crate) fn redact_body(body: &[u8]) -> Value {
    // By the names of keys, not by the contract: a secret in the wrong field must not be logged either.
    serde_json::from_slice::<Value>(body).map(|body| redact_value(&body)).unwrap_or_default()
}

fn redact_value(value: &Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(redact_object(object)),
        Value::Array(items) => items.iter().map(redact_value).collect(),
        Value::String(text) => redact_uri(text).into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn redact_object(object: &Map<String, Value>) -> Map<String, Value> {
    let redacted = object.iter().map(|(name, value)| {
        let value = if is_secret_name(name) { mask_values(value) } else { redact_value(value) };
        (name.clone(), value)
    });
    redacted.collect()
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_OBJECTS.contains(&name.as_str()) || SECRET_NAME_PARTS.iter().any(|word| name.contains(word))
}

fn redact_uri(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    // A password may contain a slash that is not escaped: everything before the last `@` counts.
    let end = rest.rfind('@').unwrap_or(authority.len());
    let Some((user, _)) = rest[..end].split_once(':').filter(|_| rest.contains('@')) else {
        return text.to_owned();
    };
    format!("{scheme}://{user}:{MASK}{}", &rest[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_log_redacts_secrets_at_any_depth() {
        let body = json!({
            "name": "orders",
            "source": {"kafka": {
                "credentials": {"username": "canary", "password": "canary"},
                "schemaRegistry": {"url": "https://r", "credentials": "canary"},
                "typo": {"Password": "canary"},
            }},
            "accessKey": {"accessKeyId": "canary", "secretKey": ["canary"]},
            "serviceAccountKey": "canary",
            "connectionString": "canary",
            "uri": "mongodb://user:canary@host.example/db",
            "odd": "mongodb+srv://user:can/ary@host.example",
        });
        let redacted = redact_body(body.to_string().as_bytes());
        assert!(!redacted.to_string().contains("canary"), "{redacted}");
        assert_eq!(redacted["source"]["kafka"]["credentials"]["password"], MASK);
        assert_eq!(redacted["uri"], "mongodb://user:***@host.example/db");
        assert!(!redacted["odd"].as_str().unwrap().contains("ary"));
        assert_eq!(redacted["name"], "orders");
    }

    #[test]
    fn request_log_drops_bodies_that_are_not_json() {
        assert_eq!(redact_body(b"password=canary"), Value::Null);
    }

    #[test]
    fn request_log_is_bounded() {
        let mut journal = RequestLog::default();
        for number in 0..MAX_ENTRIES + 5 {
            journal.record_request(LoggedRequest {
                received_at: Timestamp::START,
                method: "GET".to_owned(),
                path: number.to_string(),
                status: 200,
                answered: true,
                request_id: String::new(),
                body: Value::Null,
                error: None,
            });
        }
        assert!(journal.entries().len() <= MAX_ENTRIES);
        assert_eq!(journal.entries().last().unwrap().path, (MAX_ENTRIES + 4).to_string());
    }
}
