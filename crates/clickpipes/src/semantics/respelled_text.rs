//! Texts that may be the API's spelling of each other. It is unknown whether they are, so they are neither equal nor
//! different.

use model::look_alike::letters;
use model::path::{FieldPath, VisitedPath};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{FieldSemantics, KeyedList, ListSemantics};

/// A field that the API seems to spell differently: its path, the declared value and the live one, which is null if the
/// API omits it.
pub type RespelledField = (String, Value, Value);

impl FieldSemantics {
    /// The declared texts that live may only spell differently.
    ///
    /// # Errors
    ///
    /// The first field with another difference.
    pub fn respelled_texts(
        &self,
        path: &VisitedPath<'_>,
        declared: &Value,
        live: Option<&Value>,
    ) -> Result<Vec<RespelledField>, FieldPath> {
        if self.matches_live(declared, live) {
            return Ok(Vec::new());
        }
        match (declared, live) {
            (Value::Object(fields), Some(Value::Object(live))) => {
                let fields = fields.iter().map(|(name, declared)| {
                    let (path, value) = (path.key(name), live.get(name));
                    let field = self.child_field(name).respelled_texts(&path, declared, value);
                    field.or_else(|differing| match value {
                        Some(value) if is_named_after_sibling(declared, value, live) => {
                            Ok(vec![(path.to_field_path().to_string(), declared.clone(), value.clone())])
                        }
                        _ => Err(differing),
                    })
                });
                fields.collect::<Result<Vec<_>, _>>().map(|found| found.concat())
            }
            (Value::String(one), Some(Value::String(other))) if may_be_same_text(one, other) => {
                Ok(vec![(path.to_field_path().to_string(), one.as_str().into(), other.as_str().into())])
            }
            (Value::Array(ones), Some(Value::Array(others))) if ones.len() == others.len() => {
                self.respelled_items(path, ones, others)
            }
            _ => Err(path.to_field_path()),
        }
    }

    fn respelled_items(
        &self,
        path: &VisitedPath<'_>,
        declared: &[Value],
        live: &[Value],
    ) -> Result<Vec<RespelledField>, FieldPath> {
        let mut unclaimed: Vec<&Value> = live.iter().collect();
        let items = declared.iter().map(|declared| {
            let candidates = if self.list == ListSemantics::Atomic { 1 } else { unclaimed.len() };
            let found = unclaimed[..candidates]
                .iter()
                .enumerate()
                .find_map(|(at, live)| Some((at, self.list_item().respelled_texts(path, declared, Some(live)).ok()?)));
            let (at, texts) = found.ok_or_else(|| path.to_field_path())?;
            unclaimed.remove(at);
            Ok(texts)
        });
        items.collect::<Result<Vec<_>, _>>().map(|found| found.concat())
    }
}

/// The last characters of the key texts of an entry.
pub struct KeyEnds(Vec<Option<u8>>);

impl KeyEnds {
    /// Of an entry.
    pub fn new(keyed: &KeyedList, entry: &Value) -> Self {
        let texts = keyed.identity.iter().map(|field| entry.get(field).and_then(Value::as_str));
        Self(texts.map(|text| text.and_then(last_letter)).collect())
    }

    /// Whether both entries may be the same in two spellings. No false negatives.
    // With a thousand tables each pair is compared, so this is cheap: most names have different last letters.
    pub fn may_be_respelled(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|ends| !matches!(ends, (Some(one), Some(other)) if one != other))
    }
}

/// Whether live has the value of a sibling field before the declared one, as in `database.table`.
pub fn is_named_after_sibling(declared: &Value, live: &Value, siblings: &Map<String, Value>) -> bool {
    let (Some(declared), Some(live)) = (declared.as_str(), live.as_str()) else { return false };
    let prefix = live.strip_suffix(declared).and_then(|prefix| prefix.strip_suffix('.'));
    prefix.is_some_and(|prefix| siblings.values().any(|sibling| sibling == prefix))
}

/// Whether an API may have made one name from the other: it spells, cuts or extends it.
pub fn may_be_same_name(one: &str, other: &str) -> bool {
    let [own, others] = [one, other].map(letters);
    own.contains(&others) || others.contains(&own) || may_be_same_text(one, other)
}

/// Whether one text may be the API's spelling of the other.
fn may_be_same_text(one: &str, other: &str) -> bool {
    let [plain, other_plain] = [one, other].map(unescaped);
    // A delimiter has no letters.
    let is_same_mark = !plain.trim().is_empty() && plain.trim() == other_plain.trim();
    plain == other_plain
        || is_same_mark
        || has_same_letters(&plain, &other_plain)
        || is_qualified(one, other)
        || is_qualified(other, one)
        || is_of_same_project(one, other)
}

/// The last letter or digit, which no spelling changes; `None` if some may.
fn last_letter(text: &str) -> Option<u8> {
    let is_plain = text.is_ascii() && !text.contains(['%', '\\', '&']);
    let last = text.bytes().rev().find(u8::is_ascii_alphanumeric).filter(|_| is_plain);
    last.map(|letter| letter.to_ascii_lowercase())
}

fn has_same_letters(one: &str, other: &str) -> bool {
    let (one, other) = (letters(one), letters(other));
    !one.is_empty() && one == other
}

/// The most escapes around each other: `&amp;quot;` is two.
const MAX_NESTED_ESCAPES: usize = 3;

/// The text with what `%2A`, `\t`, `\u003d` and `&amp;` stand for.
fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..MAX_NESTED_ESCAPES {
        let inner = replace_escapes(&text);
        let inner = percent_decode_str(&inner).decode_utf8_lossy().into_owned();
        if inner == text {
            break;
        }
        text = inner;
    }
    text
}

/// Replaces the escapes of JSON and of HTML.
fn replace_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(['\\', '&']) {
        let (before, escape) = rest.split_at(start);
        plain.push_str(before);
        if let Some((character, length)) = read_escape(escape) {
            plain.push(character);
            rest = &escape[length..];
        } else {
            plain.push_str(&escape[..1]);
            rest = &escape[1..];
        }
    }
    plain + rest
}

const NAMED_ESCAPES: [(&str, char); 12] = [
    ("\\t", '\t'),
    ("\\n", '\n'),
    ("\\r", '\r'),
    ("\\\"", '"'),
    ("\\'", '\''),
    ("\\/", '/'),
    ("\\\\", '\\'),
    ("&amp;", '&'),
    ("&lt;", '<'),
    ("&gt;", '>'),
    ("&quot;", '"'),
    ("&apos;", '\''),
];

/// What the escape at the start of a text stands for, and the length of the escape.
fn read_escape(text: &str) -> Option<(char, usize)> {
    if let Some((escape, character)) = NAMED_ESCAPES.into_iter().find(|(escape, _)| text.starts_with(escape)) {
        return Some((character, escape.len()));
    }
    let (code, length) = if let Some(digits) = text.strip_prefix("\\u") {
        (u32::from_str_radix(digits.get(..4)?, 16), 6)
    } else {
        let number = text.strip_prefix("&#")?;
        let end = number.find(';')?;
        let number = &number[..end];
        let code = number.strip_prefix(['x', 'X']).map_or_else(|| number.parse(), |hex| u32::from_str_radix(hex, 16));
        (code, "&#;".len() + end)
    };
    Some((char::from_u32(code.ok()?)?, length))
}

/// The prefixes that a cloud writes before a name as its location. A folder before a name is a different resource.
const QUALIFIERS: [&str; 3] = ["arn:", "projects/", "com.amazonaws."];

/// Whether the text is the name after a location: `arn:aws:kinesis:eu-west-1:1:stream/name`.
fn is_qualified(text: &str, name: &str) -> bool {
    let place = text.strip_suffix(name).filter(|place| !name.is_empty() && place.ends_with(['/', ':', '.']));
    place.is_some_and(|place| place.contains("://") || QUALIFIERS.iter().any(|start| place.starts_with(start)))
}

/// Whether two resources of Google Cloud differ only in that one has the number of its project, and the other its id.
fn is_of_same_project(one: &str, other: &str) -> bool {
    let parts = |text: &str| -> Option<(bool, String)> {
        let (project, rest) = text.get(text.find("projects/")?..)?.strip_prefix("projects/")?.split_once('/')?;
        Some((project.bytes().all(|c| c.is_ascii_digit()), rest.to_owned()))
    };
    let pair = parts(one).zip(parts(other));
    pair.is_some_and(|((is_number, rest), (is_other_number, other))| is_number != is_other_number && rest == other)
}

#[cfg(test)]
mod tests {
    use super::{last_letter, may_be_same_text};

    #[test]
    fn what_an_api_makes_of_a_text_may_be_the_same() {
        let attachment = "projects/p-1/regions/r/serviceAttachments/x";
        for (one, other) in [
            ("a, b", "a,b"),
            ("Orders ", "orders"),
            ("S3://Bucket/a", "s3://bucket/a"),
            ("cafe\u{301}", "caf\u{e9}"),
            ("\u{ff21}\u{ff22}", "AB"),
            ("s3://b/*.json", "s3://b/%2A.json"),
            ("\t", "\\t"),
            (";", " ;\u{a0}"),
            ("a=b", "a\\u003db"),
            ("a=\"b\"", "a\\u003d\\\"b\\\""),
            ("a & b", "a &amp; b"),
            ("a=\"b\"", "a=&quot;b&quot;"),
            ("a=\"b\"", "a=&#34;b&#x22;"),
            ("a<b", "a&amp;lt;b"),
            ("&", "&amp;"),
            ("clicks", "arn:aws:kinesis:us-east-1:123456789012:stream/clicks"),
            ("clicks", "projects/p-1/topics/clicks"),
            ("vpce-svc-0a", "com.amazonaws.vpce.eu-west-1.vpce-svc-0a"),
            (attachment, "https://www.googleapis.com/compute/v1/projects/p-1/regions/r/serviceAttachments/x"),
            (attachment, "projects/123456/regions/r/serviceAttachments/x"),
        ] {
            assert!(may_be_same_text(one, other) && may_be_same_text(other, one), "{one} {other}");
            let ends = [one, other].map(last_letter);
            assert!(ends.contains(&None) || ends[0] == ends[1], "{one} {other}");
        }
        for (one, other) in [
            ("a,b", "b,a"),
            ("orders", "order"),
            ("", " "),
            ("-", "_"),
            ("\t", ","),
            ("\t", " "),
            ("a&b", "a&c"),
            ("a=b", "a\\u003ec"),
            ("<", "&gt;"),
            ("orders", "eu.orders"),
            ("*.json", "logs/*.json"),
            ("100%", "100%2"),
            ("s3://b/%41", "s3://b/%42"),
            ("clicks", "arn:aws:kinesis:us-east-1:123456789012:stream/my-clicks"),
            (attachment, "projects/p-2/regions/r/serviceAttachments/x"),
            (attachment, "projects/123456/regions/r/serviceAttachments/y"),
        ] {
            assert!(!may_be_same_text(one, other), "{one} {other}");
        }
    }
}
