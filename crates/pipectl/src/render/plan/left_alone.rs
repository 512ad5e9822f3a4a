//! What a plan with a base says apart from the change: who else changed what.

use model::address::Address;
use planner::{FieldChange, FieldVerdict, LeftAlone, Plan};
use serde_json::Value;

use super::{FIELD_COLUMN, OBJECT_COLUMN, inside, line, name, shown};
use crate::output::{Label, Text};
use crate::render::diagnostics::plural;

/// The line of an object to which nothing is done.
pub(super) fn heading(text: &mut Text, at: &Address, left: Option<&LeftAlone>) {
    let drifted = left.is_some_and(|left| left.drift().next().is_some());
    let (sign, words) = if drifted { ("*", "drift only") } else { ("=", "unchanged") };
    let left = format!("  {sign} {}", name(at));
    line(text, Label::Plain, &left, OBJECT_COLUMN, words, Label::Plain);
}

/// Drift in a section of its own, then the rest.
pub(super) fn fields(text: &mut Text, left: Option<&LeftAlone>) {
    let Some(left) = left else { return };
    if left.drift().next().is_some() {
        text.push(Label::Blocked, "    drift: changed outside git, left alone").end();
    }
    let rest = left.fields.iter().filter(|field| field.verdict != Some(FieldVerdict::Drift));
    for field in left.drift().chain(rest) {
        let (sign, words) = words(field);
        let left = format!("      {sign} {}", field.path);
        line(text, Label::Dim, &left, FIELD_COLUMN, &words, Label::Plain);
    }
}

/// A line that counts the drift, and what to do about it.
pub(super) fn summary(text: &mut Text, plan: &Plan) {
    let fields = plan.drift().count();
    if fields == 0 {
        return;
    }
    let objects = plan.left_alone.iter().filter(|left| left.drift().next().is_some()).count();
    let (fields, objects) = (plural(fields, "field"), plural(objects, "object"));
    text.push(Label::Heading, format!("Drift: {fields} of {objects}, left alone."))
        .plain("  Planning without --base sets it back.")
        .end();
}

/// A sign, and what happened to the field.
fn words(field: &FieldChange) -> (&'static str, String) {
    let entry = field.entry.as_ref().map(|entry| format!("{entry}: ")).unwrap_or_default();
    let value = |value: &Option<_>| value.as_ref().map_or_else(|| "unset".to_owned(), shown);
    match field.verdict {
        Some(FieldVerdict::Drift) => ("*", format!("{entry}{}", drifted(field))),
        Some(FieldVerdict::Applied) if field.entry.is_some() => {
            let words = if field.after.is_some() { "live already" } else { "gone already" };
            ("=", format!("{entry}{words}"))
        }
        Some(FieldVerdict::Applied) => ("=", format!("{} live already", value(&field.after))),
        Some(FieldVerdict::Adoption) => {
            ("=", format!("{} live already, managed from now on", value(&field.after)))
        }
        Some(FieldVerdict::Removal) if field.unseen => {
            ("=", "no longer managed, stays as it is: the API cannot unset it".to_owned())
        }
        Some(FieldVerdict::Lowered) => {
            ("=", "version lowered or taken out: only a raised one sends it again".to_owned())
        }
        Some(FieldVerdict::Fixed) => (
            "=",
            "not sent again: fixed when it was made, another one takes a new object".to_owned(),
        ),
        Some(FieldVerdict::Removal) => {
            let why = match field.before {
                Some(Value::Bool(true)) => "declare `false` if that is meant",
                _ => "the API cannot unset it",
            };
            ("=", format!("no longer managed, stays {}: {why}", value(&field.before)))
        }
        Some(FieldVerdict::Change | FieldVerdict::Conflict | FieldVerdict::Resent) | None => {
            ("~", entry)
        }
    }
}

/// How live differs from git.
pub(crate) fn drifted(field: &FieldChange) -> String {
    match (&field.entry, &field.after, &field.before) {
        (Some(_), Some(git), Some(live)) => inside(git, live),
        (Some(_), Some(_), None) => "in git, not live".to_owned(),
        (Some(_), None, _) => "live, not in git".to_owned(),
        (None, git, live) => {
            let side = |value: &Option<_>| value.as_ref().map_or_else(|| "unset".to_owned(), shown);
            format!("git {}, live {}", side(git), side(live))
        }
    }
}
