//! Values that an API may only have written in its own way.
//
// A pipe is replaced when a field differs that no update can change. If the API keeps the topic `Orders ` as `orders`,
// every apply would delete the pipe and create it again, and the difference would stay. There is no state file that
// could tell such a spelling from a change that somebody made. So texts that differ in nothing but blanks, punctuation,
// case and their form of Unicode delete nothing, unless somebody allows it by name.

use std::collections::BTreeSet;

use clickpipes::semantics::FieldSemantics;
use model::address::Address;
use model::desired::Document;
use model::live::Object;
use model::look_alike::letters;
use model::path::FieldPath;
use serde_json::Value;

use crate::block_reason::RespelledField;
use crate::field_diff::FieldDiff;
use crate::inputs::{NamesByLetters, PlanInputs};

/// The fields that force a replacement, if every one of them may only be spelt otherwise.
pub(crate) fn respelled_fields(pending: &[FieldDiff<'_>], forcing: &BTreeSet<&FieldPath>) -> Vec<RespelledField> {
    let forcing = pending.iter().filter(|diff| forcing.contains(&diff.path));
    let respelled = forcing.map(|diff| {
        let (Some(Value::String(desired)), Some(Value::String(live))) = (&diff.desired, &diff.live) else {
            return None;
        };
        let field = || (diff.path.to_string(), desired.clone(), live.clone());
        (diff.entry.is_none() && is_respelling(desired, live)).then(field)
    });
    respelled.collect::<Option<Vec<_>>>().unwrap_or_default()
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
        (Value::String(one), Value::String(other)) if is_respelling(one, other) => {
            Some(vec![(path.to_string(), one.clone(), other.clone())])
        }
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            let items = ones.iter().zip(others);
            let items = items.map(|(one, other)| respelled_texts(path, rules.list_item(), one, other));
            items.collect::<Option<Vec<_>>>().map(|found| found.concat())
        }
        _ => None,
    }
}

/// Whether two texts have the same letters and digits.
pub(crate) fn is_respelling(one: &str, other: &str) -> bool {
    let (one, other) = (letters(one), letters(other));
    !one.is_empty() && one == other
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

#[cfg(test)]
mod tests {
    use super::is_respelling;

    #[test]
    fn texts_with_the_same_letters_are_respellings() {
        for (one, other) in [
            ("a, b", "a,b"),
            ("Orders ", "orders"),
            ("S3://Bucket/a", "s3://bucket/a"),
            ("cafe\u{301}", "caf\u{e9}"),
            ("\u{ff21}\u{ff22}", "AB"),
        ] {
            assert!(is_respelling(one, other), "{one} {other}");
        }
        for (one, other) in [("a,b", "b,a"), ("orders", "order"), ("", " "), ("-", "_")] {
            assert!(!is_respelling(one, other), "{one} {other}");
        }
    }
}
