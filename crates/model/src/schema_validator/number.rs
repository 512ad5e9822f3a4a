//! Numbers and their bounds.

use serde_json::Number;

use super::compiled::NumberShape;
use super::{ValidationPass, code};
use crate::yaml::{PendingDiagnostic, Span};

impl ValidationPass<'_> {
    pub(super) fn validate_number(&mut self, shape: &NumberShape, number: &Number, span: Span) {
        if !is_in_range(shape, number) {
            self.report_problem(|| {
                let message = format!("{number} is out of range");
                PendingDiagnostic::error(code::OUT_OF_RANGE, span, message).with_help(describe_range(shape))
            });
        }
        if let Some(factor) = shape.multiple_of.as_ref().filter(|of| !is_multiple(number, of)) {
            self.report_problem(|| {
                let message = format!("{number} is not a multiple of {factor}");
                PendingDiagnostic::error(code::OUT_OF_RANGE, span, message).with_help(describe_range(shape))
            });
        }
    }
}

fn is_in_range(shape: &NumberShape, number: &Number) -> bool {
    let is = |bound: &Option<Number>, fits: fn(f64, f64) -> bool| {
        bound.as_ref().is_none_or(|bound| fits(as_float(number), as_float(bound)))
    };
    is(&shape.minimum, |number, bound| number >= bound) && is(&shape.maximum, |number, bound| number <= bound)
}

fn as_float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

fn is_multiple(number: &Number, factor: &Number) -> bool {
    match (number.as_i64(), factor.as_i64()) {
        (Some(number), Some(factor)) => factor != 0 && number % factor == 0,
        _ => (as_float(number) / as_float(factor)).fract() == 0.0,
    }
}

fn describe_range(shape: &NumberShape) -> String {
    let range = match (&shape.minimum, &shape.maximum) {
        (Some(least), Some(most)) => Some(format!("from {least} to {most}")),
        (Some(least), None) => Some(format!("at least {least}")),
        (None, Some(most)) => Some(format!("at most {most}")),
        (None, None) => None,
    };
    let multiple = shape.multiple_of.as_ref().map(|factor| format!("a multiple of {factor}"));
    let parts: Vec<String> = [range, multiple].into_iter().flatten().collect();
    format!("allowed: {}", parts.join(", "))
}
