//! The words for a change of one object: verdict, reason and requests.

use clickpipes::lineage::{self, LineageEdge};
use clickpipes::{lifecycle, pipe_summary, start_paused};
use model::action::{Action, RunState, UpdateVia};
use model::rule_finding::RuleFinding;
use planner::{Change, SentSecret, ShownFields, Verdict};

use super::field::FieldView;
use crate::apply::ObjectResult;
use crate::escape::truncate_chars;

pub(super) fn describe_change(change: &Change, actions: &[&Action]) -> String {
    let verdict = match (&change.verdict, actions) {
        (Verdict::Create, _) => match &change.reason {
            Some(reason) => format!("create ({reason})"),
            None => "create".to_owned(),
        },
        (Verdict::Update, [first, _, ..]) if first.is_stop() => "update (pauses the pipe)".to_owned(),
        (Verdict::Replace, _) => "must be replaced".to_owned(),
        (Verdict::Delete, _) => format!("delete ({})", change.reason.as_deref().unwrap_or("state: absent")),
        _ => action_word(change, actions).to_owned(),
    };
    // An object is known by its live name, so that name and the id are part of the verdict.
    match (&change.verdict, &change.renamed_from, &change.id) {
        (Verdict::Rename, Some(from), Some(id)) => format!("{verdict} from `{from}` ({id})"),
        (_, Some(from), Some(id)) => format!("{verdict}, renamed from `{from}` ({id})"),
        _ => verdict,
    }
}

/// One word for machines: the verdict, or the command if nothing else is done.
pub(crate) fn action_word(change: &Change, actions: &[&Action]) -> &'static str {
    match (&change.verdict, actions) {
        (Verdict::Update, [Action::SetState { to: RunState::Stopped, .. }]) => "stop",
        (Verdict::Update, [Action::SetState { to: RunState::Running, .. }]) => "start",
        (verdict, _) => verdict.as_str(),
    }
}

pub(super) fn main_reason(change: &Change, created: Option<&str>, result: Option<&ObjectResult>) -> String {
    if let Some(error) = result.and_then(|result| result.error.as_ref()) {
        return error.message.clone();
    }
    let effect = change.data_effects.first().cloned();
    match &change.verdict {
        Verdict::Blocked(_) => return change.reason.clone().unwrap_or_default(),
        Verdict::Create => {
            let effects = change.data_effects.iter().map(String::as_str);
            return created.into_iter().chain(effects).collect::<Vec<_>>().join("; ");
        }
        _ => {}
    }
    let fields = FieldView::all_of(change);
    let forcing = fields.iter().filter(|field| field.forces_replacement);
    let forcing: Vec<String> = forcing.map(|field| format!("`{}`", field.path)).collect();
    let forced = (!forcing.is_empty()).then(|| format!("{} cannot be changed in place", forcing.join(", ")));
    let changed = forced.unwrap_or_else(|| describe_fields(&fields));
    match effect {
        None => changed,
        Some(effect) if changed.is_empty() => effect,
        // Neither pushes out the other: a row has room for 300 characters.
        Some(effect) => format!("{}; {effect}", truncate_chars(&changed, 150)),
    }
}

/// The first fields with their values, and how many more there are.
fn describe_fields(fields: &[FieldView<'_>]) -> String {
    const MAX_FIELDS: usize = 3;
    let shown = fields.iter().take(MAX_FIELDS).map(|field| format!("`{}` {}", field.path, field.inline_words()));
    let more = fields.len().saturating_sub(MAX_FIELDS);
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join("; ")
}

/// `Kafka clicks -> default.clicks, JSONEachRow, 2 x 0.5 cores, 1 GB`; `None` for objects other than pipes.
pub(super) fn describe_created(change: &Change, actions: &[&Action]) -> Option<String> {
    let create = actions.first().filter(|_| change.verdict == Verdict::Create)?;
    let body = create.request_body()?;
    let lineage = lineage::pipe_lineage(change.address.kind, body)?;
    let edges = describe_edges(&lineage.edges);
    let summary = pipe_summary::summarize_with_lineage(body, Some(lineage));
    let flow = [summary.source, edges].join(" ");
    let size = summary.size.map(|size| size.describe(summary.shares_size)).unwrap_or_default();
    let parts = [flow.trim_end().to_owned(), summary.format, size];
    Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "))
}

/// `users -> raw.users`; of several, the first and how many more.
fn describe_edges(edges: &[LineageEdge]) -> String {
    let Some(first) = edges.first() else { return String::new() };
    let more = if edges.len() > 1 { format!(" and {} more", edges.len() - 1) } else { String::new() };
    if edges.iter().all(|edge| edge.to == first.to) {
        return format!("{}{more} -> {}", first.from, first.to);
    }
    format!("{} -> {}{more}", first.from, first.to)
}

pub(super) fn request_lines(change: &Change, actions: &[&Action]) -> Vec<String> {
    let steps = action_steps(change, actions);
    let steps = (steps.len() > 1).then(|| format!("actions: {}", steps.join(", ")));
    let resent = joined("also sends (required by the API): ", &change.resent_fields);
    steps.into_iter().chain(resent).chain(secret_lines(&change.secrets)).collect()
}

/// `sends USER, PASSWORD to db.example.com:5432`, one line for each receiver.
fn secret_lines(secrets: &[SentSecret]) -> Vec<String> {
    let mut receivers: Vec<(String, bool, Vec<String>)> = Vec::new();
    for sent in secrets {
        let (to, name) = (sent.receivers(), sent.name());
        match receivers.iter_mut().find(|(other, new, _)| *other == to && *new == sent.new) {
            Some((_, _, names)) if names.contains(&name) => {}
            Some((_, _, names)) => names.push(name),
            None => receivers.push((to, sent.new, vec![name])),
        }
    }
    let line = |(to, new, names): (String, bool, Vec<String>)| {
        let new = if new { " for the first time" } else { "" };
        format!("sends {} to {to}{new}", names.join(", "))
    };
    receivers.into_iter().map(line).collect()
}

/// Findings of rules that do not block, as the reason.
pub(super) fn rule_lines(change: &Change) -> Vec<String> {
    let findings = change.rule_findings.iter().filter(|finding| !finding.is_blocking());
    let excepted = |finding: &RuleFinding| if finding.is_excepted { " (excepted)" } else { "" };
    findings.map(|finding| format!("rule: {}{}", finding.describe(), excepted(finding))).collect()
}

/// The things after a heading, if there are any.
fn joined(heading: &str, things: &[impl ToString]) -> Option<String> {
    let things: Vec<String> = things.iter().map(ToString::to_string).collect();
    (!things.is_empty()).then(|| format!("{heading}{}", things.join(", ")))
}

/// The actions on the object, in order, with the waits between them.
fn action_steps(change: &Change, actions: &[&Action]) -> Vec<String> {
    let fields = || change.after.as_ref().map(ShownFields::redacted).unwrap_or_default();
    let resumes = actions.iter().any(|action| action.is_stop());
    // Apply sends the stop only if the API started the pipe. The data effects say so.
    let is_created_stopped =
        actions.iter().any(|action| matches!(action, Action::Create { body, .. } if start_paused::has_switch(body)));
    let mut steps = Vec::new();
    for action in actions {
        match action {
            Action::Create { .. } if is_created_stopped => steps.push("create stopped".to_owned()),
            Action::Create { .. } => steps.push("create".to_owned()),
            Action::Delete { .. } => steps.extend(["delete".to_owned(), "wait until gone".to_owned()]),
            Action::Update { via: UpdateVia::Resource, .. } => steps.push("patch".to_owned()),
            Action::Update { via: UpdateVia::Settings, .. } => steps.push("put settings".to_owned()),
            Action::Update { via: UpdateVia::Scaling, .. } => steps.push("patch scaling".to_owned()),
            Action::SetState { to: RunState::Stopped, .. } => {
                let stopped = lifecycle::stopped_state_name(&fields());
                steps.extend((!is_created_stopped).then(|| "stop".to_owned()));
                steps.push(format!("wait until {stopped}"));
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
