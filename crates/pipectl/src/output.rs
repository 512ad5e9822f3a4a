//! Writes to stdout and stderr: data on the one, talk on the other. Nothing else does.
//!
//! Code says what a piece of text *is*, with a [`Label`]; only this module knows colours.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Color as AnsiColorChoice, Style};
use model::diagnostic::{Diagnostic, SourceFile};

use crate::cli::Color;
use crate::render::diagnostics;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Nothing in particular.
    Plain,
    /// The name of a service or an object.
    Name,
    /// Something that comes into being.
    Create,
    /// Something that changes in place.
    Update,
    /// Something that goes away.
    Delete,
    /// Something that goes away and comes back.
    Replace,
    /// Something that is held back.
    Blocked,
    /// What is not the point.
    Dim,
    /// A word that changed within a line that goes away.
    DeletedWord,
    /// A word that changed within a line that comes.
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
pub struct Text(Vec<(Label, String)>);

impl Text {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn push(&mut self, label: Label, text: impl Into<String>) -> &mut Self {
        self.0.push((label, text.into()));
        self
    }

    /// Adds a piece that is nothing in particular.
    pub fn plain(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Label::Plain, text)
    }

    /// Ends the line.
    pub fn end(&mut self) -> &mut Self {
        self.plain("\n")
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

    fn to_styled(&self) -> String {
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
    choice: ColorChoice,
}

impl Output {
    /// Colours as asked for; `auto` looks at the terminal and at `NO_COLOR` and `CLICOLOR_FORCE`.
    pub(crate) fn new(color: Color) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { choice }
    }

    /// Prints data. A reader that has gone away is not an error.
    pub fn data(self, text: &Text) -> io::Result<()> {
        let choice = self.resolved(&io::stdout());
        quiet_when_closed(write_all(AutoStream::new(io::stdout().lock(), choice), text))
    }

    /// Shows the text in place of what the terminal shows.
    pub fn redraw(self, text: &Text) -> io::Result<()> {
        quiet_when_closed(io::stdout().write_all(HOME.as_bytes()))?;
        self.data(text)
    }

    /// Prints talk: progress, questions, what went wrong.
    pub fn talk(self, text: &Text) {
        let choice = self.resolved(&io::stderr());
        // There is nowhere left to say that stderr is closed.
        let _ = write_all(AutoStream::new(io::stderr().lock(), choice), text);
    }

    /// Prints one line of talk.
    pub fn say(self, line: impl Into<String>) {
        let mut text = Text::new();
        text.plain(line).end();
        self.talk(&text);
    }

    /// Prints what is wrong with files, if anything is.
    pub fn problems(self, problems: &[Diagnostic], files: &[SourceFile]) {
        if problems.is_empty() {
            return;
        }
        let coloured = self.resolved(&io::stderr()) != ColorChoice::Never;
        self.say(diagnostics::render(problems, files, coloured));
    }

    fn resolved(self, stream: &impl anstream::stream::RawStream) -> ColorChoice {
        match self.choice {
            ColorChoice::Auto => AutoStream::choice(stream),
            chosen => chosen,
        }
    }
}

/// Goes to the upper left and clears what follows.
const HOME: &str = "\u{1b}[H\u{1b}[J";

/// Whether stdout is a screen.
pub fn shows() -> bool {
    io::stdout().is_terminal()
}

/// Whether a person can be asked.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn write_all(mut stream: impl Write, text: &Text) -> io::Result<()> {
    stream.write_all(text.to_styled().as_bytes())?;
    stream.flush()
}

fn quiet_when_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
