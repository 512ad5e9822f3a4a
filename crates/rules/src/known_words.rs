//! The members and words that rules know. With a misspelt word, a rule would never deny anything.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use model::suggest::suggest_similar;

use crate::expression_problem::ExpressionProblem;
use crate::node_places::NodePlaces;
use crate::rule_input::VARIABLES;

/// The members of a variable, by its path. Fields of the `spec` depend on the kind, and are not listed.
const MEMBERS: &[(&str, &[&str])] = &[
    ("change", &["action", "fields", "replaces", "renames", "deletes", "starts", "stops", "secrets"]),
    ("now", &["text", "year", "month", "day", "hour", "minute", "weekday"]),
    ("manifest", &["apiVersion", "kind", "metadata", "spec"]),
    ("manifest.metadata", &["name", "service", "labels", "annotations"]),
];

/// Every text that a member can be.
const WORDS: &[(&str, &[&str])] = &[
    ("change.action", &["create", "adopt", "update", "rename", "replace", "delete", "start", "stop"]),
    ("now.weekday", &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]),
    ("manifest.kind", &["ClickPipe", "ReversePrivateEndpoint", "CdcScaling"]),
    ("manifest.spec.state", &["running", "stopped", "absent"]),
];

/// The first member or word that no object has. `text` is the expression as written.
pub(crate) fn find_unknown_word(tree: &IdedExpr, text: &str) -> Option<ExpressionProblem> {
    let visit = |tree| find_unknown_word(tree, text);
    match &tree.expr {
        Expr::Select(select) => {
            unknown_member(tree, &select.operand, &select.field, text).or_else(|| visit(&select.operand))
        }
        Expr::Call(call) => {
            let own = match (call.func_name.as_str(), &call.args[..]) {
                (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                    unknown_text(left, right, text).or_else(|| unknown_text(right, left, text))
                }
                (operators::IN, [member, list]) => match &list.expr {
                    Expr::List(list) => list.elements.iter().find_map(|word| unknown_text(member, word, text)),
                    _ => None,
                },
                _ => None,
            };
            own.or_else(|| call.target.as_deref().into_iter().chain(&call.args).find_map(visit))
        }
        Expr::List(list) => list.elements.iter().find_map(visit),
        Expr::Comprehension(it) => {
            // In a loop over `now`, that word is another thing.
            let is_hidden = VARIABLES.contains(&it.iter_var.as_str());
            visit(&it.iter_range).or_else(|| visit(&it.loop_step).filter(|_| !is_hidden))
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => None,
    }
}

fn unknown_member(tree: &IdedExpr, of: &IdedExpr, name: &str, text: &str) -> Option<ExpressionProblem> {
    let path = path_of(of)?;
    let (_, known) = MEMBERS.iter().find(|(known, _)| *known == path)?;
    let message = format!("`{path}` has no member `{name}`");
    (!known.contains(&name)).then(|| problem(&message, (name, known), tree, text))
}

fn unknown_text(member: &IdedExpr, literal: &IdedExpr, text: &str) -> Option<ExpressionProblem> {
    let Expr::Literal(LiteralValue::String(word)) = &literal.expr else { return None };
    let (path, known) = WORDS.iter().find(|(known, _)| path_of(member).as_deref() == Some(known))?;
    let message = format!("`{path}` is never `{}`", word.inner());
    (!known.contains(&word.inner())).then(|| problem(&message, (word.inner(), known), literal, text))
}

fn problem(message: &str, (name, known): (&str, &[&str]), tree: &IdedExpr, text: &str) -> ExpressionProblem {
    let help = match suggest_similar(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are `{}`", known.join("`, `")),
    };
    let offset = NodePlaces::find(text).start_of(tree);
    ExpressionProblem { help: Some(help), ..ExpressionProblem::new(offset, model::sanitize::sanitize_line(message)) }
}

/// `change.action` for an expression that contains only names.
fn path_of(tree: &IdedExpr) -> Option<String> {
    match &tree.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => Some(format!("{}.{}", path_of(&select.operand)?, select.field)),
        _ => None,
    }
}
