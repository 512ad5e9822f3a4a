//! The text of a plan.

use std::collections::{BTreeMap, BTreeSet};

use model::address::{Address, Kind, ServiceRef};
use model::sanitize::sanitize_line;
use planner::{IgnoredChanges, Plan};

use super::diff;
use crate::diagnostics::pluralize;
use crate::output::{Label, StyledText};
use crate::plan_view::field::{FieldView, FieldWords, MAX_INLINE, is_kept_stopped};
use crate::plan_view::object::{ObjectSeverity, ObjectView, object_label};
use crate::plan_view::refusals::group_refusals;
use crate::plan_view::review_notes::review_lines;
use crate::plan_view::values::MAX_VALUE_CHARS;
pub use crate::plan_view::{ApplyRefusal, Context, plan_json};
use crate::plan_view::{
    PlanView, cost_note, moved_note, partial_note, plan_counts, remaining_counts, removal_counts, unapplied_note,
    unchecked_note,
};
use crate::unreachable;

/// The columns where the words about an object and about a field begin.
pub(super) const OBJECT_COLUMN: usize = 48;
const FIELD_COLUMN: usize = 52;

/// More differences of one field are counted.
const MAX_DIFFERENCES: usize = 20;

pub fn render(plan: &Plan, context: &Context) -> StyledText {
    let view = PlanView::new(plan, &[], &context.refusals);
    let mut services: BTreeMap<&ServiceRef, Vec<&ObjectView<'_>>> = BTreeMap::new();
    for object in &view.objects {
        services.entry(&object.address.service).or_default().push(object);
    }
    let mut in_sync: BTreeMap<&ServiceRef, usize> = BTreeMap::new();
    for at in &plan.in_sync {
        *in_sync.entry(&at.service).or_default() += 1;
    }
    let refused: BTreeSet<&Address> = context.refusals.iter().filter_map(|it| it.address.as_ref()).collect();
    let mut text = StyledText::new();
    push_header(&mut text, plan, context);
    for (service, objects) in services {
        let in_sync = in_sync.get(service).copied().unwrap_or_default();
        let listed = objects.iter().filter(|object| plan.in_sync.contains(object.address)).count();
        let count = pluralize(in_sync - listed + objects.len(), "object");
        let id = context.target.as_ref().and_then(|target| target.services.get(service.as_str()));
        let id = id.filter(|id| *id != service.as_str()).map(|id| format!(" ({id})")).unwrap_or_default();
        push_columns(&mut text, Label::Name, &format!("{service}{id}"), OBJECT_COLUMN, &count, Label::Dim);
        for object in objects {
            push_object(&mut text, object, context.diff, refused.contains(object.address));
        }
        text.end_line();
    }
    push_summary(&mut text, plan, context);
    text
}

/// The organization, and the notes that come first.
fn push_header(text: &mut StyledText, plan: &Plan, context: &Context) {
    let notes = review_lines(plan, context);
    if plan.has_no_changes() && notes.is_empty() {
        return;
    }
    if let Some(target) = &context.target {
        text.push(Label::Dim, format!("organization {}", sanitize_line(&target.organization))).end_line();
    }
    for note in &notes {
        text.push(Label::Blocked, format!("review: {}", sanitize_line(note))).end_line();
    }
    if context.target.is_some() || !notes.is_empty() {
        text.end_line();
    }
}

/// `left`, filled up to the column, then `right`.
pub(super) fn push_columns(text: &mut StyledText, label: Label, left: &str, column: usize, right: &str, dim: Label) {
    let (left, right) = (sanitize_line(left), sanitize_line(right));
    let gap = if right.is_empty() { 0 } else { column.saturating_sub(left.chars().count()).max(2) };
    text.push(label, left).push_plain(" ".repeat(gap)).push(dim, right).end_line();
}

fn severity_sign(severity: ObjectSeverity) -> (&'static str, Label) {
    match severity {
        ObjectSeverity::Create => ("+", Label::Create),
        ObjectSeverity::Adopt | ObjectSeverity::Update | ObjectSeverity::Rename => ("~", Label::Update),
        ObjectSeverity::Replace => ("-/+", Label::Replace),
        ObjectSeverity::Delete => ("-", Label::Delete),
        ObjectSeverity::Blocked | ObjectSeverity::NotApplied | ObjectSeverity::Unusable => ("!", Label::Blocked),
        ObjectSeverity::Removal => ("?", Label::Blocked),
        ObjectSeverity::Drift => ("*", Label::Plain),
        ObjectSeverity::Moved => (">", Label::Plain),
        ObjectSeverity::Unchanged => ("=", Label::Plain),
    }
}

/// `is_refused` objects have their reason in the list of what apply will refuse.
fn push_object(text: &mut StyledText, object: &ObjectView<'_>, diff: bool, is_refused: bool) {
    let (sign, label) = severity_sign(object.severity);
    let left = format!("  {sign} {}", object_label(object.address));
    let is_told_by_fields = object.change.is_some() || !object.removals().is_empty();
    let words = match object.severity {
        ObjectSeverity::Blocked if is_refused => format!("{}; see below", object.outcome),
        ObjectSeverity::Blocked | ObjectSeverity::Unusable => object.summary(),
        ObjectSeverity::Adopt if object.requests.is_empty() => object.summary(),
        ObjectSeverity::Removal if !is_told_by_fields => object.summary(),
        ObjectSeverity::Moved if object.ignored.is_empty() => object.summary(),
        _ => object.outcome.clone(),
    };
    push_columns(text, label, &left, OBJECT_COLUMN, &words, Label::Plain);
    match &object.created {
        Some(created) => push_detail(text, Label::Plain, created),
        None => object.fields().iter().for_each(|field| push_field(text, field, field_label(field.sign))),
    }
    for line in &object.requests {
        push_detail(text, Label::Dim, line);
    }
    for line in object.rule_notes() {
        push_detail(text, Label::Blocked, &line);
    }
    for (index, sentence) in object.data_effects.iter().enumerate() {
        let head = if index == 0 { "data:  " } else { "       " };
        push_detail(text, Label::Plain, &format!("{head}{sentence}"));
    }
    if object.has_drift() {
        text.push(Label::Blocked, "    drift (not changed by this apply)").end_line();
    }
    for field in &object.ignored {
        push_field(text, field, Label::Dim);
    }
    if let (Some(change), true) = (object.change, diff) {
        text.append(&diff::render(change));
    }
}

fn push_detail(text: &mut StyledText, label: Label, line: &str) {
    text.push(label, format!("        {}", sanitize_line(line))).end_line();
}

pub(super) fn field_label(sign: char) -> Label {
    match sign {
        '+' => Label::Create,
        '-' => Label::Delete,
        _ => Label::Update,
    }
}

pub(super) fn push_field(text: &mut StyledText, field: &FieldView<'_>, label: Label) {
    let left = format!("      {} {}", field.sign, field.path);
    let words = format!("{}{}", field.inline_words(), field.comment());
    push_columns(text, label, &left, FIELD_COLUMN, &words, Label::Plain);
    let lines = match field.words(MAX_VALUE_CHARS) {
        FieldWords::Differences(lines) if lines.len() > MAX_INLINE => lines,
        _ => return,
    };
    for line in lines.iter().take(MAX_DIFFERENCES) {
        text.push(field_label(line.sign), format!("          {}", sanitize_line(&line.line()))).end_line();
    }
    if lines.len() > MAX_DIFFERENCES {
        let more = lines.len() - MAX_DIFFERENCES;
        text.push(Label::Dim, format!("          and {more} more; --diff shows them")).end_line();
    }
}

fn push_summary(text: &mut StyledText, plan: &Plan, context: &Context) {
    text.append(&unreachable::unreachable_lines(&context.unreachable));
    if let Some(note) = partial_note(context.partial) {
        text.push_plain(note).end_line();
    }
    let read = match context.requests {
        0 => String::new(),
        requests => format!("  Read with {}.", pluralize(requests, "request")),
    };
    let rest = format!("  {}{read}", remaining_counts(plan.in_sync.len(), plan.unmanaged.len()));
    if plan.has_no_changes() {
        let what = match plan.drifted_fields().next() {
            _ if context.not_reviewed > 0 => "Nothing to apply. What differs was not reviewed; see below.",
            Some(_) => "No changes to apply. Drift is listed above.",
            None if plan.unusable.iter().any(|it| it.address.kind == Kind::ReversePrivateEndpoint) => {
                "No changes to apply. An endpoint cannot be used; see above."
            }
            None if !plan.unusable.is_empty() => "No changes to apply. A pipe is in trouble; see above.",
            None if removal_counts(plan).is_some() => "No changes to apply. What git no longer declares is kept.",
            None if moved_note(plan, context).is_some() => {
                "No changes to apply. The target branch moved on; see above."
            }
            None if !context.unreachable.is_empty() => "No changes in the services that could be read.",
            None => "No changes. Live pipes match the manifests.",
        };
        text.push_plain(format!("{what}{rest}")).end_line();
    } else {
        text.push(Label::Heading, format!("Plan: {}.", plan_counts(plan, &context.refusals)))
            .push_plain(rest)
            .end_line();
    }
    push_refusals(text, &context.refusals);
    if let Some(removed) = removal_counts(plan) {
        text.push(Label::Heading, format!("Removed from git: {removed}."))
            .push_plain("  The live objects are kept; see above.")
            .end_line();
    }
    push_drift_summary(text, plan);
    if let Some(note) = moved_note(plan, context) {
        text.push_plain(sanitize_line(&note)).end_line();
    }
    if let Some(note) = unapplied_note(context) {
        text.push_plain(sanitize_line(&note)).end_line();
    }
    if let Some(note) = unchecked_note(plan) {
        text.push(Label::Dim, note).end_line();
    }
    if let Some(line) = cost_note(plan, &context.refusals, context.rate) {
        text.push_plain(line).end_line();
    }
}

/// The parts that apply will refuse, and how to allow them.
fn push_refusals(text: &mut StyledText, refusals: &[ApplyRefusal]) {
    if !refusals.is_empty() {
        text.push(Label::Blocked, "Apply will refuse:").end_line();
    }
    for group in group_refusals(refusals) {
        if !group.subject.is_empty() {
            text.push_plain(format!("  {}", sanitize_line(&group.subject))).end_line();
        }
        text.push_plain(format!("      {}", sanitize_line(&group.reason))).end_line();
        if let Some(ways) = &group.ways_out {
            text.push(Label::Dim, "      to allow it: ").push_plain(sanitize_line(ways)).end_line();
        }
    }
}

fn is_all_kept_stopped(plan: &Plan) -> bool {
    let is_kept = |left: &IgnoredChanges| left.drifted_fields().all(|field| is_kept_stopped(left.address.kind, field));
    plan.ignored_changes.iter().all(is_kept)
}

/// A line that counts the drift, and how to revert it.
fn push_drift_summary(text: &mut StyledText, plan: &Plan) {
    let objects = plan.ignored_changes.iter().filter(|left| left.drifted_fields().next().is_some()).count();
    if objects > 0 {
        let fields = pluralize(plan.drifted_fields().count(), "field");
        let objects = pluralize(objects, "object");
        text.push(Label::Heading, format!("Drift: {fields} of {objects}, not reverted."));
        if !is_all_kept_stopped(plan) {
            text.push_plain("  Run without --base to revert it.");
        }
        text.end_line();
    }
}
