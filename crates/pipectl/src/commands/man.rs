//! `pipectl man`.

use anyhow::Result;
use clap::CommandFactory;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::exit;
use crate::output::{Output, StyledText};

/// Prints the manual: one page for the program, and one for each command after it.
pub(super) fn run(output: Output) -> Result<u8> {
    let mut program = Cli::command();
    program.build();
    let mut pages = Vec::new();
    Man::new(program.clone()).render(&mut pages)?;
    for command in program.get_subcommands() {
        Man::new(command.clone()).render(&mut pages)?;
    }
    let mut text = StyledText::new();
    text.push_plain(String::from_utf8(pages)?);
    output.print_data(&text)?;
    Ok(exit::DONE)
}
