//! What a plan could not compare: what neither the API nor a base tells.

use std::collections::BTreeMap;

use planner::{Base, NotCompared, Plan};

use super::listed;
use crate::output::{Label, Text};
use crate::render::diagnostics::plural;

/// More kinds of fields than that are counted.
const MOST: usize = 2;

/// One quiet line; nothing where everything was compared.
pub(super) fn summary(text: &mut Text, plan: &Plan) {
    if let Some(said) = sentence(plan) {
        text.push(Label::Dim, said).end();
    }
}

/// What could not be compared, in how many objects, and who knows.
pub(crate) fn sentence(plan: &Plan) -> Option<String> {
    let all = &plan.not_compared;
    let mut parts = Vec::new();
    let secrets = all.iter().filter(|it| !it.secrets.is_empty()).count();
    if secrets > 0 {
        parts.push(format!("credentials of {}", plural(secrets, "object")));
    }
    let fields = by_field(all);
    parts.extend(fields.iter().take(MOST).map(|(path, objects)| format!("{path} of {objects}")));
    if fields.len() > MOST {
        parts.push(plural(fields.len() - MOST, "other field"));
    }
    let git = match all.first()?.base {
        Base::NoneGiven => "--base REF tells what git changed",
        Base::WithoutIt => "new in git, so the base does not tell either",
    };
    let parts = listed(&parts);
    Some(format!("Not compared: {parts}, which the API does not tell; {git}."))
}

/// In how many objects each field is, most first.
fn by_field(all: &[NotCompared]) -> Vec<(String, usize)> {
    let mut fields: BTreeMap<String, usize> = BTreeMap::new();
    for path in all.iter().flat_map(|it| &it.fields) {
        *fields.entry(path.to_string()).or_default() += 1;
    }
    let mut fields: Vec<_> = fields.into_iter().collect();
    fields.sort_by_key(|(_, objects)| std::cmp::Reverse(*objects));
    fields
}
