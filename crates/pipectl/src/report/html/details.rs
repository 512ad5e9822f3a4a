//! The row of one object, with everything that is known of it folded below.

use std::fmt::Write as _;

use planner::FieldChange;
use serde_json::Value;

use super::sentence;
use crate::render::plan::{inside, remark};
use crate::report::drift::Drift;
use crate::report::escape::{clipped, xml};
use crate::report::object::Object;

/// A longer value is cut.
const LONGEST: usize = 2000;

/// The row.
pub(super) fn row(out: &mut String, object: &Object<'_>) {
    let word = object.danger.word();
    let facts = facts(object);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<tr class=\"object\"><td><span class=\"badge {word}\">{word}</span></td><td><code>{}</code></td>\
         <td>{}</td><td>{}</td></tr>",
        xml(&object.name()),
        sentence(&object.what()),
        sentence(&object.why()),
    );
    if object.change.fields.is_empty() && facts.is_empty() {
        return;
    }
    out.push_str(
        "<tr class=\"more\"><td></td><td colspan=\"3\"><details><summary>details</summary>\n",
    );
    fields(out, &object.change.fields);
    if !facts.is_empty() {
        out.push_str("<ul>\n");
        for fact in facts {
            let _ = writeln!(out, "<li>{}</li>", sentence(&clipped(&fact, LONGEST)));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</details></td></tr>\n");
}

/// One line about an object that a reviewer must not miss.
pub(super) fn first(out: &mut String, object: &Object<'_>) {
    let (word, name) = (object.danger.word(), xml(&object.name()));
    let why = match object.why() {
        why if why.is_empty() => why,
        why => format!(": {}", sentence(&clipped(&why, LONGEST))),
    };
    let _ = writeln!(
        out,
        "<li class=\"{word}\"><span class=\"badge {word}\">{word}</span> <code>{name}</code>{why}</li>"
    );
}

/// The row of an object that drifted.
pub(super) fn drift(out: &mut String, drift: &Drift<'_>) {
    let facts: Vec<String> = drift.facts.iter().map(|fact| sentence(fact)).collect();
    let word = drift.standing.word();
    let _ = writeln!(
        out,
        "<tr class=\"object\"><td><span class=\"badge {word}\">{word}</span></td>\
         <td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
        xml(&drift.name()),
        drift.standing.words(),
        facts.join("<br>"),
    );
}

fn fields(out: &mut String, fields: &[FieldChange]) {
    if fields.is_empty() {
        return;
    }
    out.push_str("<table class=\"fields\"><thead><tr><th>field</th><th>live</th><th>declared</th><th></th></tr></thead>\n<tbody>\n");
    for field in fields {
        let (before, after) = sides(field);
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td class=\"before\">{}</td><td class=\"after\">{}</td><td>{}</td></tr>",
            xml(&field.path.to_string()),
            cell(&before),
            cell(&after),
            xml(remark(field)),
        );
    }
    out.push_str("</tbody></table>\n");
}

/// What is live and what is declared, as short as it can be said.
fn sides(field: &FieldChange) -> (String, String) {
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    match (&field.entry, &field.before, &field.after) {
        (Some(entry), Some(before), Some(after)) => (entry.clone(), inside(before, after)),
        (Some(entry), Some(_), None) => (entry.clone(), String::new()),
        (Some(entry), None, _) => (String::new(), entry.clone()),
        (None, before, after) => (text(before), text(after)),
    }
}

fn cell(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("<code>{}</code>", xml(&clipped(text, LONGEST)))
    }
}

fn facts(object: &Object<'_>) -> Vec<String> {
    let place = object.change.place.as_ref().map(|place| format!("declared at `{place}`"));
    object.facts().into_iter().chain(place).collect()
}
