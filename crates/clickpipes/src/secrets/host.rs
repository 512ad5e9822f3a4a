//! The receiver of a secret.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::named_host::NamedHost;

/// The receiver of a secret, in the order of lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretHost {
    /// A host.
    Named(NamedHost),
    /// The receiver behind a private endpoint of the same service that a field names.
    Endpoint(HostOfEndpoint),
    /// The private endpoint that leads there. Another one may lead elsewhere under the same host.
    ThroughEndpoint(PassedEndpoint),
    /// The secret contains the host, such as a connection string.
    InSecret,
    /// This version does not know the field that receives the secret, so it does not know the host either.
    Unknown,
}

/// A receiver behind a private endpoint. It keeps its name when its DNS name becomes known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostOfEndpoint {
    /// The endpoint's `metadata.name`.
    pub(crate) name: String,
    /// The port that the field declares.
    pub(crate) port: Option<u16>,
    /// The host of the connection, once the endpoint has a DNS name.
    pub(crate) host: Option<NamedHost>,
}

/// A private endpoint on the way to a host. Under one name, another endpoint may follow: an id is of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PassedEndpoint {
    /// By its `metadata.name`, and by its id as soon as it has one.
    Declared(String, Option<String>),
    /// The id that a manifest or live contains.
    Id(String),
}

impl SecretHost {
    /// The receiver behind an endpoint whose DNS name is not known yet.
    pub(crate) fn of_endpoint(name: &str, port: Option<u16>) -> Self {
        Self::Endpoint(HostOfEndpoint { name: name.to_owned(), port, host: None })
    }

    /// The receiver that requests name: the host, for an endpoint with a known DNS name, and the id of one on the way.
    /// Under one name an endpoint leads elsewhere after another one took it over, and a host or an id does not.
    #[must_use]
    pub fn reached(&self) -> Self {
        match self {
            Self::Endpoint(HostOfEndpoint { host: Some(host), .. }) => Self::Named(host.clone()),
            Self::ThroughEndpoint(PassedEndpoint::Declared(_, Some(id))) => {
                Self::ThroughEndpoint(PassedEndpoint::Id(id.clone()))
            }
            other => other.clone(),
        }
    }

    /// The text that rules of a project compare: a name or an address, without a port.
    //
    // A rule checks the beginning or the end: `h.endsWith('.example.com')`. So text of a manifest is at neither unless
    // every client reads it as the same host. `evil.example/.example.com` is not a host, and an endpoint may have the
    // name `x.example.com`.
    #[must_use]
    pub fn compared_text(&self) -> String {
        match self {
            Self::Named(host) if host.is_plain() => host.name().to_owned(),
            Self::Named(_) => "a text that is not a host".to_owned(),
            Self::Endpoint(HostOfEndpoint { name, host: Some(host), .. }) => {
                format!("endpoint {name:?} ({})", host.name())
            }
            Self::Endpoint(HostOfEndpoint { name, .. }) => format!("endpoint {name:?}"),
            Self::ThroughEndpoint(endpoint) => format!("endpoint {:?}", endpoint.text()),
            Self::InSecret | Self::Unknown => self.to_string(),
        }
    }

    /// Whether live can show it. A host inside a secret is hidden, and so is the receiver of a field that this version
    /// does not know.
    #[must_use]
    pub fn is_shown_by_live(&self) -> bool {
        !matches!(self, Self::InSecret | Self::Unknown)
    }

    /// Gives the endpoints on the way to the hosts `to` the names by which a manifest refers to them. A create and an
    /// update then name the same receivers, and a rule judges both alike.
    pub fn by_endpoint_names(to: Vec<Self>, names: &[(String, String)]) -> Vec<Self> {
        let name = |host: Self| match host {
            Self::ThroughEndpoint(PassedEndpoint::Id(id)) => {
                let name = names.iter().find(|(of, _)| *of == id).map(|(_, name)| name.clone());
                Self::ThroughEndpoint(match name {
                    Some(name) => PassedEndpoint::Declared(name, Some(id)),
                    None => PassedEndpoint::Id(id),
                })
            }
            other => other,
        };
        to.into_iter().map(name).collect()
    }

    /// Marks the hosts `to` that are behind the endpoint that `declared` names. `resolved` are the live hosts for
    /// `declared`.
    pub fn behind_endpoint(to: Vec<Self>, declared: &[Self], resolved: &[Self]) -> Vec<Self> {
        let endpoint = declared.iter().find_map(|host| match host {
            Self::Endpoint(endpoint) => Some(endpoint),
            _ => None,
        });
        let Some(endpoint) = endpoint else { return to };
        let is_behind = |host: &Self| resolved.contains(host) && !declared.contains(host);
        let name = |host: Self| match host {
            Self::Named(named) if is_behind(&Self::Named(named.clone())) => {
                Self::Endpoint(HostOfEndpoint { host: Some(named), ..endpoint.clone() })
            }
            other => other,
        };
        to.into_iter().map(name).collect()
    }

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
            Self::Endpoint(endpoint) => return endpoint.fmt(f),
            Self::ThroughEndpoint(endpoint) => return write!(f, "endpoint {}", endpoint.text()),
            Self::InSecret => "the host that it contains",
            Self::Unknown => "a host that this version cannot tell",
        })
    }
}

impl PassedEndpoint {
    fn text(&self) -> &str {
        match self {
            Self::Declared(name, _) => name,
            Self::Id(id) => id,
        }
    }
}

/// `endpoint db:5432`, `endpoint db (db.example:5432)`.
impl fmt::Display for HostOfEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "endpoint {}", self.name)?;
        match (&self.host, self.port) {
            (Some(host), _) => write!(f, " ({host})"),
            (None, Some(port)) => write!(f, ":{port}"),
            (None, None) => Ok(()),
        }
    }
}

impl Serialize for SecretHost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
