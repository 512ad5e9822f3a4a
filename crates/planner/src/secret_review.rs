//! Secrets in a change: those that it sends, new hosts, and weakened TLS.

use std::borrow::Cow;
use std::collections::BTreeSet;

use clickpipes::secret_hosts::{secret_hosts, weakened_tls};
use clickpipes::secrets::host::SecretHost;
use clickpipes::semantics::FieldSemantics;
use model::action::Action;
use model::address::Address;
use model::desired::{Desired, Document, Presence};
use model::live::Id;
use model::path::FieldPath;
use model::secret::{ReferencedSecret, find_secret_references};
use serde_json::Value;

use crate::inputs::{PlanInputs, all_names};
use crate::references::body_references;
use crate::sent_secrets::{SecretPair, SentSecret, policy_name};

impl PlanInputs<'_> {
    /// The secrets that reach a host by these actions. `body` is the object after them, `live` before.
    //
    // The body of a create refers to endpoints by their names, and live and the body of an update have ids and hosts.
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
        let is_rerouted = self.is_rerouted(at, body);
        let body = &*self.resolve_references(at, body, live);
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
        let with_hosts = sent.into_iter().map(|ReferencedSecret { path, from }| {
            let to = self.receivers(at, body, &path);
            let name = policy_name(&from);
            // The same host may be another machine behind a new endpoint, so a known pair proves nothing there.
            let is_known =
                !is_rerouted && to.iter().all(|host| self.known_pairs().contains(&(name.clone(), host.reached())));
            // Without a base, live shows the host, and not which secret it gets.
            let new = !is_known && (self.base.is_some() || live.is_none() || is_moved(&path));
            let is_in_use = || is_moved(&path) || self.known_pairs().iter().any(|(known, _)| *known == name);
            let is_known_elsewhere = new && is_in_use();
            SentSecret { path, from, to, new, is_known_elsewhere }
        });
        with_hosts.collect()
    }

    /// The receivers of the secret at `path`, with the endpoint by which its manifest reaches them.
    fn receivers(&self, at: &Address, body: &Value, path: &FieldPath) -> Vec<SecretHost> {
        let to = secret_hosts(at.kind, body, path);
        let Some(document) = self.desired.get(at) else { return to };
        let Cow::Owned(resolved) = self.resolve_references(at, &document.body, Some(body)) else { return to };
        let referenced = body_references(FieldSemantics::for_kind(at.kind), &document.body, &at.service).into_iter();
        let id = |other: &Address| self.find_live(other).map(|object| object.id.to_string());
        let names: Vec<_> = referenced.filter_map(|it| Some((id(&it)?, it.name.to_string()))).collect();
        let hosts = |body: &Value| secret_hosts(at.kind, body, path);
        let to = SecretHost::by_endpoint_names(to, &names);
        SecretHost::behind_endpoint(to, &hosts(&document.body), &hosts(&resolved))
    }

    /// Whether the same names resolve to another endpoint after the plan: one that is replaced, or another one than in
    /// the base.
    fn is_rerouted(&self, at: &Address, body: &Value) -> bool {
        let rules = FieldSemantics::for_kind(at.kind);
        let references = |body: &Value| body_references(rules, body, &at.service);
        let declared = |side: &Desired| side.get(at).map(|document| references(&document.body)).unwrap_or_default();
        let left = self.base.is_some_and(|base| !declared(base).is_empty() && declared(self.desired).is_empty());
        left || references(body).iter().any(|other| self.replaced.contains(other))
    }

    /// The known pairs of secret and host: the base (without one, the manifests) declares the secret, and live has the
    /// host.
    // Hazard: a pair in the base was not always sent. `state: absent`, a blocked change or a folder that no run reads
    // would put a pair into the base that no reviewer saw.
    fn known_pairs(&self) -> &BTreeSet<SecretPair> {
        self.known_pairs.get_or_init(|| {
            let declared = self.base.unwrap_or(self.desired).iter();
            declared.flat_map(|(at, document)| self.live_pairs(at, document)).collect()
        })
    }

    /// The pairs of a declared object that has these hosts live.
    fn live_pairs(&self, at: &Address, document: &Document) -> Vec<SecretPair> {
        let Some(live) = self.live_body(at, document) else { return Vec::new() };
        // The changed body has ids and hosts in place of references, and keeps the live one of an endpoint's DNS names.
        let body = self.resolve_references(at, &document.body, Some(live));
        let is_live = |sent: &SentSecret| {
            let hosts = secret_hosts(at.kind, live, &sent.path);
            sent.to.iter().all(|host| !host.is_shown_by_live() || hosts.contains(host))
        };
        let sent = SentSecret::all_in(at.kind, &body).into_iter().filter(is_live);
        let pairs = |sent: SentSecret| {
            let name = policy_name(&sent.from);
            sent.to.into_iter().map(move |host| (name.clone(), host))
        };
        sent.flat_map(pairs).collect()
    }

    /// The live object of a manifest that does not delete it.
    fn live_body(&self, at: &Address, document: &Document) -> Option<&Value> {
        let of_name = |at: Address| self.live.get(&at).and_then(|found| found.objects.first());
        let of_id = |id: &Id| self.by_id.get(&(&at.service, at.kind, id)).map(|(_, object)| *object);
        let pinned = document.intent.pinned_id.as_ref().and_then(of_id);
        let found = pinned.or_else(|| all_names(at, document).find_map(of_name))?;
        (document.intent.presence != Presence::Absent).then_some(&found.body)
    }

    /// The fields by which a change weakens TLS, compared with the base, or with live if there is no base.
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
