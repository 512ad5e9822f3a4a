//! Fills a body with what it only refers to: secrets, and ids of reverse private endpoints.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::address::{Address, Kind, Name};
use model::secret::{self, Way};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::error::Error;
use crate::redact::Redaction;
use crate::transport::Body;

/// Looks up what a reference stands for. Asked only when a body is about to be sent.
pub trait Secrets: Send + Sync {
    /// The value of `{"fromEnv": …}`, `{"fromFile": …}` or `{"fromCommand": …}`, as it is stored:
    /// an `encoding` that the reference asks for is applied afterwards, by the caller. The reason
    /// of a failure must not quote the value.
    fn resolve(&self, reference: &Value) -> Result<SecretString, String>;
}

/// A body that can be sent, and what must not come back out of the answer.
pub(crate) struct Filled {
    pub(crate) body: Body,
    pub(crate) redaction: Redaction,
}

/// The key of a reference to a reverse private endpoint, always alone in its mapping.
const ENDPOINT: &str = "endpoint";

/// Fills every reference of the body. `endpoint` gives the id of a named endpoint.
pub(crate) fn fill(
    at: &Address,
    body: &Value,
    secrets: &dyn Secrets,
    endpoint: impl Fn(&Address) -> Result<String, Error>,
) -> Result<Filled, Error> {
    let open = body.to_string();
    let mut filler = Filler { at, secrets, endpoint, open, redaction: Redaction::default() };
    let mut body = body.clone();
    filler.fill(&mut body)?;
    Ok(Filled { body: Body::new(&body), redaction: filler.redaction })
}

/// Whether every secret of the body can be had. The values are dropped at once.
pub(crate) fn prove(at: &Address, body: &Value, secrets: &dyn Secrets) -> Result<(), Error> {
    secret::references(body).iter().try_for_each(|referred| {
        let found = secrets.resolve(&referred.from).map(drop);
        found.map_err(|reason| unresolved(at, &referred.from, reason))
    })
}

/// A body without references.
pub(crate) fn plain(body: &Value) -> Filled {
    Filled { body: Body::new(body), redaction: Redaction::default() }
}

/// The endpoints that the body names, in its own service.
pub(crate) fn endpoints(at: &Address, body: &Value) -> Vec<Address> {
    if let Some(endpoint) = named_endpoint(at, body) {
        return vec![endpoint];
    }
    match body {
        Value::Object(fields) => fields.values().flat_map(|value| endpoints(at, value)).collect(),
        Value::Array(items) => items.iter().flat_map(|value| endpoints(at, value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

struct Filler<'a, F> {
    at: &'a Address,
    secrets: &'a dyn Secrets,
    endpoint: F,
    /// The body as it is declared.
    open: String,
    redaction: Redaction,
}

impl<F: Fn(&Address) -> Result<String, Error>> Filler<'_, F> {
    fn fill(&mut self, value: &mut Value) -> Result<(), Error> {
        if let Some(endpoint) = named_endpoint(self.at, value) {
            *value = Value::String((self.endpoint)(&endpoint)?);
        } else if secret::is_reference(value) {
            *value = Value::String(self.secret(value)?);
        } else {
            match value {
                Value::Object(fields) => fields.values_mut().try_for_each(|v| self.fill(v))?,
                Value::Array(items) => items.iter_mut().try_for_each(|v| self.fill(v))?,
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        Ok(())
    }

    fn secret(&mut self, reference: &Value) -> Result<String, Error> {
        let failed = |reason| unresolved(self.at, reference, reason);
        let secret = self.secrets.resolve(reference).map_err(failed)?;
        let secret = secret.expose_secret();
        self.redaction.hide(secret, &self.open);
        let sent = match reference.get("encoding").and_then(Value::as_str) {
            None => secret.to_owned(),
            Some("base64") => STANDARD.encode(secret),
            Some(other) => return Err(failed(format!("no such encoding: `{other}`"))),
        };
        self.redaction.hide(&sent, &self.open);
        Ok(sent)
    }
}

fn named_endpoint(at: &Address, value: &Value) -> Option<Address> {
    let Value::Object(fields) = value else { return None };
    let name = fields.get(ENDPOINT).filter(|_| fields.len() == 1)?.as_str()?;
    Some(Address::new(at.service.clone(), Kind::ReversePrivateEndpoint, Name::new(name)))
}

fn unresolved(at: &Address, reference: &Value, reason: String) -> Error {
    Error::Secret { at: Box::new(at.clone()), reference: describe(reference), reason }
}

/// The reference as it was written, which is no secret.
fn describe(reference: &Value) -> String {
    Way::of(reference).map_or_else(|| reference.to_string(), |way| way.to_string())
}

#[cfg(test)]
mod tests {
    use model::address::ServiceRef;
    use serde_json::json;

    use super::{Address, Error, Filled, Kind, Name, SecretString, Secrets, Value, fill};

    struct Canary;

    impl Secrets for Canary {
        fn resolve(&self, reference: &Value) -> Result<SecretString, String> {
            match reference["fromEnv"].as_str() {
                Some("MISSING") => Err("the variable is not set".into()),
                Some(name) => Ok(format!("canary-{name}").into()),
                None => Err("not offered here".into()),
            }
        }
    }

    fn filled(body: &Value) -> Result<Filled, Error> {
        let at = Address::new(ServiceRef::new("svc"), Kind::ClickPipe, Name::new("orders"));
        fill(&at, body, &Canary, |endpoint| Ok(format!("id-of-{}", endpoint.name)))
    }

    #[test]
    fn references_are_filled_wherever_they_stand() {
        let body = json!({
            "a": [{"password": {"fromEnv": "X", "version": 2}}],
            "key": {"fromEnv": "Y", "encoding": "base64"},
            "endpoints": [{"endpoint": "kafka"}, "7c0d"],
            "kept": {"endpoint": "two", "keys": 1},
        });
        let filled = filled(&body).ok().unwrap();
        let sent: Value = serde_json::from_slice(filled.body.expose()).unwrap();
        assert_eq!(
            sent,
            json!({
                "a": [{"password": "canary-X"}],
                "key": "Y2FuYXJ5LVk=",
                "endpoints": ["id-of-kafka", "7c0d"],
                "kept": {"endpoint": "two", "keys": 1},
            })
        );
        let echo = "canary-X canary-Y Y2FuYXJ5LVk=";
        assert_eq!(filled.redaction.clean(echo), "[redacted] [redacted] [redacted]");
    }

    #[test]
    fn what_cannot_be_resolved_is_named_by_its_reference() {
        let error = |body| filled(&body).err().map(|error| error.to_string()).unwrap_or_default();
        insta::assert_snapshot!(error(json!({"password": {"fromEnv": "MISSING"}})), @"cannot resolve the secret `fromEnv: MISSING` of `svc/orders`: the variable is not set");
        insta::assert_snapshot!(error(json!({"uri": {"fromCommand": ["pass", "x"]}})), @r#"cannot resolve the secret `fromCommand: ["pass","x"]` of `svc/orders`: not offered here"#);
        insta::assert_snapshot!(error(json!({"key": {"fromEnv": "X", "encoding": "rot13"}})), @"cannot resolve the secret `fromEnv: X` of `svc/orders`: no such encoding: `rot13`");
    }
}
