//! The receiver of a secret.

use std::fmt;

use serde::{Serialize, Serializer};

/// The receiver of a secret, in the order in which they are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretHost {
    /// A host, with its port if one is declared.
    Named(String),
    /// The private endpoint that leads there, by its name or its id. Another one may lead elsewhere under the same host.
    ThroughEndpoint(String),
    /// The secret contains the host, such as a connection string.
    InSecret,
    /// This version does not know the field that receives the secret, so it does not know the host either.
    Unknown,
}

impl SecretHost {
    /// The hosts of a text with commas.
    pub(crate) fn from_list(text: &str) -> Vec<Self> {
        // The API may return a list in another order and case: it is the same receiver.
        let hosts = text.split(',').map(|host| host.trim().to_lowercase()).filter(|host| !host.is_empty());
        let mut hosts: Vec<Self> = hosts.map(Self::Named).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// The name alone, where there is one.
    pub fn name_without_port(self) -> Option<String> {
        let Self::Named(host) = self else { return None };
        // An IPv6 address has several colons, and here no port.
        match host.split_once(':') {
            Some((name, port)) if !port.contains(':') => Some(name.to_owned()),
            _ => Some(host),
        }
    }

    /// The hosts of a URL, without user and path.
    pub(crate) fn from_url(url: &str) -> Vec<Self> {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        Self::from_list(rest.rsplit_once('@').map_or(rest, |(_, host)| host))
    }
}

/// For a sentence: `sends PASSWORD to …`.
impl fmt::Display for SecretHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named(host) => host,
            Self::ThroughEndpoint(endpoint) => return write!(f, "endpoint {endpoint}"),
            Self::InSecret => "the host that it contains",
            Self::Unknown => "a host that this version cannot tell",
        })
    }
}

impl Serialize for SecretHost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
