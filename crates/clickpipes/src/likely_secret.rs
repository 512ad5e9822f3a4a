//! Guesses whether a value that nothing here knows holds a secret.

use std::ops::Range;

use serde_json::Value;

use crate::kinds;
use crate::semantics::redact_uri_password;

/// Decides by the names on the path and by the text. Rather says yes too often than too rarely.
pub fn has_likely_secret(field_path: &str, value: &Value) -> bool {
    let name = field_path.rsplit('.').next().unwrap_or(field_path);
    kinds::secret_field_names().contains(name)
        || match value {
            Value::String(text) => has_secret_name(field_path) || is_likely_secret(text),
            Value::Array(items) => items.iter().any(|item| has_likely_secret(field_path, item)),
            Value::Object(fields) => {
                fields.iter().any(|(name, value)| has_likely_secret(&format!("{field_path}.{name}"), value))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
}

/// Parts of the names of secrets, in lower case without punctuation.
const SECRET_NAME_PARTS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "connectionstring",
    "privatekey",
    "accesskey",
    "apikey",
    "accountkey",
    "sharedkey",
    "keyfile",
    "accountfile",
    "signature",
];

/// Whether a name sounds like that of a secret.
pub(crate) fn has_secret_name(field_path: &str) -> bool {
    let squeezed_path = strip_punctuation(field_path, "");
    SECRET_NAME_PARTS.iter().any(|word| squeezed_path.contains(word))
}

fn is_likely_secret(text: &str) -> bool {
    redact_uri_password(text) != text || text.contains("PRIVATE KEY-----") || has_secret_assignment(text)
}

/// Finds `SharedAccessKey=…`, `?token=…` and `"password": "…"`.
fn has_secret_assignment(text: &str) -> bool {
    let text = strip_punctuation(text, "=:");
    let given = |word: &&str| ["=", ":"].iter().any(|sign| text.contains(&format!("{word}{sign}")));
    SECRET_NAME_PARTS.iter().any(given)
}

/// The values of secret parameters in the query strings of URLs: signatures, tokens, keys.
pub fn secret_query_values(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(scheme) = text[from..].find("://").map(|at| from + at + 3) {
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
        let end = text[scheme..].find(ends).map_or(text.len(), |length| scheme + length);
        if let Some(query) = text[scheme..end].find('?').map(|at| scheme + at + 1) {
            let mut at = query;
            for parameter in text[query..end].split(['&', ';']) {
                if let Some((name, value)) = parameter.split_once('=').filter(|(name, _)| is_secret_parameter(name)) {
                    let start = at + name.len() + 1;
                    found.push(start..start + value.len());
                }
                at += parameter.len() + 1;
            }
        }
        from = end;
    }
    found
}

fn is_secret_parameter(name: &str) -> bool {
    let squeezed = strip_punctuation(name, "");
    matches!(&*squeezed, "sig" | "key") || has_secret_name(&squeezed)
}

fn strip_punctuation(text: &str, kept: &str) -> String {
    let kept = text.chars().filter(|c| c.is_ascii_alphanumeric() || kept.contains(*c));
    kept.collect::<String>().to_ascii_lowercase()
}
