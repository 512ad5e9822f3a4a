//! The secrets that a change sends, and their hosts.
//
// Hazard: a pull request that changes only a host lets the API send the password that it knows to a stranger. So the
// plan contains each pair, marks new pairs, and the project can limit the hosts of a secret.

use std::fmt;

use crate::words::quote_all;
use clickpipes::secret_hosts::secret_hosts;
use clickpipes::secrets::host::SecretHost;
use clickpipes::secrets::policy::{RefusedHost, SecretPolicy};
use model::address::Kind;
use model::path::FieldPath;
use model::secret::{ReferencedSecret, SecretSource, find_secret_references};
use serde::Serialize;
use serde_json::Value;

/// A secret that a change sends, or that the API already has and uses at another host after the change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SentSecret {
    /// Its field.
    pub path: FieldPath,
    /// Its reference.
    pub from: Value,
    /// Its receivers.
    pub to: Vec<SecretHost>,
    /// Whether the base does not send it there; without a base, whether live does not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
    /// Whether it is new, and another object already uses the secret: a password in use gets another receiver.
    #[serde(skip)]
    pub is_known_elsewhere: bool,
}

impl SentSecret {
    /// All secrets of a body.
    pub fn all_in(kind: Kind, body: &Value) -> Vec<Self> {
        let secrets = find_secret_references(body).into_iter();
        let with_hosts = secrets.map(|ReferencedSecret { path, from }| {
            let to = secret_hosts(kind, body, &path);
            Self { path, from, to, new: false, is_known_elsewhere: false }
        });
        with_hosts.collect()
    }

    /// The secret in a sentence: `PASSWORD`.
    pub fn name(&self) -> String {
        SecretSource::from_reference(&self.from).map(|source| source.short_name()).unwrap_or_default()
    }

    /// The receivers in a sentence.
    pub fn receivers(&self) -> String {
        self.to.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// A secret, and a host that receives it.
pub(crate) type SecretPair = (String, SecretHost);

/// A secret that the policy does not allow for a host.
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
            let secret = policy_name(&sent.from);
            sent.to.iter().find_map(|host| {
                let by = policy.refusal(&secret, host)?;
                Some(Self { secret: sent.name(), host: host.clone(), by })
            })
        })
    }
}

/// Why the secret is not sent.
impl fmt::Display for RefusedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret, host, by } = self;
        let allowed = if by.allowed.is_empty() { "no host".to_owned() } else { quote_all(&by.allowed) };
        write!(
            f,
            "it would send `{secret}` to `{host}`, and `policy.secrets` allows `{}` only for {allowed}",
            by.pattern
        )
    }
}

/// The name of a referenced secret in a policy.
pub(crate) fn policy_name(reference: &Value) -> String {
    SecretSource::from_reference(reference).map(|source| source.policy_name()).unwrap_or_default()
}
