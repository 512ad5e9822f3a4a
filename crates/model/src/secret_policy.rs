//! `policy.secrets`: the hosts that may receive a secret.

use std::collections::BTreeMap;

use wildmatch::WildMatch;

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
    /// Adds entries. All entries that match a secret hold, so that adding one never allows more.
    pub fn add(&mut self, entries: &BTreeMap<String, Vec<String>>) {
        let entries =
            entries.iter().map(|(name, hosts)| SecretPolicyEntry { name: name.clone(), hosts: hosts.clone() });
        let new: Vec<_> = entries.filter(|entry| !self.entries.contains(entry)).collect();
        self.entries.extend(new);
    }

    /// The first entry that does not allow this secret for the host. `host` is `HOST` or `HOST:PORT`; `None` is a host
    /// that nobody knows, which only `*` allows.
    pub fn refusal(&self, secret: &str, host: Option<&str>) -> Option<RefusedHost> {
        let entries = self.entries.iter().filter(|entry| WildMatch::new(&entry.name).matches(secret));
        let mut refusing = entries.filter(|entry| !entry.hosts.iter().any(|pattern| allows(pattern, host)));
        refusing.next().map(|entry| RefusedHost { pattern: entry.name.clone(), allowed: entry.hosts.clone() })
    }
}

fn allows(pattern: &str, host: Option<&str>) -> bool {
    let Some(host) = host else { return pattern == "*" };
    let pattern = WildMatch::new(&pattern.to_lowercase());
    let host = host.to_lowercase();
    let without_port = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    pattern.matches(&host) || pattern.matches(without_port)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::SecretPolicy;

    fn policy(entries: &[(&str, &[&str])]) -> SecretPolicy {
        let owned = |hosts: &&[&str]| hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>();
        let entries: BTreeMap<_, _> = entries.iter().map(|(name, hosts)| ((*name).to_owned(), owned(hosts))).collect();
        let mut policy = SecretPolicy::default();
        policy.add(&entries);
        policy
    }

    #[test]
    fn secret_goes_only_to_allowed_hosts() {
        let policy = policy(&[("PROD_*", &["*.corp.example", "db:5432"]), ("NOWHERE", &[])]);
        for (secret, host, is_allowed) in [
            ("PROD_PG", Some("pg.corp.example:5432"), true),
            ("PROD_PG", Some("PG.Corp.Example"), true),
            ("PROD_PG", Some("db:5432"), true),
            ("PROD_PG", Some("db:5433"), false),
            ("PROD_PG", Some("corp.example.evil.example:5432"), false),
            ("PROD_PG", None, false),
            ("NOWHERE", Some("a"), false),
            ("DEV_PG", Some("anywhere"), true),
            ("DEV_PG", None, true),
        ] {
            assert_eq!(policy.refusal(secret, host).is_none(), is_allowed, "{secret} {host:?}");
        }
    }

    #[test]
    fn more_entries_never_allow_more() {
        let mut both = policy(&[("PROD_*", &["*.corp.example"])]);
        both.add(&BTreeMap::from([("*".to_owned(), vec!["*".to_owned()])]));
        both.add(&BTreeMap::from([("PROD_*".to_owned(), vec!["*".to_owned()])]));
        assert!(both.refusal("PROD_PG", Some("evil.example")).is_some());
        assert!(both.refusal("PROD_PG", Some("a.corp.example")).is_none());
    }
}
