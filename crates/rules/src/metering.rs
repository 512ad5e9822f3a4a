//! Counts the work of an expression, so that it ends soon.
//
// The library has no limit. So each loop gets a call that counts its steps, and fails when there were too many:
// `list.all(x, f(x))` becomes `list.all(x, @step(x, 1) ? f(x) : false)`. CEL does not allow `@` in a name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::{CelBool, CelInt};
use cel::extractors::This;
use cel::{Context, ExecutionError, Value};
use regex_lite::RegexBuilder;

/// The limit for the rules of one run and all objects, in steps: a turn of a loop, a value, or a line of text.
pub(crate) const MAX_STEPS: u64 = 5_000_000;

const STEP: &str = "@step";
const GROWN: &str = "@grown";
const TEXT_BYTES_PER_STEP: usize = 64;
const MAX_REGEX_BYTES: usize = 40_000;

/// Adds the calls that count.
pub(crate) fn meter_loops(tree: &mut IdedExpr) {
    match &mut tree.expr {
        Expr::Call(call) => {
            call.target.as_deref_mut().into_iter().chain(&mut call.args).for_each(meter_loops);
            if call.func_name == operators::ADD {
                wrap_sum(tree);
            }
        }
        Expr::Select(select) => meter_loops(&mut select.operand),
        Expr::List(list) => list.elements.iter_mut().for_each(meter_loops),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let cel::common::ast::EntryExpr::MapEntry(entry) = &mut entry.expr {
                    meter_loops(&mut entry.key);
                    meter_loops(&mut entry.value);
                }
            }
        }
        Expr::Comprehension(it) => {
            meter_loops(&mut it.iter_range);
            // The sum of a list and its next entry is not a sum of the author's: only the entry is walked.
            if let Some(turn) = turn_of_loop(&mut it.loop_step) {
                let whole_values = count_whole_values(turn);
                meter_loops(turn);
                count_turn(turn, &it.iter_var, whole_values);
            }
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}

/// The author's part of a turn: `x` in `result && x`, `result + [x]`, and `x ? result + … : result`.
fn turn_of_loop(step: &mut IdedExpr) -> Option<&mut IdedExpr> {
    let Expr::Call(call) = &mut step.expr else { return None };
    let is_choice = call.func_name == operators::CONDITIONAL;
    if is_choice {
        return call.args.first_mut();
    }
    let entry = call.args.get_mut(1)?;
    match &entry.expr {
        Expr::List(_) => {
            let Expr::List(list) = &mut entry.expr else { return None };
            list.elements.first_mut()
        }
        _ => Some(entry),
    }
}

/// The number of values of any size that a turn compares or searches. Next to a literal, only its length counts.
fn count_whole_values(tree: &IdedExpr) -> i64 {
    const WHOLE: &[&str] = &[
        operators::EQUALS,
        operators::NOT_EQUALS,
        operators::IN,
        operators::ADD,
        operators::LESS,
        operators::LESS_EQUALS,
        operators::GREATER,
        operators::GREATER_EQUALS,
        "contains",
        "startsWith",
        "endsWith",
        "size",
        "string",
    ];
    match &tree.expr {
        Expr::Call(call) => {
            let parts = call.target.as_deref().into_iter().chain(&call.args);
            let is_short = parts.clone().any(|part| matches!(part.expr, Expr::Literal(_)));
            let own = i64::from(WHOLE.contains(&call.func_name.as_str()) && !is_short);
            own + parts.map(count_whole_values).sum::<i64>()
        }
        Expr::Select(select) => count_whole_values(&select.operand),
        Expr::List(list) => list.elements.iter().map(count_whole_values).sum(),
        // Its own turns count separately.
        Expr::Comprehension(it) => count_whole_values(&it.iter_range),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => 0,
    }
}

fn call_of(name: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args })
}

fn node(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

/// `turn` becomes `@step(variable, whole) ? turn : false`.
fn count_turn(turn: &mut IdedExpr, variable: &str, whole_values: i64) {
    let own = std::mem::take(turn);
    let variable = node(Expr::Ident(variable.to_owned()));
    let whole_values = node(Expr::Literal(LiteralValue::Int(CelInt::from(whole_values))));
    let step = node(call_of(STEP, vec![variable, whole_values]));
    // Never reached: a step is true or fails. If it fails, the turn is not evaluated.
    let otherwise = node(Expr::Literal(LiteralValue::Boolean(CelBool::from(false))));
    turn.id = own.id;
    turn.expr = call_of(operators::CONDITIONAL, vec![step, own, otherwise]);
}

/// `a + b` becomes `@grown(a + b)`.
fn wrap_sum(sum: &mut IdedExpr) {
    let own = std::mem::take(sum);
    sum.id = own.id;
    sum.expr = call_of(GROWN, vec![own]);
}

/// The remaining steps of a run.
#[derive(Clone, Debug)]
pub(crate) struct StepBudget(Arc<AtomicU64>);

impl Default for StepBudget {
    fn default() -> Self {
        Self::new(MAX_STEPS)
    }
}

impl StepBudget {
    pub(crate) fn new(steps: u64) -> Self {
        Self(Arc::new(AtomicU64::new(steps)))
    }

    fn spend(&self, steps: u64) -> Result<(), ExecutionError> {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(steps)));
        match left {
            Ok(left) if left > steps => Ok(()),
            _ => {
                let message = "the rules take too many steps for these manifests; write shorter loops";
                Err(ExecutionError::function_error(STEP, message))
            }
        }
    }

    /// Adds the functions that count. `input_size` is the size of all variables.
    pub(crate) fn add_functions(&self, context: &mut Context<'_, '_>, input_size: u64) {
        let (steps, sums, matching) = (self.clone(), self.clone(), self.clone());
        let step = move |item: Value, whole_values: i64| -> Result<bool, ExecutionError> {
            let whole = u64::try_from(whole_values).unwrap_or_default();
            steps.spend(1 + value_size(&item) + whole * input_size)?;
            Ok(true)
        };
        let grown = move |sum: Value| -> Result<Value, ExecutionError> {
            sums.spend(value_size(&sum))?;
            Ok(sum)
        };
        let matches = move |This(text): This<Arc<String>>, pattern: Arc<String>| -> Result<bool, ExecutionError> {
            matching.spend(1 + (text.len() as u64 + 1) * (pattern.len() as u64 + 1) / TEXT_BYTES_PER_STEP as u64)?;
            matches_pattern(&text, &pattern)
        };
        // Fails only for names that the library has.
        let added = [
            context.add_function(STEP, step),
            context.add_function(GROWN, grown),
            context.add_function("matches", matches),
        ];
        debug_assert!(added.iter().all(Result::is_ok), "{added:?}");
    }
}

fn matches_pattern(text: &str, pattern: &str) -> Result<bool, ExecutionError> {
    let regex = RegexBuilder::new(pattern).size_limit(MAX_REGEX_BYTES).build();
    let regex = regex.map_err(|error| {
        let error = model::sanitize::sanitize_line(&error.to_string());
        ExecutionError::function_error("matches", format!("no valid pattern for `matches`: {error}"))
    })?;
    Ok(regex.is_match(text))
}

/// The values in a value, and the length of its texts.
pub(crate) fn value_size(value: &Value) -> u64 {
    match value {
        Value::List(items) => 1 + items.iter().map(value_size).sum::<u64>(),
        Value::Map(map) => 1 + map.map.values().map(value_size).sum::<u64>(),
        Value::String(text) => 1 + (text.len() / TEXT_BYTES_PER_STEP) as u64,
        _ => 1,
    }
}
