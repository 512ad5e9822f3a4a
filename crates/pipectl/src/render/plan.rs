//! A plan for people, in Terraform's grammar.

pub(crate) mod ignored_changes;
pub(crate) mod unchecked;

use std::collections::BTreeMap;

use clickpipes::lifecycle;
use model::action::{Action, RunState, UpdateVia};
use model::address::{Address, Kind, ServiceRef};
use model::sanitize::sanitize_line;
use planner::{Change, FieldChange, FieldVerdict, IgnoredChanges, Plan, Verdict};
use serde_json::Value;

use super::diff;
use super::unreachable::{self, UnreachableService};
use crate::diagnostics::pluralize;
use crate::output::{Label, StyledText};

/// Where the words about an object begin, and those about a field.
pub(super) const OBJECT_COLUMN: usize = 48;
pub(super) const FIELD_COLUMN: usize = 52;

/// A value longer than this is cut in the overview; `--diff` shows all of it.
const MAX_VALUE_CHARS: usize = 60;

/// What else is said about a plan.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Objects that were considered and that are declared, when the plan was narrowed.
    pub partial: Option<(usize, usize)>,
    /// Services that the plan says nothing of.
    pub unreachable: Vec<UnreachableService>,
    /// Requests that observing took.
    pub requests: usize,
    /// Requests per window, and the window in seconds.
    pub rate: Option<(usize, f64)>,
    /// Whether to show each change as a diff.
    pub diff: bool,
}

/// The whole plan.
pub fn render(plan: &Plan, context: &Context) -> StyledText {
    let mut text = StyledText::new();
    for (service, objects) in group_by_service(plan) {
        let unchanged = plan.in_sync.iter().filter(|at| at.service == *service);
        let unchanged = unchanged.filter(|at| !objects.contains_key(at));
        let pipes = pluralize(unchanged.count() + objects.len(), "object");
        push_columns(&mut text, Label::Name, &service.to_string(), OBJECT_COLUMN, &pipes, Label::Dim);
        for (at, entry) in objects {
            match entry.change {
                Some(change) => push_object(&mut text, plan, change),
                None => ignored_changes::push_unchanged_heading(&mut text, at, entry.ignored),
            }
            ignored_changes::push_ignored_fields(&mut text, entry.ignored);
            if let (Some(change), true) = (entry.change, context.diff) {
                text.append(diff::render(change));
            }
        }
        text.end_line();
    }
    push_summary(&mut text, plan, context);
    text
}

/// What there is to say of one object.
#[derive(Default)]
struct PlanEntry<'p> {
    change: Option<&'p Change>,
    ignored: Option<&'p IgnoredChanges>,
}

fn group_by_service(plan: &Plan) -> BTreeMap<&ServiceRef, BTreeMap<&Address, PlanEntry<'_>>> {
    let mut services: BTreeMap<_, BTreeMap<_, PlanEntry<'_>>> = BTreeMap::new();
    for change in &plan.changes {
        let objects = services.entry(&change.address.service).or_default();
        objects.entry(&change.address).or_default().change = Some(change);
    }
    for left in &plan.ignored_changes {
        let objects = services.entry(&left.address.service).or_default();
        objects.entry(&left.address).or_default().ignored = Some(left);
    }
    services
}

/// `left`, filled up to the column, then `right`.
pub(super) fn push_columns(text: &mut StyledText, label: Label, left: &str, column: usize, right: &str, dim: Label) {
    let (left, right) = (sanitize_line(left), sanitize_line(right));
    let gap = column.saturating_sub(left.chars().count()).max(2);
    text.push(label, left).push_plain(" ".repeat(gap)).push(dim, right).end_line();
}

fn verdict_symbol(verdict: &Verdict) -> (&'static str, Label) {
    match verdict {
        Verdict::Create => ("+", Label::Create),
        Verdict::Adopt | Verdict::Update | Verdict::Rename => ("~", Label::Update),
        Verdict::Replace => ("-/+", Label::Replace),
        Verdict::Delete => ("-", Label::Delete),
        Verdict::Blocked(_) => ("!", Label::Blocked),
    }
}

fn push_object(text: &mut StyledText, plan: &Plan, change: &Change) {
    let (sign, label) = verdict_symbol(&change.verdict);
    let actions: Vec<&Action> = plan.actions.iter().filter(|action| action.address() == &change.address).collect();
    let left = format!("  {sign} {}", object_label(&change.address));
    push_columns(text, label, &left, OBJECT_COLUMN, &describe_change(change, &actions), Label::Plain);
    for field in &change.fields {
        push_field(text, field);
    }
    let steps = action_steps(change, &actions);
    if steps.len() > 1 {
        text.push(Label::Dim, format!("        actions: {}", steps.join(", "))).end_line();
    }
    if !change.resent_fields.is_empty() {
        text.push(
            Label::Dim,
            format!("        also sends (required by the API): {}", comma_separated(&change.resent_fields)),
        )
        .end_line();
    }
    if !change.secrets.is_empty() {
        let sent = sanitize_line(&comma_separated(&change.secrets));
        text.push(Label::Dim, format!("        secrets: {sent}")).end_line();
    }
    for (index, sentence) in change.data_effects.iter().enumerate() {
        let head = if index == 0 { "data:  " } else { "       " };
        text.push_plain(format!("        {head}{}", sanitize_line(sentence))).end_line();
    }
}

/// What an object is called below its service.
pub(crate) fn object_label(at: &Address) -> String {
    match at.kind {
        Kind::ClickPipe => at.name.to_string(),
        Kind::CdcScaling => "CdcScaling".to_owned(),
        Kind::ReversePrivateEndpoint => format!("endpoint {}", at.name),
    }
}

/// Things one after the other.
pub(crate) fn comma_separated(things: &[impl ToString]) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What becomes of the object, in words.
pub(crate) fn describe_change(change: &Change, actions: &[&Action]) -> String {
    let pauses = actions.first().is_some_and(|action| is_stop_action(action)) && actions.len() > 1;
    match &change.verdict {
        Verdict::Create => match &change.reason {
            Some(reason) => format!("create ({reason})"),
            None => "create".to_owned(),
        },
        Verdict::Adopt => "adopt".to_owned(),
        Verdict::Update if pauses => "update (pauses the pipe)".to_owned(),
        Verdict::Update if matches!(actions, [Action::SetState { .. }]) => describe_state_change(actions).to_owned(),
        Verdict::Update => "update".to_owned(),
        Verdict::Rename => {
            let from = change.renamed_from.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("rename from `{from}`")
        }
        Verdict::Replace => "must be replaced".to_owned(),
        Verdict::Delete => {
            format!("delete ({})", change.reason.as_deref().unwrap_or("state: absent"))
        }
        Verdict::Blocked(reason) => format!("blocked: {reason}"),
    }
}

/// What an update without fields is about.
fn describe_state_change(actions: &[&Action]) -> &'static str {
    match actions {
        [Action::SetState { to: RunState::Stopped, .. }] => "stop",
        [Action::SetState { to: RunState::Running, .. }] => "start",
        _ => "update",
    }
}

fn is_stop_action(action: &Action) -> bool {
    matches!(action, Action::SetState { to: RunState::Stopped, .. })
}

/// What is done to the object, in order, with the waits that belong to it.
pub(crate) fn action_steps(change: &Change, actions: &[&Action]) -> Vec<String> {
    let stopped = lifecycle::stopped_state_name(change.after.as_ref().unwrap_or(&Value::Null));
    let resumes = actions.iter().any(|action| is_stop_action(action));
    let mut steps = Vec::new();
    for action in actions {
        match action {
            Action::Create { .. } => steps.push("create".to_owned()),
            Action::Delete { .. } => {
                steps.extend(["delete".to_owned(), "wait until gone".to_owned()]);
            }
            Action::Update { via, .. } => steps.push(
                match via {
                    UpdateVia::Resource => "patch",
                    UpdateVia::Settings => "put settings",
                    UpdateVia::Scaling => "patch scaling",
                }
                .to_owned(),
            ),
            Action::SetState { to: RunState::Stopped, .. } => {
                steps.extend(["stop".to_owned(), format!("wait until {stopped}")]);
            }
            Action::SetState { to: RunState::Running, .. } => {
                if !resumes {
                    steps.push("start".to_owned());
                }
                steps.push("wait until Running".to_owned());
            }
        }
    }
    steps
}

fn push_field(text: &mut StyledText, field: &FieldChange) {
    let (sign, label) = match (&field.before, &field.after) {
        _ if field.verdict == Some(FieldVerdict::Resent) => ("~", Label::Update),
        (None, _) => ("+", Label::Create),
        (Some(_), None) => ("-", Label::Delete),
        (Some(_), Some(_)) => ("~", Label::Update),
    };
    let remark = commented_remark(field);
    let values = match (&field.entry, &field.before, &field.after) {
        (Some(entry), Some(before), Some(after)) => {
            format!("{entry}: {}", entry_differences(before, after))
        }
        (Some(entry), _, _) => entry.clone(),
        (None, None, Some(after)) => short_value(after),
        (None, Some(before), None) => short_value(before),
        (None, Some(before), Some(after)) => {
            format!("{} -> {}", short_value(before), short_value(after))
        }
        (None, None, None) => "resent".to_owned(),
    };
    let left = format!("      {sign} {}", field.path);
    push_columns(text, label, &left, FIELD_COLUMN, &format!("{values}{remark}"), Label::Plain);
}

/// The remark behind a field: whether it forces replacement, and who changed it, in the words of JSON.
pub(crate) fn field_remark(field: &FieldChange) -> String {
    let origin = match field.verdict {
        Some(FieldVerdict::Drift) => "drift: will be reverted",
        Some(FieldVerdict::Conflict) => "conflict: changed in git and outside git",
        // The value of a resent field is the word itself.
        None | Some(FieldVerdict::Resent) => "",
        Some(verdict) => verdict.as_str(),
    };
    let forces = if field.forces_replacement { "forces replacement" } else { "" };
    let parts: Vec<&str> = [forces, origin].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// The remark as a comment at the end of a line.
pub(crate) fn commented_remark(field: &FieldChange) -> String {
    let remark = field_remark(field);
    if remark.is_empty() { remark } else { format!("   # {remark}") }
}

/// What differs inside an entry of a list.
pub(crate) fn entry_differences(before: &Value, after: &Value) -> String {
    let none = serde_json::Map::new();
    let (before, after) = (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
    let differing = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let parts: Vec<String> = differing
        .map(|(name, value)| {
            let before = before.get(name).map_or_else(|| "(unset)".to_owned(), short_value);
            format!("{name} {before} -> {}", short_value(value))
        })
        .collect();
    parts.join(", ")
}

pub(super) fn short_value(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= MAX_VALUE_CHARS {
        return text;
    }
    let start: String = text.chars().take(MAX_VALUE_CHARS - 1).collect();
    format!("{start}…")
}

fn push_summary(text: &mut StyledText, plan: &Plan, context: &Context) {
    text.append(unreachable::unreachable_lines(&context.unreachable));
    if let Some((considered, declared)) = context.partial {
        text.push_plain(format!("partial: {considered} of {declared} objects included")).end_line();
    }
    let read = match context.requests {
        0 => String::new(),
        requests => format!("  Read with {}.", pluralize(requests, "request")),
    };
    let (unchanged, unmanaged) = (plan.in_sync.len(), plan.unmanaged.len());
    let rest = format!("{unchanged} unchanged, {unmanaged} unmanaged.{read}");
    if plan.has_no_changes() {
        let what = match plan.drifted_fields().next() {
            Some(_) => "No changes to apply. Drift is listed above.",
            None if !context.unreachable.is_empty() => "No changes in the services that could be read.",
            None => "No changes. Live pipes match the manifests.",
        };
        text.push_plain(format!("{what}  {rest}")).end_line();
        ignored_changes::push_drift_summary(text, plan);
        unchecked::push_unchecked_note(text, plan);
        return;
    }
    text.push(Label::Heading, format!("Plan: {}.", plan_counts(plan))).push_plain(format!("  {rest}")).end_line();
    ignored_changes::push_drift_summary(text, plan);
    unchecked::push_unchecked_note(text, plan);
    if let Some(line) = cost_estimate(plan, context) {
        text.push_plain(line).end_line();
    }
}

/// What performing the plan takes; nothing where that is nothing, or not known.
pub(crate) fn cost_estimate(plan: &Plan, context: &Context) -> Option<String> {
    let sent = plan.actions.len() + count_recreated(plan);
    let (requests, seconds) = context.rate.filter(|_| sent > 0)?;
    #[expect(clippy::cast_precision_loss, reason = "a rough number of seconds for people")]
    let time = (sent as f64 * seconds / requests as f64).ceil();
    Some(format!(
        "Will send {} (at least {time} s at {requests} requests / {seconds} s), plus time for pipes to settle.",
        pluralize(sent, "request")
    ))
}

/// How many objects are deleted and made again: each takes a look at its service before.
fn count_recreated(plan: &Plan) -> usize {
    let is_made = |at: &Address| {
        let mut actions = plan.actions.iter();
        actions.any(|action| matches!(action, Action::Create { address: made, .. } if made == at))
    };
    let deleted = plan.actions.iter().filter(|action| matches!(action, Action::Delete { .. }));
    deleted.filter(|action| is_made(action.address())).count()
}

/// `1 to create, 2 to update, 0 to replace, 0 to delete`, then what occurs of the rest.
pub fn plan_counts(plan: &Plan) -> String {
    let always = ["create", "update", "replace", "delete"];
    let sometimes = ["rename", "adopt"];
    let mut parts: Vec<String> = always.iter().map(|word| format!("{} to {word}", plan.count_verdict(word))).collect();
    parts.extend(
        sometimes
            .iter()
            .filter(|word| plan.count_verdict(word) > 0)
            .map(|word| format!("{} to {word}", plan.count_verdict(word))),
    );
    if plan.count_verdict("blocked") > 0 {
        parts.push(format!("{} blocked", plan.count_verdict("blocked")));
    }
    parts.join(", ")
}
