//! What becomes of one declared object.

use std::collections::BTreeSet;

use model::action::{Action, RunState};
use model::address::{Address, Kind, Name};
use model::consequence;
use model::desired::{Desired, Document, Presence};
use model::leftover;
use model::live::{Live, Object};
use model::path::Path;
use model::rules::{OnChange, Rules};
use model::secret;
use serde_json::Value;

use crate::change::{Base, Change, FieldVerdict, Guard, LeftAlone, NotCompared, Reason, Verdict};
use crate::compare::Compared;
use crate::field;
use crate::lower::{self, Subject};
use crate::plan::Policy;
use crate::prune::declarable;
use crate::reference;
use crate::select::Counterpart;
use crate::unseen;

/// Everything that a verdict depends on.
pub(crate) struct Sides<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) live: &'a Live,
    pub(crate) base: Option<&'a Desired>,
    pub(crate) policy: &'a Policy,
    /// What will have another id: references to it are not what they were.
    pub(crate) renewed: BTreeSet<Address>,
}

type Todo = (Change, Vec<Action>);

/// What becomes of one object, and what is left alone in it.
#[derive(Default)]
pub(crate) struct Considered {
    /// `None` is nothing.
    pub(crate) change: Option<Todo>,
    pub(crate) left_alone: Option<LeftAlone>,
    pub(crate) not_compared: Option<NotCompared>,
}

impl From<Todo> for Considered {
    fn from(change: Todo) -> Self {
        Self { change: Some(change), ..Self::default() }
    }
}

impl Sides<'_> {
    pub(crate) fn consider(
        &self,
        at: &Address,
        document: &Document,
        live: Counterpart<'_>,
    ) -> Considered {
        let mut considered = self.judged(at, document, live);
        if let Some((change, actions)) = &mut considered.change {
            change.sends =
                actions.iter().filter_map(Action::body).flat_map(secret::references).collect();
        }
        considered
    }

    fn judged(&self, at: &Address, document: &Document, live: Counterpart<'_>) -> Considered {
        match (document.intent.presence, live) {
            (_, Counterpart::Unclear(reason)) => blocked(at, document, None, reason).into(),
            (Presence::Absent, Counterpart::None) => Considered::default(),
            (Presence::Absent, Counterpart::Found { object, .. }) => {
                self.delete(at, document, object).into()
            }
            (Presence::Present(want), live) => {
                let rules = Rules::of(at.kind);
                let body = &document.body;
                let missing = reference::missing(rules, body, &at.service, self.desired, self.live);
                match (missing, live) {
                    (Some(missing), _) => blocked(at, document, None, missing).into(),
                    (None, Counterpart::Found { object, renamed_from }) => {
                        self.reconcile(at, document, want, object, renamed_from.as_ref())
                    }
                    (None, _) => self.create(at, document, want).into(),
                }
            }
        }
    }

    fn delete(&self, at: &Address, document: &Document, object: &Object) -> Todo {
        if at.kind.is_singleton() {
            return blocked(at, document, Some(object), Reason::CannotDelete);
        }
        if let Some(guard) = self.guard(at, document) {
            return blocked(at, document, Some(object), Reason::ProtectedFromDelete(guard));
        }
        let change = Change {
            data: consequence::deleted(at.kind, &Rules::of(at.kind).respelled(&object.body)),
            before: Some(declarable(at.kind, &object.body)),
            ..change(at, document, Some(object), Verdict::Delete)
        };
        (change, vec![Action::Delete { at: at.clone(), id: object.id.clone() }])
    }

    fn create(&self, at: &Address, document: &Document, want: RunState) -> Todo {
        let after = Some(Rules::of(at.kind).shown(&document.body));
        if at.kind.is_singleton() {
            let data = consequence::awaited(at.kind);
            let change = Change { data, after, ..change(at, document, None, Verdict::Update) };
            return (change, vec![lower::update_unseen(at, None, &document.body)]);
        }
        let reason = self.base_of(at, document, None).map(|_| GONE.to_owned());
        let actions = making(at, &document.body, want);
        let data = consequence::stops(None, &actions).into_iter().collect();
        let change = Change { reason, data, after, ..change(at, document, None, Verdict::Create) };
        (change, actions)
    }

    fn reconcile(
        &self,
        at: &Address,
        document: &Document,
        want: RunState,
        object: &Object,
        renamed_from: Option<&Name>,
    ) -> Considered {
        let compared = self.compare(at, document, object, renamed_from);
        let Compared { base, body, judged, aim, differences, .. } = &compared;
        let rename = renamed_from.is_some();
        let subject = Subject { at, body: aim, live: object, want, rename };
        let forcing = lower::forcing(object, differences);
        if rename && forcing.is_empty() && !can_be_renamed(at.kind) {
            return blocked(at, document, Some(object), Reason::CannotRename).into();
        }
        let mut fields = field::changes(document, differences, &forcing);
        if base.is_some() {
            field::judge(&mut fields, judged);
        }
        fields.extend(field::state(at, document, *base, object, want));
        let shown = |verdict| Change {
            renamed_from: renamed_from.cloned(),
            fields,
            before: Some(compared.before.clone()),
            after: Some(compared.after.clone()),
            ..change(at, document, Some(object), verdict)
        };
        let left_alone = left_alone(at, document, object, &compared);
        if let Some(reason) = field::conflict(judged) {
            let words = Some(reason.to_string());
            let change = Change { reason: words, ..shown(Verdict::Blocked(reason)) };
            return Considered {
                change: Some((change, Vec::new())),
                left_alone,
                ..Considered::default()
            };
        }
        if !forcing.is_empty() {
            let mut change = shown(Verdict::Replace);
            // What is made again is made as declared, whatever drifted before.
            change.fields.extend(field::of(document, judged, &[FieldVerdict::Drift]));
            change.after = Some(Rules::of(at.kind).shown(body));
            return self.replace(document, &subject, change).into();
        }
        let (actions, carries) = lower::update(&subject, differences);
        let adopted = self.base.is_some() && base.is_none();
        let sent = |path: &Path| {
            let mut differing = differences.iter().map(|difference| &difference.path);
            carries.contains(path) || differing.any(|other| path.is_within(other))
        };
        let which = if self.base.is_some() { Base::WithoutIt } else { Base::NoneGiven };
        let not_compared = match base {
            Some(_) => None,
            None => unseen::not_compared(at, &compared.untold, which, sent),
        };
        if actions.is_empty() && !adopted {
            return Considered { change: None, left_alone, not_compared };
        }
        let verdict = match (rename, adopted) {
            (true, _) => Verdict::Rename,
            (false, true) => Verdict::Adopt,
            (false, false) => Verdict::Update,
        };
        let mut data = field::entry_consequences(at, &object.body, differences);
        data.extend(consequence::stops(Some(object), &actions));
        let change = Change { carries, data, ..shown(verdict) };
        Considered { change: Some((change, actions)), left_alone, not_compared }
    }

    fn replace(&self, document: &Document, subject: &Subject<'_>, change: Change) -> Todo {
        let at = subject.at;
        if let Some(guard) = self.guard(at, document) {
            let blocked = Reason::ProtectedFromReplace(guard);
            let reason = Some(blocked.to_string());
            return (Change { verdict: Verdict::Blocked(blocked), reason, ..change }, Vec::new());
        }
        let mut actions = vec![Action::Delete { at: at.clone(), id: subject.live.id.clone() }];
        actions.extend(making(at, &document.body, subject.want));
        let live = Rules::of(at.kind).respelled(&subject.live.body);
        let mut data = consequence::replaced(at.kind, &document.body, &live);
        data.extend(consequence::stops(None, &actions));
        let in_the_way = leftover::in_the_way(at.kind, &document.body, &live);
        if !in_the_way.is_empty() {
            data.push(format!(
                "apply leaves it as it is without `--allow-replace {}`",
                at.argument()
            ));
        }
        (Change { data, in_the_way, ..change }, actions)
    }

    fn guard(&self, at: &Address, document: &Document) -> Option<Guard> {
        let own = document.intent.protect.then_some(Guard::Manifest);
        own.or_else(|| self.policy.guard(at))
    }
}

/// Why an object is made that was declared before.
const GONE: &str = "declared in the base, but not live: deleted outside git, or never made";

fn can_be_renamed(kind: Kind) -> bool {
    let name = kind.name_path();
    name.is_some_and(|path| Rules::of(kind).at(&path).on_change != OnChange::Replace)
}

/// The API makes every pipe running.
fn making(at: &Address, body: &Value, want: RunState) -> Vec<Action> {
    let mut actions = vec![Action::Create { at: at.clone(), body: body.clone() }];
    if want == RunState::Stopped {
        actions.push(Action::SetState { at: at.clone(), id: None, to: want });
    }
    actions
}

fn blocked(at: &Address, document: &Document, object: Option<&Object>, reason: Reason) -> Todo {
    let words = Some(reason.to_string());
    let change = change(at, document, object, Verdict::Blocked(reason));
    (Change { reason: words, ..change }, Vec::new())
}

fn change(at: &Address, document: &Document, object: Option<&Object>, verdict: Verdict) -> Change {
    let place = Some(document.origin.start().clone());
    Change { place, ..Change::new(at.clone(), object.map(|object| object.id.clone()), verdict) }
}

fn left_alone(
    at: &Address,
    document: &Document,
    object: &Object,
    compared: &Compared<'_>,
) -> Option<LeftAlone> {
    let verdicts = [
        FieldVerdict::Drift,
        FieldVerdict::Applied,
        FieldVerdict::Adoption,
        FieldVerdict::Removal,
        FieldVerdict::Lowered,
    ];
    let mut fields = field::of(document, &compared.judged, &verdicts);
    fields.extend(field::fixed(document, &compared.fixed));
    (!fields.is_empty()).then(|| LeftAlone { at: at.clone(), id: object.id.clone(), fields })
}
