//! An object whose DNS names change in a plan, and the objects that change with it.

use std::collections::{BTreeMap, BTreeSet};

use clickpipes::semantics::{FieldSemantics, body_after_update, dns_names, dns_patterns};
use model::action::{Action, UpdateVia};
use model::address::Address;
use model::live::Object;
use serde_json::Value;

/// The objects that change together with the DNS names of another one, by that one.
pub(crate) type Followers = BTreeMap<Address, FollowingObjects>;

/// The objects that change together with the DNS names of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FollowingObjects {
    /// Objects that connect by a name that the object loses. Without their own change they would be cut off.
    pub(crate) leaving: BTreeSet<Address>,
    /// Objects that connect by a name that the object gets. Their own change needs that name.
    pub(crate) arriving: BTreeSet<Address>,
}

/// An object with other DNS names after the plan.
pub(crate) struct RenamedHost {
    /// The object as the plan leaves it.
    pub(crate) after: Object,
    /// The names that no longer resolve to it, in lower case.
    pub(crate) lost: Vec<String>,
    /// The names that resolve to it only after the plan.
    pub(crate) gained: Vec<String>,
}

impl RenamedHost {
    /// `None` if these actions do not change its DNS names.
    pub(crate) fn find(at: &Address, object: &Object, actions: &[Action]) -> Option<Self> {
        // Most changed objects are pipes, to which nothing connects.
        FieldSemantics::referring_kinds(at.kind).next()?;
        let names = |body: &Value| -> BTreeSet<String> {
            dns_names(at.kind, body).into_iter().map(str::to_ascii_lowercase).collect()
        };
        let mut after = object.clone();
        for action in actions {
            if let Action::Update { via: UpdateVia::Resource, body, .. } = action {
                after.body = body_after_update(&after.body, body);
            }
        }
        let (was, will_be) = (names(&object.body), names(&after.body));
        let only_in = |one: &BTreeSet<String>, other| one.difference(other).cloned().collect();
        let (lost, gained) = (only_in(&was, &will_be), only_in(&will_be, &was));
        (was != will_be).then_some(Self { after, lost, gained })
    }
}

impl RenamedHost {
    /// Whether a host resolves to it after the plan.
    pub(crate) fn leads_there(&self, at: &Address, host: &str) -> bool {
        let names = dns_names(at.kind, &self.after.body);
        dns_patterns(host).iter().any(|pattern| names.iter().any(|name| name.eq_ignore_ascii_case(pattern)))
    }
}
