//! What is a secret by its form, whatever field it is in. It refuses what somebody wrote, so it errs on the side of no.

use serde_json::Value;

use crate::secret_names::{has_secret_parameter, is_secret_value_name, login_passwords};
use model::secret::SecretSource;

/// The end of the first line of a private key.
pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY-----";

pub(crate) fn is_private_key(text: &str) -> bool {
    text.contains(PRIVATE_KEY) || text.contains("PRIVATE KEY BLOCK-----")
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
        // Every text of every manifest is asked, and most are one word.
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        let forms = [
            (Self::PrivateKey, is_private_key(text)),
            (Self::Login, !login_passwords(text).is_empty()),
            (Self::Signature, has_secret_parameter(text)),
            (Self::ConnectionString, is_connection_string(text)),
            (Self::Token, is_token(text)),
        ];
        forms.into_iter().find(|(_, is_there)| *is_there).map(|(form, _)| form)
    }
}

/// `Endpoint=…;SharedAccessKey=…`, `host=h user=u password=p`: several pairs, one of them with a secret.
fn is_connection_string(text: &str) -> bool {
    let pairs = text.split(|c: char| c == ';' || c.is_whitespace()).filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (is_word && !value.trim_matches('"').is_empty()).then_some(name)
    });
    let names: Vec<&str> = pairs.collect();
    names.len() > 1 && names.into_iter().any(is_secret_value_name)
}

/// `Bearer …`, `Basic …`, or a JSON web token alone.
fn is_token(text: &str) -> bool {
    const SHORTEST: usize = 6;
    let is_one_word = |word: &str| word.len() >= SHORTEST && !word.contains(char::is_whitespace);
    let header = ["Bearer ", "Basic "].iter().find_map(|scheme| text.trim().strip_prefix(scheme));
    header.is_some_and(|credentials| is_one_word(credentials.trim())) || is_json_web_token(text.trim())
}

fn is_json_web_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.matches('.').count() == 2 && !text.contains(char::is_whitespace)
}

/// Whether a reference to a secret holds the secret itself: a text where the name of a variable belongs, a pasted key as
/// the name of a file.
pub(crate) fn is_secret_reference_literal(reference: &Value) -> bool {
    let is_one_text = |key: &str| reference.get(key).is_some_and(Value::is_string);
    match SecretSource::from_reference(reference) {
        Some(SecretSource::Env(name)) => !is_variable(name),
        Some(SecretSource::File(path)) => path.contains(['\n', '\r']) || SecretForm::of_text(path).is_some(),
        Some(SecretSource::Command(words)) => words.iter().any(|word| is_secret_argument(word)),
        None => is_one_text("fromCommand"),
    }
}

/// Whether an argument of a program holds a secret: `--token=…`, `X-Vault-Token: …`.
fn is_secret_argument(word: &str) -> bool {
    let option = word.strip_prefix('-').and_then(|option| option.trim_start_matches('-').split_once('='));
    let option = option.filter(|(name, value)| !value.is_empty() && !name.to_ascii_lowercase().ends_with("file"));
    let header = word.split_once(": ").filter(|(name, _)| !name.contains(char::is_whitespace));
    option.is_some_and(|(name, _)| is_secret_value_name(name))
        || header.is_some_and(|(name, value)| is_secret_value_name(name) || is_token(value))
        || SecretForm::of_text(word).is_some()
}

/// Whether a text can be the name of an environment variable. No real one is as long as a token.
fn is_variable(name: &str) -> bool {
    const LONGEST: usize = 128;
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    // An empty name is refused by the schema.
    name.len() <= LONGEST && !is_json_web_token(name) && name.chars().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::{SecretForm, is_secret_reference_literal, is_secret_value_name};
    use crate::secret_names::is_secret_field_name;
    use serde_json::json;

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

    #[test]
    fn reference_that_holds_the_secret_is_told_from_a_name() {
        for (reference, is_literal) in [
            (json!({"fromEnv": "my secret text"}), true),
            (json!({"fromEnv": "hunter2!"}), true),
            (json!({"fromEnv": "a/b+c=="}), true),
            (json!({"fromEnv": "eyJhbGciOi.eyJzdWIi.c2ln"}), true),
            (json!({"fromFile": "-----BEGIN PRIVATE KEY-----\nMII"}), true),
            (json!({"fromCommand": "hunter2 or so"}), true),
            (json!({"fromCommand": ["curl", "https://u:p@h/x"]}), true),
            (json!({"fromCommand": ["vault", "read", "--token=hunter2"]}), true),
            (json!({"fromCommand": ["curl", "-H", "X-Vault-Token: hunter2"]}), true),
            (json!({"fromCommand": ["curl", "-H", "Authorization: Bearer hunter2"]}), true),
            (json!({"fromCommand": ["op", "read", "--key-file=keys/op", "--format=json"]}), false),
            (json!({"fromEnv": "KAFKA_PASSWORD"}), false),
            (json!({"fromEnv": "prod.kafka-password"}), false),
            (json!({"fromFile": "keys/my key.json"}), false),
            (json!({"fromCommand": ["vault", "kv", "get", "-field=password", "secret/kafka"]}), false),
        ] {
            assert_eq!(is_secret_reference_literal(&reference), is_literal, "{reference}");
        }
    }
}
