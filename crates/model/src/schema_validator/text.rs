//! Length and form of texts. The text itself is not quoted: it may contain a password.

use super::compiled::{TextPattern, TextShape, ValueShape};
use super::{ValidationPass, code};
use crate::yaml::{PendingDiagnostic, Span};

impl ValidationPass<'_> {
    pub(super) fn validate_text(&mut self, shape: &ValueShape, text: &str, span: Span) {
        if let Some(message) = length_problem(&shape.text, text) {
            self.report_problem(|| PendingDiagnostic::error(code::BAD_LENGTH, span, message));
        } else if let Some(pattern) = &shape.text.pattern
            && !pattern.regex.is_match(text)
        {
            self.report_problem(|| {
                PendingDiagnostic::error(code::BAD_PATTERN, span, "the text does not have the right form")
                    .with_help(describe_format(pattern, shape.summary.as_deref()))
            });
        }
    }
}

fn length_problem(shape: &TextShape, text: &str) -> Option<String> {
    let (least, most) = (shape.min_length.unwrap_or(0), shape.max_length.unwrap_or(usize::MAX));
    let characters = text.chars().count();
    if characters == 0 && least > 0 {
        return Some("the text is empty".to_owned());
    }
    if characters < least {
        return Some(format!("the text has {characters} characters, and needs at least {least}"));
    }
    (characters > most).then(|| format!("the text has {characters} characters, and may have at most {most}"))
}

fn describe_format(pattern: &TextPattern, about: Option<&str>) -> String {
    let regex = pattern.regex.as_str();
    match (pattern.description.as_deref(), about) {
        (Some(says), _) => format!("expected {says}"),
        (None, Some(about)) => format!("{} (pattern `{regex}`)", about.trim_end_matches('.')),
        (None, None) => format!("pattern `{regex}`"),
    }
}
