//! What a reviewer must see first: a secret that reaches a new host, weakened TLS, a name that looks like another one, an
//! exception from a rule, a changed project file.

use std::collections::{BTreeMap, BTreeSet};

use model::address::Address;
use model::desired::Place;
use model::look_alike::{escape_foreign, visible_name};
use planner::{Change, ChangedTemplate, Plan};
use serde::Serialize;
use serde_json::Value;

use super::Context;
use super::object::display_name;
use super::values::short_value;
use crate::diagnostics::pluralize;
use crate::settings_diff::ProjectChanges;

/// More notes are counted.
const MAX_NOTES: usize = 20;

/// One thing to look at. In backticks is what others wrote.
#[derive(Serialize)]
pub(crate) struct ReviewNote {
    /// For machines.
    pub(crate) code: &'static str,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
}

/// All notes, each pair of secret and receiver once.
pub(crate) fn review_notes(plan: &Plan, context: &Context) -> Vec<ReviewNote> {
    let project = context.project_changes.iter().map(|text| ReviewNote {
        code: "project-change",
        text: format!("pipectl.yaml: {text}"),
        place: None,
    });
    let tls = plan.changes.iter().filter(|change| !change.weakened_tls.is_empty()).map(weakened_tls_note);
    let exceptions = context.new_exceptions.iter().map(|exception| ReviewNote {
        code: "new-exception",
        text: format!("`{}` excepts itself from `{}`", display_name(&exception.address), exception.rules.join("`, `")),
        place: Some(exception.place.clone()),
    });
    let project = project.chain(exceptions);
    let templates = template_notes(plan, context.base.is_some());
    project.chain(templates).chain(look_alike_notes(plan)).chain(new_pair_notes(plan)).chain(tls).collect()
}

/// One note for each template by which objects change: thirty-eight rows say the same. Without a base nobody knows
/// whether the template changed or the live objects.
fn template_notes(plan: &Plan, has_base: bool) -> impl Iterator<Item = ReviewNote> {
    let mut changed: BTreeMap<&ChangedTemplate, usize> = BTreeMap::new();
    for template in plan.changes.iter().filter_map(|change| change.template.as_ref()) {
        *changed.entry(template).or_default() += 1;
    }
    let note = |(template, count): (&ChangedTemplate, usize)| {
        let (name, pipes) = (&template.name, pluralize(count, "pipe"));
        let (code, text) = if has_base {
            ("template-change", format!("template `{name}` changed: {pipes}"))
        } else {
            ("template-values", format!("values from template `{name}` differ: {pipes}"))
        };
        ReviewNote { code, text, place: Some(template.place.clone()) }
    };
    changed.into_iter().map(note).collect::<Vec<_>>().into_iter()
}

/// The first notes as lines, and how many more there are.
pub(crate) fn review_lines(plan: &Plan, context: &Context) -> Vec<String> {
    let notes = review_notes(plan, context);
    let more = notes.len().saturating_sub(MAX_NOTES);
    let more = (more > 0).then(|| format!("and {more} more; JSON contains all"));
    notes.into_iter().take(MAX_NOTES).map(|note| note.text).chain(more).collect()
}

/// One sentence for each setting.
pub(crate) fn describe_project_changes(changes: &ProjectChanges) -> Vec<String> {
    let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "unset".to_owned(), short_value);
    let settings = changes.settings.iter().map(|it| format!("`{}` {} -> {}", it.path, text(&it.left), text(&it.right)));
    let held = changes
        .is_policy_held
        .then(|| "the stricter policy of both holds until this is merged (`--trust-policy` lifts that)".to_owned());
    let gone = changes.gone_environments.iter().map(|name| format!("the environment `{name}` is gone"));
    gone.chain(settings).chain(held).collect()
}

fn new_pair_notes(plan: &Plan) -> Vec<ReviewNote> {
    let mut pairs: BTreeMap<(String, String), Vec<&Change>> = BTreeMap::new();
    for change in &plan.changes {
        for sent in change.secrets.iter().filter(|sent| sent.new) {
            let objects = pairs.entry((sent.name(), sent.receivers())).or_default();
            if objects.last().is_none_or(|last| last.address != change.address) {
                objects.push(change);
            }
        }
    }
    let note = |((secret, to), changes): ((String, String), Vec<&Change>)| {
        let first = changes.first()?;
        let more = if changes.len() > 1 { format!(" and {} more", changes.len() - 1) } else { String::new() };
        let object = display_name(&first.address);
        Some(ReviewNote {
            code: "new-secret-host",
            text: format!("sends `{secret}` to `{to}` for the first time (`{object}`{more})"),
            place: first.place.clone(),
        })
    };
    pairs.into_iter().filter_map(note).collect()
}

/// Changed objects whose name looks like that of another one, declared or not.
// Hazard: a change of the object that a reviewer takes for the one that is live.
fn look_alike_notes(plan: &Plan) -> Vec<ReviewNote> {
    let unmanaged: BTreeSet<&Address> = plan.unmanaged.iter().map(|object| &object.address).collect();
    let declared = plan.changes.iter().map(|change| &change.address).chain(&plan.in_sync);
    let mut alike: BTreeMap<_, BTreeSet<&Address>> = BTreeMap::new();
    let group = |at: &Address| (at.service.clone(), at.kind, visible_name(at.name.as_str()));
    for address in declared.chain(unmanaged.iter().copied()) {
        alike.entry(group(address)).or_default().insert(address);
    }
    let note = |change: &Change| {
        let own = &change.address;
        let other = alike.get(&group(own))?.iter().find(|other| **other != own)?;
        let standing = if unmanaged.contains(other) { "live, and in no manifest" } else { "another object" };
        let (own, other) = (escape_foreign(own.name.as_str()), escape_foreign(other.name.as_str()));
        let text = format!("`{own}` looks like `{other}`, which is {standing}");
        Some(ReviewNote { code: "look-alike-name", text, place: change.place.clone() })
    };
    plan.changes.iter().filter_map(note).collect()
}

fn weakened_tls_note(change: &Change) -> ReviewNote {
    let fields: Vec<String> = change.weakened_tls.iter().map(|path| format!("`{path}`")).collect();
    ReviewNote {
        code: "weakened-tls",
        text: format!("weakens TLS of `{}`: {}", display_name(&change.address), fields.join(", ")),
        place: change.place.clone(),
    }
}
