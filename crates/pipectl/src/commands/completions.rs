//! `pipectl completions`.

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::exit;
use crate::output::{Output, Text};

/// Prints the completion script of a shell.
pub(super) fn run(args: &CompletionsArgs, output: Output) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pipectl", &mut script);
    let mut text = Text::new();
    text.plain(String::from_utf8(script)?);
    output.data(&text)?;
    Ok(exit::DONE)
}
