//! What is a secret by its form, whatever field it is in. It refuses what somebody wrote, so it errs on the side of no.

use std::ops::Range;

use crate::secret_names::{
    SHORTEST_TOKEN_REST, has_secret_parameter, is_known_token, is_secret_value_name, login_passwords,
    secret_query_values, words,
};

/// The end of the first line of a private key.
pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY-----";

pub(crate) fn is_private_key(text: &str) -> bool {
    text.contains(PRIVATE_KEY) || text.contains("PRIVATE KEY BLOCK-----")
}

/// Whether a text is one word of letters, digits and `_`, too short for a token. No form of a secret is.
// Every text of every manifest is asked, and most are such words.
pub(crate) fn is_short_word(text: &str) -> bool {
    text.len() <= SHORTEST_TOKEN_REST && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What makes a text a secret, whatever field it is in.
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

impl SecretForm {
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        if is_short_word(text) {
            return None;
        }
        let forms = [
            (Self::PrivateKey, is_private_key(text)),
            (Self::Login, !login_passwords(text).is_empty()),
            (Self::Signature, has_secret_parameter(text)),
            (Self::ConnectionString, !connection_string_secrets(text).is_empty()),
            (Self::Token, !tokens(text).is_empty()),
        ];
        forms.into_iter().find(|(_, is_there)| *is_there).map(|(form, _)| form)
    }
}

/// The secrets in a text that nobody refused, such as one of the API. A private key is none of them: where it ends depends
/// on the text.
pub(crate) fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    [login_passwords(text), secret_query_values(text), connection_string_secrets(text), tokens(text)].concat()
}

/// The secrets of `Endpoint=…;SharedAccessKey=…`, `host=h user=u password=p`: several pairs, one of them with a secret.
fn connection_string_secrets(text: &str) -> Vec<Range<usize>> {
    let pairs = words(text, |c| c == ';' || c.is_whitespace()).into_iter().filter_map(|(start, part)| {
        let (name, value) = part.split_once('=')?;
        let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let range = start + name.len() + 1..start + part.len();
        (is_word && !value.trim_matches('"').is_empty()).then_some((name, range))
    });
    let pairs: Vec<_> = pairs.collect();
    let is_string = pairs.len() > 1;
    pairs.into_iter().filter(|(name, _)| is_string && is_secret_value_name(name)).map(|(_, value)| value).collect()
}

/// The tokens in a text: `Bearer …` or `Basic …` alone, JSON web tokens, and those that their beginning names.
pub(crate) fn tokens(text: &str) -> Vec<Range<usize>> {
    const SHORTEST: usize = 6;
    let is_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let known =
        words(text, |c| !is_char(c)).into_iter().filter(|(_, word)| is_known_token(word) || is_json_web_token(word));
    let mut found: Vec<Range<usize>> = known.map(|(start, word)| start..start + word.len()).collect();
    // `Bearer …`, or the whole line of the header.
    let value = match text.split_once(':') {
        Some((name, value)) if name.trim().to_ascii_lowercase().ends_with("authorization") => value,
        _ => text,
    };
    let header = value.trim().split_once(' ').filter(|(scheme, credentials)| {
        let is_scheme = ["bearer", "basic"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        // `Basic training`
        let is_prose = credentials.chars().skip(1).all(|c| c.is_lowercase() || matches!(c, '.' | ',' | ':'));
        let is_variable = credentials.trim_start().starts_with('$');
        is_scheme
            && !is_variable
            && credentials.len() >= SHORTEST
            && !credentials.trim().contains(char::is_whitespace)
            && !is_prose
    });
    found.extend(header.map(|(_, credentials)| {
        let end = text.trim_end().len();
        end - credentials.len()..end
    }));
    found
}

fn is_json_web_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.matches('.').count() == 2 && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::{SecretForm, is_secret_value_name};
    use crate::secret_names::is_secret_field_name;

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
        ] {
            assert_eq!(SecretForm::of_text(text).is_some(), is_secret, "{text}");
        }
    }

    #[test]
    fn secret_is_told_from_an_honest_field_by_its_name() {
        for name in ["password", "apiToken", "client_secret", "sasl.password", "privateKey", "pwd", "keyFile"] {
            assert!(is_secret_field_name(name) && is_secret_value_name(name), "{name}");
        }
        for name in ["secretKey", "passwordValue", "sasKey"] {
            assert!(is_secret_value_name(name), "{name}");
        }
        for name in ["tokenUrl", "accessKeyId", "secretArn", "passwordVariable", "key", "topic", "compass"] {
            assert!(!is_secret_field_name(name) && !is_secret_value_name(name), "{name}");
        }
        for name in ["tokenTopic", "passwordTable", "secret_path", "tokens", "maxTokens", "passwordless", "tokenizer"] {
            assert!(!is_secret_value_name(name), "{name}");
        }
    }
}
