//! How a value may be shown. What must stay hidden is replaced here, before it enters a plan.

use serde_json::Value;

use super::FieldSemantics;
use super::spelling::Equality;
use crate::secret_names::secret_query_values;
use model::secret;

/// Stands for a value that is never shown.
pub const REDACTED_SECRET: &str = "(secret)";

impl FieldSemantics {
    /// The same for a value out of a manifest, where a secret is a reference: it is shown as it
    /// stands, so that a reader sees which one is meant and when it was renewed.
    pub fn redact_desired(&self, value: &Value) -> Value {
        match value {
            Value::Object(_) if secret::is_secret_reference(value) => value.clone(),
            Value::Object(fields) if !self.is_secret => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.child_field(name).redact_desired(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            _ => self.shown(value),
        }
    }

    /// The value with every secret in it replaced, so that it may enter plans and output.
    pub fn shown(&self, value: &Value) -> Value {
        match value {
            _ if self.is_secret => Value::from(REDACTED_SECRET),
            Value::String(text) if self.equality == Equality::Uri => Value::from(redact_uri_password(text)),
            // No other field is for logins, but somebody may have put one there.
            Value::String(text) => Value::from(redact_query(&redact_login(text))),
            Value::Array(items) => items.iter().map(|item| self.list_item().shown(item)).collect::<Vec<_>>().into(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.child_field(name).shown(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

/// `scheme://user:password@host` without the password. A sloppy password may hold a slash or an
/// `@`, so everything up to the last `@` counts as the user's: rather too much hidden than too
/// little.
pub fn redact_uri_password(uri: &str) -> String {
    let hidden = uri.split_once("://").and_then(|(scheme, rest)| {
        let (login, host) = rest.rsplit_once('@')?;
        let (user, _password) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}"))
    });
    hidden.unwrap_or_else(|| uri.to_owned())
}

/// The same for a text of which little is known: what follows the host stays as it is, as the path
/// of a file may hold anything.
fn redact_login(text: &str) -> String {
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, rest) = rest.split_at(end);
        let uri = format!("{scheme}://{host}");
        let hidden = redact_uri_password(&uri);
        (hidden != uri).then(|| format!("{hidden}{rest}"))
    });
    hidden.unwrap_or_else(|| text.to_owned())
}

/// A URL without the signatures and tokens of its query.
fn redact_query(text: &str) -> String {
    let mut shown = text.to_owned();
    for value in secret_query_values(text).into_iter().rev() {
        shown.replace_range(value, "***");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{redact_login, redact_query, redact_uri_password};

    #[test]
    fn signature_in_url_is_redacted() {
        for (text, shown) in [
            ("https://h/x?a=b&sig=s1&token=s2&c=d", "https://h/x?a=b&sig=***&token=***&c=d"),
            ("https://h/x?X-Amz-Signature=s1", "https://h/x?X-Amz-Signature=***"),
            ("https://h/x?page=1", "https://h/x?page=1"),
            ("sig=s1", "sig=s1"),
        ] {
            assert_eq!(redact_query(text), shown);
        }
    }

    #[test]
    fn password_in_url_is_redacted() {
        for (text, shown) in [
            ("https://u:p@h/a:b@c", "https://u:***@h/a:b@c"),
            ("https://u:p@h", "https://u:***@h"),
            ("https://h/a:b@c/*.csv", "https://h/a:b@c/*.csv"),
            ("https://h?x=a:b@c", "https://h?x=a:b@c"),
            ("a:b@c", "a:b@c"),
        ] {
            assert_eq!(redact_login(text), shown);
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
