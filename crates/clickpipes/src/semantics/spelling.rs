//! The spellings of one value. Every comparison uses this normalizer: diff, export, read-back and look-ups.
//
// The API, people and tools spell one value in several ways. For a field that cannot be changed, a spelling that counts
// as a change deletes and re-creates the pipe.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Number, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::network_address;

/// The spellings of a field that are equal. The type of the field decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Equality {
    #[default]
    Exact,
    /// Upper and lower case are the same: UUIDs, words of an enum.
    Caseless,
    /// `MergeTree()` is `MergeTree`.
    Engine,
    Count,
    /// `250m` is 250 millicores.
    Cpu,
    /// `512Mi` is half a gigabyte.
    Memory,
    /// A URI with a password, which is not shown.
    Uri,
    /// A flavour of a database equals its base in a response.
    FlavourOf(BTreeMap<String, String>),
    /// Names in no order, with or without blanks between them.
    CommaList,
    /// A host name or an address, in any case and form, with or without the dot of the root.
    Host,
    /// Hosts with or without ports, in no order.
    HostList,
    /// A point in time, in any zone and with any precision.
    Instant,
    /// The same, where a manifest declares a minute in UTC.
    Minute,
    /// A URL with or without the port that its scheme implies, and with or without a slash at its end.
    Url,
    /// `gs://bucket/x` is `https://storage.googleapis.com/bucket/x`.
    StorageUrl,
    /// SQL with or without blanks around its punctuation.
    Sql,
    /// A PEM text with any white space.
    Pem,
}

impl Equality {
    pub(super) fn is_quantity(&self) -> bool {
        matches!(self, Self::Count | Self::Cpu | Self::Memory)
    }

    /// Whether two scalars are spellings of one value.
    pub(super) fn are_equal(&self, one: &Value, other: &Value) -> bool {
        if one == other {
            return true;
        }
        if self.is_quantity() {
            return self.parse_quantity(one).is_some() && self.parse_quantity(one) == self.parse_quantity(other);
        }
        match (one, other) {
            (Value::String(one), Value::String(other)) => self.canonical(one) == self.canonical(other),
            (Value::Number(one), Value::Number(other)) => numbers_equal(one, other),
            (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
                self.is_number_in_text(number, text)
            }
            (Value::Bool(flag), Value::String(text)) | (Value::String(text), Value::Bool(flag)) => {
                flag.to_string() == *text
            }
            _ => false,
        }
    }

    /// Whether a response with `live` matches the declared value. A base word matches all its flavours.
    pub(super) fn equals_live(&self, desired: &Value, live: &Value) -> bool {
        // In one direction only: a live `postgres` may be a declared `neon`, but a live `neon` is not a declared
        // `postgres`.
        let base = match (self, desired) {
            (Self::FlavourOf(bases), Value::String(flavour)) => bases.get(&flavour.to_ascii_lowercase()),
            _ => None,
        };
        self.are_equal(desired, live) || base.is_some_and(|base| self.are_equal(&Value::from(base.as_str()), live))
    }

    /// A number and its text: `5432` and `"5432"`. Seconds since 1970 also equal the instant.
    fn is_number_in_text(&self, number: &Number, text: &str) -> bool {
        let parsed: Option<Number> = serde_json::from_str(text.trim()).ok();
        let is_instant = || {
            let seconds = number.as_i64().map(|seconds| i128::from(seconds) * 1_000_000_000);
            matches!(self, Self::Instant | Self::Minute) && seconds.is_some() && parse_instant(text) == seconds
        };
        parsed.is_some_and(|parsed| numbers_equal(&parsed, number)) || is_instant()
    }

    /// One value for all its spellings. For comparisons only.
    pub(super) fn canonical_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.canonical(text).into(),
            _ => value.clone(),
        }
    }

    /// One text for all spellings of a value. For comparisons only: people see the written text.
    fn canonical(&self, text: &str) -> String {
        match self {
            Self::Exact | Self::Count | Self::Cpu | Self::Memory => text.to_owned(),
            Self::Caseless | Self::FlavourOf(_) => text.to_ascii_lowercase(),
            Self::Engine => engine_base_name(text).to_ascii_lowercase(),
            Self::CommaList => sorted_list(text),
            Self::Host => network_address::canonical_host(text),
            Self::HostList => network_address::canonical_hosts(text),
            Self::Instant | Self::Minute => {
                parse_instant(text).map_or_else(|| text.to_owned(), |instant| instant.to_string())
            }
            Self::Url | Self::Uri => network_address::canonical_url(text),
            Self::StorageUrl => network_address::canonical_storage_url(text),
            Self::Sql => canonical_sql(text),
            Self::Pem => text.split_whitespace().collect(),
        }
    }

    /// A live text as a manifest would spell it.
    pub(super) fn manifest_spelling(&self, text: &str) -> Value {
        match self {
            Self::Engine => Value::from(text.strip_suffix("()").unwrap_or(text)),
            Self::Minute => Value::from(utc_minute(text).unwrap_or_else(|| text.to_owned())),
            Self::Cpu | Self::Memory => {
                let quantity = self.parse_quantity(&Value::from(text));
                // Written out, a whole number has no fraction.
                let number = quantity.and_then(|quantity| serde_json::from_str(&quantity.to_string()).ok());
                number.unwrap_or_else(|| Value::from(text))
            }
            _ => Value::from(text),
        }
    }

    /// A quantity in the field's own unit, from a number or a Kubernetes quantity. A bare number in a text is one of
    /// cores or of bytes, unless no pipe has that many cores, or so few bytes.
    pub(super) fn parse_quantity(&self, value: &Value) -> Option<f64> {
        let text = match value {
            Value::Number(number) => return number.as_f64(),
            Value::String(text) => text.trim(),
            _ => return None,
        };
        let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (digits, suffix) = text.split_at(split);
        let number: f64 = digits.trim().parse().ok()?;
        match (self, suffix) {
            (Self::Cpu, "m") | (Self::Memory, "Gi") | (Self::Count, "") => Some(number),
            // A bare `250` can only be millicores: as cores, it is more than any pipe has. For the same reason a bare
            // `2` below is gigabytes, and not bytes.
            (Self::Cpu, "") if number > MOST_CORES => Some(number),
            (Self::Memory, "") if number < LEAST_BYTES => Some(number),
            (Self::Cpu, "") => Some(number * 1000.0),
            (Self::Memory, "Ti") => Some(number * 1024.0),
            (Self::Memory, "Mi") => Some(number / 1024.0),
            (Self::Memory, "Ki") => Some(number / 1024.0 / 1024.0),
            (Self::Memory, "") => Some(number / 1024.0 / 1024.0 / 1024.0),
            _ => None,
        }
    }
}

const MOST_CORES: f64 = 100.0;
const LEAST_BYTES: f64 = 1024.0 * 1024.0;

/// `1` and `1.0` are one number on the wire. Large whole numbers are compared exactly: as floats, neighbours are equal.
fn numbers_equal(one: &Number, other: &Number) -> bool {
    let are_whole = one.as_f64().is_some() && !one.is_f64() && !other.is_f64();
    if are_whole { one == other } else { one.as_f64() == other.as_f64() }
}

fn engine_base_name(engine: &str) -> &str {
    engine.split('(').next().unwrap_or(engine).trim()
}

fn sorted_list(text: &str) -> String {
    let mut names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.join(",")
}

/// Nanoseconds since 1970. A time without a zone is UTC, as the API documents it. One without seconds is a full minute.
fn parse_instant(text: &str) -> Option<i128> {
    const MINUTE: usize = "2026-01-31T08:00".len();
    let text = text.trim().to_ascii_uppercase();
    let (minute, rest) = text.split_at_checked(MINUTE)?;
    let seconds = if rest.starts_with(':') { "" } else { ":00" };
    let zone = if rest.ends_with('Z') || rest.contains(['+', '-']) { "" } else { "Z" };
    let instant = OffsetDateTime::parse(&format!("{minute}{seconds}{rest}{zone}"), &Rfc3339).ok()?;
    Some(instant.unix_timestamp_nanos())
}

/// A full minute as `2026-01-31T08:00`; `None` for a time with seconds, which that form would change.
fn utc_minute(text: &str) -> Option<String> {
    const MINUTE: i128 = 60 * 1_000_000_000;
    let nanos = parse_instant(text).filter(|nanos| nanos % MINUTE == 0)?;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    let (year, month, day, hour, minute) =
        (time.year(), u8::from(time.month()), time.day(), time.hour(), time.minute());
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}"))
}

/// Without blanks around parentheses, commas and `=`, and with one blank elsewhere. Quoted parts are unchanged.
fn canonical_sql(text: &str) -> String {
    const PUNCTUATION: [char; 4] = ['(', ')', ',', '='];
    let mut canonical = String::new();
    let mut quote = None;
    let mut characters = text.trim().chars().peekable();
    while let Some(c) = characters.next() {
        match quote {
            Some(end) => {
                canonical.push(c);
                // An escaped quote does not end the text.
                if c == '\\' {
                    canonical.extend(characters.next());
                } else if c == end {
                    quote = None;
                }
            }
            None if c.is_whitespace() => {
                let next_joins =
                    characters.peek().is_none_or(|next| next.is_whitespace() || PUNCTUATION.contains(next));
                if !next_joins && !canonical.ends_with(PUNCTUATION) {
                    canonical.push(' ');
                }
            }
            None => {
                quote = ['\'', '"', '`'].contains(&c).then_some(c);
                canonical.push(c);
            }
        }
    }
    canonical
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Equality;

    /// Compares in both directions.
    fn are_equal(equality: &Equality, one: impl Into<Value>, other: impl Into<Value>) -> bool {
        let (one, other) = (one.into(), other.into());
        let equal = equality.are_equal(&one, &other);
        assert_eq!(equal, equality.are_equal(&other, &one), "{one} {other}");
        equal
    }

    #[test]
    fn instants_are_equal_in_any_zone_and_precision() {
        for other in [
            "2026-01-31T08:00Z",
            "2026-01-31T08:00:00Z",
            "2026-01-31T08:00:00.000Z",
            "2026-01-31T10:00:00+02:00",
            "2026-01-31t08:00:00z",
            "2026-01-31 08:00:00Z",
        ] {
            assert!(are_equal(&Equality::Instant, "2026-01-31T08:00", other), "{other}");
        }
        assert!(are_equal(&Equality::Instant, 1_769_846_400, "2026-01-31T08:00:00Z"));
        for other in ["2026-01-31T08:00:01Z", "2026-01-31T08:00:00+02:00", "2026-01-31", "soon"] {
            assert!(!are_equal(&Equality::Instant, "2026-01-31T08:00", other), "{other}");
        }
    }

    #[test]
    fn minutes_are_written_as_manifests_declare_them() {
        for (live, written) in [
            ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00"),
            ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00"),
            ("2026-01-01T00:00", "2026-01-01T00:00"),
            ("2026-01-01T00:00:30Z", "2026-01-01T00:00:30Z"),
            ("soon", "soon"),
        ] {
            assert_eq!(Equality::Minute.manifest_spelling(live), written, "{live}");
            assert!(are_equal(&Equality::Minute, live, written), "{live}");
        }
    }

    #[test]
    fn lists_are_equal_in_any_order() {
        assert!(are_equal(&Equality::CommaList, "a,b", "b , a"));
        assert!(!are_equal(&Equality::CommaList, "a,b", "A,b"));
        assert!(!are_equal(&Equality::CommaList, "a,b", "a"));
        assert!(are_equal(&Equality::HostList, "A.example.com:1,b:2", "b:2, a.example.com:1"));
        assert!(!are_equal(&Equality::HostList, "a:1", "a:2"));
    }

    #[test]
    fn sql_is_equal_with_other_blanks() {
        for (one, other) in [
            ("Decimal(18,2)", "Decimal(18, 2)"),
            ("Decimal ( 18 ,2 )", "Decimal(18, 2)"),
            ("Enum8('a b' = 1)", "Enum8('a b'=1)"),
            ("Tuple(a  UInt8)", " Tuple(a UInt8)"),
        ] {
            assert!(are_equal(&Equality::Sql, one, other), "{one} {other}");
        }
        for (one, other) in [
            ("Tuple(a UInt8)", "Tuple(aUInt8)"),
            ("Enum8('a b'=1)", "Enum8('a  b'=1)"),
            ("Enum8('a, b'=1)", "Enum8('a,b'=1)"),
            ("Enum8('a\\', b'=1)", "Enum8('a\\',b'=1)"),
            ("Decimal(18,2)", "Decimal(18,3)"),
        ] {
            assert!(!are_equal(&Equality::Sql, one, other), "{one} {other}");
        }
    }

    #[test]
    fn numbers_are_equal_to_their_text() {
        for (one, other) in [(json!(5432), json!("5432")), (json!(2), json!(2.0)), (json!(0.5), json!("0.50"))] {
            assert!(are_equal(&Equality::Exact, one.clone(), other.clone()), "{one} {other}");
        }
        for (one, other) in [
            (json!(5432), json!("05432x")),
            (json!("1.0"), json!("1")),
            (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64)),
        ] {
            assert!(!are_equal(&Equality::Exact, one.clone(), other.clone()), "{one} {other}");
        }
    }
}
