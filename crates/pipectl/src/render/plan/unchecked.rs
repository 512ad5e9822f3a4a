//! What a plan could not compare: what neither the API nor a base tells.

use std::collections::BTreeMap;

use planner::{MissingBase, Plan, UncheckedFields};

use super::comma_separated;
use crate::diagnostics::pluralize;
use crate::output::{Label, StyledText};

/// More kinds of fields than that are counted.
const MAX_NAMED_FIELDS: usize = 2;

/// One quiet line; nothing where everything was compared.
pub(super) fn push_unchecked_note(text: &mut StyledText, plan: &Plan) {
    if let Some(said) = unchecked_sentence(plan) {
        text.push(Label::Dim, said).end_line();
    }
}

/// What could not be compared, in how many objects, and who knows.
pub(crate) fn unchecked_sentence(plan: &Plan) -> Option<String> {
    let all = &plan.unchecked;
    let mut parts = Vec::new();
    let secrets = all.iter().filter(|it| !it.secrets.is_empty()).count();
    if secrets > 0 {
        parts.push(format!("credentials of {}", pluralize(secrets, "object")));
    }
    let fields = count_objects_by_field(all);
    parts.extend(fields.iter().take(MAX_NAMED_FIELDS).map(|(path, objects)| format!("{path} of {objects}")));
    if fields.len() > MAX_NAMED_FIELDS {
        parts.push(pluralize(fields.len() - MAX_NAMED_FIELDS, "other field"));
    }
    let git = match all.first()?.missing_base {
        MissingBase::NotGiven => "use --base REF to detect changes in git",
        MissingBase::NotInBase => "new in git, so there is no earlier value",
    };
    let parts = comma_separated(&parts);
    Some(format!("Not checked: {parts} (write-only in the API; {git})."))
}

/// In how many objects each field is, most first.
fn count_objects_by_field(all: &[UncheckedFields]) -> Vec<(String, usize)> {
    let mut fields: BTreeMap<String, usize> = BTreeMap::new();
    for path in all.iter().flat_map(|it| &it.fields) {
        *fields.entry(path.to_string()).or_default() += 1;
    }
    let mut fields: Vec<_> = fields.into_iter().collect();
    fields.sort_by_key(|(_, objects)| std::cmp::Reverse(*objects));
    fields
}
