//! What a change does with secrets: those that it sends, the hosts that are new, and TLS that it weakens.

use std::borrow::Cow;
use std::collections::BTreeSet;

use clickpipes::secret_host::SecretHost;
use clickpipes::secret_hosts::{secret_hosts, weakened_tls};
use clickpipes::semantics::FieldSemantics;
use model::action::Action;
use model::address::Address;
use model::desired::{Desired, Document};
use model::path::FieldPath;
use model::secret::{ReferencedSecret, find_secret_references};
use serde_json::Value;

use crate::inputs::PlanInputs;
use crate::references::body_references;
use crate::sent_secrets::{SecretPair, SentSecret, policy_name};

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
            live.is_some_and(|live| {
                !is_same_set(&secret_hosts(at.kind, live, path), &secret_hosts(at.kind, body, path))
            })
        };
        let moved = find_secret_references(body).into_iter().filter(|secret| is_moved(&secret.path));
        for secret in moved.collect::<Vec<_>>() {
            if !sent.iter().any(|other| other.path == secret.path) {
                sent.push(secret);
            }
        }
        let is_rerouted = self.is_rerouted(at, body);
        let with_hosts = sent.into_iter().map(|ReferencedSecret { path, from }| {
            let to = self.receivers(at, body, &path);
            let name = policy_name(&from);
            let is_known =
                !is_rerouted && to.iter().all(|host| self.known_pairs().contains(&(name.clone(), host.reached())));
            // Without a base, live shows the host, and not which secret it gets.
            let new = !is_known && (self.base.is_some() || live.is_none() || is_moved(&path));
            SentSecret { path, from, to, new }
        });
        with_hosts.collect()
    }

    /// The receivers of the secret at `path`, with the endpoint by which its manifest reaches them.
    fn receivers(&self, at: &Address, body: &Value, path: &FieldPath) -> Vec<SecretHost> {
        let to = secret_hosts(at.kind, body, path);
        let Some(document) = self.desired.get(at) else { return to };
        let Cow::Owned(resolved) = self.resolve_references(at, &document.body, Some(body)) else { return to };
        let hosts = |body: &Value| secret_hosts(at.kind, body, path);
        SecretHost::behind_endpoint(to, &hosts(&document.body), &hosts(&resolved))
    }

    /// Whether the same names lead elsewhere after the plan: through an endpoint that is replaced, or no longer through
    /// the endpoint of the base.
    fn is_rerouted(&self, at: &Address, body: &Value) -> bool {
        let rules = FieldSemantics::for_kind(at.kind);
        let references = |body: &Value| body_references(rules, body, &at.service);
        let declared = |side: &Desired| side.get(at).map(|document| references(&document.body)).unwrap_or_default();
        let left = self.base.is_some_and(|base| !declared(base).is_empty() && declared(self.desired).is_empty());
        left || references(body).iter().any(|other| self.replaced.contains(other))
    }

    /// What the base sends where; without one, what the declared objects send to hosts that they have live.
    fn known_pairs(&self) -> &BTreeSet<SecretPair> {
        self.known_pairs.get_or_init(|| {
            if let Some(base) = self.base {
                return self.secret_pairs(base.iter(), |_, _, _| true);
            }
            let live_body = |at: &Address| Some(&self.live.get(at)?.objects.first()?.body);
            let declared = self.desired.iter().filter(|(at, _)| live_body(at).is_some());
            self.secret_pairs(declared, |at, path, to| {
                live_body(at).is_some_and(|live| is_same_set(&secret_hosts(at.kind, live, path), to))
            })
        })
    }

    /// The pairs of the declared objects for which `counts` is true.
    fn secret_pairs<'d>(
        &self,
        declared: impl Iterator<Item = (&'d Address, &'d Document)>,
        counts: impl Fn(&Address, &FieldPath, &[SecretHost]) -> bool,
    ) -> BTreeSet<SecretPair> {
        let mut pairs = BTreeSet::new();
        let live_body = |at: &Address| Some(&self.live.get(at)?.objects.first()?.body);
        for (at, document) in declared {
            // The changed body has ids and hosts in place of references, and keeps that of an endpoint's DNS names which it
            // has live.
            let body = self.resolve_references(at, &document.body, live_body(at));
            for sent in SentSecret::all_in(at.kind, &body) {
                if counts(at, &sent.path, &sent.to) {
                    let name = policy_name(&sent.from);
                    pairs.extend(sent.to.into_iter().map(|host| (name.clone(), host)));
                }
            }
        }
        pairs
    }

    /// The fields by which a change weakens TLS: neither the base nor, without one, live has them so.
    pub(crate) fn newly_weakened_tls(
        &self,
        at: &Address,
        body: &Value,
        (base, live): (Option<&Document>, Option<&Value>),
    ) -> Vec<FieldPath> {
        let before = if self.base.is_some() { base.map(|base| &*base.body) } else { live };
        let known = before.map(|before| weakened_tls(at.kind, before)).unwrap_or_default();
        weakened_tls(at.kind, body).into_iter().filter(|path| !known.contains(path)).collect()
    }
}

/// The API may list endpoints in another order.
fn is_same_set(one: &[SecretHost], other: &[SecretHost]) -> bool {
    one.len() == other.len() && one.iter().all(|host| other.contains(host))
}
