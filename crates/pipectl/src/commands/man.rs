//! `pipectl man`.

use anyhow::Result;
use clap::CommandFactory;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::exit;
use crate::output::{Output, Text};

/// Prints the manual: one page for the program, and one for each command after it.
pub(super) fn run(output: Output) -> Result<u8> {
    let mut program = Cli::command();
    program.build();
    let mut pages = Vec::new();
    Man::new(program.clone()).render(&mut pages)?;
    for command in program.get_subcommands() {
        Man::new(command.clone()).render(&mut pages)?;
    }
    let mut text = Text::new();
    text.plain(String::from_utf8(pages)?);
    output.data(&text)?;
    Ok(exit::DONE)
}
