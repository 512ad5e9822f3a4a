//! The words for one object of a plan: the change, its reason, and notes.

use model::action::Action;
use model::address::{Address, Kind};
use model::desired::Place;
use planner::{BlockReason, Change, IgnoredChanges, UnmanagedObject, UnusableObject, Verdict};

use super::field::{FieldView, MOVED_SIGN};
use super::object_words::{describe_change, describe_created, main_reason, request_lines, rule_lines};
use super::refusals::ApplyRefusal;
use crate::apply::{ObjectResult, Outcome};
use crate::diagnostics::pluralize;

/// The outcome of an object that only the target branch changed.
const MOVED_OUTCOME: &str = "target branch moved on";

/// Severity for a reviewer, the most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ObjectSeverity {
    NotApplied,
    Blocked,
    Delete,
    Replace,
    Update,
    Rename,
    Adopt,
    Create,
    /// Nothing is changed, but other objects cannot use it.
    Unusable,
    /// A manifest, or a field of it, was removed, but is still live.
    Removal,
    /// Nothing is changed, but live differs from git.
    Drift,
    /// Nothing is changed: the target branch of the pull request has a change.
    Moved,
    Unchanged,
}

impl ObjectSeverity {
    /// Whether even the shortest report must name the object.
    pub(crate) fn is_severe(self) -> bool {
        self <= Self::Replace
    }

    /// The word of JSON, of styles and of step outputs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotApplied => "trouble",
            Self::Blocked => "blocked",
            Self::Delete => "delete",
            Self::Replace => "replace",
            Self::Update => "update",
            Self::Rename => "rename",
            Self::Adopt => "adopt",
            Self::Create => "create",
            Self::Unusable => "unusable",
            Self::Removal => "removal",
            Self::Drift => "drift",
            Self::Moved => "moved",
            Self::Unchanged => "unchanged",
        }
    }

    pub(crate) fn emoji(self) -> &'static str {
        match self {
            Self::NotApplied => "❌",
            Self::Blocked => "⛔",
            Self::Delete => "🔴",
            Self::Replace => "🟣",
            Self::Update => "🟡",
            Self::Rename => "🔵",
            Self::Adopt | Self::Create => "🟢",
            Self::Unusable | Self::Removal => "⚠️",
            Self::Drift => "🟠",
            Self::Moved => "⏩",
            Self::Unchanged => "⚪",
        }
    }

    fn new(change: &Change, result: Option<&ObjectResult>) -> Self {
        match change.verdict {
            _ if result.is_some_and(|result| result.outcome != Outcome::Applied) => Self::NotApplied,
            Verdict::Blocked(_) => Self::Blocked,
            Verdict::Delete => Self::Delete,
            Verdict::Replace => Self::Replace,
            Verdict::Update => Self::Update,
            Verdict::Rename => Self::Rename,
            Verdict::Adopt => Self::Adopt,
            Verdict::Create => Self::Create,
        }
    }
}

/// An object that changes, is blocked, or has notes in the plan.
pub(crate) struct ObjectView<'p> {
    pub(crate) address: &'p Address,
    pub(crate) severity: ObjectSeverity,
    /// The change, or the result of the apply.
    pub(crate) outcome: String,
    /// The most important fact about it. For a create, the new object.
    pub(crate) reason: String,
    /// A summary of the new object: source, table, format, size.
    pub(crate) created: Option<String>,
    /// The fields that are reported and not changed.
    pub(crate) ignored: Vec<FieldView<'p>>,
    /// The effects on the rows, one sentence each.
    pub(crate) data_effects: &'p [String],
    /// The requests: actions, fields and secrets that are sent.
    pub(crate) requests: Vec<String>,
    /// Other notes about the live object.
    warnings: Vec<String>,
    /// The place in the base, if its manifest was removed.
    pub(crate) removed_place: Option<&'p Place>,
    pub(crate) change: Option<&'p Change>,
    pub(crate) result: Option<&'p ObjectResult>,
}

impl<'p> ObjectView<'p> {
    pub(super) fn of_change(change: &'p Change, actions: &[&Action], result: Option<&'p ObjectResult>) -> Self {
        let planned = describe_change(change, actions);
        let created = describe_created(change, actions);
        Self {
            severity: ObjectSeverity::new(change, result),
            outcome: match result {
                Some(result) => format!("{}: {planned}", result.outcome.as_str()),
                None => planned,
            },
            reason: match main_reason(change, created.as_deref(), result) {
                reason if reason.is_empty() && change.verdict == Verdict::Adopt && actions.is_empty() => {
                    "live as declared, so nothing is sent; managed from now on".to_owned()
                }
                reason => reason,
            },
            created,
            data_effects: &change.data_effects,
            requests: request_lines(change, actions),
            change: Some(change),
            result,
            ..Self::unchanged(&change.address)
        }
    }

    /// The changed fields; for a create, all fields.
    // A plan of thousands of creates has most of its words here, and no layout needs those of all objects at once.
    pub(crate) fn fields(&self) -> Vec<FieldView<'p>> {
        self.change.map(FieldView::all_of).unwrap_or_default()
    }

    /// Marks that apply will refuse it. A change that the plan blocks is already marked.
    pub(super) fn refuse(&mut self, refusal: &ApplyRefusal) {
        if self.severity != ObjectSeverity::Blocked {
            self.severity = ObjectSeverity::Blocked;
            self.outcome = format!("apply will refuse: {}", self.outcome);
            self.reason = refusal.sentence();
        }
    }

    pub(super) fn unchanged(address: &'p Address) -> Self {
        Self {
            address,
            severity: ObjectSeverity::Unchanged,
            outcome: "unchanged".to_owned(),
            reason: String::new(),
            created: None,
            ignored: Vec::new(),
            data_effects: &[],
            requests: Vec::new(),
            warnings: Vec::new(),
            removed_place: None,
            change: None,
            result: None,
        }
    }

    /// Marks that other objects cannot use the live object, and lists the declared ones.
    pub(super) fn add_unusable(&mut self, unusable: &UnusableObject) {
        let dependents: Vec<String> = unusable.dependents.iter().map(|at| format!("`{}`", at.name)).collect();
        let users = if dependents.is_empty() { String::new() } else { format!("; used by {}", dependents.join(", ")) };
        let state = format!("live, and `{}`", unusable.state);
        let note = format!("{}{users}", unusable.note);
        if self.change.is_none() {
            (self.severity, self.outcome, self.reason) = (ObjectSeverity::Unusable, state, note);
        } else {
            self.warnings.push(format!("{state}: {note}"));
        }
    }

    pub(super) fn of_removed_manifest(removed: &'p UnmanagedObject) -> Self {
        let kept = |what: &str| {
            let id = &removed.id;
            let way = if removed.is_unproven {
                " (`--prune=git` finds no commit that removed it from today's manifests)"
            } else {
                ", or use `--prune=git`"
            };
            format!("the live {what} is kept ({id}); to delete it, declare it with `state: absent`{way}")
        };
        let reason = match removed.address.kind {
            Kind::ClickPipe => kept("pipe"),
            Kind::ReversePrivateEndpoint => kept("endpoint"),
            Kind::CdcScaling => "the live size is kept; to change it, declare it again".to_owned(),
        };
        Self {
            severity: ObjectSeverity::Removal,
            outcome: "manifest removed".to_owned(),
            reason,
            removed_place: removed.place_at_base.as_ref(),
            ..Self::unchanged(&removed.address)
        }
    }

    /// A live object that the target branch of the pull request added.
    pub(super) fn added_by_target(added: &'p UnmanagedObject) -> Self {
        Self::moved(&added.address, "its manifest is new there; a merge keeps the live object")
    }

    /// An object that is not live, and that the target branch of the pull request took out.
    pub(super) fn removed_by_target(address: &'p Address) -> Self {
        Self::moved(address, "its manifest was removed there; it is not live, and a merge does not create it")
    }

    fn moved(address: &'p Address, reason: &str) -> Self {
        Self {
            severity: ObjectSeverity::Moved,
            outcome: MOVED_OUTCOME.to_owned(),
            reason: reason.to_owned(),
            ..Self::unchanged(address)
        }
    }

    /// The fields that the target branch of the pull request changed, one sentence each.
    fn moved_fields(&self) -> Vec<String> {
        let moved = self.ignored.iter().filter(|field| field.sign == MOVED_SIGN);
        moved.map(|field| format!("`{}` {}", field.path, field.sentence.as_deref().unwrap_or_default())).collect()
    }

    /// The fields that are no longer declared and keep their value, one sentence each.
    pub(crate) fn removals(&self) -> Vec<String> {
        let removed = self.ignored.iter().filter(|field| field.is_removal);
        removed.map(|field| format!("`{}` {}", field.path, field.sentence.as_deref().unwrap_or_default())).collect()
    }

    /// The removals and other warnings that the reason does not contain.
    pub(crate) fn extra_warnings(&self) -> Vec<String> {
        let removals = if self.change.is_some() { self.removals() } else { Vec::new() };
        let moved = if self.severity == ObjectSeverity::Moved { Vec::new() } else { self.moved_fields() };
        let moved = moved.into_iter().map(|field| format!("{MOVED_OUTCOME}: {field}"));
        self.warnings.iter().cloned().chain(self.rule_notes()).chain(removals).chain(moved).collect()
    }

    /// Whether a report has a row for it. Drift has separate rows.
    pub(crate) fn is_reported(&self) -> bool {
        let is_warned =
            matches!(self.severity, ObjectSeverity::Removal | ObjectSeverity::Unusable | ObjectSeverity::Moved);
        self.change.is_some() || is_warned || !self.removals().is_empty()
    }

    /// Adds the ignored changes of the object, drift first.
    pub(super) fn add_ignored(&mut self, ignored: &'p IgnoredChanges) {
        self.ignored = ignored.fields.iter().map(|field| FieldView::ignored(ignored.address.kind, field)).collect();
        self.ignored.sort_by_key(|field| field.sign != '*');
        if self.change.is_some() {
            return;
        }
        let removals = self.removals();
        if !removals.is_empty() {
            self.severity = ObjectSeverity::Removal;
            self.outcome = format!("{} no longer managed", pluralize(removals.len(), "field"));
            self.reason = removals.join("; ");
        } else if self.has_drift() {
            (self.severity, self.outcome) = (ObjectSeverity::Drift, "drift only".to_owned());
        } else if let moved = self.moved_fields()
            && !moved.is_empty()
        {
            (self.severity, self.outcome) = (ObjectSeverity::Moved, MOVED_OUTCOME.to_owned());
            self.reason = moved.join("; ");
        }
    }

    pub(crate) fn has_drift(&self) -> bool {
        self.ignored.first().is_some_and(|field| field.sign == '*')
    }

    /// The name with the service.
    pub(crate) fn display_name(&self) -> String {
        display_name(self.address)
    }

    /// The verdict in one word, unless the live object has another name than the row.
    pub(crate) fn short_outcome(&self) -> &str {
        let has_other_name = self.change.is_some_and(|change| change.renamed_from.is_some());
        if has_other_name { &self.outcome } else { self.severity.as_str() }
    }

    /// Findings of project rules that do not block it, one sentence each.
    pub(crate) fn rule_notes(&self) -> Vec<String> {
        self.change.map(rule_lines).unwrap_or_default()
    }

    /// The change and its reason in one line.
    pub(crate) fn summary(&self) -> String {
        if self.reason.is_empty() { self.outcome.clone() } else { format!("{}: {}", self.outcome, self.reason) }
    }

    /// Whether apply did not start to work on it.
    pub(crate) fn is_skipped(&self) -> bool {
        self.result.is_some_and(|result| result.outcome == Outcome::Skipped)
    }

    /// The line that causes the change: the field that a rule forbids, the field that forces it, else the first field that differs, else the manifest.
    pub(crate) fn cause(&self) -> Option<&'p Place> {
        if let Some(Verdict::Blocked(BlockReason::ForbiddenByRules { findings, .. })) =
            self.change.map(|it| &it.verdict)
        {
            return findings.first()?.place.as_ref();
        }
        let fields = self.change.map_or(&[][..], |change| &change.fields);
        let forcing = fields.iter().find(|field| field.forces_replacement).or(fields.first());
        forcing.and_then(|field| field.place.as_ref()).or_else(|| self.manifest_place())
    }

    /// Where the manifest begins.
    pub(crate) fn manifest_place(&self) -> Option<&'p Place> {
        self.change?.place.as_ref()
    }

    /// Facts in the result of the apply beyond the outcome.
    pub(crate) fn apply_notes(&self) -> Vec<String> {
        let Some(result) = self.result else { return Vec::new() };
        let hint = result.error.as_ref().and_then(|error| error.hint.as_ref()).map(|hint| format!("hint: {hint}"));
        let rest = (!result.not_started.is_empty()).then(|| format!("not started: {}", result.not_started.join(", ")));
        let alarms = result.alarms().map(|alarm| format!("{}: {}; {}", alarm.what, alarm.reason, alarm.next));
        alarms.chain(hint).chain(rest).chain(result.notes.iter().cloned()).collect()
    }

    /// Everything beyond the fields, the most urgent first.
    pub(crate) fn detail_lines(&self) -> Vec<String> {
        let effects = self.data_effects.iter().map(|sentence| format!("data: {sentence}"));
        self.apply_notes()
            .into_iter()
            .chain(self.extra_warnings())
            .chain(effects)
            .chain(self.requests.iter().cloned())
            .collect()
    }
}

/// The name of an object below its service.
pub(crate) fn object_label(at: &Address) -> String {
    match at.kind {
        Kind::ClickPipe => at.name.to_string(),
        Kind::CdcScaling => "CdcScaling".to_owned(),
        Kind::ReversePrivateEndpoint => format!("endpoint {}", at.name),
    }
}

/// The name with its service.
pub(crate) fn display_name(at: &Address) -> String {
    format!("{}/{}", at.service, object_label(at))
}
