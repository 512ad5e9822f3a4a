//! Numbers and their bounds.

use serde_json::Number;

use super::shape::NumberShape;
use super::{Walk, code};
use crate::source::{Remark, Span};

impl Walk<'_> {
    pub(super) fn number(&mut self, shape: &NumberShape, number: &Number, span: Span) {
        if !is_within(shape, number) {
            self.report(|| {
                let message = format!("{number} is out of range");
                Remark::error(code::OUT_OF_RANGE, span, message).help(allowed(shape))
            });
        }
        if let Some(factor) = shape.multiple_of.as_ref().filter(|of| !is_multiple(number, of)) {
            self.report(|| {
                let message = format!("{number} is not a multiple of {factor}");
                Remark::error(code::OUT_OF_RANGE, span, message).help(allowed(shape))
            });
        }
    }
}

fn is_within(shape: &NumberShape, number: &Number) -> bool {
    let is = |bound: &Option<Number>, fits: fn(f64, f64) -> bool| {
        bound.as_ref().is_none_or(|bound| fits(float(number), float(bound)))
    };
    is(&shape.minimum, |number, bound| number >= bound)
        && is(&shape.maximum, |number, bound| number <= bound)
        && is(&shape.above, |number, bound| number > bound)
        && is(&shape.below, |number, bound| number < bound)
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

fn is_multiple(number: &Number, factor: &Number) -> bool {
    match (number.as_i64(), factor.as_i64()) {
        (Some(number), Some(factor)) => factor != 0 && number % factor == 0,
        _ => (float(number) / float(factor)).fract() == 0.0,
    }
}

fn allowed(shape: &NumberShape) -> String {
    let range = match (&shape.minimum, &shape.maximum) {
        (Some(least), Some(most)) => Some(format!("from {least} to {most}")),
        (Some(least), None) => Some(format!("at least {least}")),
        (None, Some(most)) => Some(format!("at most {most}")),
        (None, None) => None,
    };
    let above = shape.above.as_ref().map(|bound| format!("more than {bound}"));
    let below = shape.below.as_ref().map(|bound| format!("less than {bound}"));
    let multiple = shape.multiple_of.as_ref().map(|factor| format!("a multiple of {factor}"));
    let parts: Vec<String> = [range, above, below, multiple].into_iter().flatten().collect();
    format!("allowed: {}", parts.join(", "))
}
