//! Names that sound like those of secrets.

use std::ops::Range;

/// Parts of the names of secrets, in lower case without punctuation.
pub(crate) const SECRET_NAME_PARTS: &[&str] = &[
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

pub(crate) fn strip_punctuation(text: &str, kept: &str) -> String {
    let kept = text.chars().filter(|c| c.is_ascii_alphanumeric() || kept.contains(*c));
    kept.collect::<String>().to_ascii_lowercase()
}
