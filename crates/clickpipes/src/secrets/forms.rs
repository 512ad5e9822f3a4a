//! Recognizes secrets by their form, in any field: one table of forms, and the position of each in a text. It rejects
//! text of users, so it prefers false negatives.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::secrets::names::{has_secret_name, is_login_scheme, is_plain_name, is_secret_value_name, strip_punctuation};

/// The forms that mark a text as a secret, in any field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretForm {
    PrivateKey,
    /// `user:password@` in an address.
    Login,
    /// A signature or a token in the query of an address.
    Signature,
    /// A connection string with a key.
    ConnectionString,
    /// A JSON web token, or the credentials of an HTTP header.
    Token,
}

/// The positions of secrets of one form in a text.
type Finder = fn(&str) -> Vec<Range<usize>>;

const FORMS: &[(SecretForm, Finder)] = &[
    (SecretForm::PrivateKey, private_keys),
    (SecretForm::Login, logins),
    (SecretForm::Signature, signatures),
    (SecretForm::ConnectionString, connection_string_secrets),
    (SecretForm::Token, tokens),
];

impl SecretForm {
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        if is_short_word(text) {
            return None;
        }
        FORMS.iter().find(|(_, find)| !find(text).is_empty()).map(|(form, _)| *form)
    }
}

/// The secrets in a text that was not validated, such as one from the API. It includes more forms: any parameter with a
/// name like that of a secret.
pub(crate) fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    let is_secret = |name: &str| matches!(name, "sig" | "key") || has_secret_name(name);
    let parameters = query_parameters(text).into_iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value);
    FORMS.iter().flat_map(|(_, find)| find(text)).chain(parameters).collect()
}

pub(crate) fn is_private_key(text: &str) -> bool {
    !private_keys(text).is_empty()
}

/// Whether a text is one word of letters, digits, `_`, `-` and `.`, too short for a token. No form matches such words.
// Called for every text of every manifest, and most are such words.
pub(crate) fn is_short_word(text: &str) -> bool {
    text.len() <= SHORTEST_TOKEN_REST
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// The parts of a text between such characters, and where each starts.
fn words(text: &str, is_between: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let mut next = 0;
    text.split(is_between).map(move |word| {
        let at = next;
        next = at + word.len() + text[at + word.len()..].chars().next().map_or(0, char::len_utf8);
        (at, word)
    })
}

fn ends_address(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

/// The content between the first and the last line of each private key, and base64 of one. A key without an end extends
/// to the end of the text.
fn private_keys(text: &str) -> Vec<Range<usize>> {
    // Shorter base64 has no room for the first line.
    const SHORTEST_ENCODED: usize = 36;
    let mut found = pem_bodies(text);
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let encoded = words(text, |c| !is_base64(c)).filter(|(_, word)| {
        let decoded = word.get(..word.len() / 4 * 4).filter(|word| word.len() >= SHORTEST_ENCODED);
        let decoded = decoded.and_then(|word| STANDARD_NO_PAD.decode(word).ok());
        decoded.is_some_and(|bytes| !pem_bodies(&String::from_utf8_lossy(&bytes)).is_empty())
    });
    found.extend(encoded.map(|(at, word)| at..at + word.len()));
    found
}

fn pem_bodies(text: &str) -> Vec<Range<usize>> {
    const LABEL: &str = "PRIVATE KEY";
    const DASHES: &str = "-----";
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(LABEL) {
        from += at + LABEL.len();
        let rest = text[from..].strip_prefix(" BLOCK").unwrap_or(&text[from..]);
        let Some(body) = rest.strip_prefix(DASHES) else { continue };
        let start = text.len() - body.len();
        let end = body.find("-----END").map_or(text.len(), |length| start + length);
        found.push(start..end);
        // The last line has the words of the first.
        let last_line = &text[(end + DASHES.len()).min(text.len())..];
        from = last_line.find(DASHES).map_or(text.len(), |at| text.len() - last_line.len() + at);
    }
    found
}

/// The passwords of logins in addresses, anywhere in a text: `p` of `b:9092,SASL://u:p@c:9092`, and users that are
/// tokens themselves. The path of an address may contain anything.
fn logins(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // With thousands of addresses without a blank, a search for the end of each would take quadratic time.
    let (mut word, mut last_sign) = (0..0, None);
    for (scheme, start) in authority_starts(text) {
        if !word.contains(&start) {
            word = start..text[start..].find(ends_address).map_or(text.len(), |length| start + length);
            last_sign = text[word.clone()].rfind('@').map(|at| word.start + at);
        }
        let rest = &text[start..word.end];
        let authority = &rest[..rest.find(['/', '?', '#', ',']).unwrap_or(rest.len())];
        if authority.starts_with('[') && !authority.contains('@') {
            continue;
        }
        let user = authority.rsplit_once('@').map(|(user, _)| user.strip_suffix(':').unwrap_or(user));
        if let Some(user) = user.filter(|user| !user.contains(':')) {
            let name = text[..scheme].rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            found.extend(is_token_user(&name.to_ascii_lowercase(), user).then_some(start..start + user.len()));
            continue;
        }
        let Some((user, after)) = authority.split_once(':') else { continue };
        let is_port = after.bytes().all(|byte| byte.is_ascii_digit());
        // A password may contain a slash without an escape. A port is never such a text.
        let end = authority.rfind('@').map(|at| start + at).or(last_sign.filter(|_| !is_port));
        let password = start + user.len() + 1;
        found.extend(end.filter(|end| password < *end).map(|end| password..end));
    }
    if !text.contains("://") {
        found.extend(broker_passwords(text));
    }
    found
}

/// The start of the host of each address, and the end of its scheme. Some clients treat `\\` as `/`.
fn authority_starts(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let slashes = text.match_indices("//").chain(text.match_indices("\\\\"));
    slashes.filter_map(|(at, _)| {
        let before = &text[..at];
        let is_start = before.chars().next_back().is_none_or(|c| ends_address(c) || c == ',');
        (is_start || before.ends_with(':')).then_some((at - usize::from(!is_start), at + 2))
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

/// The passwords of logins before hosts with a port, as in a list of brokers: `p` of `u:p@b:9092`.
fn broker_passwords(text: &str) -> impl Iterator<Item = Range<usize>> {
    words(text, |c| c == ',' || ends_address(c)).filter_map(|(start, part)| {
        let (login, host) = part.rsplit_once('@')?;
        let (name, port) = host.split_once(':')?;
        let (user, password) = login.split_once(':')?;
        let is_host =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let is_login = !user.contains('/') && !user.is_empty() && !password.is_empty();
        let at = start + user.len() + 1;
        (is_host && is_port && is_login).then_some(at..at + password.len())
    })
}

/// The parameters of addresses that are secrets for sure. `key` alone is often the key of a document.
fn signatures(text: &str) -> Vec<Range<usize>> {
    const SHORTEST_KEY: usize = 16;
    let is_secret = |name: &str, value: &Range<usize>| match name {
        "sig" => true,
        "key" => value.len() >= SHORTEST_KEY,
        _ => is_secret_value_name(name),
    };
    query_parameters(text).into_iter().filter(|(name, value)| is_secret(name, value)).map(|(_, value)| value).collect()
}

/// The parameters of query strings and fragments in a text, with or without an address before them: the name without
/// punctuation, and the range of the value.
// A `?` in the path of an object is a glob: the text up to the next `/` is not a parameter. A `#` outside of an address
// is a part of a name.
fn query_parameters(text: &str) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    for (start, address) in words(text, ends_address) {
        let scheme = address.find("://").unwrap_or(address.len());
        let mut signs = address.match_indices(['?', '#', ';']);
        // Parameters may also be in the path: `https://h/x;token=…`.
        let Some((query, _)) = signs.find(|(at, sign)| *sign == "?" || scheme < *at) else { continue };
        for (at, parameter) in words(&address[query + 1..], |c| matches!(c, '&' | ';' | '?' | '#')) {
            let pair = parameter.split_once('=').filter(|(name, value)| !value.is_empty() && !name.contains('/'));
            if let Some((name, value)) = pair {
                let end = start + query + 1 + at + parameter.len();
                found.push((strip_punctuation(name, ""), end - value.len()..end));
            }
        }
    }
    found
}

/// The secrets of `Endpoint=…;SharedAccessKey=…`, `host=h user=u password=p`: several pairs, one of them with a secret.
fn connection_string_secrets(text: &str) -> Vec<Range<usize>> {
    let pairs = words(text, |c| c == ';' || c.is_whitespace()).filter_map(|(start, part)| {
        let (name, value) = part.split_once('=')?;
        let is_pair =
            !name.is_empty() && is_plain_name(name) && !name.contains('-') && !value.trim_matches('"').is_empty();
        is_pair.then_some((name, start + name.len() + 1..start + part.len()))
    });
    let pairs: Vec<_> = pairs.collect();
    let is_string = pairs.len() > 1;
    pairs.into_iter().filter(|(name, _)| is_string && is_secret_value_name(name)).map(|(_, value)| value).collect()
}

/// Unique beginnings of tokens: of GitHub, GitLab, Slack, Vault, Doppler, Stripe and Google.
const TOKEN_STARTS: &str = "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xoxb- xoxp- xapp- hvs. hvb. dp.st. dp.pt. sk_live_ \
                            rk_live_ AIza ya29.";

/// The fewest letters of a token behind its beginning.
const SHORTEST_TOKEN_REST: usize = 16;

/// The tokens in a text: `Bearer …` or `Basic …` alone, JSON web tokens, and those that their beginning names.
pub(crate) fn tokens(text: &str) -> Vec<Range<usize>> {
    let is_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_json_web_token = |word: &str| word.starts_with("eyJ") && word.matches('.').count() == 2;
    let known = words(text, |c| !is_char(c)).filter(|(_, word)| is_known_token(word) || is_json_web_token(word));
    known.map(|(start, word)| start..start + word.len()).chain(header_credentials(text)).collect()
}

/// Whether a word is a token by its beginning.
pub(crate) fn is_known_token(word: &str) -> bool {
    TOKEN_STARTS.split(' ').filter_map(|start| word.strip_prefix(start)).any(|rest| {
        rest.len() >= SHORTEST_TOKEN_REST && is_plain_name(rest) && rest.bytes().any(|byte| byte.is_ascii_digit())
    })
}

/// The credentials of `Bearer …`, if that is the whole text or the whole line of the header.
fn header_credentials(text: &str) -> Option<Range<usize>> {
    const SHORTEST: usize = 6;
    let header = text.split_once(':').filter(|(name, _)| name.trim().to_ascii_lowercase().ends_with("authorization"));
    let (scheme, credentials) = header.map_or(text, |(_, value)| value).trim().split_once(' ')?;
    // `Basic training`
    let is_prose = credentials.chars().skip(1).all(|c| c.is_lowercase() || matches!(c, '.' | ',' | ':'));
    let is_variable = credentials.trim_start().starts_with('$');
    let is_one_word = !credentials.trim().contains(char::is_whitespace);
    let is_secret =
        is_login_scheme(scheme) && is_one_word && !is_prose && !is_variable && credentials.len() >= SHORTEST;
    let end = text.trim_end().len();
    is_secret.then_some(end - credentials.len()..end)
}

#[cfg(test)]
mod tests {
    use super::SecretForm;

    #[test]
    fn secret_is_told_from_an_honest_text_by_its_form() {
        for (text, is_secret) in [
            ("SASL://user:pw@b:9092", true),
            ("b0:9092,SASL://u:pw@b1:9092", true),
            ("SASL://b0:9092,SASL://u:p@b1:9092", true),
            ("https://u:p/w@h/x", true),
            ("mongodb://u:pw@h1,h2/db", true),
            ("p?sig=abc", true),
            ("https://b/x?X-Amz-Signature=abc&y=1", true),
            ("Endpoint=sb://h/;SharedAccessKeyName=n;SharedAccessKey=k", true),
            ("-----BEGIN RSA PRIVATE KEY-----\nMII", true),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQ", true),
            ("Bearer hunter2-and-more", true),
            ("eyJhbGciOi.eyJzdWIi.c2ln", true),
            ("host=x user=u password=hunter2", true),
            ("PlainLoginModule required username=\"u\" password=\"hunter2\";", true),
            ("https://maps.example/x?key=AIzaSyA1234567890", true),
            ("https://b.s3.eu-west-1.amazonaws.com/part-?/key=eu/*.json", false),
            ("year=202?/token=1/*.json", false),
            ("logs/2024-??/sig=*/x.json", false),
            ("https://docs.example/x?key=abc123", false),
            ("https://h/x?tokenType=a&secretName=x", false),
            ("token=a;b", false),
            ("https://TOKEN@host/x", true),
            ("https://ghp_0123456789abcdefABCD@github.com/x", true),
            ("https://3f9d0c2b8e7a4d1f9b6c5a4e3d2c1b0a@host:8443/x", true),
            ("https://[::1]/x", false),
            ("//u:hunter2@r/x", true),
            ("https:\\\\u:hunter2@r/x", true),
            ("https://r/x;token=hunter2", true),
            ("https://r/x;v=1/y;w=2", false),
            ("u:hunter2@b:9092", true),
            ("b0:9092,u:hunter2@b1:9092", true),
            ("deploy@host:22", false),
            ("s3://bucket//a:b@c", false),
            ("ask a@b: c", false),
            ("repo:tag@sha256:0a4d55a8", false),
            ("https://ghp_0123456789abcdefABCD:@github.com/x", true),
            ("https://git:@github.com/x", false),
            ("mongodb://u:@h/db", false),
            ("https://TOKEN@[::1]:8443/x", true),
            ("https://h/x#access_token=hunter2", true),
            ("https://h/x?a=1#id_token=hunter2", true),
            ("ghp_0123456789abcdefABCD", true),
            ("note: glpat-0123456789abcdefABCD", true),
            ("ghp_0123456789abcdef", true),
            ("ghp_0123456789ab", false),
            ("bearer hunter2-and-more", true),
            ("Authorization: Bearer hunter2-and-more", true),
            ("proxy-authorization: Basic dXNlcjpwdw==", true),
            ("Authorization: Bearer of news", false),
            ("Authorization: Bearer $TOKEN", false),
            ("authorization:9092", false),
            ("Basic dXNlcjpwdw==", true),
            ("Basic training", false),
            ("Bearer Tokens.", false),
            ("https://git@host/x", false),
            ("https://me%40corp.example@host/x", false),
            ("https://deploy-bot-01@host:443/x", false),
            ("ssh://git@github.com/x", false),
            ("postgres://Reader_2@h:5432/db", false),
            ("me@corp.example", false),
            ("https://h/x#section=1", false),
            ("https://h/x#token", false),
            ("topic#token=1", false),
            ("3fa85f64-5717-4562-b3fc-2c963f66afa6", false),
            ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", false),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf", false),
            ("orders.v1.token-events", false),
            ("ghp_", false),
            ("hvs.corp.example:9092", false),
            ("Bearer of news", false),
            ("b1:9092,b2:9092", false),
            ("token:9092", false),
            ("https://h:443/a:b@c/*.csv", false),
            ("https://h/a:b@c", false),
            ("mongodb://u@h:27017/db?tls=true", false),
            ("abfss://container@account.dfs.core.windows.net/x", false),
            ("Enum8('password'=1, 'token'=2)", false),
            ("year=2024/token=abc/part-?.json", false),
            ("toYYYYMM(password_changed_at)", false),
            ("a?b=1", false),
            ("-----BEGIN CERTIFICATE-----\nMII", false),
            // Base64 of a private key, of an account with one, and of a certificate.
            ("LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFcEFJQkFBSw==", true),
            ("key=LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUV2UUlCQURBTkJn", true),
            (
                "eyJ0eXBlIjoic2VydmljZV9hY2NvdW50IiwicHJpdmF0ZV9rZXkiOiItLS0tLUJFR0lOIFBSSVZBVEUgS0VZLS0tLS1cbk1JSUV2In0=",
                true,
            ),
            ("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUVwQUlCQUFLQ0FRRUE=", false),
            ("the/PRIVATE KEY/of/a/path/that/is/longer/than/one/line/of/base64", false),
        ] {
            assert_eq!(SecretForm::of_text(text).is_some(), is_secret, "{text}");
        }
    }
}
