//! Everything that a plan depends on.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use clickpipes::semantics::FieldSemantics;
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::{Desired, Document, Presence};
use model::live::{Live, LiveObjects};
use model::secret_policy::SecretPolicy;
use model::selector::AddressPattern;
use serde_json::Value;

use crate::block_reason::ProtectedBy;
use crate::references;
use crate::sent_secrets::SecretPair;

/// Options of a plan beyond the declared objects.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Objects that are never deleted or replaced, whatever their manifests say.
    pub protect: Vec<AddressPattern>,
    /// Objects whose secrets are sent again, although git does not show a change.
    pub resend: Vec<AddressPattern>,
    /// The hosts that may receive a secret.
    pub secrets: SecretPolicy,
    /// How to treat changes of write-only fields.
    pub write_only: WriteOnlyPolicy,
}

impl Policy {
    pub(crate) fn protected_by(&self, address: &Address) -> Option<ProtectedBy> {
        let pattern = self.protect.iter().find(|pattern| pattern.matches(address));
        pattern.map(|pattern| ProtectedBy::Project(pattern.to_string()))
    }
}

/// How to treat a change of a write-only field, which live cannot show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteOnlyPolicy {
    /// Send it.
    #[default]
    Send,
    /// Assume that it was sent, for a comparison right after apply.
    AssumeSent,
}

/// Live objects by service, kind and the letters of their names.
pub(crate) type NamesByLetters<'a> = HashMap<(&'a ServiceRef, Kind, String), Vec<(&'a Address, &'a LiveObjects)>>;

pub(crate) struct PlanInputs<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) live: &'a Live,
    pub(crate) base: Option<&'a Desired>,
    pub(crate) policy: &'a Policy,
    /// Objects being replaced: their id changes, and with it every reference to them.
    pub(crate) replaced: BTreeSet<Address>,
    /// The live objects that no manifest declares, by the letters of their names. Each create looks there.
    pub(crate) undeclared_names: OnceCell<NamesByLetters<'a>>,
    /// Secrets that are known to reach a host.
    pub(crate) known_pairs: OnceCell<BTreeSet<SecretPair>>,
}

impl<'a> PlanInputs<'a> {
    /// The body with ids in place of references, as the live side has them.
    pub(crate) fn resolve_references(&self, address: &Address, body: &Value) -> Value {
        let id = |other: &Address| match self.live.get(other)?.objects.as_slice() {
            [object] if !self.replaced.contains(other) => Some(Value::from(object.id.as_str())),
            _ => None,
        };
        references::resolve_references(FieldSemantics::for_kind(address.kind), body, &address.service, &id)
    }

    /// The document of the object in the base, under this name or an earlier one.
    pub(crate) fn base_document(
        &self,
        address: &Address,
        document: &Document,
        renamed_from: Option<&Name>,
    ) -> Option<&'a Document> {
        let base = self.base?;
        let names = [Some(&address.name), renamed_from].into_iter().flatten();
        let found =
            names.chain(&document.intent.previous_names).find_map(|name| base.get(&address.with_name(name.clone())))?;
        (found.intent.presence != Presence::Absent).then_some(found)
    }

    /// What protects an object under any of its names: a rename in the same commit lifts no protection.
    pub(crate) fn protected_by(
        &self,
        address: &Address,
        document: &Document,
        renamed_from: Option<&Name>,
    ) -> Option<ProtectedBy> {
        let own = document.intent.protect.then_some(ProtectedBy::Manifest);
        let mut names =
            [Some(&address.name), renamed_from].into_iter().flatten().chain(&document.intent.previous_names);
        own.or_else(|| names.find_map(|name| self.policy.protected_by(&address.with_name(name.clone()))))
    }
}
