//! Notes that a reviewer must see first: a secret that reaches a new host, weakened TLS, a name that looks like another
//! one, an exception from a rule, a changed project file.

use std::collections::{BTreeMap, BTreeSet};

use model::address::Address;
use model::desired::Place;
use model::look_alike::{escape_foreign, visible_name};
use model::project::Policy;
use planner::{Change, ChangedTemplate, Plan, Verdict};
use serde::Serialize;
use serde_json::Value;

use super::object::display_name;
use super::values::{self, Difference, short_pair, short_value};
use super::{Context, ProjectChange};
use crate::diagnostics::pluralize;
use crate::settings_diff::{ProjectChanges, SettingDiff};

/// The maximum number of notes. The least severe of the rest are only counted.
const MAX_NOTES: usize = 20;

/// The severity of a note, the most severe first.
// Hazard: annotations are cut at ten. So notes that need a changed live object or a weaker policy come before notes
// that a change can add in any number, such as new objects and settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// A secret that is in use, and that a live object sends, gets another receiver.
    LiveSecret,
    /// The policy allows more.
    Policy,
    /// The variables with the API keys change.
    Credentials,
    /// TLS of a live object is weakened.
    LiveTls,
    /// A new object sends a secret that is in use to another receiver.
    KnownSecret,
    /// A new secret is sent.
    NewSecret,
    /// A new object has weak TLS.
    NewTls,
    /// Another setting of the project changes.
    Setting,
    /// A setting is new, or the policy allows less.
    Addition,
    /// A name, a template or an exception.
    Object,
    /// A default or a variable changes. The affected objects show the effect.
    Default,
}

impl Gravity {
    /// Whether a reviewer must see it before the objects.
    pub(crate) fn is_grave(self) -> bool {
        self <= Self::NewTls
    }
}

/// One note for a reviewer. Text of others is in backticks.
#[derive(Serialize)]
pub(crate) struct ReviewNote {
    #[serde(skip)]
    pub(crate) gravity: Gravity,
    /// For machines.
    pub(crate) code: &'static str,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
}

/// All notes, each pair of secret and receiver once, the most severe first.
// Hazard: many harmless changes in a pull request could hide the one that matters.
pub(crate) fn review_notes(plan: &Plan, context: &Context) -> Vec<ReviewNote> {
    let project = context.project_changes.iter().map(|change| ReviewNote {
        gravity: change.gravity,
        code: "project-change",
        text: format!("pipectl.yaml: {}", change.text),
        place: None,
    });
    let exceptions = context.new_exceptions.iter().map(|exception| ReviewNote {
        gravity: Gravity::Object,
        code: "new-exception",
        text: format!("`{}` excepts itself from `{}`", display_name(&exception.address), exception.rules.join("`, `")),
        place: Some(exception.place.clone()),
    });
    let templates = template_notes(plan, context.base.is_some());
    let mut notes: Vec<ReviewNote> = project.chain(exceptions).chain(templates).chain(look_alike_notes(plan)).collect();
    notes.extend(new_pair_notes(plan));
    notes.extend(weakened_tls_notes(plan));
    notes.sort_by_key(|note| note.gravity);
    notes
}

/// One note for each template that changes objects: thirty-eight rows would repeat it. Without a base it is unknown
/// whether the template or the live objects changed.
fn template_notes(plan: &Plan, has_base: bool) -> impl Iterator<Item = ReviewNote> {
    let by_change = plan.changes.iter().map(|change| (&change.template, &change.address));
    let by_loss = plan.ignored_changes.iter().map(|left| (&left.template, &left.address));
    let mut changed: BTreeMap<&ChangedTemplate, BTreeSet<&Address>> = BTreeMap::new();
    for (template, address) in by_change.chain(by_loss) {
        if let Some(template) = template {
            changed.entry(template).or_default().insert(address);
        }
    }
    let note = |(template, objects): (&ChangedTemplate, BTreeSet<&Address>)| {
        let (name, pipes) = (&template.name, pluralize(objects.len(), "pipe"));
        let (code, text) = if has_base {
            let earlier = template.renamed_from.as_ref().map(|name| format!(" (was `{name}`)"));
            ("template-change", format!("template `{name}`{} changed: {pipes}", earlier.unwrap_or_default()))
        } else {
            ("template-values", format!("values from template `{name}` differ: {pipes}"))
        };
        ReviewNote { gravity: Gravity::Object, code, text, place: Some(template.place.clone()) }
    };
    changed.into_iter().map(note).collect::<Vec<_>>().into_iter()
}

/// The notes as lines: all notes about the policy, keys, TLS, secrets and settings, and a limited number of the others.
pub(crate) fn review_lines(plan: &Plan, context: &Context) -> Vec<String> {
    let notes = review_notes(plan, context);
    let grave = notes.iter().filter(|note| note.gravity <= Gravity::Addition).count();
    let shown = grave.max(MAX_NOTES);
    let more = notes.len().saturating_sub(shown);
    let more = (more > 0).then(|| format!("and {more} more; JSON contains all"));
    notes.into_iter().take(shown).map(|note| note.text).chain(more).collect()
}

/// One sentence for each setting.
pub(crate) fn describe_project_changes(changes: &ProjectChanges) -> Vec<ProjectChange> {
    let settings = changes.settings.iter().map(|it| ProjectChange {
        text: format!("`{}` {}", it.path, describe_setting(it)),
        gravity: gravity_of_setting(it, changes.grave_paths.contains(&it.path)),
    });
    let held = changes.is_policy_held.then(|| ProjectChange {
        text: "the stricter of both policies applies until this is merged (`--trust-policy` lifts that)".to_owned(),
        gravity: Gravity::Policy,
    });
    let gone = changes
        .gone_environments
        .iter()
        .map(|name| ProjectChange { text: format!("the environment `{name}` was removed"), gravity: Gravity::Policy });
    gone.chain(settings).chain(held).collect()
}

/// Entries of a list that one note shows.
const MAX_ENTRIES: usize = 20;

/// `1 -> 3`; of a long list, the entries that differ: `- "prod/*", + "dev/*"`.
// Hazard: two long lists that are cut look alike, and the cut hides the difference.
fn describe_setting(setting: &SettingDiff) -> String {
    let sides = (setting.left.as_ref(), setting.right.as_ref());
    let mut entries = values::differences(sides.0, sides.1);
    if entries.is_empty() {
        let text = |value: Option<&Value>| value.map_or_else(|| "unset".to_owned(), short_value);
        return match sides {
            (Some(left), Some(right)) => short_pair(left, right, values::MAX_VALUE_CHARS).join(" -> "),
            (left, right) => format!("{} -> {}", text(left), text(right)),
        };
    }
    // Entries that allow more come first.
    let is_limit = setting.path.segments().last().is_some_and(|key| Policy::is_list_of_limits(key));
    let harmless = if is_limit { '+' } else { '-' };
    entries.sort_by_key(|entry| entry.sign == harmless);
    let shown: Vec<String> = entries.iter().take(MAX_ENTRIES).map(Difference::line).collect();
    let more = entries.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more entries") } else { String::new() };
    let [from, to] =
        [(sides.0, "unset -> "), (sides.1, " -> unset")].map(|(side, words)| if side.is_none() { words } else { "" });
    format!("{from}{}{more}{to}", shown.join(", "))
}

fn gravity_of_setting(setting: &SettingDiff, is_grave: bool) -> Gravity {
    let is_new = setting.left.is_none();
    match setting.path.segments() {
        [first, second] if first == "defaults" && second == "environment" => Gravity::Policy,
        [first, ..] if first == "policy" && is_grave => Gravity::Policy,
        [first, ..] if first == "policy" => Gravity::Addition,
        [_, ..] if is_grave => Gravity::Credentials,
        [first, ..] if first == "defaults" || first == "variables" => Gravity::Default,
        _ if is_new => Gravity::Addition,
        _ => Gravity::Setting,
    }
}

/// One note for each pair of a used secret and its new receiver, and one for all new secrets of a receiver.
fn new_pair_notes(plan: &Plan) -> Vec<ReviewNote> {
    let mut pairs: BTreeMap<(Gravity, bool, Option<String>, String), NewPair<'_>> = BTreeMap::new();
    for change in &plan.changes {
        for sent in change.secrets.iter().filter(|sent| sent.new) {
            let gravity = match (sent.is_known_elsewhere, is_new(change)) {
                (true, false) => Gravity::LiveSecret,
                (true, true) => Gravity::KnownSecret,
                (false, _) => Gravity::NewSecret,
            };
            let own_line = sent.is_known_elsewhere.then(|| sent.name());
            let pair = pairs.entry((gravity, is_new(change), own_line, sent.receivers())).or_default();
            pair.secrets.insert(sent.name());
            if pair.objects.last().is_none_or(|last| last.address != change.address) {
                pair.objects.push(change);
            }
        }
    }
    let note = |((gravity, _, _, to), NewPair { secrets, objects }): (_, NewPair<'_>)| {
        let more =
            |shown: usize, all: usize| if all > shown { format!(" and {} more", all - shown) } else { String::new() };
        let names: Vec<&str> = secrets.iter().take(MAX_NAMES).map(String::as_str).collect();
        let (names, others) = (names.join("`, `"), more(MAX_NAMES, secrets.len()));
        let first = objects.first()?;
        let (object, objects) = (display_name(&first.address), more(1, objects.len()));
        Some(ReviewNote {
            gravity,
            code: "new-secret-host",
            text: format!("sends `{names}`{others} to `{to}` for the first time (`{object}`{objects})"),
            place: first.place.clone(),
        })
    };
    pairs.into_iter().filter_map(note).collect()
}

/// Names of new secrets that one note lists.
const MAX_NAMES: usize = 5;

/// The secrets that reach one receiver for the first time, and the objects that send them.
#[derive(Default)]
struct NewPair<'p> {
    secrets: BTreeSet<String>,
    objects: Vec<&'p Change>,
}

/// A live object already receives data and has readers, so it comes first.
fn is_new(change: &Change) -> bool {
    change.verdict == Verdict::Create
}

/// Changed objects whose name looks like that of another one, declared or not.
// Hazard: a reviewer takes the changed object for the live one.
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
        Some(ReviewNote { gravity: Gravity::Object, code: "look-alike-name", text, place: change.place.clone() })
    };
    plan.changes.iter().filter_map(note).collect()
}

fn weakened_tls_notes(plan: &Plan) -> Vec<ReviewNote> {
    let weakened = plan.changes.iter().filter(|change| !change.weakened_tls.is_empty());
    let note = |change: &Change| {
        let fields: Vec<String> = change.weakened_tls.iter().map(|path| format!("`{path}`")).collect();
        ReviewNote {
            gravity: if is_new(change) { Gravity::NewTls } else { Gravity::LiveTls },
            code: "weakened-tls",
            text: format!("weakens TLS of `{}`: {}", display_name(&change.address), fields.join(", ")),
            place: change.place.clone(),
        }
    };
    weakened.map(note).collect()
}
