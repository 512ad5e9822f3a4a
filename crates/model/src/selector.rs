//! Globs with `*` and `?` that select objects by address.

use std::fmt;
use std::str::FromStr;

use wildmatch::WildMatch;

use crate::address::{Address, ServiceRef};

/// A glob over printed addresses: `analytics/orders-*`. Without a slash it matches the name only.
#[derive(Clone, PartialEq)]
pub struct AddressPattern {
    text: String,
    glob: WildMatch,
    /// The glob with its service in lower case, for services that are named by their ids.
    // The case of an id has no meaning, and runs print it in lower case. A guard that was written in capitals would
    // silently protect nothing.
    glob_for_ids: WildMatch,
}

impl AddressPattern {
    /// Compiles a glob; every text is a valid one.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let for_ids = match text.split_once('/') {
            Some((service, name)) => format!("{}/{name}", service.to_ascii_lowercase()),
            None => text.clone(),
        };
        Self { glob: WildMatch::new(&text), glob_for_ids: WildMatch::new(&for_ids), text }
    }

    /// `true` if the glob matches the address.
    pub fn matches(&self, address: &Address) -> bool {
        if self.text.contains('/') {
            let printed = address.to_string();
            let is_id = ServiceRef::is_id(address.service.as_str());
            self.glob.matches(&printed) || is_id && self.glob_for_ids.matches(&printed)
        } else {
            self.glob.matches(address.name.as_str())
        }
    }

    /// `true` if the glob can match an object of this service.
    pub fn can_match_service(&self, service: &str) -> bool {
        // A glob without a slash names no service, so it selects in all of them.
        let of_service = self.text.split_once('/').map(|(service, _)| service);
        of_service.is_none_or(|pattern| {
            let glob = if ServiceRef::is_id(service) {
                WildMatch::new_case_insensitive(pattern)
            } else {
                WildMatch::new(pattern)
            };
            glob.matches(service)
        })
    }
}

/// Whether a pattern has braces. Shells and other tools expand `{a,b}` to alternatives; here braces are literal.
pub fn has_braces(pattern: &str) -> bool {
    pattern.contains(['{', '}'])
}

/// One object by its whole address, or several by an explicit glob: `glob:analytics/orders-*`.
// A permission to delete must not cover more than it appears to. `orders` would also allow the `orders` of another
// service, and a name with `*` in it everything that it happens to match.
#[derive(Clone, Debug, PartialEq)]
pub enum ObjectName {
    /// This address.
    Exact(String),
    /// Every address that the glob matches.
    Glob(AddressPattern),
}

const GLOB_PREFIX: &str = "glob:";

impl ObjectName {
    /// `true` if it names the object.
    pub fn matches(&self, address: &Address) -> bool {
        match self {
            Self::Exact(text) => *text == address.to_string(),
            Self::Glob(pattern) => pattern.matches(address),
        }
    }

    /// The address as an argument of a flag that takes such names, quoted for a shell where necessary.
    pub fn to_argument(address: &Address) -> String {
        let mut text = address.to_string();
        // A comma separates names, and `*` needs a glob, so `?` matches both.
        if text.contains([',', '*']) {
            text = format!("{GLOB_PREFIX}{}", text.replace([',', '*'], "?"));
        }
        let plain = |c: char| c.is_alphanumeric() || "/-_.:@%+=".contains(c);
        if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
    }
}

impl FromStr for ObjectName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix(GLOB_PREFIX) {
            Some(glob) => Ok(Self::Glob(AddressPattern::new(glob))),
            None if text.contains('*') => Err(format!("for several objects write `{GLOB_PREFIX}{text}`")),
            None if !text.contains('/') => Err("write the service, too: SERVICE/NAME".to_owned()),
            None => Ok(Self::Exact(text.to_owned())),
        }
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
    use super::{AddressPattern, ObjectName};
    use crate::address::{Address, Kind, Name, ServiceRef};

    fn pipe(service: &str, name: &str) -> Address {
        Address::new(ServiceRef::new(service), Kind::ClickPipe, Name::new(name))
    }

    #[test]
    fn object_name_means_one_object_unless_it_is_a_glob() {
        let matches = |text: &str, at: &Address| text.parse::<ObjectName>().unwrap().matches(at);
        let orders = pipe("analytics", "orders");
        assert!(matches("analytics/orders", &orders));
        for other in [pipe("analytics", "orders-2"), pipe("lake", "orders")] {
            assert!(!matches("analytics/orders", &other), "{other}");
        }
        assert!(!matches("analytics/order?", &orders));
        assert!(matches("glob:analytics/order?", &orders) && matches("glob:*", &orders));
        for refused in ["orders", "analytics/*", "*"] {
            assert!(refused.parse::<ObjectName>().is_err(), "{refused}");
        }
    }

    #[test]
    fn object_argument_is_quoted_and_parsed_again() {
        for (name, argument) in [
            ("orders-cdc", "lake/orders-cdc"),
            ("été", "lake/été"),
            ("My pipe, old", "'glob:lake/My pipe? old'"),
            ("a*", "'glob:lake/a?'"),
            ("it's", r"'lake/it'\''s'"),
        ] {
            let at = pipe("lake", name);
            let printed = ObjectName::to_argument(&at);
            assert_eq!(printed, argument);
            let typed = printed.trim_matches('\'').replace(r"'\''", "'");
            assert!(typed.parse::<ObjectName>().unwrap().matches(&at), "{typed}");
        }
    }

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
    fn selector_reads_the_id_of_a_service_in_either_case() {
        const ID: &str = "5b1e0c7a-0000-4000-8000-00000000abcd";
        for pattern in [format!("{}/orders", ID.to_uppercase()), "5B1E*/orders".to_owned(), format!("{ID}/*")] {
            let pattern = AddressPattern::new(pattern);
            assert!(pattern.matches(&pipe(ID, "orders")) && pattern.can_match_service(ID), "{pattern}");
            assert!(!pattern.matches(&pipe("5b1e", "orders")), "{pattern}");
        }
        // Names and aliases keep their letters.
        assert!(!AddressPattern::new("Analytics/orders").matches(&pipe("analytics", "orders")));
        assert!(!AddressPattern::new(format!("{ID}/Orders")).matches(&pipe(ID, "orders")));
    }

    #[test]
    fn selector_without_slash_covers_every_service() {
        for (pattern, may) in [("analytics/*", true), ("ana*/x", true), ("x", true), ("staging/*", false)] {
            assert_eq!(AddressPattern::new(pattern).can_match_service("analytics"), may, "{pattern}");
        }
    }
}
