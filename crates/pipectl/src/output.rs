//! Writes data to stdout and messages to stderr. No other module does.
//!
//! A [`Label`] says what a piece of text is. Only this module knows colours.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Color as AnsiColorChoice, Style};
use model::diagnostic::{Diagnostic, SourceFile};

use crate::diagnostics;

/// The meaning of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Text without a meaning of its own.
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StyledText(Vec<(Label, String)>);

impl StyledText {
    /// An empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn push(&mut self, label: Label, text: impl Into<String>) -> &mut Self {
        self.0.push((label, text.into()));
        self
    }

    /// Adds a plain piece.
    pub fn push_plain(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Label::Plain, text)
    }

    /// Ends the line.
    pub fn end_line(&mut self) -> &mut Self {
        self.push_plain("\n")
    }

    /// Adds all of another text.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.0.extend(other.0);
        self
    }

    /// Without colours.
    pub fn to_plain(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn to_ansi_text(&self) -> String {
        let mut out = String::new();
        for (label, text) in &self.0 {
            let style = label.style();
            // Writing to a string cannot fail.
            let _ = write!(out, "{style}{text}{style:#}");
        }
        out
    }
}

/// Where output goes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    color_choice: ColorChoice,
}

impl Output {
    /// `auto` decides by the terminal, `NO_COLOR` and `CLICOLOR_FORCE`.
    pub(crate) fn new(color_choice: ColorChoice) -> Self {
        Self { color_choice }
    }

    /// Prints data. A closed pipe is not an error.
    pub fn print_data(self, text: &StyledText) -> io::Result<()> {
        let choice = self.resolve_color_choice(&io::stdout());
        ignore_broken_pipe(write_styled(AutoStream::new(io::stdout().lock(), choice), text))
    }

    /// Clears the terminal and shows the text.
    pub fn redraw(self, text: &StyledText) -> io::Result<()> {
        ignore_broken_pipe(io::stdout().write_all(CLEAR_SCREEN.as_bytes()))?;
        self.print_data(text)
    }

    /// Prints a message: progress, a question or an error.
    pub fn print_message(self, text: &StyledText) {
        let choice = self.resolve_color_choice(&io::stderr());
        // If stderr is closed, there is nowhere to report it.
        let _ = write_styled(AutoStream::new(io::stderr().lock(), choice), text);
    }

    /// Prints a message of one line.
    pub fn print_message_line(self, line: impl Into<String>) {
        let mut text = StyledText::new();
        text.push_plain(line).end_line();
        self.print_message(&text);
    }

    /// Prints problems in files.
    pub fn print_diagnostics(self, problems: &[Diagnostic], files: &[SourceFile]) {
        if problems.is_empty() {
            return;
        }
        let coloured = self.resolve_color_choice(&io::stderr()) != ColorChoice::Never;
        self.print_message_line(diagnostics::render(problems, files, coloured));
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

/// Whether stdout is a terminal.
pub fn is_stdout_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether a question can be asked.
pub fn can_prompt() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn write_styled(mut stream: impl Write, text: &StyledText) -> io::Result<()> {
    stream.write_all(text.to_ansi_text().as_bytes())?;
    stream.flush()
}

fn ignore_broken_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
