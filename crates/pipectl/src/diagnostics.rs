//! Problems in files: the line, what is wrong with it, and the fix.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use clickpipes::manifest;
use clickpipes::redact_text::TextRedactor;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::sanitize::sanitize_line;
use model::schema_validator::code;

use crate::code_help::CodeHelp;

/// All problems, in order, a line that counts them, and the command that explains a code.
pub fn render(diagnostics: &[Diagnostic], files: &[SourceFile], coloured: bool) -> String {
    let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
    // A possible secret is never quoted, so all quotes of a file come from its masked text.
    // A file without a pipectl document belongs to somebody else, and is not quoted.
    let redactor = TextRedactor::for_texts(files.iter().map(|file| &*file.text));
    let literals_in = |file: &SourceFile| {
        let literals = diagnostics.iter().filter(|it| it.code == code::LITERAL_SECRET && it.place.file == file.name);
        literals.map(|it| it.span.clone()).collect::<Vec<_>>()
    };
    let masked: BTreeMap<&str, String> = files
        .iter()
        .filter(|file| manifest::is_text_of_ours(&file.text))
        .filter(|file| diagnostics.iter().any(|problem| problem.place.file == file.name))
        .map(|file| (&*file.name, redactor.redact(&file.text, literals_in(file))))
        .collect();
    let mut out = String::new();
    for diagnostic in diagnostics {
        let text = masked.get(&*diagnostic.place.file).map_or("", String::as_str);
        out.push_str(&render_diagnostic(&renderer, diagnostic, text));
        out.push_str("\n\n");
    }
    out.push_str(&severity_counts(diagnostics));
    let mut errors = diagnostics.iter().filter(|it| it.severity == Severity::Error);
    // One line for all codes, as rustc prints it. The rules of a project are not on the page of codes.
    if let Some(help) = errors.find_map(|it| CodeHelp::find(it.code)) {
        let _ = write!(out, "\nFor more about a code, try `pipectl explain {}`.", help.code);
    }
    out
}

/// `2 errors, 1 warning in 3 files`, or an empty text.
pub fn severity_counts(diagnostics: &[Diagnostic]) -> String {
    let of = |severity: Severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    let parts = [("error", of(Severity::Error)), ("warning", of(Severity::Warning))];
    let counted: Vec<String> =
        parts.into_iter().filter(|(_, number)| *number > 0).map(|(word, number)| pluralize(number, word)).collect();
    counted.join(", ")
}

/// `1 pipe`, `2 pipes`.
pub fn pluralize(number: usize, word: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {word}{s}")
}

fn render_diagnostic(renderer: &Renderer, diagnostic: &Diagnostic, text: &str) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let window = line_range(text, &diagnostic.span);
    let quoted = QuotedLine::new(&text[window.clone()], span_in_window(&diagnostic.span, &window));
    let name = sanitize_line(&diagnostic.place.file);
    let line = usize::try_from(diagnostic.place.line).unwrap_or(1);
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut problem = Group::with_title(title);
    problem = if window.len() > MAX_QUOTED_BYTES {
        let column = usize::try_from(diagnostic.place.column).unwrap_or(1);
        problem.element(Origin::path(name.clone()).line(line).char_column(column))
    } else {
        // The renderer shows the text around the span. It needs the whole line, because it counts the column.
        let snippet = Snippet::source(&*quoted.text).line_start(line).path(name.clone()).fold(false);
        problem.element(snippet.annotation(AnnotationKind::Primary.span(quoted.span.clone())))
    };
    if let Some(evidence) = diagnostic.evidence {
        problem = problem.element(Level::NOTE.message(format!("evidence: {}", evidence.describe())));
    }
    let mut groups = vec![problem];
    if let Some(also) = &diagnostic.also {
        let place = format!("{} ({})", also.label, also.place);
        groups.push(Group::with_title(Level::NOTE.secondary_title(place)));
    }
    if let Some(help) = &diagnostic.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
    }
    // The renderer shows the whole line of a fix.
    if let Some(replacement) = diagnostic.replacement.as_ref().filter(|_| window.len() <= MAX_FIXED_BYTES) {
        let patch = Patch::new(quoted.span.clone(), replacement.as_str());
        let fixed = Snippet::source(&*quoted.text).line_start(line).path(name).patch(patch);
        groups.push(Group::with_title(Level::HELP.secondary_title("write this")).element(fixed));
    }
    renderer.render(&groups)
}

/// A line of a file with escapes for what is invisible, and the span to underline in it.
// The carets stand below the characters that are printed, so the escapes must be there before the line is laid out. The
// renderer knows control characters and tabs itself.
struct QuotedLine<'t> {
    text: Cow<'t, str>,
    span: Range<usize>,
}

impl<'t> QuotedLine<'t> {
    fn new(line: &'t str, span: Range<usize>) -> Self {
        if line.is_ascii() || line.len() > MAX_QUOTED_BYTES {
            return Self { text: line.into(), span };
        }
        let escape = |text: &str| -> String {
            let escaped =
                |c: char| if c.is_ascii() { c.to_string() } else { sanitize_line(c.encode_utf8(&mut [0; 4])) };
            text.chars().map(escaped).collect()
        };
        let start = char_boundary(line, span.start);
        let end = char_boundary(line, span.end).max(start);
        let (before, inside) = (escape(&line[..start]), escape(&line[start..end]));
        let span = before.len()..before.len() + inside.len();
        Self { text: (before + &inside + &escape(&line[end..])).into(), span }
    }
}

fn line_range(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = char_boundary(text, span.start);
    let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let to = text[start..].find('\n').map_or(text.len(), |at| start + at);
    from..to
}

/// Cost must not grow with the line: there may be a thousand mistakes in it.
const MAX_QUOTED_BYTES: usize = 16 * 1024;

/// A longer line hides its fix.
const MAX_FIXED_BYTES: usize = 400;

fn span_in_window(span: &Range<usize>, window: &Range<usize>) -> Range<usize> {
    let clamp = |at: usize| at.clamp(window.start, window.end) - window.start;
    clamp(span.start)..clamp(span.end)
}

fn char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
