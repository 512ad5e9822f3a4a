//! `pipectl completions`.

use anyhow::{Result, anyhow};
use clap_complete::env::Shells;

use crate::cli::CompletionsArgs;
use crate::completion;
use crate::exit;
use crate::output::{Output, StyledText};

/// Prints the script that has the shell ask this program.
pub(super) fn run(args: &CompletionsArgs, output: Output) -> Result<u8> {
    let (name, shells) = (args.shell.to_string(), Shells::builtins());
    let shell = shells.completer(&name).ok_or_else(|| anyhow!("no script for {name}"))?;
    let mut script = Vec::new();
    let program = "pipectl";
    shell.write_registration(completion::COMPLETE_VARIABLE, program, program, program, &mut script)?;
    let mut text = StyledText::new();
    text.push_plain(String::from_utf8(script)?);
    output.print_data(&text)?;
    Ok(exit::DONE)
}
