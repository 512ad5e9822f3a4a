//! The words of a plan. Text, markdown, HTML, JSON and the formats of CI systems lay out this one view, so the words
//! for a verdict, a field, a value and a count are defined once.

pub(crate) mod field;
pub(crate) mod object;
mod object_words;
pub(crate) mod refusals;
pub(crate) mod review_notes;
pub(crate) mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::address::{Address, Kind};
use model::desired::Place;
use planner::{Change, MissingBase, Plan, UncheckedFields, actions_by_object};
use serde_json::{Value, json};

use self::field::{FieldView, FieldWords};
use self::object::ObjectView;
pub(crate) use self::object_words::action_word;
pub use self::refusals::ApplyRefusal;
pub(crate) use self::review_notes::Gravity;
use crate::apply::ObjectResult;
use crate::diagnostics::pluralize;
use crate::saved_plan::PlanTarget;
use crate::unreachable::UnreachableService;

/// Facts about a plan that are not in the plan itself.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The organization and the services that the plan is about.
    pub target: Option<PlanTarget>,
    /// Changes of the project file since the base.
    pub project_changes: Vec<ProjectChange>,
    pub project_file: Option<Arc<str>>,
    /// Selected and declared objects, when the plan was narrowed.
    pub partial: Option<(usize, usize)>,
    pub unreachable: Vec<UnreachableService>,
    /// Requests that reading took.
    pub requests: usize,
    /// Requests per window, and the window in seconds.
    pub rate: Option<(usize, f64)>,
    /// Whether to show each change as a diff.
    pub diff: bool,
    pub refusals: Vec<ApplyRefusal>,
    /// The commit of the base: short hash and subject.
    pub base: Option<String>,
    /// The commit of the manifests, if the plan has a base.
    pub commit: Option<String>,
    /// The commit from which a planned change starts, if it was not applied yet.
    pub unapplied: Option<String>,
    /// The target branch of the pull request, if the base is where this branch left it.
    pub target_branch: Option<String>,
    /// Exceptions from rules that the base does not have.
    pub new_exceptions: Vec<RuleException>,
    /// The number of objects that are not applied because no reviewed plan changes them so.
    pub not_reviewed: usize,
}

#[derive(Clone, Debug)]
pub struct ProjectChange {
    /// One sentence.
    pub text: String,
    /// Its severity.
    pub gravity: Gravity,
}

/// An object that excepts itself from rules of the project.
#[derive(Clone, Debug)]
pub struct RuleException {
    pub address: Address,
    pub rules: Vec<String>,
    /// The place of the annotation.
    pub place: Place,
}

/// A plan, and after an apply its results.
pub(crate) struct PlanView<'p> {
    /// The objects that change, are blocked, or have differences that the plan only reports. By address.
    pub(crate) objects: Vec<ObjectView<'p>>,
}

impl<'p> PlanView<'p> {
    pub(crate) fn new(plan: &'p Plan, results: &'p [ObjectResult], refusals: &[ApplyRefusal]) -> Self {
        let actions = actions_by_object(&plan.actions);
        let results: BTreeMap<&Address, &ObjectResult> = results.iter().map(|it| (&it.address, it)).collect();
        let mut objects: BTreeMap<&Address, ObjectView<'p>> = BTreeMap::new();
        for change in &plan.changes {
            let (at, none) = (&change.address, Vec::new());
            let actions = actions.get(at).unwrap_or(&none);
            objects.insert(at, ObjectView::of_change(change, actions, results.get(at).copied()));
        }
        for refusal in refusals {
            if let Some(object) = refusal.address.as_ref().and_then(|at| objects.get_mut(at)) {
                object.refuse(refusal);
            }
        }
        for ignored in &plan.ignored_changes {
            let at = &ignored.address;
            objects.entry(at).or_insert_with(|| ObjectView::unchanged(at)).add_ignored(ignored);
        }
        for unusable in &plan.unusable {
            let at = &unusable.address;
            objects.entry(at).or_insert_with(|| ObjectView::unchanged(at)).add_unusable(unusable);
        }
        for removed in plan.removed_manifests() {
            objects.entry(&removed.address).or_insert_with(|| ObjectView::of_removed_manifest(removed));
        }
        for added in plan.added_by_target() {
            objects.entry(&added.address).or_insert_with(|| ObjectView::added_by_target(added));
        }
        for at in &plan.removed_by_target {
            objects.entry(at).or_insert_with(|| ObjectView::removed_by_target(at));
        }
        Self { objects: objects.into_values().collect() }
    }

    /// The objects that change, are blocked, or are no longer managed, the most severe first.
    pub(crate) fn into_changes_by_severity(self) -> Vec<ObjectView<'p>> {
        let mut objects: Vec<_> = self.objects.into_iter().filter(ObjectView::is_reported).collect();
        objects.sort_by(|a, b| (a.severity, a.address).cmp(&(b.severity, b.address)));
        objects
    }
}

/// The number of objects that apply creates, updates, …, by the word of the plan. An object that apply refuses counts
/// as blocked.
pub(crate) fn count_changes(plan: &Plan, refusals: &[ApplyRefusal], word: &str) -> usize {
    let refused = refused_objects(refusals);
    let word_of = |change: &Change| if refused.contains(&change.address) { "blocked" } else { change.verdict.as_str() };
    plan.changes.iter().filter(|change| word_of(change) == word).count()
}

fn refused_objects(refusals: &[ApplyRefusal]) -> BTreeSet<&Address> {
    refusals.iter().filter_map(|refusal| refusal.address.as_ref()).collect()
}

/// `1 to create, 2 to update, 0 to replace, 0 to delete`, then the verdicts that occur of the rest.
pub(crate) fn plan_counts(plan: &Plan, refusals: &[ApplyRefusal]) -> String {
    let count = |word: &str| count_changes(plan, refusals, word);
    let mut parts: Vec<String> =
        ["create", "update", "replace", "delete"].iter().map(|word| format!("{} to {word}", count(word))).collect();
    let sometimes = ["rename", "adopt"].iter().filter(|word| count(word) > 0);
    parts.extend(sometimes.map(|word| format!("{} to {word}", count(word))));
    if count("blocked") > 0 {
        parts.push(format!("{} blocked", count("blocked")));
    }
    parts.join(", ")
}

/// `1 manifest removed, 2 fields no longer managed`; `None` if git removed nothing that is live.
pub(crate) fn removal_counts(plan: &Plan) -> Option<String> {
    let (manifests, fields) = (plan.removed_manifests().count(), plan.removed_fields().count());
    let manifests = (manifests > 0).then(|| format!("{} removed", pluralize(manifests, "manifest")));
    let fields = (fields > 0).then(|| format!("{} no longer managed", pluralize(fields, "field")));
    let parts: Vec<String> = manifests.into_iter().chain(fields).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `origin/main has changes that this branch lacks: 2 fields, 1 object. A merge keeps them.`
pub(crate) fn moved_note(plan: &Plan, context: &Context) -> Option<String> {
    let fields = plan.moved_fields().count();
    let objects = plan.added_by_target().count() + plan.removed_by_target.len();
    let counts = [(fields, "field"), (objects, "object")].into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, word)| pluralize(count, word)).collect();
    let name = context.target_branch.as_deref().unwrap_or("The target branch");
    let counts = (!counts.is_empty()).then(|| counts.join(", "))?;
    Some(format!("{name} has changes that this branch lacks: {counts}. A merge keeps them."))
}

/// The organization and the ids of the services: a name can mean another service tomorrow.
pub(crate) fn target_note(target: Option<&PlanTarget>) -> Option<String> {
    let target = target?;
    let services = target.services.iter().filter(|(name, id)| name != id);
    let services: Vec<String> = services.map(|(name, id)| format!(", `{name}` is `{id}`")).collect();
    Some(format!("Organization `{}`{}.", target.organization, services.concat()))
}

/// `Base: 3f2a1bc (Add orders). Commit: 9d8e7f6 (Add views).`
pub(crate) fn commits_note(base: Option<&str>, commit: Option<&str>) -> Option<String> {
    let commit = commit.map(|commit| format!(" Commit: {commit}.")).unwrap_or_default();
    Some(format!("Base: {}.{commit}", base?))
}

pub(crate) fn digest_note(digest: &str) -> String {
    format!("Digest: `{digest}`")
}

/// `The base 3f2a1bc (Add orders) is older than 9d8e7f6 (Add views), …`
// Hazard: the plan of a revert is empty until the reverted commit is applied, which may be in progress.
pub(crate) fn unapplied_note(context: &Context) -> Option<String> {
    let (base, unapplied) = context.base.as_ref().zip(context.unapplied.as_ref())?;
    Some(format!(
        "The base {base} is older than {unapplied}, from which this change starts: an apply in between changes this plan."
    ))
}

/// `1 endpoint cannot be used`, `1 pipe in trouble`.
pub(crate) fn unusable_counts(plan: &Plan) -> impl Iterator<Item = String> {
    let count = |kind| plan.unusable.iter().filter(|it| it.address.kind == kind).count();
    let (endpoints, pipes) = (count(Kind::ReversePrivateEndpoint), count(Kind::ClickPipe));
    let endpoints = (endpoints > 0).then(|| format!("{} cannot be used", pluralize(endpoints, "endpoint")));
    endpoints.into_iter().chain((pipes > 0).then(|| format!("{} in trouble", pluralize(pipes, "pipe"))))
}

/// `11 unchanged, 0 unmanaged.`
pub(crate) fn remaining_counts(unchanged: usize, unmanaged: usize) -> String {
    format!("{unchanged} unchanged, {unmanaged} unmanaged.")
}

pub(crate) fn partial_note(partial: Option<(usize, usize)>) -> Option<String> {
    let is_part = |(selected, declared): &(usize, usize)| selected < declared;
    partial.filter(is_part).map(|(selected, declared)| format!("Partial: {selected} of {declared} objects included."))
}

/// Fields that could not be compared, in how many objects, and how to compare them.
pub(crate) fn unchecked_note(plan: &Plan) -> Option<String> {
    /// More fields than that are counted.
    const MAX_NAMED_FIELDS: usize = 2;
    let all = &plan.unchecked;
    let mut parts = Vec::new();
    let secrets = all.iter().filter(|it| !it.secrets.is_empty()).count();
    if secrets > 0 {
        parts.push(format!("credentials of {}", pluralize(secrets, "object")));
    }
    let fields = count_objects_by_field(all);
    parts.extend(fields.iter().take(MAX_NAMED_FIELDS).map(|(path, objects)| format!("{path} of {objects}")));
    if fields.len() > MAX_NAMED_FIELDS {
        parts.push(pluralize(fields.len() - MAX_NAMED_FIELDS, "other field"));
    }
    let git = match all.first()?.missing_base {
        MissingBase::NotGiven => "use --base REF to detect changes in git",
        MissingBase::NotInBase => "new in git, so there is no earlier value",
    };
    Some(format!("Not checked: {} (write-only in the API; {git}).", parts.join(", ")))
}

/// In how many objects each field is, most first.
fn count_objects_by_field(all: &[UncheckedFields]) -> Vec<(String, usize)> {
    let mut fields: BTreeMap<String, usize> = BTreeMap::new();
    for path in all.iter().flat_map(|it| &it.fields) {
        *fields.entry(path.to_string()).or_default() += 1;
    }
    let mut fields: Vec<_> = fields.into_iter().collect();
    fields.sort_by_key(|(_, objects)| std::cmp::Reverse(*objects));
    fields
}

/// The requests and the time of an apply; `None` if there are none, or if the rate is not known.
pub(crate) fn cost_note(plan: &Plan, refusals: &[ApplyRefusal], rate: Option<(usize, f64)>) -> Option<String> {
    let (sent, time) = least_cost(plan, refusals, rate)?;
    let (requests, seconds) = rate?;
    Some(format!(
        "Will send {} (at least {time} s at {requests} requests / {seconds} s), plus time for pipes to settle.",
        pluralize(sent, "request")
    ))
}

/// The number of requests of an apply, and the seconds that they take at least.
pub(crate) fn least_cost(plan: &Plan, refusals: &[ApplyRefusal], rate: Option<(usize, f64)>) -> Option<(usize, f64)> {
    let refused = refused_objects(refusals);
    let actions = plan.actions.iter().filter(|action| !refused.contains(action.address())).count();
    // Before a re-creation, apply reads the service again.
    let sent = actions + count_changes(plan, refusals, planner::Verdict::Replace.as_str());
    let (requests, seconds) = rate.filter(|_| sent > 0)?;
    #[expect(clippy::cast_precision_loss, reason = "a rough number of seconds for people")]
    let time = (sent as f64 * seconds / requests as f64).ceil();
    Some((sent, time))
}

/// The plan as JSON, with the words of the other formats: a summary of each change, and the differences inside lists
/// and long values.
pub fn plan_json(plan: &Plan, refusals: &[ApplyRefusal]) -> Value {
    let mut document = json!(plan);
    if !refusals.is_empty() {
        document["applyWillRefuse"] = json!(refusals);
    }
    let view = PlanView::new(plan, &[], refusals);
    let mut objects: BTreeMap<&Address, &ObjectView<'_>> = BTreeMap::new();
    objects.extend(view.objects.iter().map(|object| (object.address, object)));
    for (change, json) in plan.changes.iter().zip(document["changes"].as_array_mut().into_iter().flatten()) {
        json["summary"] = objects[&change.address].summary().into();
        add_differences(change, json);
    }
    document
}

/// The plan as JSON, with the facts that only the run knows.
pub(crate) fn plan_json_in(plan: &Plan, context: &Context) -> Value {
    let mut document = plan_json(plan, &context.refusals);
    if let Some(target) = &context.target {
        document["target"] = json!(target);
    }
    for (member, commit) in [("base", &context.base), ("commit", &context.commit)] {
        if let Some(commit) = commit {
            document[member] = json!(commit);
        }
    }
    if !context.project_changes.is_empty() {
        document["projectChanges"] = context.project_changes.iter().map(|change| change.text.as_str()).collect();
    }
    if let Some(commit) = &context.unapplied {
        document["unappliedCommit"] = json!(commit);
    }
    let notes = review_notes::review_notes(plan, context);
    if !notes.is_empty() {
        document["reviewNotes"] = json!(notes);
    }
    document
}

fn add_differences(change: &Change, json: &mut Value) {
    for (field, json) in change.fields.iter().zip(json["fields"].as_array_mut().into_iter().flatten()) {
        if let FieldWords::Differences(lines) = FieldView::pending(field).words(values::MAX_VALUE_CHARS) {
            json["differences"] = lines.iter().map(values::Difference::line).collect();
        }
    }
}
