//! Which secret a change sends to which host.
//
// Hazard: a pull request that changes only a host lets the API send the password that it knows to a stranger. So the
// plan contains each pair, says which pairs are new, and the project can limit the hosts of a secret.

use std::collections::BTreeSet;
use std::fmt;

use clickpipes::secret_hosts::{SecretHost, secret_hosts, weakened_tls};
use model::action::Action;
use model::address::{Address, Kind};
use model::desired::{Desired, Document};
use model::path::FieldPath;
use model::secret::{ReferencedSecret, SecretSource, find_secret_references};
use model::secret_policy::{RefusedHost, SecretPolicy};
use serde::Serialize;
use serde_json::Value;

use crate::inputs::PlanInputs;

/// A secret that a change sends, or that the API already has and uses at another host after the change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SentSecret {
    /// Its field and its reference.
    #[serde(flatten)]
    pub secret: ReferencedSecret,
    /// Who receives it.
    pub to: Vec<SecretHost>,
    /// Whether the base does not send it there; without a base, whether live does not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
}

impl SentSecret {
    /// All secrets of a body.
    pub fn all_in(kind: Kind, body: &Value) -> Vec<Self> {
        let secrets = find_secret_references(body).into_iter();
        let with_hosts = secrets.map(|secret| {
            let to = secret_hosts(kind, body, &secret.path);
            Self { secret, to, new: false }
        });
        with_hosts.collect()
    }

    /// The secret in a sentence: `PASSWORD`.
    pub fn name(&self) -> String {
        SecretSource::from_reference(&self.secret.from).map(|source| source.short_name()).unwrap_or_default()
    }

    /// The receivers in a sentence.
    pub fn receivers(&self) -> String {
        self.to.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// A secret, and a host that receives it.
pub(crate) type SecretPair = (String, SecretHost);

/// A secret that the policy keeps from a host.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedSecret {
    /// The secret.
    pub secret: String,
    /// The host.
    pub host: SecretHost,
    /// The entry of the policy.
    pub by: RefusedHost,
}

impl RefusedSecret {
    /// The first secret that may not go where it is sent.
    pub fn find(policy: &SecretPolicy, sent: &[SentSecret]) -> Option<Self> {
        sent.iter().find_map(|sent| {
            let secret = policy_name(&sent.secret);
            sent.to.iter().find_map(|host| {
                let name = match host {
                    SecretHost::Named(name) => Some(name.as_str()),
                    // Only the owner of the secret can change that host.
                    SecretHost::InSecret => return None,
                    SecretHost::Unknown => None,
                };
                let by = policy.refusal(&secret, name)?;
                Some(Self { secret: sent.name(), host: host.clone(), by })
            })
        })
    }
}

/// Why the secret is not sent.
impl fmt::Display for RefusedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret, host, by } = self;
        let allowed: Vec<String> = by.allowed.iter().map(|host| format!("`{host}`")).collect();
        let allowed = if allowed.is_empty() { "no host".to_owned() } else { allowed.join(", ") };
        write!(
            f,
            "it would send `{secret}` to `{host}`, and `policy.secrets` allows `{}` only for {allowed}",
            by.pattern
        )
    }
}

impl PlanInputs<'_> {
    /// The secrets that reach a host by these actions. `body` is the object after them, `live` before.
    pub(crate) fn sent_secrets(
        &self,
        at: &Address,
        body: &Value,
        live: Option<&Value>,
        actions: &[Action],
    ) -> Vec<SentSecret> {
        let requests = actions.iter().filter_map(Action::request_body);
        if requests.clone().next().is_none() {
            return Vec::new();
        }
        let mut sent: Vec<ReferencedSecret> = requests.flat_map(find_secret_references).collect();
        let is_moved = |path: &FieldPath| {
            live.is_some_and(|live| secret_hosts(at.kind, live, path) != secret_hosts(at.kind, body, path))
        };
        let moved = find_secret_references(body).into_iter().filter(|secret| is_moved(&secret.path));
        for secret in moved.collect::<Vec<_>>() {
            if !sent.iter().any(|other| other.path == secret.path) {
                sent.push(secret);
            }
        }
        let with_hosts = sent.into_iter().map(|secret| {
            let to = secret_hosts(at.kind, body, &secret.path);
            let name = policy_name(&secret);
            let is_known = to.iter().all(|host| self.known_pairs().contains(&(name.clone(), host.clone())));
            // Without a base, live shows the host, and not which secret it gets.
            let new = !is_known && (self.base.is_some() || live.is_none() || is_moved(&secret.path));
            SentSecret { secret, to, new }
        });
        with_hosts.collect()
    }

    /// What the base sends where; without one, what the declared objects send to hosts that they have live.
    fn known_pairs(&self) -> &BTreeSet<SecretPair> {
        let live_body = |at: &Address| Some(&self.live.get(at)?.objects.first()?.body);
        self.known_pairs.get_or_init(|| match self.base {
            Some(base) => secret_pairs(base, |_, _, _| true),
            None => secret_pairs(self.desired, |at, path, to| {
                live_body(at).is_some_and(|live| secret_hosts(at.kind, live, path) == to)
            }),
        })
    }

    /// The fields by which a change weakens TLS: neither the base nor, without one, live has them so.
    pub(crate) fn newly_weakened_tls(
        &self,
        at: &Address,
        body: &Value,
        (base, live): (Option<&Document>, Option<&Value>),
    ) -> Vec<FieldPath> {
        let before = if self.base.is_some() { base.map(|base| &base.body) } else { live };
        let known = before.map(|before| weakened_tls(at.kind, before)).unwrap_or_default();
        weakened_tls(at.kind, body).into_iter().filter(|path| !known.contains(path)).collect()
    }
}

/// The pairs of the declared objects for which `counts` is true.
fn secret_pairs(
    desired: &Desired,
    counts: impl Fn(&Address, &FieldPath, &[SecretHost]) -> bool,
) -> BTreeSet<SecretPair> {
    let mut pairs = BTreeSet::new();
    for (at, document) in desired {
        for sent in SentSecret::all_in(at.kind, &document.body) {
            if counts(at, &sent.secret.path, &sent.to) {
                let name = policy_name(&sent.secret);
                pairs.extend(sent.to.into_iter().map(|host| (name.clone(), host)));
            }
        }
    }
    pairs
}

fn policy_name(secret: &ReferencedSecret) -> String {
    SecretSource::from_reference(&secret.from).map(|source| source.policy_name()).unwrap_or_default()
}
