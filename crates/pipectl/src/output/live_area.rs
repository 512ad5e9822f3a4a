//! Lines at the end of a terminal that are drawn again and again in place.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use anstream::ColorChoice;
use model::sanitize::sanitize_line;
use tracing::level_filters::LevelFilter;

use super::{Output, write_and_flush};
use crate::env_vars;
use crate::escape::truncate_chars;

/// The default width for a terminal that does not report one.
const DEFAULT_WIDTH: usize = 80;

/// The drawn lines. Every other message has to erase them first.
pub(crate) struct LiveArea {
    drawn: Cell<usize>,
}

impl LiveArea {
    /// An area on stderr. `None` where it would not be read, or not be erased: in a file, in a log of CI, in a terminal
    /// that knows no such commands, and among the lines of `-v`.
    pub(crate) fn open(output: Output) -> Option<Self> {
        let can_move = output.resolve_color_choice(&io::stderr()) != ColorChoice::Never;
        let is_quiet = LevelFilter::current() == LevelFilter::OFF && env_vars::read_variable("CI").is_none();
        (io::stderr().is_terminal() && can_move && is_quiet).then(|| Self { drawn: Cell::new(0) })
    }

    /// Draws the lines in place of the previous ones. A line that is too long is cut: if it wrapped, the count of lines
    /// would be wrong.
    pub(crate) fn draw(&self, lines: &[String]) {
        let width = terminal_size::terminal_size_of(io::stderr()).map_or(DEFAULT_WIDTH, |(width, _)| width.0.into());
        let mut text = self.erasing_text();
        for line in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", truncate_chars(&sanitize_line(line), width.saturating_sub(1)));
        }
        self.drawn.set(lines.len());
        // If stderr is closed, there is nowhere to report it.
        let _ = write_and_flush(io::stderr().lock(), &text);
    }

    pub(crate) fn erase(&self) {
        let _ = write_and_flush(io::stderr().lock(), &self.erasing_text());
        self.drawn.set(0);
    }

    /// Moves up to the first drawn line, and clears the rest of the terminal.
    fn erasing_text(&self) -> String {
        match self.drawn.get() {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}F\u{1b}[J"),
        }
    }
}

impl Drop for LiveArea {
    fn drop(&mut self) {
        self.erase();
    }
}
