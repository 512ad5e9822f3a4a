//! Checks what an expression may contain.
//
// Hazard: every CEL expression ends, but not soon: nested loops and sums that double a text are exponential.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr, IdedEntryExpr, IdedExpr};
use model::suggest::suggest_similar;

use crate::expression_problem::ExpressionProblem;
use crate::node_places::NodePlaces;
use crate::parser::{MAX_DEPTH, MAX_NODES};
use crate::rule_input::VARIABLES;

/// The deepest nesting of `all`, `exists`, `map` and the like.
pub(crate) const MAX_LOOPS: usize = 2;

/// The functions of an expression, in addition to operators and macros.
pub(crate) const FUNCTIONS: &[&str] = &[
    "bool",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];

/// Words that the parser replaces.
const MACROS: &[&str] = &["all", "exists", "exists_one", "filter", "has", "map"];

/// The names of types, for `type(x) == string`.
const TYPES: &[&str] = &["bool", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

pub(crate) struct ExpressionChecks<'t> {
    text: &'t str,
    /// The variables of the loops around the place.
    loop_variables: Vec<String>,
    variables: BTreeSet<String>,
    nodes: usize,
    depth: usize,
    loops: usize,
}

impl<'t> ExpressionChecks<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, loop_variables: Vec::new(), variables: BTreeSet::new(), nodes: 0, depth: 0, loops: 0 }
    }

    /// The variables of rules that the expression reads.
    pub(crate) fn into_variables(self) -> BTreeSet<String> {
        self.variables
    }

    pub(crate) fn check(&mut self, tree: &IdedExpr) -> Result<(), ExpressionProblem> {
        self.depth += 1;
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(ExpressionProblem::new(0, format!("the expression has more than {MAX_NODES} parts")));
        }
        if self.depth > usize::from(MAX_DEPTH) {
            return Err(ExpressionProblem::new(0, "the expression is nested too deep"));
        }
        match &tree.expr {
            Expr::Ident(name) => self.check_name(name, tree)?,
            Expr::Select(select) => self.check(&select.operand)?,
            Expr::Call(call) => {
                self.check_function(&call.func_name, tree)?;
                self.check_all(call.target.as_deref().into_iter().chain(&call.args))?;
            }
            Expr::List(list) => self.check_all(&list.elements)?,
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| self.check_entry(entry))?,
            Expr::Comprehension(it) => {
                self.check(&it.iter_range)?;
                self.loops += 1;
                if self.loops > MAX_LOOPS {
                    let message = format!("`all`, `exists`, `map` and the like may be nested {MAX_LOOPS} deep");
                    return Err(ExpressionProblem::new(0, message));
                }
                let around = self.loop_variables.len();
                self.loop_variables.extend([it.iter_var.clone(), it.accu_var.clone()]);
                self.loop_variables.extend(it.iter_var2.clone());
                self.check_all([&it.accu_init, &it.loop_cond, &it.loop_step, &it.result])?;
                self.loop_variables.truncate(around);
                self.loops -= 1;
            }
            Expr::Struct(_) => return Err(ExpressionProblem::new(0, "there are no messages in rules")),
            Expr::Literal(_) | Expr::Unspecified => {}
        }
        self.depth -= 1;
        Ok(())
    }

    fn check_all<'e>(&mut self, trees: impl IntoIterator<Item = &'e IdedExpr>) -> Result<(), ExpressionProblem> {
        trees.into_iter().try_for_each(|tree| self.check(tree))
    }

    fn check_entry(&mut self, entry: &IdedEntryExpr) -> Result<(), ExpressionProblem> {
        match &entry.expr {
            EntryExpr::MapEntry(entry) => self.check_all([&entry.key, &entry.value]),
            EntryExpr::StructField(field) => self.check(&field.value),
        }
    }

    fn check_name(&mut self, name: &str, tree: &IdedExpr) -> Result<(), ExpressionProblem> {
        if self.loop_variables.iter().any(|known| known == name) || TYPES.contains(&name) {
            return Ok(());
        }
        if VARIABLES.contains(&name) {
            self.variables.insert(name.to_owned());
            return Ok(());
        }
        let known = VARIABLES.iter().copied().chain(self.loop_variables.iter().map(String::as_str));
        let help = match suggest_similar(name, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are `{}`", VARIABLES.join("`, `")),
        };
        Err(ExpressionProblem {
            offset: NodePlaces::find(self.text).start_of(tree),
            message: format!("there is no variable `{name}`"),
            help: Some(help),
        })
    }

    fn check_function(&self, name: &str, tree: &IdedExpr) -> Result<(), ExpressionProblem> {
        let is_operator = name.contains('_') && !name.starts_with(char::is_alphabetic) || name.starts_with('@');
        if is_operator || FUNCTIONS.contains(&name) {
            return Ok(());
        }
        let (offset, known) = (NodePlaces::find(self.text).start_of(tree), FUNCTIONS.iter().chain(MACROS).copied());
        let help = if MACROS.contains(&name) {
            Some(format!("`{name}` needs a list and a variable: `list.{name}(x, …)`"))
        } else {
            suggest_similar(name, known).map(|meant| format!("did you mean `{meant}`?"))
        };
        Err(ExpressionProblem { offset, message: format!("there is no function `{name}`"), help })
    }
}
