//! What a plan with a base says apart from the change: who else changed what.

use model::address::Address;
use planner::{FieldChange, FieldVerdict, IgnoredChanges, Plan};
use serde_json::Value;

use super::{FIELD_COLUMN, OBJECT_COLUMN, entry_differences, object_label, push_columns, short_value};
use crate::diagnostics::pluralize;
use crate::output::{Label, StyledText};

/// The line of an object to which nothing is done.
pub(super) fn push_unchanged_heading(text: &mut StyledText, at: &Address, left: Option<&IgnoredChanges>) {
    let drifted = left.is_some_and(|left| left.drifted_fields().next().is_some());
    let (sign, words) = if drifted { ("*", "drift only") } else { ("=", "unchanged") };
    let left = format!("  {sign} {}", object_label(at));
    push_columns(text, Label::Plain, &left, OBJECT_COLUMN, words, Label::Plain);
}

/// Drift in a section of its own, then the rest.
pub(super) fn push_ignored_fields(text: &mut StyledText, left: Option<&IgnoredChanges>) {
    let Some(left) = left else { return };
    if left.drifted_fields().next().is_some() {
        text.push(Label::Blocked, "    drift (not changed by this apply)").end_line();
    }
    let rest = left.fields.iter().filter(|field| field.verdict != Some(FieldVerdict::Drift));
    for field in left.drifted_fields().chain(rest) {
        let (sign, words) = describe_ignored_field(field);
        let left = format!("      {sign} {}", field.path);
        push_columns(text, Label::Dim, &left, FIELD_COLUMN, &words, Label::Plain);
    }
}

/// A line that counts the drift, and what to do about it.
pub(super) fn push_drift_summary(text: &mut StyledText, plan: &Plan) {
    let fields = plan.drifted_fields().count();
    if fields == 0 {
        return;
    }
    let objects = plan.ignored_changes.iter().filter(|left| left.drifted_fields().next().is_some()).count();
    let (fields, objects) = (pluralize(fields, "field"), pluralize(objects, "object"));
    text.push(Label::Heading, format!("Drift: {fields} of {objects}, not reverted."))
        .push_plain("  Run without --base to revert it.")
        .end_line();
}

/// A sign, and what happened to the field.
fn describe_ignored_field(field: &FieldChange) -> (&'static str, String) {
    let entry = field.entry.as_ref().map(|entry| format!("{entry}: ")).unwrap_or_default();
    let value = |value: &Option<_>| value.as_ref().map_or_else(|| "unset".to_owned(), short_value);
    match field.verdict {
        Some(FieldVerdict::Drift) => ("*", format!("{entry}{}", git_and_live_values(field))),
        Some(FieldVerdict::Applied) if field.entry.is_some() => {
            let words = if field.after.is_some() { "already live" } else { "already removed" };
            ("=", format!("applied: {entry}{words}"))
        }
        Some(FieldVerdict::Applied) => ("=", format!("applied: {} is already live", value(&field.after))),
        Some(FieldVerdict::Adoption) => {
            ("=", format!("adoption: {} is already live, managed from now on", value(&field.after)))
        }
        Some(FieldVerdict::Removal) if field.write_only => {
            ("=", "removal: no longer managed, keeps its value (the API cannot unset it)".to_owned())
        }
        Some(FieldVerdict::Lowered) => ("=", "lowered: only a higher `version` sends the secret again".to_owned()),
        Some(FieldVerdict::Fixed) => ("=", "fixed: not sent again, cannot change after creation".to_owned()),
        Some(FieldVerdict::Removal) => {
            let why = match field.before {
                Some(Value::Bool(true)) => "set it to `false` to turn it off",
                _ => "the API cannot unset it",
            };
            ("=", format!("removal: no longer managed, stays {} ({why})", value(&field.before)))
        }
        Some(FieldVerdict::Change | FieldVerdict::Conflict | FieldVerdict::Resent) | None => ("~", entry),
    }
}

/// How live differs from git.
pub(crate) fn git_and_live_values(field: &FieldChange) -> String {
    match (&field.entry, &field.after, &field.before) {
        (Some(_), Some(git), Some(live)) => entry_differences(git, live),
        (Some(_), Some(_), None) => "in git, not live".to_owned(),
        (Some(_), None, _) => "live, not in git".to_owned(),
        (None, git, live) => {
            let side = |value: &Option<_>| value.as_ref().map_or_else(|| "unset".to_owned(), short_value);
            format!("git {}, live {}", side(git), side(live))
        }
    }
}
