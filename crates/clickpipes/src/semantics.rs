//! The semantics of every field: how its values compare, and what a change of it requires.
//!
//! [`FieldSemantics`] answers the planner's questions: how is this list compared, are these two values equal, what does
//! a change of the field require? The planner asks by position and never names a field.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use model::action::UpdateVia;
use model::address::Kind;
use model::path::FieldPath;
use model::secret;
use references::Connection;
use spelling::Equality;

mod equality;
mod from_fields;
mod marked;
mod masked;
mod normalize;
mod redact;
mod redact_live;
mod references;
mod respelled_text;
mod spelling;

pub use masked::{has_masked_text, is_masked};
pub use redact::REDACTED_SECRET;
pub use redact::redact_uri_password;
pub use references::{body_after_update, chosen_dns_names, dns_names, dns_patterns};
pub use respelled_text::{KeyEnds, RespelledField, is_named_after_sibling, may_be_same_name};

/// Top-level fields that the API returns and does not accept.
pub const RESPONSE_ONLY_FIELDS: &[&str] = &[
    "id",
    "serviceId",
    "state",
    "status",
    "createdAt",
    "updatedAt",
    "endpointId",
    "dnsNames",
    "privateDnsNames",
    "dnsTargets",
    "privateDnsMappings",
];

/// The action that a change of a live field requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OnChange {
    /// A request to this endpoint.
    Update(UpdateVia),
    /// Delete and create.
    Replace,
}

impl Default for OnChange {
    fn default() -> Self {
        Self::Update(UpdateVia::Resource)
    }
}

/// Whether the API returns a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Readback {
    /// Whenever it is set.
    #[default]
    Always,
    /// A response may omit it, which then proves nothing about it.
    Sometimes,
    /// Never: the declared value cannot be compared.
    Never,
}

/// How a list is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListSemantics {
    /// As a whole, in order.
    #[default]
    Atomic,
    /// As a whole, in no order.
    Set,
    /// Entry by entry, matched by identity.
    Keyed(KeyedList),
}

/// How the entries of a keyed list are identified and changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedList {
    /// The fields that identify an entry.
    pub identity: Vec<String>,
    /// How it is changed; `None` means that the whole list is sent.
    pub deltas: Option<DeltaFields>,
    /// The spellings of each field of the identity.
    identity_spellings: Vec<Equality>,
}

/// The normalized values that identify an entry of a keyed list.
pub type EntryKey = Vec<Option<Value>>;

impl KeyedList {
    /// The key of an entry: equal for all spellings of the same values.
    pub fn entry_key(&self, entry: &Value) -> EntryKey {
        let fields = self.identity.iter().zip(&self.identity_spellings);
        // Normalized: an entry that live spells differently would be removed and added again.
        fields.map(|(field, spelling)| Some(spelling.canonical_value(entry.get(field)?))).collect()
    }

    /// The name of an entry for people: `public.users -> users`. The last field of the identity is what the others lead to.
    pub fn entry_label(&self, entry: &Value) -> String {
        let text = |field: &String| entry.get(field).and_then(Value::as_str);
        let (target, source) = self.identity.split_last().map_or((None, &[][..]), |(last, rest)| (text(last), rest));
        let source = source.iter().filter_map(text).collect::<Vec<_>>().join(".");
        let parts = [Some(source.as_str()), target].into_iter().flatten().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(" -> ")
    }
}

/// The fields of an update that add entries to a keyed list and remove entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaFields {
    /// Contains whole entries.
    pub add_field: String,
    /// Contains identities.
    pub remove_field: String,
    /// The number of identity fields that name the source of an entry. The API refuses an update that adds and removes
    /// the same source.
    pub source_key_length: usize,
}

/// The marks of one field and of the fields below it.
#[derive(Clone, Debug, Default)]
pub struct FieldSemantics {
    /// The action that a change requires.
    pub on_change: OnChange,
    /// Whether it can be read back.
    pub readback: Readback,
    /// How it is compared, if it is a list.
    pub list: ListSemantics,
    /// Whether a database pipe must be paused for the change.
    pub needs_pause: bool,
    /// Fields that an update of it must contain, as paths from the root of the object.
    pub sent_with: Vec<FieldPath>,
    /// Neither compared nor sent.
    pub local_only: bool,
    /// It tells the API how to treat one request, and is not a property of the object.
    pub one_request_only: bool,
    /// Counts only when a ClickHouse table is created.
    pub defines_table: bool,
    /// Contains a secret: a reference in manifests, never in a response.
    pub is_secret: bool,
    /// Values that a live object can neither leave nor reach in place, except for each other, regardless of
    /// `on_change`.
    pub replace_across: Vec<String>,
    /// `true` switches TLS off, or its check of the certificate.
    pub weakens_tls: bool,
    /// Whether a response without the field proves nothing: the API omits it even if it is set.
    pub is_absent_when_set: bool,
    /// The kind of object that its values may refer to by name.
    pub refers_to: Option<Kind>,
    connects_to: Option<Connection>,
    /// Whether a value of it, or of a field below, can refer to another object.
    leads_to_objects: bool,
    /// Values that the API leaves out of some answers.
    omitted_values: Vec<Value>,
    /// The API's default is among them: an omitted value is the default.
    omits_default: bool,
    equality: Equality,
    minimum: Option<f64>,
    /// No struct declares the field. It is given under `additional`.
    is_unknown: bool,
    fields: BTreeMap<String, Arc<FieldSemantics>>,
    items: Option<Arc<FieldSemantics>>,
    /// For a field that the schema does not know, such as one given under `additional`.
    fallback: Option<Arc<FieldSemantics>>,
}

impl FieldSemantics {
    /// Whether no struct declares the field.
    pub fn is_unknown(&self) -> bool {
        self.is_unknown
    }

    /// The rules of a field of this object.
    pub fn child_field(&self, name: &str) -> &Self {
        // A field that no struct declares has the rules of its surroundings: it may need the same pause, or the same
        // replacement.
        self.fields.get(name).or(self.fallback.as_ref()).map_or(self, Arc::as_ref)
    }

    /// The rules of the entries of this list.
    pub fn list_item(&self) -> &Self {
        self.items.as_ref().or(self.fallback.as_ref()).map_or(self, Arc::as_ref)
    }

    /// The rules for the field at `path` below this one.
    pub fn field_at(&self, path: &FieldPath) -> &Self {
        path.segments().iter().fold(self, |rules, segment| {
            if rules.items.is_some() && (segment == "*" || segment.parse::<usize>().is_ok()) {
                rules.list_item()
            } else {
                rules.child_field(segment)
            }
        })
    }

    /// Whether the schema has the field at `path` below this one.
    pub fn is_known_path(&self, path: &FieldPath) -> bool {
        let mut rules = self;
        path.segments().iter().all(|segment| {
            let below = match &rules.items {
                Some(item) if segment.parse::<usize>().is_ok() => Some(&**item),
                _ => rules.fields.get(segment).map(|field| &**field),
            };
            rules = below.unwrap_or(rules);
            below.is_some()
        })
    }

    /// The known fields below, by name.
    pub fn child_fields(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.fields.iter().map(|(name, rules)| (name.as_str(), rules.as_ref()))
    }

    /// The action that a change of the field from live to desired requires.
    pub fn on_change_between(&self, live: Option<&Value>, desired: Option<&Value>) -> OnChange {
        let across = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str);
            text.is_some_and(|text| self.replace_across.iter().any(|value| value.eq_ignore_ascii_case(text)))
        };
        if across(live) == across(desired) { self.on_change } else { OnChange::Replace }
    }

    /// Whether the value is compared as one piece rather than field by field.
    pub fn is_leaf(&self, value: &Value) -> bool {
        let is_reference = || self.referenced_object(value).is_some() || secret::is_secret_reference(value);
        self.is_secret || !value.is_object() || is_reference()
    }
}
