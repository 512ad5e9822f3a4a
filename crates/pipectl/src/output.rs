//! Writes data to stdout and messages to stderr. No other module does.
//!
//! A [`Label`] is the meaning of a piece of text. Only this module knows colours.

mod live_area;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Color as AnsiColorChoice, Style};
use model::diagnostic::{Diagnostic, SourceFile};
use model::sanitize::sanitize_line;

pub(crate) use self::live_area::LiveArea;
use crate::run_redaction::run_redaction;
use crate::{diagnostics, env_vars};

/// The meaning of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Plain text.
    Plain,
    /// The name of a service or an object.
    Name,
    /// An object or a field that is created.
    Create,
    /// An object or a field that changes in place.
    Update,
    /// An object or a field that is deleted.
    Delete,
    /// An object that is replaced.
    Replace,
    /// An object that is blocked.
    Blocked,
    /// Less important text.
    Dim,
    /// A changed word of a deleted line.
    DeletedWord,
    /// A changed word of a created line.
    CreatedWord,
    /// A heading.
    Heading,
}

impl Label {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(AnsiColorChoice::Ansi(colour)));
        match self {
            Self::Plain => Style::new(),
            Self::Name | Self::Heading => Style::new().bold(),
            Self::Create => colour(AnsiColor::Green),
            Self::Update => colour(AnsiColor::Yellow),
            Self::Delete => colour(AnsiColor::Red),
            Self::Replace | Self::Blocked => colour(AnsiColor::Magenta),
            Self::Dim => Style::new().dimmed(),
            Self::DeletedWord => colour(AnsiColor::Red).bold().underline(),
            Self::CreatedWord => colour(AnsiColor::Green).bold().underline(),
        }
    }
}

/// Text in labelled pieces.
// A plan has a dozen short pieces for each of thousands of pipes: one `String` for each takes several times as much.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StyledText {
    text: String,
    /// The label of each piece, and its end.
    pieces: Vec<(Label, usize)>,
}

impl StyledText {
    /// An empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn push(&mut self, label: Label, text: impl AsRef<str>) -> &mut Self {
        self.text.push_str(text.as_ref());
        self.pieces.push((label, self.text.len()));
        self
    }

    /// Adds a plain piece.
    pub fn push_plain(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.push(Label::Plain, text)
    }

    pub fn end_line(&mut self) -> &mut Self {
        self.push_plain("\n")
    }

    /// Adds all of another text.
    pub fn append(&mut self, other: &Self) -> &mut Self {
        for (label, text) in other.pieces() {
            self.push(label, text);
        }
        self
    }

    /// Without colours.
    pub fn to_plain(&self) -> String {
        self.text.clone()
    }

    fn pieces(&self) -> impl Iterator<Item = (Label, &str)> {
        let starts = std::iter::once(0).chain(self.pieces.iter().map(|(_, end)| *end));
        starts.zip(&self.pieces).map(|(start, (label, end))| (*label, &self.text[start..*end]))
    }

    fn to_ansi_text(&self) -> String {
        let is_github = env_vars::read_variable("GITHUB_ACTIONS").is_some();
        let mut out = String::new();
        for (label, text) in self.pieces() {
            let style = label.style();
            let text = escape_piece(text, is_github);
            // Writing to a string cannot fail.
            let _ = write!(out, "{style}{text}{style:#}");
        }
        out
    }
}

/// A piece of text that strangers may have written: names, values, messages of the API, names of files.
///
/// Control characters could drive the terminal, and direction marks can change how the text looks. GitHub takes a line
/// that begins with `::`, and `##[` anywhere, for a command to the runner.
fn escape_piece(text: &str, is_github: bool) -> String {
    let lines = text.split('\n').map(|line| {
        let (line, end) = line.strip_suffix('\r').map_or((line, ""), |line| (line, "\r"));
        let line = line.split('\t').map(sanitize_line).collect::<Vec<_>>().join("\t");
        let line = if is_github { line.replace("##[", "##\\[") } else { line };
        let is_command = is_github && line.trim_start().starts_with("::");
        let line = if is_command { line.replacen("::", "\\::", 1) } else { line };
        format!("{line}{end}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether the text needs no escapes, wherever it is printed.
pub(crate) fn prints_unchanged(text: &str) -> bool {
    escape_piece(text, true) == text
}

/// The output streams and their settings.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    color_choice: ColorChoice,
    /// Whether progress and advice are omitted.
    pub(crate) is_quiet: bool,
}

impl Output {
    /// `auto` decides by the terminal, `NO_COLOR` and `CLICOLOR_FORCE`.
    pub(crate) fn new(color_choice: ColorChoice) -> Self {
        Self { color_choice, is_quiet: false }
    }

    /// Leaves out progress and advice.
    pub(crate) fn with_quiet(self, is_quiet: bool) -> Self {
        Self { is_quiet, ..self }
    }

    /// Prints data. A closed pipe is not an error.
    pub fn print_data(self, text: &StyledText) -> io::Result<()> {
        let choice = self.resolve_color_choice(&io::stdout());
        ignore_broken_pipe(write_styled(AutoStream::new(io::stdout().lock(), choice), text))
    }

    /// Prints a document for machines unchanged: its format has its own escapes.
    pub fn print_document(self, text: &str) -> io::Result<()> {
        ignore_broken_pipe(write_and_flush(io::stdout().lock(), text))
    }

    /// Clears the terminal and shows the text.
    pub fn redraw(self, text: &StyledText) -> io::Result<()> {
        ignore_broken_pipe(io::stdout().write_all(CLEAR_SCREEN.as_bytes()))?;
        self.print_data(text)
    }

    /// Prints a message: a question, a warning or an error.
    pub fn print_message(self, text: &StyledText) {
        let choice = self.resolve_color_choice(&io::stderr());
        // If stderr is closed, there is nowhere to report it.
        let _ = write_styled(AutoStream::new(io::stderr().lock(), choice), text);
    }

    pub fn print_message_line(self, line: impl AsRef<str>) {
        let mut text = StyledText::new();
        text.push_plain(line).end_line();
        self.print_message(&text);
    }

    pub fn print_diagnostics(self, problems: &[Diagnostic], files: &[SourceFile]) {
        if problems.is_empty() {
            return;
        }
        let choice = self.resolve_color_choice(&io::stderr());
        if choice == ColorChoice::Never {
            self.print_message_line(diagnostics::render(problems, files, false));
            return;
        }
        // Its colours are escapes already. Lines of files are escaped where they are quoted.
        let text = diagnostics::render(problems, files, true);
        let _ = write_and_flush(AutoStream::new(io::stderr().lock(), choice), &format!("{text}\n"));
    }

    fn resolve_color_choice(self, stream: &impl anstream::stream::RawStream) -> ColorChoice {
        match self.color_choice {
            ColorChoice::Auto => AutoStream::choice(stream),
            chosen => chosen,
        }
    }
}

/// Moves to the upper left and clears the screen.
const CLEAR_SCREEN: &str = "\u{1b}[H\u{1b}[J";

pub fn is_stdout_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether a question can be asked.
pub fn can_prompt() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Stderr for logs. Each write is a whole event.
pub(crate) struct LogStream;

impl Write for LogStream {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        write_and_flush(io::stderr().lock(), &String::from_utf8_lossy(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn write_styled(stream: impl Write, text: &StyledText) -> io::Result<()> {
    write_and_flush(stream, &text.to_ansi_text())
}

/// All text to a stream passes through here, so no secret of this process is printed in any format.
fn write_and_flush(mut stream: impl Write, text: &str) -> io::Result<()> {
    stream.write_all(run_redaction().redact_output(text).as_bytes())?;
    stream.flush()
}

fn ignore_broken_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::escape_piece;

    #[test]
    fn text_of_strangers_drives_neither_terminal_nor_runner() {
        for (text, plain, github) in [
            ("a\tb\r\nc\n", "a\tb\r\nc\n", "a\tb\r\nc\n"),
            ("\u{1b}[2J\u{202e}", r"\u{1b}[2J\u{202e}", r"\u{1b}[2J\u{202e}"),
            ("x\n  ::error::y a::b", "x\n  ::error::y a::b", "x\n  \\::error::y a::b"),
            ("a ##[add-mask]b", "a ##[add-mask]b", r"a ##\[add-mask]b"),
        ] {
            assert_eq!(escape_piece(text, false), plain);
            assert_eq!(escape_piece(text, true), github);
        }
    }
}
