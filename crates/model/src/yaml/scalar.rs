//! The type of a value without quotes.

use serde_json::Number;

use super::YamlContent;

/// Reads a value as YAML 1.2 does, except that a number with a leading zero stays text.
pub fn parse_plain_scalar(text: impl Into<String> + AsRef<str>) -> YamlContent {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => YamlContent::Null,
        "true" | "True" | "TRUE" => YamlContent::Bool(true),
        "false" | "False" | "FALSE" => YamlContent::Bool(false),
        plain => match parse_number(plain) {
            Some(number) => YamlContent::Number(number),
            None => YamlContent::Text { text: text.into(), is_unquoted: true, variables: None },
        },
    }
}

fn parse_number(text: &str) -> Option<Number> {
    // Most values are words.
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.')) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return parse_radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return parse_radix(digits, 8);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if is_all_digits(digits) {
        // `0755` is octal in YAML 1.1 and decimal in 1.2. It is unknown which of them the author expects.
        return if has_leading_zero(digits) { None } else { parse_integer(text) };
    }
    // `1e999` is infinite, which `from_f64` refuses, as JSON has no such number: it stays text.
    if is_float(digits) { Number::from_f64(text.parse().ok()?) } else { None }
}

fn parse_radix(digits: &str, base: u32) -> Option<Number> {
    // The standard library would take a sign here; YAML does not.
    let number = u64::from_str_radix(digits, base).ok()?;
    (!digits.starts_with('+')).then(|| number.into())
}

fn parse_integer(text: &str) -> Option<Number> {
    // Digits that do not fit stay text. As a float they would lose their last digits silently.
    text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok()
}

/// Digits with at most one point, and an optional exponent. `.inf` and `.nan` do not count.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && is_all_digits(exponent)
}

fn is_all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}

/// The type that a YAML 1.1 reader gives a value without quotes; `None` if it is the same here.
pub(super) fn yaml_1_1_type(text: &str) -> Option<&'static str> {
    // The text of YAML 1.1 calls `y` and `n` booleans. Its readers keep them as text, so there is no warning.
    if text.len() > 1 && yaml_1_1_boolean(text).is_some() {
        return Some("a boolean");
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.strip_prefix("0o").is_some_and(|octal| parse_radix(octal, 8).is_some()) {
        return Some("text");
    }
    if is_all_digits(digits) && has_leading_zero(digits) {
        return Some("an octal number");
    }
    if digits.strip_prefix("0b").is_some_and(|bits| has_only_bytes(bits, b"01_")) {
        return Some("a binary number");
    }
    if digits.contains(':') && is_sexagesimal(digits) {
        return Some("a number to base 60");
    }
    (digits.contains('_') && has_only_bytes(digits, b"0123456789_.")).then_some("a number")
}

fn is_sexagesimal(digits: &str) -> bool {
    // `12:30` is 750 there; `12:75` is text, because each part but the first is below 60.
    let mut parts = digits.split(':');
    parts.next().is_some_and(is_all_digits)
        && parts.all(|part| {
            let whole = part.split_once('.').map_or(part, |(whole, _)| whole);
            is_all_digits(whole) && whole.len() <= 2 && whole.as_bytes()[0] < b'6'
        })
}

fn has_only_bytes(text: &str, bytes: &[u8]) -> bool {
    !text.is_empty() && text.bytes().all(|byte| bytes.contains(&byte))
}

/// The boolean that YAML 1.1 reads in a word such as `yes`; `None` for other words.
pub fn yaml_1_1_boolean(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}
