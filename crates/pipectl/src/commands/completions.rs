//! `pipectl completions`.

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::Cli;
use crate::exit;
use crate::output::{Output, Text};

/// `pipectl completions`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Prints the completion script of a shell.
pub(super) fn run(args: &Args, output: Output) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pipectl", &mut script);
    let mut text = Text::new();
    text.plain(String::from_utf8(script)?);
    output.data(&text)?;
    Ok(exit::DONE)
}
