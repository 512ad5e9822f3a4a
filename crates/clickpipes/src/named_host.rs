//! A host that receives something, equal for all spellings.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::network_address::{UrlParts, canonical_name_and_port};

/// A host, with its port if one is declared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedHost {
    name: String,
    port: Option<u16>,
    /// Whether the URL implies the port, so that it need not be shown.
    has_default_port: bool,
    /// Whether every client finds this host in the text.
    is_clear: bool,
}

impl NamedHost {
    /// The hosts of a text with commas.
    pub(crate) fn from_list(text: &str) -> Vec<Self> {
        let is_clear = !text.contains(['\\', '@']);
        Self::sorted(text, |(name, port)| Self { name, port, has_default_port: false, is_clear })
    }

    /// The hosts of a URL, without user and path. Without a scheme, a list before the first slash.
    pub(crate) fn from_url(url: &str) -> Vec<Self> {
        let Some(parts) = UrlParts::new(url) else {
            let list = url.split(['/', '?', '#']).next().unwrap_or_default();
            // Browsers take `https:/h` and `https:\h` for `https://h`.
            let is_clear = !url.contains(":/") && !url.contains(|it: char| it == '\\' || it == '@' || it.is_control());
            return Self::from_list(list).into_iter().map(|host| Self { is_clear, ..host }).collect();
        };
        let (default_port, is_clear) = (parts.default_port(), parts.is_clear());
        Self::sorted(&parts.hosts, |(name, port)| {
            let port = port.or(default_port);
            Self { name, port, has_default_port: port == default_port && !parts.is_of_database(), is_clear }
        })
    }

    /// The API may return a list in another order: it is the same receiver.
    fn sorted(list: &str, make: impl Fn((String, Option<u16>)) -> Self) -> Vec<Self> {
        let hosts = list.split(',').filter(|host| !host.trim().is_empty());
        let mut hosts: Vec<Self> = hosts.map(|host| make(canonical_name_and_port(host))).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// The name, or the address: IPv6 in brackets.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port that is declared, or implied by the scheme.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether every client finds this host in the text. A guard must not compare a different host.
    pub(crate) fn is_clear(&self) -> bool {
        self.is_clear
    }

    /// Whether this is a DNS name or an address that every client reads in the same way.
    //
    // `a:1/b.example`, `10.1` (10.0.0.1 for some, a name for others) and `x%2Fy` are neither.
    pub(crate) fn is_plain(&self) -> bool {
        if let Some(address) = self.name.strip_prefix('[') {
            return self.is_clear && address.trim_end_matches(']').parse::<Ipv6Addr>().is_ok();
        }
        let is_plain_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let last = self.name.rsplit('.').next().unwrap_or_default();
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
        let is_name = !is_number && self.name.bytes().all(is_plain_byte);
        self.is_clear && (is_name || self.name.parse::<Ipv4Addr>().is_ok())
    }
}

/// `HOST` or `HOST:PORT`.
impl fmt::Display for NamedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port.filter(|_| !self.has_default_port) {
            Some(port) => write!(f, "{}:{port}", self.name),
            None => f.write_str(&self.name),
        }
    }
}
