//! Escapes usage errors: they quote the command line and the environment, which may contain text of strangers.

use std::ffi::OsString;

use anstream::ColorChoice;
use clap::Error;
use clap::error::{ContextKind, ContextValue};
use model::sanitize::sanitize_line;

use crate::env_vars;
use crate::output::{Output, StyledText};

/// Prints an error or the help, with the values in it as visible text on one line.
pub(crate) fn print_usage_error(error: &mut Error, args: &[OsString]) {
    let raw_values = escape_values(error);
    let variables = env_vars::all_variables().filter(|(name, _)| name.to_string_lossy().starts_with("PIPECTL_"));
    let mut given = args.iter().cloned().chain(variables.map(|(_, value)| value));
    if given.all(|value| value.to_str().is_some_and(|text| sanitize_line(text) == text)) {
        // A closed stream is the reader's choice.
        let _ = error.print();
        return;
    }
    // Without colours: their escapes could not be distinguished from those of a value. Parsers and tips quote values,
    // too.
    let text = raw_values.iter().fold(error.to_string(), |text, raw| text.replace(raw, &sanitize_line(raw)));
    let (output, text) = (Output::new(ColorChoice::Never), StyledText::new().push_plain(text).clone());
    if error.use_stderr() {
        output.print_message(&text);
    } else {
        let _ = output.print_data(&text);
    }
}

/// Escapes the values in an error, and returns the values that changed.
fn escape_values(error: &mut Error) -> Vec<String> {
    let context: Vec<(ContextKind, ContextValue)> =
        error.context().map(|(kind, value)| (kind, value.clone())).collect();
    let mut raw_values = Vec::new();
    let mut escape = |text: String| {
        let shown = sanitize_line(&text);
        raw_values.extend(Some(text).filter(|text| *text != shown));
        shown
    };
    for (kind, value) in context {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(escape(text)),
            ContextValue::Strings(texts) => ContextValue::Strings(texts.into_iter().map(&mut escape).collect()),
            _ => continue,
        };
        error.insert(kind, value);
    }
    // A tip is a styled text, which repeats the value in pieces.
    if !raw_values.is_empty() {
        error.remove(ContextKind::Suggested);
    }
    raw_values
}
