//! The words for one field of a plan.

use std::borrow::Cow;

use clickpipes::default_values::default_value;
use clickpipes::semantics::{FieldSemantics, KeyedList, ListSemantics};
use model::address::Kind;
use model::desired::Place;
use model::path::FieldPath;
use model::secret;
use planner::{Change, FieldChange, FieldVerdict};
use serde_json::Value;

use super::values::{
    Difference, MAX_VALUE_CHARS, created_entries, differences, member_differences, short_pair, short_value,
};
use crate::escape::truncate_chars;

/// A field, or an entry of a keyed list.
pub(crate) struct FieldView<'p> {
    pub(crate) path: String,
    /// `+`, `-`, `~`; `*` is drift, `>` is a change of the target branch, `=` matches live.
    pub(crate) sign: char,
    /// Facts that the values do not show: whether the field forces replacement, and who changed it.
    pub(crate) remark: String,
    pub(crate) forces_replacement: bool,
    /// Whether it is no longer declared, and the live object keeps its value.
    pub(crate) is_removal: bool,
    pub(crate) place: Option<&'p Place>,
    before: Option<&'p Value>,
    after: Option<Cow<'p, Value>>,
    /// The names of the entries, for a list of a new object that has named ones.
    keyed: Option<&'static KeyedList>,
    /// A sentence in place of the values. Always set for a field that is not changed.
    pub(crate) sentence: Option<String>,
}

/// The sign of a field that the target branch of the pull request changed.
pub(super) const MOVED_SIGN: char = '>';

/// More differences of a field do not fit into one line.
pub(crate) const MAX_INLINE: usize = 2;

/// The words of a field for a layout.
pub(crate) enum FieldWords {
    /// The live value and the desired one.
    Values(Option<String>, Option<String>),
    /// The differences inside the value.
    Differences(Vec<Difference>),
    Sentence(String),
}

impl<'p> FieldView<'p> {
    /// A field whose two sides differ.
    pub(crate) fn compared(
        path: &FieldPath,
        entry: Option<&str>,
        before: Option<&'p Value>,
        after: Option<&'p Value>,
    ) -> Self {
        let sign = match (before, after) {
            (None, Some(_)) => '+',
            (Some(_), None) => '-',
            _ => '~',
        };
        let sentence = match (entry, before, after) {
            (Some(entry), Some(before), Some(after)) => Some(format!("{entry}: {}", member_differences(before, after))),
            (Some(entry), ..) => Some(entry.to_owned()),
            _ => None,
        };
        Self {
            path: path.to_string(),
            sign,
            remark: String::new(),
            forces_replacement: false,
            is_removal: false,
            place: None,
            before,
            after: after.map(Cow::Borrowed),
            keyed: None,
            sentence,
        }
    }

    fn of_change(field: &'p FieldChange) -> Self {
        let (before, after) = (field.before.as_ref(), field.after.as_ref());
        Self {
            forces_replacement: field.forces_replacement,
            place: field.place.as_ref(),
            ..Self::compared(&field.path, field.entry.as_deref(), before, after)
        }
    }

    pub(super) fn pending(field: &'p FieldChange) -> Self {
        let view = Self { remark: pending_remark(field), ..Self::of_change(field) };
        let is_resent =
            field.verdict == Some(FieldVerdict::Resent) || (field.before.is_none() && field.after.is_none());
        if is_resent { Self { sign: '~', sentence: Some("resent".to_owned()), ..view } } else { view }
    }

    /// A field that the plan reports and does not change.
    pub(super) fn ignored(kind: Kind, field: &'p FieldChange) -> Self {
        let sign = match field.verdict {
            Some(FieldVerdict::Drift) => '*',
            Some(FieldVerdict::Moved) => MOVED_SIGN,
            Some(FieldVerdict::Change | FieldVerdict::Conflict | FieldVerdict::Resent) | None => '~',
            Some(_) => '=',
        };
        let is_removal = field.is_removal(kind);
        Self { sign, is_removal, sentence: Some(ignored_sentence(kind, field)), ..Self::of_change(field) }
    }

    /// The fields that the plan changes; of a create, all.
    pub(super) fn all_of(change: &'p Change) -> Vec<Self> {
        match (&change.before, &change.after) {
            (None, Some(body)) if change.fields.is_empty() => Self::of_created(change.address.kind, body.redacted()),
            _ => change.fields.iter().map(Self::pending).collect(),
        }
    }

    /// The fields of an object that is created.
    fn of_created(kind: Kind, body: Cow<'p, Value>) -> Vec<Self> {
        let mut fields = Vec::new();
        push_leaves(&mut fields, kind, &FieldPath::root(), body.into_owned());
        fields
    }

    fn created(kind: Kind, path: &FieldPath, value: Value) -> Self {
        let keyed = match &FieldSemantics::for_kind(kind).field_at(path).list {
            ListSemantics::Keyed(keyed) if value.is_array() => Some(keyed),
            _ => None,
        };
        Self { sign: '+', after: Some(Cow::Owned(value)), keyed, ..Self::compared(path, None, None, None) }
    }

    /// Values in at most so many characters each.
    pub(crate) fn words(&self, most: usize) -> FieldWords {
        if let Some(sentence) = &self.sentence {
            return FieldWords::Sentence(sentence.clone());
        }
        let after = self.after.as_deref();
        let differences = match (self.keyed, after.and_then(Value::as_array)) {
            (Some(keyed), Some(entries)) => created_entries(keyed, entries),
            _ => differences(self.before, after),
        };
        if !differences.is_empty() {
            return FieldWords::Differences(differences);
        }
        match (self.before, after) {
            (Some(before), Some(after)) => {
                let [before, after] = short_pair(before, after, most);
                FieldWords::Values(Some(before), Some(after))
            }
            (before, after) => {
                let short = |value: Option<&Value>| value.map(|value| truncate_chars(&value.to_string(), most));
                FieldWords::Values(short(before), short(after))
            }
        }
    }

    /// The change in one line: `1 -> 2`, `+ country String`, `3 differences`.
    pub(crate) fn inline_words(&self) -> String {
        match self.words(MAX_VALUE_CHARS) {
            FieldWords::Sentence(sentence) => sentence,
            FieldWords::Values(before, after) => before.into_iter().chain(after).collect::<Vec<_>>().join(" -> "),
            FieldWords::Differences(lines) if lines.len() <= MAX_INLINE => join_lines(&lines),
            FieldWords::Differences(lines) => format!("{} differences", lines.len()),
        }
    }

    /// The remark as a comment at the end of a line.
    pub(crate) fn comment(&self) -> String {
        if self.remark.is_empty() { String::new() } else { format!("   # {}", self.remark) }
    }
}

fn join_lines(lines: &[Difference]) -> String {
    lines.iter().map(Difference::line).collect::<Vec<_>>().join(", ")
}

/// Every field below `value` that is not a group of fields. A secret is shown as its reference.
fn push_leaves(fields: &mut Vec<FieldView<'_>>, kind: Kind, path: &FieldPath, value: Value) {
    let is_group = !secret::is_secret_reference(&value);
    match value {
        Value::Object(members) if is_group && !members.is_empty() => {
            for (name, member) in members {
                push_leaves(fields, kind, &path.child(name), member);
            }
        }
        value => fields.push(FieldView::created(kind, path, value)),
    }
}

fn pending_remark(field: &FieldChange) -> String {
    let origin = match field.verdict {
        Some(FieldVerdict::Drift) => "drift: will be reverted",
        Some(FieldVerdict::Conflict) if field.has_target_value => "conflict: changed here and on the target branch",
        Some(FieldVerdict::Conflict) => "conflict: changed in git and outside git",
        // The value of a resent field is the word itself.
        None | Some(FieldVerdict::Resent) => "",
        Some(verdict) => verdict.as_str(),
    };
    let forces = if field.forces_replacement { "forces replacement" } else { "" };
    let parts: Vec<&str> = [forces, origin].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

fn ignored_sentence(kind: Kind, field: &FieldChange) -> String {
    let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "unset".to_owned(), short_value);
    match field.verdict {
        Some(FieldVerdict::Drift) if is_kept_stopped(kind, field) => {
            format!("{}, kept by `policy.keepStopped`", drift_sentence(field))
        }
        Some(FieldVerdict::Drift) => drift_sentence(field),
        Some(FieldVerdict::Moved) => moved_sentence(field),
        Some(FieldVerdict::Applied) => match (&field.entry, &field.after) {
            (Some(entry), Some(_)) => format!("applied: {entry}: already live"),
            (Some(entry), None) => format!("applied: {entry}: already removed"),
            (None, after) => format!("applied: {} is already live", value(after)),
        },
        Some(FieldVerdict::Adoption) => {
            format!("adoption: {} is already live, managed from now on", value(&field.after))
        }
        Some(FieldVerdict::Removal) if field.write_only => {
            "removal: no longer managed, keeps its value (the API cannot unset it)".to_owned()
        }
        Some(FieldVerdict::Removal) => {
            let how = match (&field.before, default_value(kind, &field.path)) {
                (Some(Value::Bool(true)), _) => "set it to `false` to turn it off".to_owned(),
                (Some(live), _) if is_list_of_references(kind, field, live) => "declare `[]` to remove them".to_owned(),
                (_, Some(default)) => format!("to set it back, declare the default, {default}"),
                _ => "the API cannot unset it; to change it, declare another value".to_owned(),
            };
            format!("removal: no longer managed, stays {} ({how})", value(&field.before))
        }
        Some(FieldVerdict::Lowered) => "lowered: only a higher `version` sends the secret again".to_owned(),
        Some(FieldVerdict::Fixed) => "fixed: not sent again, cannot change after creation".to_owned(),
        Some(FieldVerdict::Unpinned) => {
            let live = value(&field.before);
            format!(
                "unpinned: the pinned object is gone, and the one of this name is {live}: write that id, or remove the line"
            )
        }
        Some(FieldVerdict::Change | FieldVerdict::Conflict | FieldVerdict::Resent) | None => {
            field.entry.clone().unwrap_or_default()
        }
    }
}

/// Whether this is the ignored drift of the state of a stopped pipe. Only `policy.keepStopped` ignores that, with or
/// without a base.
pub(crate) fn is_kept_stopped(kind: Kind, field: &FieldChange) -> bool {
    kind.state_path().is_some_and(|state| state == field.path)
}

/// Whether the field lists other objects: the API accepts an empty list of them.
fn is_list_of_references(kind: Kind, field: &FieldChange, live: &Value) -> bool {
    let item = FieldSemantics::for_kind(kind).field_at(&field.path).list_item();
    live.as_array().is_some_and(|live| live.iter().any(|it| item.referenced_id(it).is_some()))
}

/// The difference between the target branch, which is live, and this branch.
fn moved_sentence(field: &FieldChange) -> String {
    match (&field.entry, &field.after, &field.before) {
        (Some(entry), Some(here), Some(live)) => {
            format!("{entry}: {} on the target branch and live", member_differences(here, live))
        }
        (Some(entry), Some(_), None) => format!("{entry}: removed on the target branch"),
        (Some(entry), None, _) => format!("{entry}: added on the target branch"),
        (None, here, live) => match two_sides(here.as_ref(), live.as_ref()) {
            TwoSides::Differences(lines) => format!("{lines} on the target branch and live"),
            TwoSides::Values([here, live]) => format!("{here} here, {live} on the target branch and live"),
        },
    }
}

/// The difference between live and git.
pub(crate) fn drift_sentence(field: &FieldChange) -> String {
    let entry = field.entry.as_ref().map(|entry| format!("{entry}: ")).unwrap_or_default();
    let words = match (&field.entry, &field.after, &field.before) {
        (Some(_), Some(git), Some(live)) => member_differences(git, live),
        (Some(_), Some(_), None) => "in git, not live".to_owned(),
        (Some(_), None, _) => "live, not in git".to_owned(),
        (None, git, live) => match two_sides(git.as_ref(), live.as_ref()) {
            TwoSides::Differences(lines) => format!("live: {lines}"),
            TwoSides::Values([git, live]) => format!("git {git}, live {live}"),
        },
    };
    format!("{entry}{words}")
}

/// Two sides of a field: both values, or the differences inside them.
enum TwoSides {
    Differences(String),
    Values([String; 2]),
}

fn two_sides(one: Option<&Value>, other: Option<&Value>) -> TwoSides {
    if let (Some(one), Some(other)) = (one, other) {
        return match differences(Some(one), Some(other)) {
            lines if lines.is_empty() => TwoSides::Values(short_pair(one, other, MAX_VALUE_CHARS)),
            lines => TwoSides::Differences(join_lines(&lines)),
        };
    }
    TwoSides::Values([one, other].map(|value| value.map_or_else(|| "unset".to_owned(), short_value)))
}
