//! The messages of each kind of rule.

use crate::validate::RuleFinding;
use model::path::FieldPath;

use super::RuleCondition;

pub(super) fn field_required(field: &str, when: &RuleCondition) -> RuleFinding {
    let message = format!("`{field}` is needed {}", when.describe_condition());
    RuleFinding::new(FieldPath::parse(field), message).with_help(format!("add `{field}`"))
}

pub(super) fn field_forbidden(field: &str, when: &RuleCondition) -> RuleFinding {
    let message = format!("`{field}` is not {}", when.describe_condition());
    RuleFinding::new(FieldPath::parse(field), message).with_help(format!("remove `{field}`"))
}

pub(super) fn field_only_allowed_for(field: &str, when: &RuleCondition) -> RuleFinding {
    if let Some(opposite) = when.opposite_condition() {
        return field_forbidden(field, &opposite);
    }
    let message = format!("`{field}` is only {}", when.describe_condition());
    RuleFinding::new(FieldPath::parse(field), message).with_help(format!("remove `{field}`"))
}

pub(super) fn value_not_allowed(
    (field, chosen): (&str, &str),
    (by, decider): (&str, &str),
    values: &[&str],
) -> RuleFinding {
    let message = format!("`{field}: {chosen}` does not go with `{by}: {decider}`");
    let help = format!("`{by}: {decider}` takes {}", join_quoted(values));
    RuleFinding::new(FieldPath::parse(field), message).with_help(help)
}

pub(super) fn no_field_present(fields: &[&str]) -> RuleFinding {
    RuleFinding::new(FieldPath::root(), "exactly one is needed, and none is set")
        .with_help(format!("add one of {}", join_quoted(fields)))
}

pub(super) fn second_field_present(first: &str, second: &str) -> RuleFinding {
    let message = format!("`{second}` and `{first}` are both set; set only one");
    RuleFinding::new(FieldPath::parse(second), message).with_help(format!("remove `{second}` or `{first}`"))
}

pub(super) fn duplicate_entry(list: &str, at: usize, by: &FieldPath, text: &str) -> RuleFinding {
    let path = FieldPath::parse(list).child(at).join(by);
    let message = format!("`{by}: {text}` occurs twice in `{list}`");
    RuleFinding::new(path, message)
}

fn join_quoted(values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
    quoted.join(", ")
}
