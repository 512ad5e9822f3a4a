//! Values that the API masks in its responses: `[REDACTED]`, `***`, `••••`, a URI with a hidden login.
//
// A mask shows that there is a value, but not which. Compared, it would be a change on every plan; sent, it would
// become the password.

use std::cmp::Reverse;
use std::ops::Range;

use serde_json::Value;

/// Words that represent a hidden value, between brackets.
const MASK_WORDS: [&str; 5] = ["redacted", "masked", "hidden", "filtered", "sensitive"];

/// Terraform's mask.
const TERRAFORM_MASK: &str = "(sensitive value)";

/// Signs of which three or more represent a hidden value.
const MASK_SIGNS: [char; 3] = ['*', '•', '●'];

/// A word that represents a hidden value if it is the whole value. In lower case it is an ordinary word.
const VALUE_MASK: &str = "REDACTED";

/// Masks of some libraries in place of a password. Elsewhere they may be ordinary words.
const PASSWORD_MASKS: [&str; 3] = ["redacted", "xxxxx", "xxxxxx"];

/// Whether a text contains a mask.
pub fn is_masked(text: &str) -> bool {
    // Nearly no text contains a sign of a mask, and this is called for every text of every manifest.
    let has_sign = text.contains(['[', '<', '(', '{', '@', '%']) || text.contains(MASK_SIGNS);
    (has_sign || text.contains(VALUE_MASK)) && !mask_ranges(text).is_empty()
}

/// Whether a value contains a masked text.
pub fn has_masked_text(value: &Value) -> bool {
    match value {
        Value::String(text) => is_masked(text),
        Value::Array(items) => items.iter().any(has_masked_text),
        Value::Object(fields) => fields.values().any(has_masked_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

pub(super) fn hides_more_than_login(address: &str) -> bool {
    let login = login_range(address);
    let rest = login
        .map_or_else(|| address.to_owned(), |login| format!("{}{}", &address[..login.start], &address[login.end..]));
    is_masked(&rest)
}

/// Whether a live text with a mask could be the declared one; `None` if it contains no mask.
pub(super) fn could_be(desired: &Value, live: &Value) -> Option<bool> {
    let live = live.as_str().filter(|live| is_masked(live))?;
    // Only a text can be a part of a text.
    let Value::String(desired) = desired else { return Some(true) };
    // A masked login may be any login, even if the manifest has none in the URI but in the credentials.
    let is_login_masked = login_range(live).is_some_and(|login| is_masked(&live[login]));
    let [desired, live] = [desired, live].map(|text| {
        let login = login_range(text).filter(|_| is_login_masked);
        login.map_or_else(|| text.to_owned(), |login| format!("{}{}", &text[..login.start], &text[login.end..]))
    });
    let masks = mask_ranges(&live);
    let (mut rest, mut at) = (desired.as_str(), 0);
    for mask in &masks {
        let part = &live[at..mask.start];
        let found = if at == 0 { rest.starts_with(part).then_some(0) } else { rest.find(part) };
        let Some(found) = found else { return Some(false) };
        (rest, at) = (&rest[found + part.len()..], mask.end);
    }
    let end = &live[at..];
    Some(if masks.is_empty() { desired == live } else { rest.ends_with(end) })
}

fn login_range(uri: &str) -> Option<Range<usize>> {
    let start = uri.find("://")? + 3;
    let end = uri[start..].find(['/', '?', '#']).map_or(uri.len(), |end| start + end);
    let login = uri[start..end].rfind('@')?;
    Some(start..start + login + 1)
}

/// Whether a text as a whole represents a hidden URI. A text of only `x` is not a URI, and may be the name of anything
/// else.
pub(super) fn is_masked_uri(uri: &str) -> bool {
    uri.len() >= 3 && uri.chars().all(|c| c.eq_ignore_ascii_case(&'x'))
}

fn mask_ranges(text: &str) -> Vec<Range<usize>> {
    let mut found = masked_words(text);
    found.extend(inner_masks(text));
    found.sort_by_key(|mask| (mask.start, Reverse(mask.end)));
    let mut end = 0;
    found.retain(|mask| {
        let is_apart = mask.start >= end;
        end = end.max(mask.end);
        is_apart
    });
    found
}

/// The masks that may also be a part of a word: `[redacted]`, and `***` that does not join two halves of a name.
fn inner_masks(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let bracketed = lower.match_indices(['[', '<', '(']).filter_map(|(start, open)| {
        let rest = &lower[start..];
        // SQL has parentheses around the name of a column, which may be `hidden`.
        let inner = match open {
            "(" => return rest.starts_with(TERRAFORM_MASK).then(|| start..start + TERRAFORM_MASK.len()),
            "[" => rest[1..].split_once(']')?.0,
            _ => rest[1..].split_once('>')?.0,
        };
        MASK_WORDS.contains(&inner).then(|| start..start + inner.len() + 2)
    });
    let mut found: Vec<Range<usize>> = bracketed.collect();
    let is_name = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut start = 0;
    for run in text.split_inclusive(|c| !MASK_SIGNS.contains(&c)) {
        let signs = run.trim_end_matches(|c| !MASK_SIGNS.contains(&c));
        let (before, after) = (text[..start].chars().next_back(), text[start + signs.len()..].chars().next());
        if signs.chars().count() >= 3 && !(is_name(before) && is_name(after)) {
            found.push(start..start + signs.len());
        }
        start += run.len();
    }
    found
}

fn masked_words(text: &str) -> Vec<Range<usize>> {
    let is_end = |c: char| matches!(c, ':' | '/' | '@' | '?' | '&' | '=' | ';' | ',' | '"' | '\'') || c.is_whitespace();
    let mut found = Vec::new();
    let mut start = 0;
    for part in text.split(is_end) {
        let range = start..start + part.len();
        // All separators are of one byte but some blanks.
        start = range.end + text[range.end..].chars().next().map_or(0, char::len_utf8);
        if is_mask(text, range.clone()) {
            found.push(range);
        }
    }
    found
}

fn is_mask(text: &str, word: Range<usize>) -> bool {
    let written = &text[word.clone()];
    let plain = written.to_ascii_lowercase().replace("%5b", "[").replace("%5d", "]").replace("%2a", "*");
    let plain = plain.replace("%e2%80%a2", "•").replace("%e2%97%8f", "●");
    let brackets = [('[', ']'), ('<', '>'), ('(', ')'), ('{', '}')];
    let inner = brackets.iter().find_map(|(open, close)| plain.strip_prefix(*open)?.strip_suffix(*close));
    // A mask word may be an ordinary word, so only its place decides: a whole value, or a password before the `@`.
    let before_login_end = text[word.end..].starts_with('@');
    let is_value = before_login_end || text[..word.start].ends_with([':', '=']) || word == (0..text.len());
    let is_signs = plain.chars().count() >= 3 && plain.chars().all(|sign| MASK_SIGNS.contains(&sign));
    inner.is_some_and(|inner| MASK_WORDS.contains(&inner))
        || is_value && (is_signs || written == VALUE_MASK)
        || before_login_end && PASSWORD_MASKS.contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use super::{could_be, is_masked};

    #[test]
    fn masks_are_found_anywhere_in_a_text() {
        for text in [
            "[REDACTED]",
            "***",
            "*****",
            "<redacted>",
            "REDACTED",
            "••••",
            "●●●●●●",
            "mongodb://u:%E2%80%A2%E2%80%A2%E2%80%A2@h",
            "mongodb://u:••••••••@h",
            "https://h/x?sig=REDACTED&b=c",
            "mongodb+srv://[REDACTED]@h/db",
            "mongodb+srv://u:[REDACTED]@h/db",
            "mongodb://u:***@h",
            "mongodb://u:%5BREDACTED%5D@h",
            "postgres://u:xxxxx@h/db",
            "https://h/x?sig=***&b=c",
            "AccountName=a;AccountKey=[REDACTED];",
            "https://sqs.us-east-1.amazonaws.com/***/q",
            "***:9092",
            "b-1:9092,[hidden]:9092",
            "c[REDACTED]",
            "attributes.a=\"***\"",
            "[REDACTED].example.com",
            "c***",
            "(sensitive value)",
            "mongodb://u:(sensitive value)@h/db",
        ] {
            assert!(is_masked(text), "{text}");
        }
        for text in [
            "",
            "redacted",
            "REDACTED_ORDERS",
            "the REDACTED one",
            "• a",
            "a•••b",
            "**",
            "s3://b/**/x",
            "mongodb://u@h/db",
            "xxxxx",
            "a ** b",
            "topic-*",
            "[abc]",
            "[hidden",
            "cityHash64(hidden)",
        ] {
            assert!(!is_masked(text), "{text}");
        }
    }

    #[test]
    fn masked_text_contradicts_only_what_it_shows() {
        for (desired, live, expected) in [
            ("mongodb://u@h/db", "mongodb://[REDACTED]@h/db", Some(true)),
            ("mongodb://h/db", "mongodb://u:[REDACTED]@h/db", Some(true)),
            ("mongodb://h/db", "mongodb://u:[REDACTED]@other/db", Some(false)),
            ("mongodb://h/db", "[REDACTED]", Some(true)),
            ("orders", "REDACTED", Some(true)),
            ("orders", "••••", Some(true)),
            ("https://h/x?sig=abc&b=d", "https://h/x?sig=••••&b=c", Some(false)),
            ("https://h/x?sig=abc&b=c", "https://h/x?sig=***&b=c", Some(true)),
            ("https://h/x?sig=abc&b=d", "https://h/x?sig=***&b=c", Some(false)),
            ("https://g/x?sig=abc&b=c", "https://h/x?sig=***&b=c", Some(false)),
            ("mongodb://h/db", "(sensitive value)", Some(true)),
            ("https://sqs.eu.amazonaws.com/1/q", "https://sqs.eu.amazonaws.com/***/q", Some(true)),
            ("https://sqs.eu.amazonaws.com/1/p", "https://sqs.eu.amazonaws.com/***/q", Some(false)),
            ("b-1:9092", "***:9092", Some(true)),
            ("b-1:9093", "***:9092", Some(false)),
            ("consumers", "c[REDACTED]", Some(true)),
            ("readers", "c[REDACTED]", Some(false)),
            ("db.example.com", "[REDACTED].example.com", Some(true)),
            ("attributes.a=\"b\"", "attributes.a=\"***\"", Some(true)),
            ("projects/p/x/y", "projects/***/x/y", Some(true)),
            ("mongodb://h/db", "mongodb://h/db", None),
        ] {
            assert_eq!(could_be(&desired.into(), &live.into()), expected, "{desired} {live}");
        }
    }
}
