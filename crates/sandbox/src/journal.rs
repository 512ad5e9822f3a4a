//! What was asked and answered, without the secrets.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::contract::store::{MASK, mask};

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it came, by the virtual clock.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path as it was given.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// Whether the client got that answer.
    pub answered: bool,
    /// The `requestId` of the answer.
    pub request_id: String,
    /// The body, with `***` for every secret; `null` when there was none or it was not JSON.
    pub body: Value,
    /// The error text of the answer.
    pub error: Option<String>,
}

impl Entry {
    /// The entry for people and tools, with the time as the API writes it.
    pub(crate) fn show(&self) -> Value {
        json!({
            "at": self.at.to_string(),
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

/// Older entries make room for new ones beyond this number.
const CAPACITY: usize = 2_000;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Journal(Vec<Entry>);

impl Journal {
    pub(crate) fn note(&mut self, entry: Entry) {
        if self.0.len() >= CAPACITY {
            self.0.drain(..CAPACITY / 10);
        }
        self.0.push(entry);
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.0
    }
}

/// Everything below these keys is secret.
const SECRET_BLOCKS: [&str; 3] = ["credentials", "accesskey", "serviceaccountkey"];
/// A key that contains one of these names a secret, wherever it stands.
const SECRET_WORDS: [&str; 8] = [
    "password",
    "secret",
    "connectionstring",
    "privatekey",
    "certificatekey",
    "serviceaccount",
    "token",
    "credential",
];

/// The body with every secret masked. Goes by the names of keys, not by the contract: a client
/// that puts a secret in the wrong place must not find it in the journal.
pub(crate) fn redact(body: &[u8]) -> Value {
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
        let value = if is_secret(name) { mask(value) } else { redact_value(value) };
        (name.clone(), value)
    });
    redacted.collect()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_BLOCKS.contains(&name.as_str()) || SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// A URI with its password masked; any other text as it is.
fn redact_uri(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    // A password may hold a slash that is not escaped: whatever is before the last `@` counts.
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
    fn no_secret_is_kept_wherever_it_stands() {
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
        let redacted = redact(body.to_string().as_bytes());
        assert!(!redacted.to_string().contains("canary"), "{redacted}");
        assert_eq!(redacted["source"]["kafka"]["credentials"]["password"], MASK);
        assert_eq!(redacted["uri"], "mongodb://user:***@host.example/db");
        assert!(!redacted["odd"].as_str().unwrap().contains("ary"));
        assert_eq!(redacted["name"], "orders");
    }

    #[test]
    fn what_is_not_json_is_not_kept() {
        assert_eq!(redact(b"password=canary"), Value::Null);
    }

    #[test]
    fn the_journal_is_bounded() {
        let mut journal = Journal::default();
        for number in 0..CAPACITY + 5 {
            journal.note(Entry {
                at: Timestamp::START,
                method: "GET".to_owned(),
                path: number.to_string(),
                status: 200,
                answered: true,
                request_id: String::new(),
                body: Value::Null,
                error: None,
            });
        }
        assert!(journal.entries().len() <= CAPACITY);
        assert_eq!(journal.entries().last().unwrap().path, (CAPACITY + 4).to_string());
    }
}
