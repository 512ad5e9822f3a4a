//! Names like those of secrets. The lists are in lower case and without punctuation.

/// Parts of the names of secrets.
const PARTS: &str = "password passwd passphrase secret token credential connectionstring privatekey accesskey apikey \
                     accountkey sharedkey keyfile accountfile signature";

/// Endings of names that are about a secret and do not contain it: `tokenUrl`, `accessKeyId`.
const ABOUT_SECRETS: &str = "id name names type url uri arn endpoint method mechanism version algorithm provider \
                             lifetime ttl seconds expiry env variable location region format scope audience mode \
                             policy encoding length count reference column field";

/// What such a short word belongs to: `dbpass`, `mysql_pwd`. Of other words, `bypass` and `compass` are not secrets.
const SHORT_ENDS: &str = "pass pwd pw";
const LOGINS: &str = "db pg sql mysql mongo kafka postgres user login admin root my";

/// Words after the name of a secret that mean the secret itself: `secretKey`, `passwordValue`.
const VALUE_ENDS: &str = "key value text string data plain plaintext";

fn any_word(words: &str, fits: impl FnMut(&str) -> bool) -> bool {
    words.split(' ').any(fits)
}

fn is_word_of(words: &str, word: &str) -> bool {
    any_word(words, |known| known == word)
}

/// Whether a name sounds like that of a secret.
pub(crate) fn has_secret_name(field_path: &str) -> bool {
    let squeezed_path = strip_punctuation(field_path, "");
    any_word(PARTS, |part| squeezed_path.contains(part))
}

/// Whether a text gives a value to such a name: `SharedAccessKey=…`, `?token=…`, `"password": "…"`.
pub(crate) fn has_secret_assignment(text: &str) -> bool {
    let text = strip_punctuation(text, "=:");
    let is_given = |part: &str| text.match_indices(part).any(|(at, _)| text[at + part.len()..].starts_with(['=', ':']));
    any_word(PARTS, is_given)
}

/// Whether a field of this name contains a secret, and not only something about one.
pub(crate) fn is_secret_field_name(name: &str) -> bool {
    let squeezed = strip_punctuation(name, "");
    is_word_of(SHORT_ENDS, &squeezed) || has_secret_name(&squeezed) && !is_about_secret(&squeezed)
}

/// Whether a field of this name contains something about a secret.
pub(crate) fn is_about_secret(name: &str) -> bool {
    let squeezed = strip_punctuation(name, "");
    any_word(ABOUT_SECRETS, |end| squeezed.ends_with(end))
}

/// Whether a value under this name is refused as a secret. It is the name of an unknown field, or of a user's
/// parameter: `tokenTopic` and `passwordTable` are not.
pub(crate) fn is_secret_value_name(name: &str) -> bool {
    let squeezed = strip_punctuation(name, "");
    let ends_secret = |word: &str| any_word(PARTS, |part| word.ends_with(part));
    let is_short =
        |end: &str| squeezed.strip_suffix(end).is_some_and(|login| login.is_empty() || is_word_of(LOGINS, login));
    any_word(SHORT_ENDS, is_short)
        || is_word_of("saskey jwt authorization", &squeezed)
        || ends_secret(&squeezed)
        || any_word(VALUE_ENDS, |end| squeezed.strip_suffix(end).is_some_and(ends_secret))
}

/// Whether a value below a field with a secret's name is the secret: `credentials: {pass: …}`, `token: {value: …}`.
pub(crate) fn is_secret_part_name(name: &str) -> bool {
    is_word_of("value key data text plain plaintext", &strip_punctuation(name, ""))
}

/// Whether the entries under this name are secrets: `secrets: {a: …}`, `passwords: […]`. `credentials` has user names, too.
pub(crate) fn is_secret_group_name(name: &str) -> bool {
    name.strip_suffix('s')
        .is_some_and(|each| is_secret_value_name(each) && !each.to_ascii_lowercase().ends_with("credential"))
}

/// Whether even a number in a field of this name is the secret.
pub(crate) fn is_secret_number_name(name: &str) -> bool {
    let squeezed = strip_punctuation(name, "");
    any_word("password passwd passphrase token secret pass pwd pw", |end| squeezed.ends_with(end))
}

/// Whether a secret follows an option or a parameter of this name. `--secret NAME` and `--show-token NAME` take the
/// name of one, and a label `secret: NAME` contains one.
pub(crate) fn is_secret_option(name: &str) -> bool {
    let first = name.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    is_secret_value_name(name)
        && !is_word_of("no show with print get include read only use", &first)
        && !name.to_ascii_lowercase().ends_with("file")
        && !is_word_of("secret credential signature", &strip_punctuation(name, ""))
}

/// Whether a header of this name contains a login.
pub(crate) fn is_login_header(name: &str) -> bool {
    is_word_of("authorization proxy-authorization cookie", &name.to_ascii_lowercase())
}

/// Whether a word is the scheme of a login header, followed by its secret.
pub(crate) fn is_login_scheme(word: &str) -> bool {
    is_word_of("bearer basic", &word.to_ascii_lowercase())
}

/// Whether a name has only letters of ASCII, digits, `_` and `-`.
pub(crate) fn is_plain_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Whether a text consists of words and numbers, as a name does: `prod-kafka-2`. A part of digits and letters counts if
/// it is short.
pub(crate) fn is_made_of_words(text: &str, longest_mixed: usize) -> bool {
    let is_word = |part: &str| {
        let is_mixed = part.contains(char::is_alphabetic) && part.contains(char::is_numeric);
        !is_mixed || part.chars().count() <= longest_mixed
    };
    text.split(|c: char| !c.is_alphanumeric()).all(is_word)
}

pub(crate) fn strip_punctuation(text: &str, kept: &str) -> String {
    let kept = text.chars().filter(|c| c.is_ascii_alphanumeric() || kept.contains(*c));
    kept.collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{is_secret_field_name, is_secret_value_name};

    #[test]
    fn secret_is_told_from_an_honest_field_by_its_name() {
        for name in ["password", "apiToken", "client_secret", "sasl.password", "privateKey", "pwd", "keyFile"] {
            assert!(is_secret_field_name(name) && is_secret_value_name(name), "{name}");
        }
        for name in ["secretKey", "passwordValue", "sasKey", "dbpass", "pg_pass", "mysqlPwd"] {
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
