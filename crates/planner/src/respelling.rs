//! Values that an API may only have written in its own way.
//
// A pipe is replaced when a field differs that no update can change. If the API keeps the topic `Orders ` as `orders`,
// every apply would delete the pipe and create it again, and the difference would stay. There is no state file that
// could tell such a spelling from a change that somebody made. So these differences delete nothing, unless somebody
// allows it by name:
//
//     blanks, punctuation, case, form of Unicode   `Orders ` and `orders`
//     escapes                                      `*` and `%2A`
//     the way to the thing before its name         `clicks` and `arn:aws:kinesis:…:stream/clicks`
//     no value, and no base that has none          `true` and null

use std::collections::BTreeSet;

use clickpipes::semantics::{FieldSemantics, may_be_same_text};
use model::address::Address;
use model::desired::Document;
use model::live::Object;
use model::look_alike::letters;
use model::path::FieldPath;
use serde_json::Value;

use crate::block_reason::RespelledField;
use crate::field_diff::{FieldDiff, Origin, group_by_field};
use crate::inputs::{NamesByLetters, PlanInputs};

/// The fields that force a replacement, if every one of them may only be spelt otherwise.
pub(crate) fn respelled_fields(
    pending: &[FieldDiff<'_>],
    forcing: &BTreeSet<&FieldPath>,
    live: &Value,
) -> Vec<RespelledField> {
    let forcing = group_by_field(pending).filter(|diffs| forcing.contains(&diffs[0].path));
    let respelled = forcing.map(|diffs| match diffs {
        [diff @ FieldDiff { entry: None, .. }] => respelled_field(diff, live),
        entries => respelled_list(entries),
    });
    respelled.collect::<Option<Vec<_>>>().unwrap_or_default().concat()
}

fn respelled_field(diff: &FieldDiff<'_>, live: &Value) -> Option<Vec<RespelledField>> {
    let desired = diff.desired.as_ref()?;
    let path = &diff.path;
    let field = |live: &Value| vec![(path.to_string(), desired.clone(), live.clone())];
    let Some(value) = &diff.live else { return may_be_left_out(diff).then(|| field(&Value::Null)) };
    let found = respelled_texts(path, diff.rules, desired, value).filter(|found| !found.is_empty());
    found.or_else(|| is_named_after_sibling(path, (desired, value), live).then(|| field(value)))
}

/// Whether the API may have the value and answer without it. A word that it leaves out has a meaning of its own, and a
/// base tells that git did not ask for the value before.
fn may_be_left_out(diff: &FieldDiff<'_>) -> bool {
    diff.origin == Origin::NoBase && !diff.rules.is_word()
}

/// Whether live has the value of another field before the declared one, as in `database.table`.
fn is_named_after_sibling(path: &FieldPath, (desired, live): (&Value, &Value), body: &Value) -> bool {
    let (Some(desired), Some(live)) = (desired.as_str(), live.as_str()) else { return false };
    let siblings = path.parent().and_then(|parent| parent.value_in(body)).and_then(Value::as_object);
    let prefix = live.strip_suffix(desired).and_then(|prefix| prefix.strip_suffix('.'));
    prefix.is_some_and(|prefix| siblings.into_iter().flatten().any(|(_, sibling)| sibling == prefix))
}

/// The texts that differ between the entries of a list, if each live one may be a declared one.
fn respelled_list(entries: &[FieldDiff<'_>]) -> Option<Vec<RespelledField>> {
    let (declared, unclaimed): (Vec<_>, Vec<_>) = entries.iter().partition(|diff| diff.desired.is_some());
    let mut unclaimed: Vec<&Value> = unclaimed.into_iter().filter_map(|diff| diff.live.as_ref()).collect();
    let mut found = Vec::new();
    for diff in declared {
        let respelled = |live: &Value| respelled_texts(&diff.path, diff.rules, diff.desired.as_ref()?, live);
        found.extend(if let Some(live) = &diff.live {
            respelled(live)?
        } else {
            let at = unclaimed.iter().position(|live| respelled(live).is_some())?;
            respelled(unclaimed.remove(at))?
        });
    }
    unclaimed.is_empty().then_some(found)
}

/// The fields of list entries that would be removed and added again, and that may only be spelt otherwise.
//
// A table mapping is known by its source and its target. If the API keeps the target `Orders` as `orders`, the live
// entry is one that nobody declares, and the declared one is missing: each apply would remove the one and add the
// other, with a new snapshot.
pub(crate) fn respelled_entries(pending: &[FieldDiff<'_>]) -> Vec<RespelledField> {
    let has_deltas = |diff: &&FieldDiff<'_>| diff.entry.as_ref().is_some_and(|entry| entry.keyed.deltas.is_some());
    let entries: Vec<&FieldDiff<'_>> = pending.iter().filter(has_deltas).collect();
    let unclaimed: Vec<&FieldDiff<'_>> = entries.iter().copied().filter(|diff| diff.desired.is_none()).collect();
    let respelled = entries.iter().flat_map(|diff| {
        let others = unclaimed.iter().filter(|other| other.path == diff.path && diff.live.is_none());
        let mut live = diff.live.iter().chain(others.filter_map(|other| other.live.as_ref()));
        let found = diff.desired.as_ref().and_then(|desired| {
            live.find_map(|live| {
                respelled_texts(&diff.path, diff.rules, desired, live).filter(|found| !found.is_empty())
            })
        });
        found.unwrap_or_default()
    });
    respelled.collect()
}

/// The texts that differ; `None` if more differs than the spelling of texts.
fn respelled_texts(
    path: &FieldPath,
    rules: &FieldSemantics,
    desired: &Value,
    live: &Value,
) -> Option<Vec<RespelledField>> {
    if let Value::Object(fields) = desired {
        let fields = fields.iter().map(|(name, desired)| {
            let live = live.get(name).unwrap_or(&Value::Null);
            respelled_texts(&path.child(name), rules.child_field(name), desired, live)
        });
        return fields.collect::<Option<Vec<_>>>().map(|found| found.concat());
    }
    if rules.matches_live(desired, Some(live)) {
        return Some(Vec::new());
    }
    match (desired, live) {
        (Value::String(one), Value::String(other)) if may_be_same_text(one, other) => {
            Some(vec![(path.to_string(), desired.clone(), live.clone())])
        }
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            let items = ones.iter().zip(others);
            let items = items.map(|(one, other)| respelled_texts(path, rules.list_item(), one, other));
            items.collect::<Option<Vec<_>>>().map(|found| found.concat())
        }
        _ => None,
    }
}

/// The fewest letters of a name that an API may have cut.
const MIN_CUT_NAME: usize = 30;

impl PlanInputs<'_> {
    /// The live object that the declared one seems to be, although the API calls it otherwise: nobody declares it, its
    /// name is spelt alike, and every declared field is live.
    pub(crate) fn find_respelled(&self, at: &Address, document: &Document) -> Option<(&Address, &Object)> {
        let name_path = at.kind.name_path()?;
        let letters = letters(at.name.as_str());
        if letters.is_empty() {
            return None;
        }
        let cut = letters.char_indices().skip(MIN_CUT_NAME).map(|(end, _)| letters[..end].to_owned());
        let spellings = [letters.clone()].into_iter().chain(cut);
        let others = spellings.filter_map(|name| self.undeclared_names().get(&(&at.service, at.kind, name))).flatten();
        let mut objects =
            others.flat_map(|(address, found)| found.objects.iter().map(move |object| (*address, object)));
        objects.find(|(address, object)| {
            let mut body = Value::clone(&document.body);
            name_path.set_in(&mut body, address.name.as_str().into());
            FieldSemantics::for_kind(at.kind).matches_live(&body, Some(&object.body))
        })
    }

    fn undeclared_names(&self) -> &NamesByLetters<'_> {
        self.undeclared_names.get_or_init(|| {
            let mut names = NamesByLetters::new();
            for (address, found) in self.live.iter().filter(|(address, _)| !self.desired.contains_key(*address)) {
                let key = (&address.service, address.kind, letters(address.name.as_str()));
                names.entry(key).or_default().push((address, found));
            }
            names
        })
    }
}
