//! The API's own spellings of values. The API was never seen to do this, but a client must not treat it as a change.

use serde_json::Value;

/// The kind of a text that an API could spell differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Respelling {
    /// Names between commas: without blanks.
    CommaList,
    /// A moment: in UTC, with milliseconds.
    Instant,
    /// A type of ClickHouse: a blank after each comma.
    ColumnType,
    /// A place in a bucket: by HTTPS.
    BucketUrl,
    /// An address: without a slash at its end.
    BaseUrl,
    /// A certificate: without white space around it.
    Pem,
}

pub(crate) fn respell_value(spelling: Respelling, value: &mut Value) {
    if let Value::String(text) = value {
        *text = respell_text(spelling, text);
    }
}

fn respell_text(spelling: Respelling, text: &str) -> String {
    match spelling {
        Respelling::CommaList => text.split(',').map(str::trim).collect::<Vec<_>>().join(","),
        Respelling::Instant => respell_instant(text).unwrap_or_else(|| text.to_owned()),
        Respelling::ColumnType => text.split(',').map(str::trim).collect::<Vec<_>>().join(", "),
        Respelling::BucketUrl => match text.strip_prefix("gs://") {
            Some(place) => format!("https://storage.googleapis.com/{place}"),
            None => text.to_owned(),
        },
        Respelling::BaseUrl => text.trim_end_matches('/').to_owned(),
        Respelling::Pem => text.trim().to_owned(),
    }
}

/// An instant of whole seconds with `Z`, or with an offset within the same day; other texts are unchanged.
fn respell_instant(text: &str) -> Option<String> {
    let (local, zone) = (text.get(..19)?, text.get(19..)?);
    if zone == "Z" {
        return Some(format!("{local}.000Z"));
    }
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let offset = hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?;
    let offset = if zone.starts_with('-') { -offset } else { offset };
    let of_day = local.get(11..13)?.parse::<i32>().ok()? * 60 + local.get(14..16)?.parse::<i32>().ok()? - offset;
    let is_same_day = (0..24 * 60).contains(&of_day);
    is_same_day.then(|| format!("{}T{:02}:{:02}:{}.000Z", &local[..10], of_day / 60, of_day % 60, &local[17..]))
}

#[cfg(test)]
mod tests {
    use super::{Respelling, respell_text};

    #[test]
    fn respelled_text_means_the_same() {
        for (spelling, text, respelled) in [
            (Respelling::CommaList, "a, b ,c", "a,b,c"),
            (Respelling::Instant, "2026-01-01T14:30:00+02:00", "2026-01-01T12:30:00.000Z"),
            (Respelling::Instant, "2026-01-01T12:30:00Z", "2026-01-01T12:30:00.000Z"),
            (Respelling::Instant, "2026-01-01T12:30", "2026-01-01T12:30"),
            (Respelling::ColumnType, "Decimal(18,2)", "Decimal(18, 2)"),
            (Respelling::BucketUrl, "gs://b/x/*", "https://storage.googleapis.com/b/x/*"),
            (Respelling::BaseUrl, "https://registry.example.com/", "https://registry.example.com"),
            (Respelling::Pem, "-----BEGIN\n", "-----BEGIN"),
        ] {
            assert_eq!(respell_text(spelling, text), respelled);
            assert_eq!(respell_text(spelling, respelled), respelled);
        }
    }
}
