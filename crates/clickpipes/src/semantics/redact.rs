//! Redacts values for display, before they enter a plan.

use serde_json::Value;

use super::FieldSemantics;
use super::spelling::Equality;
use crate::secrets::forms::{is_short_word, secret_ranges};
use crate::secrets::literal_reference::is_secret_reference_literal;
use crate::secrets::names::{is_secret_field_name, is_secret_group_name};
use model::sanitize::replace_ranges;
use model::secret;

/// Replaces a value that is never shown.
pub const REDACTED_SECRET: &str = "(secret)";

impl FieldSemantics {
    /// The same for a value of a manifest, where a secret is a reference: it is shown unchanged, so that a reader sees
    /// which secret is used and when it was renewed.
    pub fn redact_desired(&self, value: &Value) -> Value {
        match value {
            Value::Object(_) if secret::is_secret_reference(value) => redact_reference(value),
            Value::Object(fields) if !self.is_secret => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.redact_field(name, value, Self::redact_desired)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            _ => self.shown(value),
        }
    }

    /// The value with every secret in it replaced, so that it may enter plans and output.
    pub fn shown(&self, value: &Value) -> Value {
        match value {
            _ if self.is_secret => Value::from(REDACTED_SECRET),
            Value::String(text) if is_short_word(text) => value.clone(),
            Value::String(text) if self.equality == Equality::Uri => {
                Value::from(redact_by_form(&redact_uri_password(text)))
            }
            // No other field is for secrets, but somebody may have put one there.
            Value::String(text) => Value::from(redact_by_form(text)),
            Value::Array(items) => items.iter().map(|item| self.list_item().shown(item)).collect::<Vec<_>>().into(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.redact_field(name, value, Self::shown)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// A field of this object with `redact` applied. An unknown field with the name of a secret is hidden: an earlier
    /// commit may contain one, and a newer API may return one.
    fn redact_field(&self, name: &str, value: &Value, redact: fn(&Self, &Value) -> Value) -> Value {
        let field = self.child_field(name);
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let is_secret = match value {
            Value::Array(items) => is_secret_field_name(name) && items.iter().any(is_text),
            Value::Object(fields) => is_secret_group_name(name) && fields.values().any(is_text),
            _ => is_secret_field_name(name) && is_text(value),
        };
        // The schema marks each known field that is a secret. Its name alone could hide a harmless one.
        if field.is_unknown && is_secret {
            return Value::from(REDACTED_SECRET);
        }
        redact(field, value)
    }
}

/// `scheme://user:password@host` without the password. A malformed password may contain a slash or an `@`, so
/// everything up to the last `@` counts as login: hiding too much is better than too little.
pub fn redact_uri_password(uri: &str) -> String {
    let hidden = uri.split_once("://").and_then(|(scheme, rest)| {
        let (login, host) = rest.rsplit_once('@')?;
        let (user, _password) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}"))
    });
    hidden.unwrap_or_else(|| uri.to_owned())
}

/// A reference that contains the secret itself, without it. Earlier commits may have one.
fn redact_reference(reference: &Value) -> Value {
    if !is_secret_reference_literal(reference) {
        return reference.clone();
    }
    let fields = reference.as_object().into_iter().flatten().map(|(key, value)| {
        let shown = if secret::is_secret_source_key(key) { Value::from(REDACTED_SECRET) } else { value.clone() };
        (key.clone(), shown)
    });
    Value::Object(fields.collect())
}

/// A text of an unknown field, without secrets that are recognized by their form. The part after the host of an address
/// is unchanged, because the path of a file may contain anything.
fn redact_by_form(text: &str) -> String {
    replace_ranges(text, secret_ranges(text), "***")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{redact_by_form, redact_uri_password};
    use crate::semantics::FieldSemantics;
    use model::address::Kind;
    use model::path::FieldPath;

    // A newer API may return one, and an earlier commit may contain one.
    #[test]
    fn unknown_field_that_is_named_as_a_secret_is_hidden() {
        let kafka = FieldSemantics::for_kind(Kind::ClickPipe).field_at(&FieldPath::parse("source.kafka"));
        let value = json!({"apiToken": "t", "deep": [{"clientSecret": "s"}], "passwords": ["p"], "secrets": {"a": "s"}, "tokenUrl": "u", "brokers": "x,A://u:p@b",
            "key": "-----BEGIN PRIVATE KEY-----\nMII", "credentials": {"password": {"fromEnv": "my text"}}});
        let expected = json!({"apiToken": "(secret)", "deep": [{"clientSecret": "(secret)"}], "passwords": "(secret)", "secrets": "(secret)", "tokenUrl": "u",
            "brokers": "x,A://u:***@b", "key": "-----BEGIN PRIVATE KEY-----***",
            "credentials": {"password": {"fromEnv": "(secret)"}}});
        assert_eq!(kafka.redact_desired(&value), expected);
    }

    #[test]
    fn signature_in_url_is_redacted() {
        for (text, shown) in [
            ("https://h/x?a=b&sig=s1&token=s2&c=d", "https://h/x?a=b&sig=***&token=***&c=d"),
            ("https://h/x?X-Amz-Signature=s1", "https://h/x?X-Amz-Signature=***"),
            ("https://h/x?page=1", "https://h/x?page=1"),
            ("sig=s1", "sig=s1"),
            ("https://h/x#access_token=s1", "https://h/x#access_token=***"),
            ("Endpoint=sb://h/;SharedAccessKey=s1", "Endpoint=sb://h/;SharedAccessKey=***"),
            ("bad token ghp_0123456789abcdefABCD, see log", "bad token ***, see log"),
        ] {
            assert_eq!(redact_by_form(text), shown);
        }
    }

    #[test]
    fn token_alone_is_hidden() {
        let topics = FieldSemantics::for_kind(Kind::ClickPipe).field_at(&FieldPath::parse("source.kafka.topics"));
        assert_eq!(topics.shown(&json!("ghp_0123456789abcdef")), json!("***"));
        assert_eq!(topics.shown(&json!("orders_1")), json!("orders_1"));
    }

    #[test]
    fn password_in_url_is_redacted() {
        for (text, shown) in [
            ("https://u:p@h/a:b@c", "https://u:***@h/a:b@c"),
            ("https://u:p@h", "https://u:***@h"),
            ("https://TOKEN@h/x", "https://***@h/x"),
            ("https://***@h/x", "https://***@h/x"),
            ("https://h/a:b@c/*.csv", "https://h/a:b@c/*.csv"),
            ("https://h?x=a:b@c", "https://h?x=a:b@c"),
            ("a:b@c", "a:b@c"),
        ] {
            assert_eq!(redact_by_form(text), shown);
        }
    }

    #[test]
    fn password_in_mongodb_uri_is_redacted() {
        for (uri, shown) in [
            ("mongodb://u:p@h/db", "mongodb://u:***@h/db"),
            ("mongodb://u:p@ss@h", "mongodb://u:***@h"),
            ("mongodb://u:p/ss@h/db", "mongodb://u:***@h/db"),
            ("mongodb://u@h/db", "mongodb://u@h/db"),
            ("mongodb+srv://h/db?a=b", "mongodb+srv://h/db?a=b"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(redact_uri_password(uri), shown);
        }
    }
}
