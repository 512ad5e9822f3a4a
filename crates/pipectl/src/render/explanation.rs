//! The explanation of a field.

use clickpipes::docs::FieldExplanation;

use crate::output::{Label, StyledText};

/// The explanation as text.
pub fn render(explanation: &FieldExplanation) -> StyledText {
    let mut text = StyledText::new();
    text.push(Label::Plain, explanation.to_string());
    text
}
