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
    matches!(&*squeezed, "pass" | "pwd" | "pw" | "saskey" | "jwt" | "authorization") || ends_secret(&squeezed) || {
        before_end
    }
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
pub(crate) fn secret_query_values(text: &str) -> Vec<Range<usize>> {
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

/// The parameters of query strings and fragments in a text: the name and the range of the value.
// A `?` in the path of an object is a glob: what follows it up to the next `/` is no parameter. A `#` outside of an address
// is a part of a name.
fn query_parameters(text: &str) -> Vec<(&str, Range<usize>)> {
    let mut found = Vec::new();
    for (start, address) in words(text, ends_address) {
        let scheme = address.find("://").unwrap_or(address.len());
        let mut signs = address.match_indices(['?', '#', ';']);
        // Parameters may also stand in the path: `https://h/x;token=…`.
        let Some((query, _)) = signs.find(|(at, sign)| *sign == "?" || scheme < *at) else { continue };
        for (at, parameter) in words(&address[query + 1..], |c| matches!(c, '&' | ';' | '?' | '#')) {
            let pair = parameter.split_once('=').filter(|(name, value)| !value.is_empty() && !name.contains('/'));
            if let Some((name, _)) = pair {
                let end = start + query + 1 + at + parameter.len();
                found.push((name, end - (parameter.len() - name.len() - 1)..end));
            }
        }
    }
    found
}

/// The parts of a text between such characters, and where each starts.
pub(crate) fn words(text: &str, is_between: impl Fn(char) -> bool) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    for part in text.split_inclusive(&is_between) {
        found.push((at, part.trim_end_matches(&is_between)));
        at += part.len();
    }
    found
}

/// The beginnings of tokens that nothing else has: of GitHub, GitLab, Slack, Vault, Doppler, Stripe and Google.
const TOKEN_STARTS: &[&str] = &[
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "hvs.",
    "hvb.",
    "dp.st.",
    "dp.pt.",
    "sk_live_",
    "rk_live_",
    "AIza",
    "ya29.",
];

/// The fewest letters of a token behind its beginning.
pub(crate) const SHORTEST_TOKEN_REST: usize = 16;

/// Whether a word is a token by its beginning.
pub(crate) fn is_known_token(word: &str) -> bool {
    TOKEN_STARTS.iter().filter_map(|start| word.strip_prefix(start)).any(|rest| {
        let is_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        rest.len() >= SHORTEST_TOKEN_REST && rest.bytes().all(is_char) && rest.bytes().any(|byte| byte.is_ascii_digit())
    })
}

/// Whether the user of an address without a password is a token: `https://TOKEN@host`. Users of other protocols have
/// names of every form.
fn is_token_user(scheme: &str, user: &str) -> bool {
    const LONGEST_WITH_DIGITS: usize = 20;
    let is_name_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.+*".contains(&byte);
    let has_digit = user.bytes().any(|byte| byte.is_ascii_digit());
    let is_name = user.bytes().all(is_name_byte) && (!has_digit || user.len() <= LONGEST_WITH_DIGITS);
    let is_mail = user.contains('@') || user.to_ascii_lowercase().contains("%40");
    is_known_token(user) || matches!(scheme, "http" | "https") && !is_name && !is_mail
}

/// Where the host of each address begins, and where its scheme ends. Some clients take `\\` for `/`.
fn authority_starts(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let slashes = text.match_indices("//").chain(text.match_indices("\\\\"));
    slashes.filter_map(|(at, _)| {
        let before = &text[..at];
        let is_start = before.chars().next_back().is_none_or(|c| ends_address(c) || c == ',');
        (is_start || before.ends_with(':')).then_some((at - usize::from(!is_start), at + 2))
    })
}

/// The passwords of logins before hosts with a port, as in a list of brokers: `p` of `u:p@b:9092`.
fn broker_passwords(text: &str) -> impl Iterator<Item = Range<usize>> {
    words(text, |c| c == ',' || ends_address(c)).into_iter().filter_map(|(start, part)| {
        let (login, host) = part.rsplit_once('@')?;
        let (name, port) = host.split_once(':')?;
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        let (user, password) = login
            .split_once(':')
            .filter(|(user, password)| !user.contains('/') && !user.is_empty() && !password.is_empty())?;
        let at = start + user.len() + 1;
        (is_port && is_name).then_some(at..at + password.len())
    })
}

/// The passwords of logins in addresses, anywhere in a text: `p` of `b:9092,SASL://u:p@c:9092`, and the user that is a
/// token itself. The path of an address may hold anything.
pub(crate) fn login_passwords(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // Of thousands of addresses without a blank, a search for the end of each would cost the square.
    let mut word = 0..0;
    for (scheme, start) in authority_starts(text) {
        if !word.contains(&start) {
            word = start..text[start..].find(ends_address).map_or(text.len(), |length| start + length);
        }
        let rest = &text[start..word.end];
        let authority = &rest[..rest.find(['/', '?', '#', ',']).unwrap_or(rest.len())];
        if authority.starts_with('[') && !authority.contains('@') {
            continue;
        }
        let user = authority.rsplit_once('@').map(|(user, _)| user.strip_suffix(':').unwrap_or(user));
        let user = user.filter(|user| !user.contains(':'));
        if let Some(user) = user {
            let name = text[..scheme].rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            found.extend(is_token_user(&name.to_ascii_lowercase(), user).then_some(start..start + user.len()));
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
    found.extend(broker_passwords(text).filter(|_| !text.contains("://")));
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
