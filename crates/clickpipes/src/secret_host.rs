//! The receiver of a secret.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::named_host::NamedHost;

/// The receiver of a secret, in the order in which they are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretHost {
    /// A host.
    Named(NamedHost),
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
        NamedHost::from_list(text).into_iter().map(Self::Named).collect()
    }

    /// The hosts of a URL, without user and path.
    pub(crate) fn from_url(url: &str) -> Vec<Self> {
        NamedHost::from_url(url).into_iter().map(Self::Named).collect()
    }
}

/// For a sentence: `sends PASSWORD to …`.
impl fmt::Display for SecretHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named(host) => return host.fmt(f),
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
