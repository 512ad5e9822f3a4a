//! What the live side does not tell. Git says what changed there, or a person asks to send it again.

use model::address::Address;
use model::path::Path;
use model::rules::{OnChange, Rules};
use model::secret;
use serde_json::Value;

use crate::change::{Base, FieldVerdict, NotCompared};
use crate::diff::{Difference, Unseen};
use crate::three_way::Judged;

/// A declared field that cannot be compared: the topmost, so that a group is one.
#[derive(Clone, Debug)]
pub(crate) struct Untold<'r> {
    pub(crate) path: Path,
    pub(crate) rules: &'r Rules,
    pub(crate) desired: Value,
}

/// Everything declared that live says nothing about.
pub(crate) fn untold<'r>(rules: &'r Rules, desired: &Value, live: &Value) -> Vec<Untold<'r>> {
    let mut found = Vec::new();
    walk(rules, desired, Some(live), &Path::root(), &mut found);
    found
}

fn walk<'r>(
    rules: &'r Rules,
    desired: &Value,
    live: Option<&Value>,
    path: &Path,
    found: &mut Vec<Untold<'r>>,
) {
    if rules.is_untold(desired, live) {
        found.push(Untold { path: path.clone(), rules, desired: desired.clone() });
        return;
    }
    let Value::Object(fields) = desired else { return };
    // A block that is missing live is sent whole.
    if live.is_some_and(Value::is_object) || rules.agrees(desired, live) {
        for (name, value) in fields {
            let live = live.and_then(|live| live.get(name));
            walk(rules.field(name), value, live, &path.child(name), found);
        }
    }
}

/// What git changed and live does not contradict.
pub(crate) fn changed<'r>(judged: &[Judged<'r>]) -> Vec<Difference<'r>> {
    let wanted = judged
        .iter()
        .filter(|judged| judged.verdict == FieldVerdict::Change && judged.entry.is_none());
    wanted
        .filter_map(|judged| {
            let desired = judged.desired.as_ref()?;
            judged.rules.agrees(desired, judged.live.as_ref()).then(|| Difference {
                path: judged.path.clone(),
                rules: judged.rules,
                on_change: judged.rules.on_change_between(judged.base.as_ref(), Some(desired)),
                desired: desired.clone(),
                live: None,
                entries: Vec::new(),
                unseen: Some(Unseen::Changed(judged.base.clone())),
            })
        })
        .collect()
}

/// The secrets that are not sent yet: those that can be sent again, and the paths of those that
/// are fixed for as long as the object lives.
pub(crate) fn again<'r>(
    untold: Vec<Untold<'r>>,
    differences: &[Difference<'_>],
) -> (Vec<Difference<'r>>, Vec<Untold<'r>>) {
    let (sent, fixed): (Vec<_>, Vec<_>) = untold
        .into_iter()
        .filter(|untold| !secret::references(&untold.desired).is_empty())
        .filter(|untold| !differences.iter().any(|other| untold.path.is_within(&other.path)))
        .partition(|untold| untold.rules.on_change != OnChange::Replace);
    let sent = sent.into_iter().map(|untold| Difference {
        path: untold.path,
        rules: untold.rules,
        on_change: untold.rules.on_change,
        desired: untold.desired,
        live: None,
        entries: Vec::new(),
        unseen: Some(Unseen::AskedFor),
    });
    (sent.collect(), fixed)
}

/// What neither live nor a base tells, and is not sent either.
pub(crate) fn not_compared(
    at: &Address,
    untold: &[Untold<'_>],
    base: Base,
    sent: impl Fn(&Path) -> bool,
) -> Option<NotCompared> {
    let (secrets, fields): (Vec<_>, Vec<_>) = untold
        .iter()
        .filter(|untold| !sent(&untold.path))
        .partition(|untold| !secret::references(&untold.desired).is_empty());
    let paths = |list: Vec<&Untold<'_>>| list.iter().map(|untold| untold.path.clone()).collect();
    (!secrets.is_empty() || !fields.is_empty()).then(|| NotCompared {
        at: at.clone(),
        secrets: paths(secrets),
        fields: paths(fields),
        base,
    })
}
