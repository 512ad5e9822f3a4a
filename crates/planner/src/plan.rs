//! From two sides to one plan.

use std::collections::BTreeSet;

use model::action::{Action, RunState};
use model::address::{Address, Kind, Name};
use model::consequence;
use model::desired::{Desired, Document, Presence};
use model::live::{Id, Live, Object};
use model::pattern::Pattern;
use model::rules::{OnChange, Rules};
use serde::Serialize;
use serde_json::Value;

use crate::change::{Change, FieldChange, Reason, Verdict};
use crate::diff::{Difference, diff};
use crate::lower::{self, Subject};
use crate::select::{Counterpart, counterpart};
use crate::{order, reference};

/// What is wanted of a plan beyond the declared objects.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Objects that are not deleted or replaced, whatever their manifests say.
    pub protect: Vec<Pattern>,
}

/// What it takes to make the live side as declared. Printed, saved and performed is the same
/// value; the machine reads `actions`, people read the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The requests, in order.
    pub actions: Vec<Action>,
    /// One for each object that is not in sync.
    pub changes: Vec<Change>,
    /// What is live as declared.
    pub in_sync: Vec<Address>,
    /// What is live and not declared.
    pub unmanaged: Vec<Unmanaged>,
}

/// A live object that no manifest declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmanaged {
    /// Its address.
    pub at: Address,
    /// Its id: names are not unique.
    pub id: Id,
}

impl Plan {
    /// Whether every declared object is as declared.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The part of the plan that is about some of the objects. What nobody declares is outside of
    /// any part.
    #[must_use]
    pub fn narrowed(self, about: impl Fn(&Address) -> bool) -> Self {
        Self {
            actions: self.actions.into_iter().filter(|action| about(action.at())).collect(),
            changes: self.changes.into_iter().filter(|change| about(&change.at)).collect(),
            in_sync: self.in_sync.into_iter().filter(|at| about(at)).collect(),
            unmanaged: Vec::new(),
        }
    }

    /// The objects to which nothing is done, though they are not as declared.
    pub fn blocked(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| matches!(change.verdict, Verdict::Blocked(_)))
    }

    /// How many changes have this verdict's word.
    pub fn count(&self, word: &str) -> usize {
        self.changes.iter().filter(|change| change.verdict.word() == word).count()
    }
}

/// Compares what is declared with what is live. `base` is what was declared before, if that is
/// known: it tells an object that is new in git from one that was there.
pub fn plan(desired: &Desired, live: &Live, base: Option<&Desired>, policy: &Policy) -> Plan {
    let mut sides = Sides { desired, live, base, policy, renewed: BTreeSet::new() };
    let mut plan = Plan::default();
    let mut actions = Vec::new();
    let mut seen = BTreeSet::new();
    // Addresses sort by kind, in the order in which kinds refer to each other.
    for (at, document) in desired {
        let counterpart = counterpart(at, document, live);
        if let Counterpart::Found { object, .. } = &counterpart {
            seen.insert(object.id.clone());
        }
        match sides.consider(at, document, counterpart) {
            None => plan.in_sync.push(at.clone()),
            Some((change, todo)) => {
                if change.verdict == Verdict::Replace {
                    sides.renewed.insert(at.clone());
                }
                plan.changes.push(change);
                actions.extend(todo);
            }
        }
    }
    plan.actions = order::sorted(&actions);
    plan.unmanaged = unmanaged(desired, live, &seen);
    plan
}

fn unmanaged(desired: &Desired, live: &Live, seen: &BTreeSet<Id>) -> Vec<Unmanaged> {
    live.iter()
        .filter(|(at, _)| !at.kind.is_singleton() && !desired.contains_key(at))
        .flat_map(|(at, observed)| observed.objects.iter().map(move |object| (at, object)))
        .filter(|(_, object)| !seen.contains(&object.id))
        .map(|(at, object)| Unmanaged { at: at.clone(), id: object.id.clone() })
        .collect()
}

struct Sides<'a> {
    desired: &'a Desired,
    live: &'a Live,
    base: Option<&'a Desired>,
    policy: &'a Policy,
    /// What will have another id: references to it are not what they were.
    renewed: BTreeSet<Address>,
}

type Considered = Option<(Change, Vec<Action>)>;

impl Sides<'_> {
    /// What becomes of one declared object; `None` is nothing.
    fn consider(&self, at: &Address, document: &Document, live: Counterpart<'_>) -> Considered {
        match (document.intent.presence, live) {
            (_, Counterpart::Unclear(reason)) => Some(blocked(at, document, None, reason)),
            (Presence::Absent, Counterpart::None) => None,
            (Presence::Absent, Counterpart::Found { object, .. }) => {
                Some(self.delete(at, document, object))
            }
            (Presence::Present(want), live) => {
                let rules = Rules::of(at.kind);
                let body = &document.body;
                let missing = reference::missing(rules, body, &at.service, self.desired, self.live);
                match (missing, live) {
                    (Some(missing), _) => {
                        let reason = Reason::MissingReference(missing);
                        Some(blocked(at, document, None, reason))
                    }
                    (None, Counterpart::Found { object, renamed_from }) => {
                        self.reconcile(at, document, want, object, renamed_from.as_ref())
                    }
                    (None, _) => Some(create(at, document, want)),
                }
            }
        }
    }

    fn delete(&self, at: &Address, document: &Document, object: &Object) -> (Change, Vec<Action>) {
        if at.kind.is_singleton() {
            return blocked(at, document, Some(object), Reason::CannotDelete);
        }
        if self.is_protected(at, document) {
            return blocked(at, document, Some(object), Reason::ProtectedFromDelete);
        }
        let change = Change {
            data: consequence::deleted(at.kind, &object.body),
            ..change(at, document, Some(object), Verdict::Delete)
        };
        (change, vec![Action::Delete { at: at.clone(), id: object.id.clone() }])
    }

    fn reconcile(
        &self,
        at: &Address,
        document: &Document,
        want: RunState,
        object: &Object,
        renamed_from: Option<&Name>,
    ) -> Considered {
        let rules = Rules::of(at.kind);
        let id = |other: &Address| match self.live.get(other)?.objects.as_slice() {
            [object] if !self.renewed.contains(other) => Some(Value::from(object.id.as_str())),
            _ => None,
        };
        let body = reference::resolved(rules, &document.body, &at.service, &id);
        let (mut differences, before) = diff(rules, &body, &object.body);
        if let Some(path) = at.kind.name_path() {
            differences.retain(|difference| difference.path != path);
        }
        let subject =
            Subject { at, body: &body, live: object, want, rename: renamed_from.is_some() };
        let forcing = lower::forcing(object, &differences);
        if renamed_from.is_some() && forcing.is_empty() && !can_be_renamed(at.kind) {
            return Some(blocked(at, document, Some(object), Reason::CannotRename));
        }
        let fields = fields(document, &differences, &forcing);
        let shown = |verdict| Change {
            renamed_from: renamed_from.cloned(),
            fields: fields.clone(),
            before: Some(before.clone()),
            after: Some(rules.shown(&body)),
            ..change(at, document, Some(object), verdict)
        };
        if !forcing.is_empty() {
            return Some(self.replace(document, &subject, shown(Verdict::Replace)));
        }
        let (actions, carries) = lower::update(&subject, &differences);
        let adopted = self.base.is_some_and(|base| !base.contains_key(at));
        if actions.is_empty() && !adopted {
            return None;
        }
        let verdict = match (adopted, renamed_from) {
            (_, Some(_)) => Verdict::Rename,
            (true, None) => Verdict::Adopt,
            (false, None) => Verdict::Update,
        };
        let data = entry_consequences(at, &differences);
        Some((Change { carries, data, ..shown(verdict) }, actions))
    }

    fn replace(
        &self,
        document: &Document,
        subject: &Subject<'_>,
        change: Change,
    ) -> (Change, Vec<Action>) {
        let at = subject.at;
        if self.is_protected(at, document) {
            let blocked = Reason::ProtectedFromReplace;
            let reason = Some(blocked.to_string());
            return (Change { verdict: Verdict::Blocked(blocked), reason, ..change }, Vec::new());
        }
        let mut actions = vec![Action::Delete { at: at.clone(), id: subject.live.id.clone() }];
        actions.extend(making(at, &document.body, subject.want));
        let data = consequence::replaced(at.kind, &document.body, &subject.live.body);
        (Change { data, ..change }, actions)
    }

    fn is_protected(&self, at: &Address, document: &Document) -> bool {
        document.intent.protect || self.policy.protect.iter().any(|pattern| pattern.matches(at))
    }
}

fn can_be_renamed(kind: Kind) -> bool {
    let name = kind.name_path();
    name.is_some_and(|path| Rules::of(kind).at(&path).on_change != OnChange::Replace)
}

fn create(at: &Address, document: &Document, want: RunState) -> (Change, Vec<Action>) {
    let after = Some(Rules::of(at.kind).shown(&document.body));
    if at.kind.is_singleton() {
        let change = Change { after, ..change(at, document, None, Verdict::Update) };
        return (change, vec![lower::update_unseen(at, None, &document.body)]);
    }
    let change = Change { after, ..change(at, document, None, Verdict::Create) };
    (change, making(at, &document.body, want))
}

/// The API makes every pipe running.
fn making(at: &Address, body: &Value, want: RunState) -> Vec<Action> {
    let mut actions = vec![Action::Create { at: at.clone(), body: body.clone() }];
    if want == RunState::Stopped {
        actions.push(Action::SetState { at: at.clone(), id: None, to: want });
    }
    actions
}

fn blocked(
    at: &Address,
    document: &Document,
    object: Option<&Object>,
    reason: Reason,
) -> (Change, Vec<Action>) {
    let words = Some(reason.to_string());
    let change = change(at, document, object, Verdict::Blocked(reason));
    (Change { reason: words, ..change }, Vec::new())
}

fn change(at: &Address, document: &Document, object: Option<&Object>, verdict: Verdict) -> Change {
    Change {
        at: at.clone(),
        id: object.map(|object| object.id.clone()),
        verdict,
        reason: None,
        renamed_from: None,
        fields: Vec::new(),
        carries: Vec::new(),
        data: Vec::new(),
        place: Some(document.origin.start().clone()),
        before: None,
        after: None,
    }
}

fn fields(
    document: &Document,
    differences: &[Difference<'_>],
    forcing: &[&Difference<'_>],
) -> Vec<FieldChange> {
    differences
        .iter()
        .flat_map(|difference| {
            let forces = forcing.iter().any(|other| other.path == difference.path);
            field_changes(document, difference, forces)
        })
        .collect()
}

fn field_changes(
    document: &Document,
    difference: &Difference<'_>,
    forces_replacement: bool,
) -> Vec<FieldChange> {
    let place = Some(document.origin.at(&difference.path));
    let path = &difference.path;
    if difference.entries.is_empty() {
        let shown = |value: &Value| difference.rules.shown(value);
        return vec![FieldChange {
            path: path.clone(),
            entry: None,
            before: difference.live.as_ref().map(shown),
            after: Some(shown(&difference.desired)),
            forces_replacement,
            place,
        }];
    }
    let item = difference.rules.item();
    let entries = difference.entries.iter().map(|entry| FieldChange {
        path: path.clone(),
        entry: Some(entry.label.clone()),
        before: entry.live.as_ref().map(|value| item.shown(value)),
        after: entry.desired.as_ref().map(|value| item.shown(value)),
        forces_replacement,
        place: place.clone(),
    });
    entries.collect()
}

fn entry_consequences(at: &Address, differences: &[Difference<'_>]) -> Vec<String> {
    differences
        .iter()
        .flat_map(|difference| difference.entries.iter().map(move |entry| (difference, entry)))
        .flat_map(|(difference, entry)| match (&entry.live, &entry.desired) {
            (None, Some(added)) => consequence::entry_added(at.kind, &difference.path, added),
            (Some(gone), None) => consequence::entry_removed(at.kind, &difference.path, gone),
            (Some(_), Some(new)) => consequence::entry_changed(at.kind, &difference.path, new),
            (None, None) => Vec::new(),
        })
        .collect()
}
