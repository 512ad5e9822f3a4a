//! Replaces the references in a body: secrets by their values, reverse private endpoints by their ids, hosts or brokers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clickpipes::semantics::FieldSemantics;
use model::address::Address;
use model::live::Object;
use model::secret::{self, SecretSource};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::error::Error;
use crate::redact::{Redaction, RunRedaction};
use crate::transport::RequestBody;

/// Resolves references to secrets, just before a body is sent.
pub trait SecretProvider: Send + Sync {
    /// The stored value of `{"fromEnv": …}`, `{"fromFile": …}` or `{"fromCommand": …}`. The caller applies the
    /// reference's `encoding`.
    ///
    /// # Errors
    ///
    /// The reason why there is no value. It must not quote the value.
    fn resolve_secret(&self, reference: &Value) -> Result<SecretString, String>;
}

/// A body to send, and the secrets to redact from the answer.
pub(crate) struct FilledBody {
    pub(crate) body: RequestBody,
    pub(crate) redaction: Redaction,
}

/// A reference to a reverse private endpoint of the same service.
pub(crate) struct EndpointReference<'b> {
    pub(crate) address: Address,
    /// The field that contains it.
    pub(crate) field: &'b FieldSemantics,
    pub(crate) value: &'b Value,
}

impl<'b> EndpointReference<'b> {
    fn find(at: &Address, field: &'b FieldSemantics, value: &'b Value) -> Option<Self> {
        let (kind, name) = field.referenced_object(value)?;
        Some(Self { address: Address::new(at.service.clone(), kind, name), field, value })
    }

    /// The value that the API gets for it.
    pub(crate) fn resolved_value(&self, endpoint: &Object) -> Option<Value> {
        self.field.referenced_value(self.value, endpoint, None)
    }
}

pub(crate) fn fill_body(
    at: &Address,
    body: &Value,
    secrets: &dyn SecretProvider,
    endpoint: impl Fn(&EndpointReference<'_>) -> Result<Value, Error>,
) -> Result<FilledBody, Error> {
    // As declared, before secrets are inserted: all texts in it are public.
    let open = body.to_string();
    let mut filler = BodyFiller { address: at, secrets, endpoint, public_text: open, redaction: Redaction::default() };
    let mut body = body.clone();
    filler.fill_value(FieldSemantics::for_kind(at.kind), &mut body)?;
    Ok(FilledBody { body: RequestBody::new(&body), redaction: filler.redaction })
}

/// Checks that every secret of the body can be resolved, and returns the secrets to redact. The values are dropped at
/// once.
pub(crate) fn check_resolvable(at: &Address, body: &Value, secrets: &dyn SecretProvider) -> Result<Redaction, Error> {
    let (mut redaction, open) = (Redaction::default(), body.to_string());
    for referred in secret::find_secret_references(body) {
        let found = secrets.resolve_secret(&referred.from);
        let found = found.map_err(|reason| unresolved_error(at, &referred.from, reason))?;
        redaction.add_secret(found.expose_secret(), &open);
    }
    Ok(redaction)
}

impl RunRedaction {
    /// Redacts the secrets of variables and files in these bodies from all output: responses are shown before the first
    /// request needs a secret, and may contain it in any field. Programs are not run for this.
    pub fn hide_secrets<'b>(&self, bodies: impl Iterator<Item = &'b Value>, secrets: &dyn SecretProvider) {
        for body in bodies {
            let (mut redaction, mut open) = (Redaction::default(), None);
            for referred in secret::find_secret_references(body) {
                // A program may ask a person for something, which must not happen before its secret is needed.
                let is_program = matches!(SecretSource::from_reference(&referred.from), Some(SecretSource::Command(_)));
                // A secret that cannot be read is reported when it is needed.
                if let Some(found) = (!is_program).then(|| secrets.resolve_secret(&referred.from).ok()).flatten() {
                    redaction.add_secret(found.expose_secret(), open.get_or_insert_with(|| body.to_string()));
                }
            }
            self.add_request(&redaction);
        }
    }
}

pub(crate) fn literal_body(body: &Value) -> FilledBody {
    FilledBody { body: RequestBody::new(body), redaction: Redaction::default() }
}

pub(crate) fn endpoint_references<'b>(at: &Address, body: &'b Value) -> Vec<EndpointReference<'b>> {
    fn collect<'b>(at: &Address, field: &'b FieldSemantics, value: &'b Value, found: &mut Vec<EndpointReference<'b>>) {
        if let Some(reference) = EndpointReference::find(at, field, value) {
            return found.push(reference);
        }
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| collect(at, field.child_field(name), value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| collect(at, field.list_item(), value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    collect(at, FieldSemantics::for_kind(at.kind), body, &mut found);
    found
}

/// The body as live shows it: with known values in place of its references to endpoints.
pub(crate) fn with_resolved_endpoints(
    at: &Address,
    field: &FieldSemantics,
    value: &Value,
    endpoint: &impl Fn(&EndpointReference<'_>) -> Option<Value>,
) -> Value {
    if let Some(reference) = EndpointReference::find(at, field, value) {
        return endpoint(&reference).unwrap_or_else(|| value.clone());
    }
    match value {
        Value::Object(fields) => {
            let resolve = |(name, value): (&String, &Value)| {
                (name.clone(), with_resolved_endpoints(at, field.child_field(name), value, endpoint))
            };
            Value::Object(fields.iter().map(resolve).collect())
        }
        Value::Array(items) => {
            items.iter().map(|item| with_resolved_endpoints(at, field.list_item(), item, endpoint)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

struct BodyFiller<'a, F> {
    address: &'a Address,
    secrets: &'a dyn SecretProvider,
    endpoint: F,
    /// The body as declared: a secret that occurs in it cannot be redacted without a trace.
    public_text: String,
    redaction: Redaction,
}

impl<F: Fn(&EndpointReference<'_>) -> Result<Value, Error>> BodyFiller<'_, F> {
    fn fill_value(&mut self, field: &FieldSemantics, value: &mut Value) -> Result<(), Error> {
        if let Some(reference) = EndpointReference::find(self.address, field, value) {
            *value = (self.endpoint)(&reference)?;
        } else if let Some((_, id)) = field.referenced_id(value) {
            // In the spelling of the API: it may not recognize an id in capitals.
            *value = id.as_str().into();
        } else if secret::is_secret_reference(value) {
            *value = Value::String(self.fill_secret(value)?);
        } else {
            match value {
                Value::Object(fields) => {
                    fields.iter_mut().try_for_each(|(name, v)| self.fill_value(field.child_field(name), v))?;
                }
                Value::Array(items) => items.iter_mut().try_for_each(|v| self.fill_value(field.list_item(), v))?,
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        Ok(())
    }

    fn fill_secret(&mut self, reference: &Value) -> Result<String, Error> {
        let failed = |reason| unresolved_error(self.address, reference, reason);
        let secret = self.secrets.resolve_secret(reference).map_err(failed)?;
        let secret = secret.expose_secret();
        // Both forms are redacted: the API may quote the value as sent, or after it decoded it.
        self.redaction.add_secret(secret, &self.public_text);
        let sent = match reference.get("encoding").and_then(Value::as_str) {
            None => secret.to_owned(),
            Some("base64") => STANDARD.encode(secret),
            Some(other) => return Err(failed(format!("no such encoding: `{other}`"))),
        };
        self.redaction.add_secret(&sent, &self.public_text);
        Ok(sent)
    }
}

fn unresolved_error(at: &Address, reference: &Value, reason: String) -> Error {
    Error::Secret { address: Box::new(at.clone()), reference: describe_reference(reference), reason }
}

/// The reference as written in the manifest, which is not secret.
fn describe_reference(reference: &Value) -> String {
    SecretSource::from_reference(reference).map_or_else(|| reference.to_string(), |way| way.to_string())
}

#[cfg(test)]
mod tests {
    use model::address::{Kind, Name, ServiceRef};
    use serde_json::json;

    use super::{Address, Error, FilledBody, SecretProvider, SecretString, Value, fill_body};

    struct Canary;

    impl SecretProvider for Canary {
        fn resolve_secret(&self, reference: &Value) -> Result<SecretString, String> {
            match reference["fromEnv"].as_str() {
                Some("MISSING") => Err("the variable is not set".into()),
                Some(name) => Ok(format!("canary-{name}").into()),
                None => Err("not offered here".into()),
            }
        }
    }

    fn filled(body: &Value) -> Result<FilledBody, Error> {
        let at = Address::new(ServiceRef::new("svc"), Kind::ClickPipe, Name::new("orders"));
        fill_body(&at, body, &Canary, |endpoint| Ok(format!("id-of-{}", endpoint.address.name).into()))
    }

    #[test]
    fn secret_references_are_resolved_at_any_depth() {
        let body = json!({
            "a": [{"password": {"fromEnv": "X", "version": 2}}],
            "key": {"fromEnv": "Y", "encoding": "base64"},
            "source": {
                "kafka": {"reversePrivateEndpointIds": [{"endpoint": "kafka"}, "7c0d"]},
                "postgres": {"host": {"endpoint": "db"}},
            },
            "kept": {"endpoint": "elsewhere"},
        });
        let filled = filled(&body).ok().unwrap();
        let sent: Value = serde_json::from_slice(filled.body.expose_bytes()).unwrap();
        assert_eq!(
            sent,
            json!({
                "a": [{"password": "canary-X"}],
                "key": "Y2FuYXJ5LVk=",
                "source": {
                    "kafka": {"reversePrivateEndpointIds": ["id-of-kafka", "7c0d"]},
                    "postgres": {"host": "id-of-db"},
                },
                "kept": {"endpoint": "elsewhere"},
            })
        );
        let echo = "canary-X canary-Y Y2FuYXJ5LVk=";
        assert_eq!(filled.redaction.redact_text(echo), "[redacted] [redacted] [redacted]");
    }

    #[test]
    fn unresolvable_secret_error_names_the_reference() {
        let error = |body| filled(&body).err().map(|error| error.to_string()).unwrap_or_default();
        insta::assert_snapshot!(error(json!({"password": {"fromEnv": "MISSING"}})), @"cannot resolve the secret `fromEnv: MISSING` of `svc/orders`: the variable is not set");
        insta::assert_snapshot!(error(json!({"uri": {"fromCommand": ["pass", "x"]}})), @r#"cannot resolve the secret `fromCommand: ["pass","x"]` of `svc/orders`: not offered here"#);
        insta::assert_snapshot!(error(json!({"key": {"fromEnv": "X", "encoding": "rot13"}})), @"cannot resolve the secret `fromEnv: X` of `svc/orders`: no such encoding: `rot13`");
    }
}
