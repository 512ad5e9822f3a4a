//! The virtual clock. It moves on request only, so every run is the same.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment of the virtual clock, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The start of every world: 2026-01-01T00:00:00Z.
    pub const START: Self = Self(1_767_225_600_000);

    /// The moment `by` later; the last one that can be represented instead of an overflow.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }

    pub(crate) fn after_seconds(self, seconds: u64) -> Self {
        self.after(Duration::from_secs(seconds))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with six decimals, as in the API.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        let (year, month, day) = civil_date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let micros = self.0 % 1000 * 1000;
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

fn civil_date(days: u64) -> (u64, u64, u64) {
    // By eras of 400 years that begin on the first of March: the leap day is the last day of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_starts_at_new_year_2026() {
        assert_eq!(Timestamp::START.to_string(), "2026-01-01T00:00:00.000000Z");
    }

    #[test]
    fn timestamps_format_leap_days_and_fractions() {
        let leap_day = Timestamp(1_835_438_399_250);
        assert_eq!(leap_day.to_string(), "2028-02-29T11:59:59.250000Z");
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn adding_to_a_timestamp_does_not_overflow() {
        assert_eq!(Timestamp(5).after(Duration::MAX), Timestamp(u64::MAX));
        assert!(!Timestamp(u64::MAX).to_string().is_empty());
    }
}
