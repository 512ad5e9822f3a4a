//! The explanations of a plan: one change for each object that is not in sync. Apply never reads them.

mod field;

use std::collections::BTreeSet;

use clickpipes::data_effects;
use clickpipes::semantics::{FieldSemantics, RespelledField};
use model::address::{Address, Kind, Name};
use model::desired::{Desired, Document, Place, TemplateOrigin};
use model::live::{Id, Object};
use model::path::FieldPath;
use model::rule_finding::RuleFinding;
use serde::{Serialize, Serializer};
use serde_json::Value;

pub use self::field::{FieldChange, FieldVerdict};
use crate::block_reason::{BlockReason, FilledTable};
use crate::sent_secrets::SentSecret;
use crate::shown_fields::ShownFields;

/// An object that is not in sync with its manifest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The object, by the name it is declared under.
    pub address: Address,
    /// The live object, where there is exactly one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason in words, if the fields do not show it: why it is blocked, or which commit asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The name that it has until now, where it gets another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<Name>,
    /// The fields that differ, in the order of the manifest.
    pub fields: Vec<FieldChange>,
    /// Unchanged fields that the API requires in the update.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resent_fields: Vec<FieldPath>,
    /// The secrets that the change sends, each by its reference and with its receivers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SentSecret>,
    /// The fields by which the change turns off TLS, or its check of certificates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weakened_tls: Vec<FieldPath>,
    /// Effects on the data, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_effects: Vec<String>,
    /// Tables that a delete leaves behind, and that keep the API from creating the object again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocking_tables: Vec<String>,
    /// Tables that must be empty for it, and the live objects that fill them.
    #[serde(skip)]
    pub filled_tables: Vec<FilledTable>,
    /// Fields that force a replacement, although the API may only spell them differently.
    #[serde(skip)]
    pub respelled_fields: Vec<RespelledField>,
    /// Whether git changed them since the base. Then their spelling does not come from the API.
    #[serde(skip)]
    pub is_respelled_by_git: bool,
    /// Fields of removed entries that the API may refuse when the entries are added again.
    #[serde(skip)]
    pub unproven_fields: Vec<String>,
    /// Existing tables. A new definition takes effect only in a new table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redefined_tables: Vec<String>,
    /// Fields that a replacement keeps although the manifest omits them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept_fields: Vec<FieldPath>,
    /// Fields that a replacement loses, unless the manifest declares them: the API does not return them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_fields: Vec<FieldPath>,
    /// Whether the id in its `metadata.id` is gone after the replacement.
    #[serde(skip)]
    pub drops_pin: bool,
    /// Whether changes that arrive while no pipe exists are lost.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub misses_changes: bool,
    /// The verdict without the block, if planning got that far.
    // Not saved: otherwise a saved plan would require another review of an object that stays blocked.
    #[serde(skip)]
    pub blocked_verdict: Option<&'static str>,
    /// The place of the manifest; `None` for an object that is only live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The template that at least one of the changed values comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<ChangedTemplate>,
    /// The findings of project rules about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rule_findings: Vec<RuleFinding>,
    /// The declared fields as they are live, for a readable diff. Contains no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The declared fields as they will be. No secret is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<ShownFields>,
}

/// A template whose change affects an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ChangedTemplate {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// Its name in the base, if it was renamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
}

/// The names of the templates that both sides use.
pub(crate) struct TemplateNames<'d> {
    desired: BTreeSet<&'d str>,
    /// `None` without a base.
    base: Option<BTreeSet<&'d str>>,
}

impl<'d> TemplateNames<'d> {
    pub(crate) fn collect(desired: &'d Desired, base: Option<&'d Desired>) -> Self {
        let names = |side: &'d Desired| side.values().filter_map(|it| Some(it.origin.template()?.name.as_str()));
        Self { desired: names(desired).collect(), base: base.map(|base| names(base).collect()) }
    }

    /// The changed template of a document: its content differs from the base, even under another name.
    /// Other values for its parameters change the same fields. Without a base, the old template is unknown.
    pub(crate) fn find_changed(
        &self,
        document: &Document,
        earlier: Option<&Document>,
        fields: &[FieldChange],
    ) -> Option<ChangedTemplate> {
        let now = document.origin.template()?;
        let is_in_template = |field: &FieldChange| field.place.as_ref().is_some_and(|place| now.contains(place));
        if !fields.iter().any(is_in_template) {
            return None;
        }
        match &self.base {
            Some(base) => self.compare(base, now, earlier?.origin.template()?),
            None => Some(ChangedTemplate::new(now)),
        }
    }

    /// The template that declares fields no longer which a document has lost.
    pub(crate) fn find_shortened(
        &self,
        document: &Document,
        earlier: Option<&Document>,
        left: &IgnoredChanges,
    ) -> Option<ChangedTemplate> {
        let (base, origin) = (self.base.as_ref()?, &earlier?.origin);
        let was = origin.template()?;
        let is_lost = left.removed_fields().any(|field| was.contains(&origin.field_place(&field.path)));
        document.origin.template().filter(|_| is_lost).and_then(|now| self.compare(base, now, was))
    }

    fn compare(
        &self,
        base: &BTreeSet<&str>,
        now: &TemplateOrigin,
        earlier: &TemplateOrigin,
    ) -> Option<ChangedTemplate> {
        // An object may also go from one template to another.
        let is_renamed = !base.contains(&*now.name) && !self.desired.contains(&*earlier.name);
        let is_changed = (now.name == earlier.name || is_renamed) && now.content != earlier.content;
        let renamed_from = is_renamed.then(|| earlier.name.clone());
        is_changed.then(|| ChangedTemplate { renamed_from, ..ChangedTemplate::new(now) })
    }
}

impl ChangedTemplate {
    fn new(template: &TemplateOrigin) -> Self {
        Self { name: template.name.clone(), place: template.start.clone(), renamed_from: None }
    }
}

impl Change {
    /// A change without details.
    pub(crate) fn new(address: Address, id: Option<Id>, verdict: Verdict) -> Self {
        let reason = if let Verdict::Blocked(reason) = &verdict { Some(reason.to_string()) } else { None };
        Self {
            address,
            id,
            verdict,
            reason,
            renamed_from: None,
            fields: Vec::new(),
            resent_fields: Vec::new(),
            secrets: Vec::new(),
            weakened_tls: Vec::new(),
            data_effects: Vec::new(),
            blocking_tables: Vec::new(),
            filled_tables: Vec::new(),
            respelled_fields: Vec::new(),
            is_respelled_by_git: false,
            unproven_fields: Vec::new(),
            redefined_tables: Vec::new(),
            kept_fields: Vec::new(),
            lost_fields: Vec::new(),
            drops_pin: false,
            misses_changes: false,
            place: None,
            blocked_verdict: None,
            template: None,
            rule_findings: Vec::new(),
            before: None,
            after: None,
        }
    }

    /// Whether it deletes an object, or an entry of it, that the API may not create again in its old form.
    pub fn needs_permission(&self) -> bool {
        let is_unsafe = !self.respelled_fields.is_empty()
            || !self.unproven_fields.is_empty()
            || !self.blocking_tables.is_empty()
            || !self.filled_tables.is_empty()
            || !self.lost_fields.is_empty()
            || self.misses_changes;
        is_unsafe && !self.verdict.is_blocked()
    }

    /// Drops the fields that `sent` did not send: somebody else changed them. `false` if nothing is left.
    pub fn retain_sent(&mut self, sent: &Self) -> bool {
        let is_whole = matches!(sent.verdict, Verdict::Create | Verdict::Replace);
        if is_whole || self.verdict != Verdict::Update || self.fields.is_empty() {
            return true;
        }
        let sent: Vec<&FieldPath> = sent.fields.iter().map(|field| &field.path).chain(&sent.resent_fields).collect();
        let state = self.address.kind.state_path();
        let is_sent = |path: &FieldPath| sent.iter().any(|sent| path.is_within(sent) || sent.is_within(path));
        self.fields.retain(|field| Some(&field.path) == state.as_ref() || is_sent(&field.path));
        !self.fields.is_empty()
    }

    /// Blocks the change for this reason.
    pub(crate) fn block(&mut self, reason: BlockReason) {
        self.reason = Some(reason.to_string());
        let verdict = std::mem::replace(&mut self.verdict, Verdict::Blocked(reason));
        if !verdict.is_blocked() {
            self.blocked_verdict = Some(verdict.as_str());
        }
        self.data_effects = Vec::new();
        // Of a change that does not happen, only this matters: a reviewer must see it before the block is lifted.
        self.secrets.retain(|sent| sent.new);
    }

    pub(crate) fn deletion(address: &Address, object: &Object) -> Self {
        let live = FieldSemantics::for_kind(address.kind).normalize_live(&object.body);
        Self {
            data_effects: data_effects::deletion_effects(address.kind, &live),
            before: Some(declared_view(address.kind, &object.body)),
            ..Self::new(address.clone(), Some(object.id.clone()), Verdict::Delete)
        }
    }
}

/// The declarable fields of a live object. No secret is in it, and no field that is not known here:
/// it may be a secret.
pub(crate) fn declared_view(kind: Kind, live: &Value) -> Value {
    let rules = FieldSemantics::for_kind(kind);
    rules.shown(&rules.normalize_live(&rules.known_fields(live)))
}

/// Write-only fields of one object that were not checked, because there is no base for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UncheckedFields {
    /// The object, by the name it is declared under.
    pub address: Address,
    /// Fields and groups with secrets in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<FieldPath>,
    /// The other fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldPath>,
    /// Why git has no base for it.
    #[serde(skip)]
    pub missing_base: MissingBase,
}

/// Why there is no base for a write-only field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingBase {
    /// There is no base.
    NotGiven,
    /// The object is new in git: the base does not have it.
    NotInBase,
}

/// Differences of one object that the plan reports and does not change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IgnoredChanges {
    /// The object, by the name it is declared under.
    pub address: Address,
    /// The live object.
    pub id: Id,
    /// The fields, each with its verdict.
    pub fields: Vec<FieldChange>,
    /// The template that declares some of them no longer.
    #[serde(skip)]
    pub template: Option<ChangedTemplate>,
}

impl IgnoredChanges {
    /// The fields that somebody changed outside git.
    pub fn drifted_fields(&self) -> impl Iterator<Item = &FieldChange> {
        self.fields.iter().filter(|field| field.verdict == Some(FieldVerdict::Drift))
    }

    /// The fields that the target branch of the pull request changed since this branch left it.
    pub fn moved_fields(&self) -> impl Iterator<Item = &FieldChange> {
        self.fields.iter().filter(|field| field.verdict == Some(FieldVerdict::Moved))
    }

    /// The fields that are no longer declared and still have a value.
    pub fn removed_fields(&self) -> impl Iterator<Item = &FieldChange> {
        self.fields.iter().filter(|field| field.is_removal(self.address.kind))
    }
}

/// The change of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is created.
    Create,
    /// It is live already and is managed from now on.
    Adopt,
    /// Some of its fields, or its state, change.
    Update,
    /// It gets another name, and perhaps other fields.
    Rename,
    /// It is deleted and re-created.
    Replace,
    /// It is deleted.
    Delete,
    /// It is not changed, for this reason.
    Blocked(BlockReason),
}

impl Verdict {
    /// Whether the object is blocked.
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::Blocked(_))
    }

    /// The machine's word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Rename => "rename",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Blocked(_) => "blocked",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
