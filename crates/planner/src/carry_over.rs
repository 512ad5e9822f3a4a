//! A re-created object keeps live values that git does not manage.
//
// A manifest omits fields that its owner does not care about. A new object that is created from the manifest alone
// loses all of them: the CA certificate without which the brokers cannot be reached, the consumer group, the size. So
// the body of a new object is the live one, overlaid with the declared fields. The same holds for a table mapping that
// is removed and added again, and for an entry of a list that is sent as a whole.

use std::collections::{BTreeSet, HashMap};

use clickpipes::kinds;
use clickpipes::likely_secret::has_likely_secret;
use clickpipes::semantics::{FieldSemantics, KeyedList, ListSemantics, RESPONSE_ONLY_FIELDS, Readback, is_masked};
use clickpipes::validate::Problem;
use model::address::Kind;
use model::diagnostic::Severity;
use model::live::Id;
use model::path::FieldPath;
use model::schema_validator::FieldNode;
use serde_json::{Map, Value};

use crate::field_diff::is_unset;

mod entries;
mod removed_columns;
mod requests;
mod unsendable;
mod write_only;

pub(crate) use requests::CarriedEntries;

/// A live object overlaid with the declared fields.
#[derive(Debug, Default)]
pub(crate) struct CarriedOver {
    pub(crate) body: Value,
    /// Live values that the manifest omits, and that are in `body`.
    pub(crate) kept: Vec<FieldPath>,
    /// Live values that are not in `body`: they do not fit the declared fields, or only the API may set them.
    pub(crate) dropped: Vec<FieldPath>,
    /// Live values that are not in `body`: the API generated them from the id of the old object.
    pub(crate) generated: Vec<FieldPath>,
    /// Fields that the manifest omits and whose values only the API knows.
    pub(crate) unreadable: Vec<FieldPath>,
    /// The same, where the API would probably have returned a value.
    pub(crate) not_returned: Vec<FieldPath>,
    /// Live values that are not in `body`, because the API does not return all that they need.
    pub(crate) incomplete: Vec<FieldPath>,
    /// Parts that the API would refuse, or may refuse, although nothing is left to drop.
    pub(crate) refused: Vec<String>,
    /// Fields in `body` that no struct declares, and that only an answer of the API has shown.
    pub(crate) unproven: Vec<FieldPath>,
    /// Values in `body` that come only from a response and that a request may not contain, each with the problem.
    pub(crate) doubtful: Vec<(FieldPath, String)>,
}

/// The context for carrying over a live object.
pub(crate) struct CarryOver<'c> {
    pub(crate) kind: Kind,
    /// The id of the live object. The API generated values that contain it.
    pub(crate) id: &'c str,
    /// The reference by name for the id of another object, where a manifest declares that one.
    pub(crate) find_reference: &'c dyn Fn(Kind, &Id) -> Option<Value>,
}

impl CarryOver<'_> {
    /// The first part of a UUID. The API generates names from the whole id, or from this part alone.
    fn short_id(&self) -> &str {
        self.id.split_once('-').map_or(self.id, |(first, _)| first)
    }

    /// The body of a new object. `live` is normalized, and contains no secret that a manifest references.
    pub(crate) fn recreate(&self, desired: &Value, live: &Value) -> CarriedOver {
        let rules = FieldSemantics::for_kind(self.kind);
        let node = kinds::body_fields(self.kind);
        let mut overlay = Overlay::new(self);
        let place = Place { rules, node, path: FieldPath::root() };
        let body = overlay.overlay_value(&place, desired, live);
        let mut carried = CarriedOver { body, ..overlay.carried };
        carried.drop_unsendable(self.kind);
        carried.find_incomplete_entries(self.kind);
        carried.drop_removed_columns(self.kind, live);
        carried.drop_invalid(self.kind, desired, live);
        carried.find_write_only(self.kind, live);
        carried
    }
}

/// A value in the body: its semantics, its schema if it is known, and its path.
struct Place<'r> {
    rules: &'r FieldSemantics,
    node: Option<&'static FieldNode>,
    path: FieldPath,
}

impl Place<'_> {
    fn field(&self, name: &str) -> Self {
        let node = self.node.and_then(|node| node.child_field(name));
        Self { rules: self.rules.child_field(name), node, path: self.path.child(name) }
    }

    fn item(&self, index: usize) -> Self {
        let node = self.node.and_then(FieldNode::list_item);
        Self { rules: self.rules.list_item(), node, path: self.path.child(index) }
    }

    fn is_root(&self) -> bool {
        self.path.segments().is_empty()
    }

    /// A word as requests spell it: answers are equal in any case, requests are not.
    fn word_in_requests<'t>(&self, text: &'t str) -> &'t str {
        let words = self.node.map_or(&[][..], FieldNode::allowed_values).iter().map(|(word, _)| word.as_str());
        { words }.find(|word| word.eq_ignore_ascii_case(text)).unwrap_or(text)
    }

    fn is_default(&self, value: &Value) -> bool {
        let default = self.node.and_then(|node| node.keyword_value("default"));
        default.is_some_and(|default| self.rules.declares_same(default, value))
    }
}

struct Overlay<'c> {
    settings: &'c CarryOver<'c>,
    /// Without the body.
    carried: CarriedOver,
}

impl<'c> Overlay<'c> {
    fn new(settings: &'c CarryOver<'c>) -> Self {
        Self { settings, carried: CarriedOver::default() }
    }

    fn overlay_value(&mut self, place: &Place<'_>, desired: &Value, live: &Value) -> Value {
        match (desired, live) {
            (Value::Object(desired_fields), Value::Object(live_fields)) if !place.rules.is_leaf(desired) => {
                self.overlay_fields(place, desired_fields, live_fields).into()
            }
            (Value::Array(desired), Value::Array(live)) => {
                let pairs = entries::pair_entries(place.rules, desired, live);
                let items = pairs.into_iter().enumerate().map(|(index, (desired, live))| match live {
                    Some(live) => self.overlay_value(&place.item(index), desired, live),
                    None => desired.clone(),
                });
                items.collect()
            }
            _ => desired.clone(),
        }
    }

    fn overlay_fields(
        &mut self,
        place: &Place<'_>,
        desired: &Map<String, Value>,
        live: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut merged = Map::new();
        for (name, value) in desired {
            let value = match live.get(name) {
                Some(live) => self.overlay_value(&place.field(name), value, live),
                None => value.clone(),
            };
            merged.insert(name.clone(), value);
        }
        for (name, value) in live.iter().filter(|(name, _)| !desired.contains_key(*name)) {
            let field = place.field(name);
            if let Some(value) = self.carry_field(place, &field, name, value) {
                self.carried.kept.push(field.path);
                merged.insert(name.clone(), value);
            }
        }
        merged
    }

    /// The live value of a field that the manifest omits, as a request can set it.
    fn carry_field(&mut self, parent: &Place<'_>, field: &Place<'_>, name: &str, live: &Value) -> Option<Value> {
        let is_known = parent.rules.child_fields().any(|(known, _)| known == name);
        if is_unset(live) || parent.is_root() && RESPONSE_ONLY_FIELDS.contains(&name) {
            return None;
        }
        if is_known && field.rules.local_only {
            return None;
        }
        // An unknown field at the top is often one that only the API sets. The API could refuse a create that has it,
        // after the old object is gone.
        if !is_known && parent.is_root() {
            self.carried.dropped.push(field.path.clone());
            return None;
        }
        if field.rules.is_secret || !is_known && has_likely_secret(name, live) {
            self.carried.unreadable.push(field.path.clone());
            return None;
        }
        let value = self.carry_value(field, live);
        if value.is_some() && !is_known && !parent.rules.is_unknown() {
            self.carried.unproven.push(field.path.clone());
        }
        value
    }

    fn carry_value(&mut self, place: &Place<'_>, live: &Value) -> Option<Value> {
        match live {
            Value::Object(fields) => {
                let kept = fields.iter().filter_map(|(name, value)| {
                    let value = self.carry_field(place, &place.field(name), name, value)?;
                    Some((name.clone(), value))
                });
                let kept: Map<_, _> = kept.collect();
                (!kept.is_empty()).then_some(Value::Object(kept))
            }
            // The API fills in defaults. Sent, they would look like decisions of the owner, and a request with more
            // fields can be refused for more reasons.
            _ if place.is_default(live) => None,
            Value::Array(items) => {
                let items = items.iter().enumerate();
                Some(items.filter_map(|(index, item)| self.carry_value(&place.item(index), item)).collect())
            }
            Value::String(text) => self.carry_text(place, text),
            // The API reads zero for a size that is not in force yet, and refuses zero in a request (seen live).
            Value::Number(_) if place.rules.is_unsettled(Some(live)) => {
                self.carried.unreadable.push(place.path.clone());
                None
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(live.clone()),
        }
    }

    fn carry_text(&mut self, place: &Place<'_>, text: &str) -> Option<Value> {
        let value = Value::from(text);
        // A text that is shown in part, such as a URI with a password, would be sent with the mask in it.
        if place.rules.shown(&value) != value || is_masked(text) {
            self.carried.unreadable.push(place.path.clone());
            return None;
        }
        // Such a name belongs to the old object, for example its consumer group. The new object gets its own from the
        // API.
        if text.contains(self.settings.short_id()) {
            self.carried.generated.push(place.path.clone());
            return None;
        }
        let reference =
            place.rules.referenced_id(&value).and_then(|(kind, id)| (self.settings.find_reference)(kind, &id));
        Some(reference.unwrap_or_else(|| place.word_in_requests(text).into()))
    }
}

type ProblemKey = (&'static str, FieldPath);

/// More fields than a source has outside of its lists. An API could answer any number.
const MAX_PAIRED: usize = 64;

/// The fields of a body that the API would refuse, each with the reason.
fn refused_fields(kind: Kind, body: &Value, new: &BTreeSet<ProblemKey>) -> Vec<String> {
    let found = kinds::find_body_problems(kind, body).into_iter().filter(|it| it.severity == Severity::Error);
    let found = found.map(|problem| ((problem.code, problem.path), problem.message));
    found.filter(|(key, _)| new.contains(key)).map(|((_, path), message)| format!("`{path}`: {message}")).collect()
}

/// The fields of a body that the API may refuse, and that neither the manifest nor the live object proves.
//
// The rule is only a warning, because nobody saw the API enforce it. For a create that is enough: a refusal costs
// nothing. Here the old object would be gone before the response comes. Example: live maps `id` and `name`, the
// manifest adds a column and maps nothing: the mappings that are carried over do not cover it.
fn doubtful_fields(kind: Kind, body: &Value, proofs: [&Value; 2]) -> Vec<String> {
    let doubts = |body: &Value| {
        let found = kinds::find_body_problems(kind, body).into_iter();
        found.filter(|problem| problem.severity == Severity::Warning && !problem.is_idle)
    };
    // The entries of a list have other positions in live.
    let key = |problem: &Problem| {
        let names = problem.path.segments().iter().filter(|name| name.parse::<usize>().is_err());
        (problem.code, names.cloned().collect::<Vec<_>>(), problem.message.clone())
    };
    let proven: BTreeSet<_> = proofs.into_iter().flat_map(doubts).map(|problem| key(&problem)).collect();
    let new = doubts(body).filter(|problem| !proven.contains(&key(problem)));
    new.map(|problem| format!("`{}`: {}", problem.path, problem.message)).collect()
}

fn problems(kind: Kind, body: &Value) -> BTreeSet<ProblemKey> {
    let found = kinds::find_body_problems(kind, body).into_iter();
    // The API accepts fields with warnings only. But a field without effect does not belong in the new object.
    let is_refused = |problem: &Problem| problem.severity == Severity::Error || problem.is_idle;
    found.filter(is_refused).map(|problem| (problem.code, problem.path)).collect()
}

impl CarriedOver {
    /// Whether a size is lost only because the API has not settled it yet.
    pub(crate) fn loses_unsettled_size(&self, rules: &FieldSemantics, live: &Value) -> bool {
        let is_unsettled = |path: &FieldPath| {
            path.value_in(live).is_some_and(|value| value.is_number() && rules.field_at(path).is_unsettled(Some(value)))
        };
        self.unreadable.iter().any(is_unsettled)
    }

    /// Drops fields that no longer fit. With another authentication, for example, the role of the old one is refused.
    /// The rules between fields decide. Problems that the manifest or the live object also has do not count against the
    /// carried values.
    fn drop_invalid(&mut self, kind: Kind, desired: &Value, live: &Value) {
        let mut accepted = problems(kind, desired);
        // No response contains a write-only field, but the new object needs it.
        let is_readable = |path: &FieldPath| FieldSemantics::for_kind(kind).field_at(path).readback != Readback::Never;
        let (readable, unseen): (BTreeSet<_>, BTreeSet<_>) =
            problems(kind, live).into_iter().partition(|(_, path)| is_readable(path));
        // Live proves that the API accepts it, if the value is the same. An empty `startAfter` next to
        // `skipInitialLoad` proves nothing about a text there.
        let is_same = |path: &FieldPath| path.value_in(live) == path.value_in(&self.body);
        accepted.extend(readable.into_iter().filter(|(_, path)| is_same(path)));
        loop {
            let new: BTreeSet<ProblemKey> = problems(kind, &self.body).difference(&accepted).cloned().collect();
            let culprits = self.find_culprits(kind, &new, &accepted);
            if culprits.is_empty() {
                self.refused.extend(refused_fields(kind, &self.body, &new));
                self.refused.extend(doubtful_fields(kind, &self.body, [desired, live]));
                return;
            }
            for culprit in culprits.into_iter().rev() {
                self.drop_culprit(culprit, &new, &unseen);
            }
        }
    }

    fn drop_culprit(&mut self, culprit: usize, new: &BTreeSet<ProblemKey>, unseen: &BTreeSet<ProblemKey>) {
        let path = self.kept.remove(culprit);
        path.remove_in(&mut self.body);
        let within: Vec<_> = new.iter().filter(|(_, problem)| problem.is_within(&path)).collect();
        // It was live with the same gap, so it fits: the missing value is one that only the API knows.
        if !within.is_empty() && within.iter().all(|problem| unseen.contains(*problem)) {
            self.unreadable.extend(within.into_iter().map(|(_, problem)| problem.clone()));
            self.incomplete.push(path);
        } else {
            self.dropped.push(path);
        }
    }

    /// The fields to drop next, in order: one that a problem names, else the one or two fields without which there are
    /// fewer problems.
    //
    // A problem may name a declared field although a carried field causes it. Live has `authentication: IAM_ROLE` and
    // `iamRole`, the manifest declares a password: the password is refused with either field, and each of the two is
    // refused without the other. So the remaining problems are counted without those that name a carried field: that
    // field goes in the next round.
    fn find_culprits(&self, kind: Kind, new: &BTreeSet<ProblemKey>, accepted: &BTreeSet<ProblemKey>) -> Vec<usize> {
        if new.is_empty() {
            return Vec::new();
        }
        let names = |path: &FieldPath, problem: &FieldPath| path.is_within(problem) || problem.is_within(path);
        let is_named = |path: &FieldPath| new.iter().any(|(_, problem)| names(path, problem));
        if let Some(named) = self.kept.iter().position(is_named) {
            return vec![named];
        }
        let is_solved_without = |culprits: &[usize]| {
            let mut without = self.body.clone();
            culprits.iter().rev().for_each(|culprit| self.kept[*culprit].remove_in(&mut without));
            let others = self.kept.iter().enumerate().filter(|(at, _)| !culprits.contains(at)).map(|(_, path)| path);
            let others: Vec<&FieldPath> = others.collect();
            let left = problems(kind, &without);
            let left = left.difference(accepted).filter(|(_, problem)| !others.iter().any(|path| names(path, problem)));
            left.count() < new.len()
        };
        let alone = (0..self.kept.len()).map(|one| vec![one]);
        // Pairs cost the square, and the entries of a list may be thousands.
        let is_in_list = |at: &usize| self.kept[*at].segments().iter().any(|name| name.parse::<usize>().is_ok());
        let paired: Vec<usize> = (0..self.kept.len()).filter(|at| !is_in_list(at)).take(MAX_PAIRED).collect();
        let pairs = paired.iter().enumerate().flat_map(|(place, one)| {
            let others = paired.iter().skip(place + 1);
            others.map(move |other| vec![*one, *other])
        });
        alone.chain(pairs).find(|culprits| is_solved_without(culprits)).unwrap_or_default()
    }
}
