//! Takes resolved secrets out of what the API says: it may repeat them in an error message.

use secrecy::{ExposeSecret, SecretString};

/// Stands where a secret stood.
const SHOWN: &str = "[redacted]";

/// Stands for a whole text in which a short secret occurs: cutting single letters out of it would
/// only outline them.
const WITHHELD: &str = "[withheld, because it may repeat a secret]";

/// Shorter secrets are too likely to occur in a text by chance.
const SHORTEST: usize = 4;

/// Parts of a secret of several lines that are worth hiding on their own.
const SHORTEST_LINE: usize = 8;

/// The secrets of one request.
#[derive(Default)]
pub(crate) struct Redaction(Vec<SecretString>);

impl Redaction {
    /// Hides this value from now on, however it is spelled.
    pub(crate) fn hide(&mut self, secret: &str) {
        let lines = secret.lines().filter(|line| line.len() >= SHORTEST_LINE);
        let plain = std::iter::once(secret).chain(lines).filter(|text| !text.is_empty());
        let spelled = plain.flat_map(|text| [text.to_owned(), in_json(text), in_url(text)]);
        self.0.extend(spelled.map(SecretString::from));
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        self.0.dedup_by(|a, b| a.expose_secret() == b.expose_secret());
    }

    /// The text without any of the secrets.
    pub(crate) fn clean(&self, text: &str) -> String {
        let secrets = || self.0.iter().map(ExposeSecret::expose_secret);
        if secrets().any(|secret| secret.len() < SHORTEST && text.contains(secret)) {
            return WITHHELD.to_owned();
        }
        secrets().fold(text.to_owned(), |text, secret| text.replace(secret, SHOWN))
    }
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn in_url(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Redaction, WITHHELD};

    fn clean(secret: &str, text: &str) -> String {
        let mut redaction = Redaction::default();
        redaction.hide(secret);
        redaction.clean(text)
    }

    #[test]
    fn every_spelling_goes() {
        let secret = "p@ss \"word\"";
        let text = r#"plain p@ss "word", json p@ss \"word\", url p%40ss%20%22word%22."#;
        assert_eq!(clean(secret, text), "plain [redacted], json [redacted], url [redacted].");
    }

    #[test]
    fn a_line_of_a_key_is_a_secret_too() {
        let key = "-----BEGIN KEY-----\nMIIBVQIBADANBg\n-----END KEY-----\n";
        assert_eq!(clean(key, "bad line MIIBVQIBADANBg here"), "bad line [redacted] here");
    }

    #[test]
    fn a_short_secret_takes_the_text_with_it() {
        assert_eq!(clean("abc", "cannot read abc"), WITHHELD);
        assert_eq!(clean("abc", "cannot read"), "cannot read");
        assert_eq!(clean("", "cannot read"), "cannot read");
    }

    #[test]
    fn the_longer_of_two_secrets_goes_first() {
        let mut redaction = Redaction::default();
        redaction.hide("secret");
        redaction.hide("secret-and-more");
        assert_eq!(redaction.clean("got secret-and-more"), "got [redacted]");
    }
}
