//! Length and form of texts. The text itself is not quoted: it may contain a password.

use super::compiled::{TextPattern, TextShape, ValueShape};
use super::{ValidationPass, code};
use crate::text::NAMES_WITH_COMMAS;
use crate::yaml::{PendingDiagnostic, Span};

impl ValidationPass<'_> {
    pub(super) fn validate_text(&mut self, shape: &ValueShape, text: &str, span: Span) {
        if let Some(message) = length_problem(&shape.text, text) {
            self.report_problem(|| PendingDiagnostic::error(code::BAD_LENGTH, span, message));
        } else if let Some(pattern) = &shape.text.pattern
            && !matches_pattern(pattern.regex.as_str(), text).unwrap_or_else(|| pattern.regex.is_match(text))
        {
            self.report_problem(|| {
                PendingDiagnostic::error(code::BAD_PATTERN, span, "the text does not have the right form")
                    .with_help(describe_format(pattern, shape.summary.as_deref()))
            });
        }
    }
}

/// Whether a text has the form; `None` if only the regular expression can decide.
// Each Kafka manifest has brokers and topics, and this regular expression was a twentieth of the total cost.
fn matches_pattern(pattern: &str, text: &str) -> Option<bool> {
    let is_name = |name: &str| name.bytes().any(|byte| byte != b' ');
    (pattern == NAMES_WITH_COMMAS).then(|| text.split(',').all(is_name))
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

#[cfg(test)]
mod tests {
    use regex_lite::Regex;

    use super::{NAMES_WITH_COMMAS, matches_pattern};

    #[test]
    fn names_with_commas_match_their_regular_expression() {
        let regex = Regex::new(NAMES_WITH_COMMAS).unwrap();
        let parts = ["", " ", ",", "a", "ü", "\n", "\t"];
        for (one, two, three, four) in (0..parts.len().pow(4)).map(|n| (n % 7, n / 7 % 7, n / 49 % 7, n / 343)) {
            let text = [one, two, three, four].map(|at| parts[at]).concat();
            assert_eq!(matches_pattern(NAMES_WITH_COMMAS, &text), Some(regex.is_match(&text)), "{text:?}");
        }
        assert_eq!(matches_pattern("^[a-z]$", "a"), None);
    }
}
