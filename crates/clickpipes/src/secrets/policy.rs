//! `policy.secrets`: the hosts that may receive a secret.

use std::collections::BTreeMap;

use model::secret::normal_path;
use wildmatch::WildMatch;

use crate::named_host::NamedHost;
use crate::network_address::{canonical_host, split_port};
use crate::secrets::host::{HostOfEndpoint, SecretHost};

/// Hosts by secret. Both are patterns with `*` and `?`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecretPolicy {
    entries: Vec<SecretPolicyEntry>,
}

#[derive(Clone, Debug, PartialEq)]
struct SecretPolicyEntry {
    name: String,
    hosts: Vec<String>,
}

/// An entry of the policy that does not allow a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedHost {
    /// The pattern of the secret's name.
    pub pattern: String,
    /// The hosts that it allows.
    pub allowed: Vec<String>,
}

impl SecretPolicy {
    /// Adds entries. All entries that match a secret apply, so a new one never allows more.
    pub fn add(&mut self, entries: &BTreeMap<String, Vec<String>>) {
        let entries =
            entries.iter().map(|(name, hosts)| SecretPolicyEntry { name: name.clone(), hosts: hosts.clone() });
        let new: Vec<_> = entries.filter(|entry| !self.entries.contains(entry)).collect();
        self.entries.extend(new);
    }

    /// The first pattern that knows a secret under its second name, and not under its first.
    pub fn pattern_beyond(&self, first: &str, second: &str) -> Option<&str> {
        let mut found = self.entries.iter().filter(|entry| entry.matches(second) && !entry.matches(first));
        found.next().map(|entry| entry.name.as_str())
    }

    /// The first entry that does not allow this secret for the host.
    pub fn refusal(&self, secret: &str, host: &SecretHost) -> Option<RefusedHost> {
        let entries = self.entries.iter().filter(|entry| entry.matches(secret));
        let mut refusing = entries.filter(|entry| !entry.hosts.iter().any(|pattern| allows(pattern, host)));
        // Only the owner of the secret can change the host in it, and the hosts behind an endpoint are listed.
        let is_listed = !matches!(host, SecretHost::InSecret | SecretHost::ThroughEndpoint(_));
        let refused = refusing.next().filter(|_| is_listed);
        refused.map(|entry| RefusedHost { pattern: entry.name.clone(), allowed: entry.hosts.clone() })
    }
}

impl SecretPolicyEntry {
    /// A pattern for a path matches in each of its spellings, as the name of a secret has one.
    fn matches(&self, secret: &str) -> bool {
        [&self.name, &normal_path(&self.name)].iter().any(|pattern| WildMatch::new(pattern).matches(secret))
    }
}

/// Only `*` allows a host that cannot be determined reliably.
fn allows(pattern: &str, host: &SecretHost) -> bool {
    match host {
        _ if pattern.trim() == "*" => true,
        SecretHost::Named(host) => !is_of_endpoint(pattern) && HostPattern::new(pattern).matches(host),
        SecretHost::Endpoint(endpoint) => {
            allows_endpoint(pattern, endpoint)
                || endpoint.host.as_ref().is_some_and(|host| HostPattern::new(pattern).matches(host))
        }
        SecretHost::ThroughEndpoint(_) | SecretHost::InSecret | SecretHost::Unknown => false,
    }
}

fn is_of_endpoint(pattern: &str) -> bool {
    pattern.trim().starts_with(ENDPOINT)
}

/// The prefix of a pattern for an endpoint.
const ENDPOINT: &str = "endpoint ";

/// `endpoint NAME` allows every port, `endpoint NAME:PORT` that one. It allows the endpoint before its DNS name is known,
/// and after. No host has a blank, so no host passes for an endpoint.
fn allows_endpoint(pattern: &str, endpoint: &HostOfEndpoint) -> bool {
    let Some(pattern) = pattern.trim().strip_prefix(ENDPOINT) else { return false };
    let port = endpoint.port.or(endpoint.host.as_ref().and_then(NamedHost::port));
    let with_port = port.map(|port| format!("{}:{port}", endpoint.name));
    [Some(&endpoint.name), with_port.as_ref()]
        .into_iter()
        .flatten()
        .any(|name| WildMatch::new(pattern.trim()).matches(name))
}

/// `HOST` allows every port, `HOST:PORT` that one. Both are compared in normalized spelling.
struct HostPattern {
    name: String,
    port: String,
}

impl HostPattern {
    fn new(pattern: &str) -> Self {
        let (name, port) = split_port(pattern.trim());
        let port = port.parse::<u16>().map_or_else(|_| port.to_owned(), |number| number.to_string());
        Self { name: canonical_host(name), port }
    }

    fn matches(&self, host: &NamedHost) -> bool {
        let port = host.port().map(|port| port.to_string()).unwrap_or_default();
        (self.port.is_empty() || WildMatch::new(&self.port).matches(&port)) && self.matches_name(host)
    }

    /// A pattern does not match a text that clients read in different ways: `*.corp.example` and
    /// `evil.example/.corp.example`. Only the exact text matches it.
    fn matches_name(&self, host: &NamedHost) -> bool {
        let without_brackets = |name: &str| name.trim_matches(['[', ']']).to_owned();
        let (pattern, name) = (without_brackets(&self.name), without_brackets(host.name()));
        if host.is_plain() {
            WildMatch::new(&pattern).matches(&name)
        } else {
            host.is_clear() && !pattern.contains(['*', '?']) && pattern == name
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::SecretPolicy;
    use crate::secrets::host::SecretHost;

    fn policy(entries: &[(&str, &[&str])]) -> SecretPolicy {
        let owned = |hosts: &&[&str]| hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>();
        let entries: BTreeMap<_, _> = entries.iter().map(|(name, hosts)| ((*name).to_owned(), owned(hosts))).collect();
        let mut policy = SecretPolicy::default();
        policy.add(&entries);
        policy
    }

    fn host(text: &str) -> SecretHost {
        let hosts = if text.contains(":/") { SecretHost::from_url(text) } else { SecretHost::from_list(text) };
        hosts.into_iter().next().unwrap_or(SecretHost::Unknown)
    }

    #[test]
    fn secret_goes_only_to_allowed_hosts() {
        let policy = policy(&[("PROD_*", &["*.corp.example", "db:5432"]), ("NOWHERE", &[])]);
        for (secret, name, is_allowed) in [
            ("PROD_PG", "pg.corp.example:5432", true),
            ("PROD_PG", "db:5432", true),
            ("PROD_PG", "db:5433", false),
            ("PROD_PG", "db", false),
            ("PROD_PG", "corp.example.evil.example:5432", false),
            ("PROD_PG", "", false),
            ("NOWHERE", "a", false),
            ("DEV_PG", "anywhere", true),
            ("DEV_PG", "", true),
        ] {
            assert_eq!(policy.refusal(secret, &host(name)).is_none(), is_allowed, "{secret} {name:?}");
        }
    }

    #[test]
    fn allowed_host_is_allowed_in_every_spelling() {
        for (pattern, spellings) in [
            (
                "r.corp.example:443",
                &[
                    "https://r.corp.example/a@b",
                    "HTTPS://u:p@R.Corp.Example.:0443/x",
                    "https://r%2ecorp.example",
                    "r.corp.example:443",
                ][..],
            ),
            ("R.Corp.Example.", &["r.corp.example", "r.corp.example.:9092", "https://r.corp.example"]),
            ("*.CORP.example", &["R.corp.example.:1", "mongodb://u:p@a.corp.example,evil.corp.example/x"]),
            ("[0:0::1]:05432", &["[::1]:5432", "[0000::0001]:5432"]),
            ("::1", &["[::1]:5432", "0:0:0:0:0:0:0:1", "https://[::0:1]/"]),
            ("2001:db8::*", &["[2001:DB8:0::A]:9092", "2001:db8::b"]),
            ("bücher.example", &["xn--bcher-kva.example", "BÜCHER.example.:1"]),
            ("10.0.*", &["10.0.0.1:5432"]),
            ("010.0.0.1", &["010.0.0.1:5432"]),
        ] {
            for text in spellings {
                assert_eq!(policy(&[("*", &[pattern])]).refusal("S", &host(text)), None, "{pattern} {text}");
            }
        }
    }

    #[test]
    fn no_spelling_of_another_host_is_allowed() {
        let policy = policy(&[("*", &["*.corp.example", "*.corp.example:443", "8.0.0.1", "10.*", "h*"])]);
        for text in [
            "https://evil.example\\@r.corp.example/",
            "https://evil.example\\.corp.example/",
            "https://evil.example%2f.corp.example/",
            "https://evil.example%40r.corp.example/",
            "https://a@evil.example@r.corp.example/",
            "https:/evil.example/.corp.example",
            "https:/\t/evil.example/.corp.example",
            "https:\\\\evil.example/",
            "https:///evil.example/.corp.example",
            "mongodb://r.corp.example/?x=@evil.example",
            "mongodb://u:p/w@r.corp.example",
            "evil.example:9092/.corp.example",
            "evil.example:1.corp.example",
            "evil.example .corp.example",
            "evil.example%2ecorp.example",
            "evil.example#.corp.example",
            "evil@r.corp.example",
            "010.0.0.1",
            "0x8.0.0.1",
            "10.99999",
            "134217729",
            "/tmp/.corp.example",
            "corp.example",
        ] {
            assert!(policy.refusal("S", &host(text)).is_some(), "{text}");
            // Nor does a rule of the project compare the text.
            let compared = host(text).compared_text();
            assert!(!compared.ends_with(".corp.example") && !compared.starts_with("10."), "{text}: {compared}");
        }
    }

    #[test]
    fn endpoint_is_allowed_by_its_name_and_by_its_dns_name() {
        let unknown = SecretHost::of_endpoint("db", Some(5432));
        let resolved = host("db.vpce.example:5432");
        let declared = [unknown.clone()];
        let known = SecretHost::behind_endpoint(vec![resolved.clone()], &declared, &[resolved]).remove(0);
        let elsewhere = SecretHost::behind_endpoint(vec![host("evil.example:5432")], &declared, &[]).remove(0);
        for (pattern, before, after) in [
            ("endpoint db", true, true),
            ("endpoint d*:5432", true, true),
            ("endpoint db:5433", false, false),
            ("endpoint DB", false, false),
            ("*.vpce.example", false, true),
            ("db*", false, true),
            ("db", false, false),
            ("*", true, true),
        ] {
            let policy = policy(&[("*", &[pattern])]);
            assert_eq!(policy.refusal("S", &unknown).is_none(), before, "{pattern}");
            assert_eq!(policy.refusal("S", &known).is_none(), after, "{pattern}");
            // What does not lead to the endpoint is a host like any other.
            assert_eq!(policy.refusal("S", &elsewhere).is_none(), pattern == "*", "{pattern}");
            // A text that looks like an endpoint leads to none.
            assert_eq!(policy.refusal("S", &host("endpoint db:5432")).is_none(), pattern == "*", "{pattern}");
        }
        assert_eq!(
            (unknown.to_string(), known.to_string()),
            ("endpoint db:5432".into(), "endpoint db (db.vpce.example:5432)".into())
        );
        assert_eq!(
            (unknown.compared_text(), known.compared_text()),
            (r#"endpoint "db""#.into(), r#"endpoint "db" (db.vpce.example)"#.into())
        );
    }

    #[test]
    fn more_entries_never_allow_more() {
        let mut both = policy(&[("PROD_*", &["*.corp.example"])]);
        both.add(&BTreeMap::from([("*".to_owned(), vec!["*".to_owned()])]));
        both.add(&BTreeMap::from([("PROD_*".to_owned(), vec!["*".to_owned()])]));
        assert!(both.refusal("PROD_PG", &host("evil.example")).is_some());
        assert!(both.refusal("PROD_PG", &host("a.corp.example")).is_none());
    }
}
