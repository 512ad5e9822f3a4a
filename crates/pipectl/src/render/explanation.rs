//! What a field is, for a person.

use model::reference::Explanation;

use crate::output::{Label, Text};

/// The explanation as text.
pub fn render(explanation: &Explanation) -> Text {
    let mut text = Text::new();
    text.push(Label::Plain, explanation.to_string());
    text
}
