//! A plan for people, in Terraform's grammar.

pub(crate) mod left_alone;
pub(crate) mod not_compared;

use std::collections::BTreeMap;

use model::action::{Action, Endpoint, RunState};
use model::address::{Address, Kind, ServiceRef};
use model::lifecycle;
use model::visible::one_line;
use planner::{Change, FieldChange, FieldVerdict, LeftAlone, Plan, Verdict};
use serde_json::Value;

use super::diagnostics::plural;
use super::diff;
use super::unread::{self, Unread};
use crate::output::{Label, Text};

/// Where the words about an object begin, and those about a field.
pub(super) const OBJECT_COLUMN: usize = 48;
pub(super) const FIELD_COLUMN: usize = 52;

/// A value longer than this is cut in the overview; `--diff` shows all of it.
const LONGEST_VALUE: usize = 60;

/// What else is said about a plan.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Objects that were considered and that are declared, when the plan was narrowed.
    pub partial: Option<(usize, usize)>,
    /// Services that the plan says nothing of.
    pub unread: Vec<Unread>,
    /// Requests that observing took.
    pub requests: usize,
    /// Requests per window, and the window in seconds.
    pub rate: Option<(usize, f64)>,
    /// Whether to show each change as a diff.
    pub diff: bool,
}

/// The whole plan.
pub fn render(plan: &Plan, context: &Context) -> Text {
    let mut text = Text::new();
    for (service, objects) in by_service(plan) {
        let unchanged = plan.in_sync.iter().filter(|at| at.service == *service);
        let unchanged = unchanged.filter(|at| !objects.contains_key(at));
        let pipes = plural(unchanged.count() + objects.len(), "object");
        line(&mut text, Label::Name, &service.to_string(), OBJECT_COLUMN, &pipes, Label::Dim);
        for (at, entry) in objects {
            match entry.change {
                Some(change) => object(&mut text, plan, change),
                None => left_alone::heading(&mut text, at, entry.left_alone),
            }
            left_alone::fields(&mut text, entry.left_alone);
            if let (Some(change), true) = (entry.change, context.diff) {
                text.append(diff::render(change));
            }
        }
        text.end();
    }
    summary(&mut text, plan, context);
    text
}

/// What there is to say of one object.
#[derive(Default)]
struct Entry<'p> {
    change: Option<&'p Change>,
    left_alone: Option<&'p LeftAlone>,
}

fn by_service(plan: &Plan) -> BTreeMap<&ServiceRef, BTreeMap<&Address, Entry<'_>>> {
    let mut services: BTreeMap<_, BTreeMap<_, Entry<'_>>> = BTreeMap::new();
    for change in &plan.changes {
        let objects = services.entry(&change.at.service).or_default();
        objects.entry(&change.at).or_default().change = Some(change);
    }
    for left in &plan.left_alone {
        let objects = services.entry(&left.at.service).or_default();
        objects.entry(&left.at).or_default().left_alone = Some(left);
    }
    services
}

/// `left`, filled up to the column, then `right`.
pub(super) fn line(
    text: &mut Text,
    label: Label,
    left: &str,
    column: usize,
    right: &str,
    dim: Label,
) {
    let (left, right) = (one_line(left), one_line(right));
    let gap = column.saturating_sub(left.chars().count()).max(2);
    text.push(label, left).plain(" ".repeat(gap)).push(dim, right).end();
}

fn symbol(verdict: &Verdict) -> (&'static str, Label) {
    match verdict {
        Verdict::Create => ("+", Label::Create),
        Verdict::Adopt | Verdict::Update | Verdict::Rename => ("~", Label::Update),
        Verdict::Replace => ("-/+", Label::Replace),
        Verdict::Delete => ("-", Label::Delete),
        Verdict::Blocked(_) => ("!", Label::Blocked),
    }
}

fn object(text: &mut Text, plan: &Plan, change: &Change) {
    let (sign, label) = symbol(&change.verdict);
    let actions: Vec<&Action> =
        plan.actions.iter().filter(|action| action.at() == &change.at).collect();
    let left = format!("  {sign} {}", name(&change.at));
    line(text, label, &left, OBJECT_COLUMN, &words(change, &actions), Label::Plain);
    for field in &change.fields {
        field_line(text, field);
    }
    let steps = steps(change, &actions);
    if steps.len() > 1 {
        text.push(Label::Dim, format!("        actions: {}", steps.join(", "))).end();
    }
    if !change.carries.is_empty() {
        text.push(Label::Dim, format!("        sends along: {}", listed(&change.carries))).end();
    }
    if !change.sends.is_empty() {
        let sent = one_line(&listed(&change.sends));
        text.push(Label::Dim, format!("        sends: {sent}")).end();
    }
    for (index, sentence) in change.data.iter().enumerate() {
        let head = if index == 0 { "data:  " } else { "       " };
        text.plain(format!("        {head}{}", one_line(sentence))).end();
    }
}

/// What an object is called below its service.
pub(crate) fn name(at: &Address) -> String {
    match at.kind {
        Kind::ClickPipe => at.name.to_string(),
        Kind::CdcScaling => "CdcScaling".to_owned(),
        Kind::ReversePrivateEndpoint => format!("endpoint {}", at.name),
    }
}

/// Things one after the other.
pub(crate) fn listed(things: &[impl ToString]) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What becomes of the object, in words.
pub(crate) fn words(change: &Change, actions: &[&Action]) -> String {
    let pauses = actions.first().is_some_and(|action| is_stop(action)) && actions.len() > 1;
    match &change.verdict {
        Verdict::Create => match &change.reason {
            Some(reason) => format!("create ({reason})"),
            None => "create".to_owned(),
        },
        Verdict::Adopt => "adopt".to_owned(),
        Verdict::Update if pauses => "update, paused for the edit".to_owned(),
        Verdict::Update if matches!(actions, [Action::SetState { .. }]) => {
            state(actions).to_owned()
        }
        Verdict::Update => "update".to_owned(),
        Verdict::Rename => {
            let from = change.renamed_from.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("rename, until now `{from}`")
        }
        Verdict::Replace => "must be replaced".to_owned(),
        Verdict::Delete => {
            format!("delete ({})", change.reason.as_deref().unwrap_or("state: absent"))
        }
        Verdict::Blocked(reason) => format!("blocked: {reason}"),
    }
}

/// What an update without fields is about.
fn state(actions: &[&Action]) -> &'static str {
    match actions {
        [Action::SetState { to: RunState::Stopped, .. }] => "stop",
        [Action::SetState { to: RunState::Running, .. }] => "start",
        _ => "update",
    }
}

fn is_stop(action: &Action) -> bool {
    matches!(action, Action::SetState { to: RunState::Stopped, .. })
}

/// What is done to the object, in order, with the waits that belong to it.
pub(crate) fn steps(change: &Change, actions: &[&Action]) -> Vec<String> {
    let stopped = lifecycle::stopped_word(change.after.as_ref().unwrap_or(&Value::Null));
    let resumes = actions.iter().any(|action| is_stop(action));
    let mut steps = Vec::new();
    for action in actions {
        match action {
            Action::Create { .. } => steps.push("create".to_owned()),
            Action::Delete { .. } => {
                steps.extend(["delete".to_owned(), "wait until gone".to_owned()]);
            }
            Action::Update { via, .. } => steps.push(
                match via {
                    Endpoint::Resource => "patch",
                    Endpoint::Settings => "put settings",
                    Endpoint::Scaling => "patch scaling",
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

fn field_line(text: &mut Text, field: &FieldChange) {
    let (sign, label) = match (&field.before, &field.after) {
        _ if field.verdict == Some(FieldVerdict::Resent) => ("~", Label::Update),
        (None, _) => ("+", Label::Create),
        (Some(_), None) => ("-", Label::Delete),
        (Some(_), Some(_)) => ("~", Label::Update),
    };
    let remark = match remark(field) {
        "" => String::new(),
        remark => format!("   # {remark}"),
    };
    let values = match (&field.entry, &field.before, &field.after) {
        (Some(entry), Some(before), Some(after)) => format!("{entry}: {}", inside(before, after)),
        (Some(entry), _, _) => entry.clone(),
        (None, None, Some(after)) => shown(after),
        (None, Some(before), None) => shown(before),
        (None, Some(before), Some(after)) => format!("{} -> {}", shown(before), shown(after)),
        (None, None, None) => "resent".to_owned(),
    };
    let left = format!("      {sign} {}", field.path);
    line(text, label, &left, FIELD_COLUMN, &format!("{values}{remark}"), Label::Plain);
}

/// Why a field is special: it forces replacement, or somebody else changed it. Empty for most.
pub(crate) fn remark(field: &FieldChange) -> &'static str {
    match field.verdict {
        _ if field.forces_replacement => "forces replacement",
        Some(FieldVerdict::Drift) => "changed outside git, set back",
        Some(FieldVerdict::Conflict) => "changed in git and outside",
        _ => "",
    }
}

/// What differs inside an entry of a list.
pub(crate) fn inside(before: &Value, after: &Value) -> String {
    let none = serde_json::Map::new();
    let (before, after) = (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
    let differing = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let parts: Vec<String> = differing
        .map(|(name, value)| {
            let before = before.get(name).map_or_else(|| "(unset)".to_owned(), shown);
            format!("{name} {before} -> {}", shown(value))
        })
        .collect();
    parts.join(", ")
}

pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    let start: String = text.chars().take(LONGEST_VALUE - 1).collect();
    format!("{start}…")
}

fn summary(text: &mut Text, plan: &Plan, context: &Context) {
    text.append(unread::lines(&context.unread));
    if let Some((considered, declared)) = context.partial {
        text.plain(format!("partial: {considered} of {declared} objects considered")).end();
    }
    let read = match context.requests {
        0 => String::new(),
        requests => format!("  Read with {}.", plural(requests, "request")),
    };
    let (unchanged, unmanaged) = (plan.in_sync.len(), plan.unmanaged.len());
    let rest = format!("{unchanged} unchanged, {unmanaged} unmanaged.{read}");
    if plan.is_empty() {
        let what = match plan.drift().next() {
            Some(_) => "No changes: nothing in git differs from live but what drifted.",
            None if !context.unread.is_empty() => "No changes in what could be read.",
            None if plan.not_compared.is_empty() => "No changes: live is as declared.",
            None => "No changes: what can be compared is as declared.",
        };
        text.plain(format!("{what}  {rest}")).end();
        left_alone::summary(text, plan);
        not_compared::summary(text, plan);
        return;
    }
    text.push(Label::Heading, format!("Plan: {}.", counts(plan))).plain(format!("  {rest}")).end();
    left_alone::summary(text, plan);
    not_compared::summary(text, plan);
    if let Some(line) = cost(plan, context) {
        text.plain(line).end();
    }
}

/// What performing the plan takes; nothing where that is nothing, or not known.
pub(crate) fn cost(plan: &Plan, context: &Context) -> Option<String> {
    let sent = plan.actions.len() + made_again(plan);
    let (requests, seconds) = context.rate.filter(|_| sent > 0)?;
    #[expect(clippy::cast_precision_loss, reason = "a rough number of seconds for people")]
    let time = (sent as f64 * seconds / requests as f64).ceil();
    Some(format!(
        "Cost: {} and the waiting, about {time} s at {requests} requests / {seconds} s.",
        plural(sent, "request")
    ))
}

/// How many objects are deleted and made again: each takes a look at its service before.
fn made_again(plan: &Plan) -> usize {
    let is_made = |at: &Address| {
        let mut actions = plan.actions.iter();
        actions.any(|action| matches!(action, Action::Create { at: made, .. } if made == at))
    };
    let deleted = plan.actions.iter().filter(|action| matches!(action, Action::Delete { .. }));
    deleted.filter(|action| is_made(action.at())).count()
}

/// `1 to create, 2 to update, 0 to replace, 0 to delete`, then what occurs of the rest.
pub fn counts(plan: &Plan) -> String {
    let always = ["create", "update", "replace", "delete"];
    let sometimes = ["rename", "adopt"];
    let mut parts: Vec<String> =
        always.iter().map(|word| format!("{} to {word}", plan.count(word))).collect();
    parts.extend(
        sometimes
            .iter()
            .filter(|word| plan.count(word) > 0)
            .map(|word| format!("{} to {word}", plan.count(word))),
    );
    if plan.count("blocked") > 0 {
        parts.push(format!("{} blocked", plan.count("blocked")));
    }
    parts.join(", ")
}
