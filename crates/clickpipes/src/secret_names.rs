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

/// Endings of names that speak of a secret and do not hold it: `tokenUrl`, `accessKeyId`.
const ABOUT_SECRETS: &[&str] = &[
    "id",
    "name",
    "names",
    "type",
    "url",
    "uri",
    "arn",
    "endpoint",
    "method",
    "mechanism",
    "version",
    "algorithm",
    "provider",
    "lifetime",
    "ttl",
    "seconds",
    "expiry",
    "env",
    "variable",
    "location",
    "region",
    "format",
    "scope",
    "audience",
    "mode",
    "policy",
    "encoding",
    "length",
    "count",
    "reference",
    "column",
    "field",
];

/// Whether a field of this name holds a secret, and not only something about one.
pub(crate) fn is_secret_field_name(name: &str) -> bool {
    let squeezed = strip_punctuation(name, "");
    matches!(&*squeezed, "pass" | "pwd" | "pw")
        || has_secret_name(&squeezed) && !ABOUT_SECRETS.iter().any(|end| squeezed.ends_with(end))
}

/// Words behind the name of a secret that stand for the secret itself: `secretKey`, `passwordValue`.
const SECRET_VALUE_ENDS: &[&str] = &["key", "value", "text", "string", "data", "plain", "plaintext"];

/// Whether a value under this name is refused as a secret. It is the name of a field that pipectl does not know, or of
/// somebody's own parameter: `tokenTopic` and `passwordTable` are none.
pub(crate) fn is_secret_value_name(name: &str) -> bool {
    let squeezed = strip_punctuation(name, "");
    let ends_secret = |word: &str| SECRET_NAME_PARTS.iter().any(|part| word.ends_with(part));
    let before_end = SECRET_VALUE_ENDS.iter().filter_map(|end| squeezed.strip_suffix(end));
    matches!(&*squeezed, "pass" | "pwd" | "pw" | "saskey" | "jwt") || ends_secret(&squeezed) || { before_end }
        .any(ends_secret)
}

/// Whether a value below a field with a secret's name is the secret: `credentials: {pass: …}`, `token: {value: …}`.
pub(crate) fn is_secret_part_name(name: &str) -> bool {
    matches!(&*strip_punctuation(name, ""), "value" | "key" | "data" | "text" | "plain" | "plaintext")
}

/// Whether even a number in a field of this name is the secret.
pub(crate) fn is_secret_number_name(name: &str) -> bool {
    let squeezed = strip_punctuation(name, "");
    ["password", "passwd", "passphrase", "token", "secret", "pass", "pwd", "pw"].iter().any(|it| squeezed.ends_with(it))
}

/// The values of secret parameters in query strings, with or without the address before them: signatures, tokens, keys.
pub fn secret_query_values(text: &str) -> Vec<Range<usize>> {
    let parameters = query_parameters(text).into_iter();
    parameters.filter(|(name, _)| is_secret_parameter(name)).map(|(_, value)| value).collect()
}

/// Whether a query string holds a secret for sure. `key` alone is often the key of a document.
pub(crate) fn has_secret_parameter(text: &str) -> bool {
    const SHORTEST_KEY: usize = 16;
    query_parameters(text).into_iter().any(|(name, value)| match &*strip_punctuation(name, "") {
        "sig" => true,
        "key" => value.len() >= SHORTEST_KEY,
        _ => is_secret_value_name(name),
    })
}

/// The parameters of query strings in a text: the name and the range of the value.
// A `?` in the path of an object is a glob: what follows it up to the next `/` is no parameter.
fn query_parameters(text: &str) -> Vec<(&str, Range<usize>)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(query) = text[from..].find('?').map(|at| from + at + 1) {
        let end = query + text[query..].find(ends_address).unwrap_or(text.len() - query);
        let mut at = query;
        for parameter in text[query..end].split(['&', ';', '?']) {
            let pair = parameter.split_once('=').filter(|(name, value)| !value.is_empty() && !name.contains('/'));
            if let Some((name, value)) = pair {
                let start = at + name.len() + 1;
                found.push((name, start..start + value.len()));
            }
            at += parameter.len() + 1;
        }
        from = end;
    }
    found
}

/// The passwords of logins in addresses, anywhere in a text: `p` of `b:9092,SASL://u:p@c:9092`. The path of an address may
/// hold anything.
pub(crate) fn login_passwords(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (scheme, _) in text.match_indices("://") {
        let start = scheme + "://".len();
        let rest = &text[start..];
        let rest = &rest[..rest.find(ends_address).unwrap_or(rest.len())];
        let authority = &rest[..rest.find(['/', '?', '#', ',']).unwrap_or(rest.len())];
        if authority.starts_with('[') && !authority.contains('@') {
            continue;
        }
        let Some((user, after)) = authority.split_once(':') else { continue };
        let password = start + user.len() + 1;
        let end = match authority.rfind('@') {
            Some(end) => Some(end),
            // A sloppy password holds a slash. No port is such a text.
            None if after.bytes().any(|byte| !byte.is_ascii_digit()) => rest.rfind('@'),
            None => None,
        };
        found.extend(end.map(|end| password..start + end).filter(|range| range.start < range.end));
    }
    found
}

fn ends_address(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

fn is_secret_parameter(name: &str) -> bool {
    let squeezed = strip_punctuation(name, "");
    matches!(&*squeezed, "sig" | "key") || has_secret_name(&squeezed)
}

pub(crate) fn strip_punctuation(text: &str, kept: &str) -> String {
    let kept = text.chars().filter(|c| c.is_ascii_alphanumeric() || kept.contains(*c));
    kept.collect::<String>().to_ascii_lowercase()
}
