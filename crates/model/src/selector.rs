//! Globs with `*` and `?` that select objects by address.

use std::fmt;

use wildmatch::WildMatch;

use crate::address::Address;

/// A glob over printed addresses: `analytics/orders-*`. Without a slash it matches the name only.
#[derive(Clone, PartialEq)]
pub struct AddressPattern {
    text: String,
    glob: WildMatch,
}

impl AddressPattern {
    /// Compiles a glob; every text is a valid one.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { glob: WildMatch::new(&text), text }
    }

    /// `true` if the glob matches the address.
    pub fn matches(&self, address: &Address) -> bool {
        if self.text.contains('/') {
            self.glob.matches(&address.to_string())
        } else {
            self.glob.matches(address.name.as_str())
        }
    }

    /// `true` if the glob can match an object of this service.
    pub fn can_match_service(&self, service: &str) -> bool {
        // A glob without a slash names no service, so it selects in all of them.
        let of_service = self.text.split_once('/').map(|(service, _)| service);
        of_service.is_none_or(|pattern| WildMatch::new(pattern).matches(service))
    }
}

impl From<&str> for AddressPattern {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.text)
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::AddressPattern;
    use crate::address::{Address, Kind, Name, ServiceRef};

    #[test]
    fn selector_without_slash_matches_the_name() {
        let address = Address::new(ServiceRef::new("analytics"), Kind::ClickPipe, Name::new("orders-cdc"));
        for (pattern, matches) in [
            ("analytics/orders-cdc", true),
            ("*/orders-*", true),
            ("orders-???", true),
            ("analytics", false),
            ("staging/*", false),
        ] {
            assert_eq!(AddressPattern::new(pattern).matches(&address), matches, "{pattern}");
        }
    }

    #[test]
    fn selector_without_slash_covers_every_service() {
        for (pattern, may) in [("analytics/*", true), ("ana*/x", true), ("x", true), ("staging/*", false)] {
            assert_eq!(AddressPattern::new(pattern).can_match_service("analytics"), may, "{pattern}");
        }
    }
}
