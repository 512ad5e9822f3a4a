//! Values that an API may only have written in its own way.
//
// A pipe is replaced when a field differs that no update can change. If the API keeps the topic `Orders ` as `orders`,
// every apply would delete the pipe and create it again, and the difference would stay. There is no state file that
// could tell such a spelling from a change that somebody made. So texts that differ in nothing but blanks, punctuation
// and case delete nothing, unless somebody allows it by name.

use std::collections::BTreeSet;

use clickpipes::semantics::FieldSemantics;
use model::address::Address;
use model::desired::Document;
use model::live::Object;
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

/// Whether two texts have the same letters and digits.
pub(crate) fn is_respelling(one: &str, other: &str) -> bool {
    let (one, other) = (letters(one), letters(other));
    !one.is_empty() && one == other
}

fn letters(text: &str) -> String {
    text.chars().filter(|each| each.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl PlanInputs<'_> {
    /// The live object that the declared one seems to be, although the API calls it otherwise: nobody declares it, its
    /// name is spelt alike, and every declared field is live.
    pub(crate) fn find_respelled(&self, at: &Address, document: &Document) -> Option<(&Address, &Object)> {
        let name_path = at.kind.name_path()?;
        let letters = letters(at.name.as_str());
        if letters.is_empty() {
            return None;
        }
        let others = self.undeclared_names().get(&(&at.service, at.kind, letters)).into_iter().flatten();
        let mut objects =
            others.flat_map(|(address, found)| found.objects.iter().map(move |object| (*address, object)));
        objects.find(|(address, object)| {
            let mut body = document.body.clone();
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
        for (one, other) in [("a, b", "a,b"), ("Orders ", "orders"), ("S3://Bucket/a", "s3://bucket/a")] {
            assert!(is_respelling(one, other), "{one} {other}");
        }
        for (one, other) in [("a,b", "b,a"), ("orders", "order"), ("", " "), ("-", "_")] {
            assert!(!is_respelling(one, other), "{one} {other}");
        }
    }
}
