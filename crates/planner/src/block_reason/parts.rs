//! Parts of the words of a reason.

use std::fmt;

use clickpipes::kinds;
use clickpipes::lifecycle;
use clickpipes::placeholder::FILL_IN;
use clickpipes::semantics::RespelledField;
use model::address::{Address, Kind};
use model::live::Id;
use model::path::FieldPath;
use model::rule_finding::RuleFinding;

use super::BlockReason;
use crate::conflict::{ConflictingField, value_pair};
use crate::words::quote_all;

pub(super) fn fmt_conflict(fields: &[ConflictingField], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let texts: String = fields.iter().map(ConflictingField::describe).collect();
    f.write_str(&texts)?;
    f.write_str(if fields.iter().all(|it| it.is_from_target) {
        "merge the target branch into this one and choose"
    } else {
        "write the live value into the manifest, or let the value of git win"
    })
}

pub(super) fn fmt_several(reasons: &[BlockReason], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, reason) in reasons.iter().enumerate() {
        let link = match index.checked_sub(1).map(|before| &reasons[before]) {
            None => "",
            Some(BlockReason::SpelledByApi(..)) => ", ",
            Some(_) => "; and ",
        };
        write!(f, "{link}{reason}")?;
    }
    Ok(())
}

pub(super) fn fmt_rules(findings: &[RuleFinding], is_declared: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for finding in findings {
        write!(f, "{}; ", finding.describe())?;
    }
    let manifest = if is_declared { "" } else { "declare it with `state: absent`, and " };
    write!(f, "to except it, {manifest}{}", RuleFinding::exception(findings))
}

pub(super) fn fmt_unfilled(fields: &[FieldPath], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "{} would be sent as `{FILL_IN}`, which `export` writes for a value that the API does not return: write the value",
        quote_all(fields)
    )
}

/// A live object is what the manifest declares, and has another name.
pub(super) fn fmt_same_object(other: &Address, id: &Id, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = other.name.as_str();
    let shown = if name.is_empty() { "an object without a name".to_owned() } else { format!("`{other}`") };
    write!(f, "{shown} ({id}), which no manifest declares, is live with all that this one declares: ")?;
    match (name.is_empty(), lifecycle::can_be_renamed(other.kind)) {
        (false, true) => write!(
            f,
            "if it is the same, write the name `{name}`, or add `previousNames: [{name}]` to rename it; if not, declare \
             that one as well, or delete it"
        ),
        (false, false) => {
            write!(f, "if it is the same, write the name `{name}`; if not, declare that one as well, or delete it")
        }
        (true, true) => write!(f, "if it is the same, add `metadata.id: {id}`; if not, delete it"),
        (true, false) => f.write_str("delete it if nothing uses it"),
    }
}

/// Values that the API may only have spelled in its own way, and what to do about each.
pub(super) fn fmt_spellings(kind: Kind, fields: &[RespelledField], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (field, declared, live) in fields {
        let path = FieldPath::parse(field);
        let is_declarable = !live.is_null() && kinds::can_declare(kind, &path, live);
        let [shown, shown_live] = value_pair(declared, live);
        match (live.is_null(), is_declarable) {
            (false, true) => write!(f, "the API spells {shown} of `{field}` as {shown_live}: write that; ")?,
            (false, false) => {
                write!(f, "the API spells {shown} of `{field}` as {shown_live}, which no manifest can have")?;
            }
            (true, _) => write!(f, "the API does not return `{field}`, which may be {shown} already")?,
        }
        if !is_declarable {
            let is_needed = kinds::must_declare(kind, &path);
            f.write_str(if is_needed { "; " } else { ": leave the field out, and it stays as it is; " })?;
        }
    }
    f.write_str("if it is another value")
}

/// The number of changed objects, and the limit.
pub(crate) fn fmt_excess(
    f: &mut fmt::Formatter<'_>,
    (verdict, count): (&str, usize),
    (key, limit, is_of_base): (&str, usize, bool),
) -> fmt::Result {
    let many = if count == 1 { "object" } else { "objects" };
    let (tense, when) = if is_of_base { ("was", " before this change") } else { ("is", "") };
    write!(f, "the plan would {verdict} {count} {many}, but `{key}` {tense} {limit}{when}")
}
