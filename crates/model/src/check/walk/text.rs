//! Texts, their length and their form. The text itself is not quoted: it may hold a password.

use super::shape::{Limits, Pattern, Shape};
use super::{Walk, code};
use crate::source::{Remark, Span};

impl Walk<'_> {
    pub(super) fn text(&mut self, shape: &Shape, text: &str, span: Span) {
        if let Some(message) = bad_length(&shape.text.length, text) {
            self.report(|| Remark::error(code::BAD_LENGTH, span, message));
        } else if let Some(pattern) = &shape.text.pattern
            && !pattern.regex.is_match(text)
        {
            self.report(|| {
                Remark::error(code::BAD_PATTERN, span, "the text does not have the right form")
                    .help(form(pattern, shape.about.as_deref()))
            });
        }
    }
}

fn bad_length(length: &Limits, text: &str) -> Option<String> {
    let (least, most) = (length.least.unwrap_or(0), length.most.unwrap_or(usize::MAX));
    let characters = text.chars().count();
    if characters == 0 && least > 0 {
        return Some("the text is empty".to_owned());
    }
    if characters < least {
        return Some(format!("the text has {characters} characters, and needs at least {least}"));
    }
    (characters > most)
        .then(|| format!("the text has {characters} characters, and may have at most {most}"))
}

/// The form in words, what the field is for, and the pattern for those who read patterns.
fn form(pattern: &Pattern, about: Option<&str>) -> String {
    let regex = pattern.regex.as_str();
    match (pattern.says.as_deref(), about) {
        (Some(says), _) => format!("expected {says}"),
        (None, Some(about)) => format!("{} (pattern `{regex}`)", about.trim_end_matches('.')),
        (None, None) => format!("pattern `{regex}`"),
    }
}
