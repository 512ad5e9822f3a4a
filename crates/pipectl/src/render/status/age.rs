//! Lengths of time, for people.

use std::time::{Duration, SystemTime};

const TIME_UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];

/// How long ago an RFC 3339 time was: `12d`, `3h`. Nothing where it is no such time, or to come.
pub(super) fn format_age(time: Option<&str>, now: SystemTime) -> String {
    let then = time.and_then(|time| humantime::parse_rfc3339_weak(time).ok());
    let passed = then.and_then(|then| now.duration_since(then).ok());
    passed.map(format_duration).unwrap_or_default()
}

fn format_duration(passed: Duration) -> String {
    let seconds = passed.as_secs();
    let unit = TIME_UNITS.iter().find(|(length, _)| seconds >= *length);
    unit.map_or_else(|| "0s".to_owned(), |(length, unit)| format!("{}{unit}", seconds / length))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::format_age;

    #[test]
    fn age_is_shown_in_its_largest_unit() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * 20);
        for (time, words) in [
            ("1970-01-01T00:00:00.123456Z", "19d"),
            ("1970-01-20T20:00:00Z", "4h"),
            ("1970-01-20T23:59:00Z", "1m"),
            ("1970-01-21T00:00:00Z", "0s"),
            ("1970-02-01T00:00:00Z", ""),
            ("yesterday", ""),
        ] {
            assert_eq!(format_age(Some(time), now), words, "{time}");
        }
        assert_eq!(format_age(None, now), "");
    }
}
