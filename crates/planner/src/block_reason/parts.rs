//! Parts of the words of a reason.

use std::fmt;

use clickpipes::placeholder::FILL_IN;
use model::path::FieldPath;
use model::rule_finding::RuleFinding;

use super::BlockReason;
use crate::conflict::ConflictingField;
use crate::words::quote_all;

pub(super) fn fmt_conflict(fields: &[ConflictingField], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let texts: String = fields.iter().map(ConflictingField::describe).collect();
    f.write_str(&texts)?;
    f.write_str(if fields.iter().all(|it| it.is_from_target) {
        "merge the target branch into this one and choose"
    } else {
        "put the live value into the manifest, or apply the value of git"
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

/// What a plan would do to how many objects, and the limit.
pub(crate) fn fmt_excess(
    f: &mut fmt::Formatter<'_>,
    (verdict, count): (&str, usize),
    (key, limit, is_of_base): (&str, usize, bool),
) -> fmt::Result {
    let many = if count == 1 { "object" } else { "objects" };
    let (tense, when) = if is_of_base { ("was", " before this change") } else { ("is", "") };
    write!(f, "the plan would {verdict} {count} {many}, but `{key}` {tense} {limit}{when}")
}
