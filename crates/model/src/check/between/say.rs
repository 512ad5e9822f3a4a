//! The sentences of the forms of rules.

use crate::check::Finding;
use crate::path::Path;

use super::When;

pub(super) fn needed(field: &str, when: &When) -> Finding {
    let message = format!("`{field}` is needed {}", when.describe());
    Finding::new(Path::parse(field), message).help(format!("add `{field}`"))
}

pub(super) fn refused(field: &str, when: &When) -> Finding {
    let message = format!("`{field}` is not {}", when.describe());
    Finding::new(Path::parse(field), message).help(format!("remove `{field}`"))
}

pub(super) fn only_for(field: &str, when: &When) -> Finding {
    if let Some(opposite) = when.opposite() {
        return refused(field, &opposite);
    }
    let message = format!("`{field}` is only {}", when.describe());
    Finding::new(Path::parse(field), message).help(format!("remove `{field}`"))
}

pub(super) fn not_allowed(
    (field, chosen): (&str, &str),
    (by, decider): (&str, &str),
    values: &[&str],
) -> Finding {
    let message = format!("`{field}: {chosen}` does not go with `{by}: {decider}`");
    let help = format!("`{by}: {decider}` takes {}", list(values));
    Finding::new(Path::parse(field), message).help(help)
}

pub(super) fn none_of(fields: &[&str]) -> Finding {
    Finding::new(Path::root(), "exactly one is needed, and none is there")
        .help(format!("add one of {}", list(fields)))
}

pub(super) fn second_of(first: &str, second: &str) -> Finding {
    let message = format!("`{second}` stands beside `{first}`, and only one of them can be there");
    Finding::new(Path::parse(second), message).help(format!("remove `{second}` or `{first}`"))
}

pub(super) fn twice(list: &str, at: usize, by: &Path, text: &str) -> Finding {
    let path = Path::parse(list).child(at).join(by);
    let message = format!("`{by}: {text}` occurs twice in `{list}`");
    Finding::new(path, message)
}

fn list(values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
    quoted.join(", ")
}
