//! Questions, only ever asked on a terminal.

use std::io::{self, BufRead};

use anyhow::{Result, bail};
use planner::{Change, Plan, Verdict};

use crate::output::{Label, Output, Text, can_ask};

/// Asks whether to go on. A delete and a replacement ask for the object's name.
///
/// # Errors
/// Where nobody can be asked, and when the answer is no.
pub(crate) fn confirm(output: Output, plan: &Plan) -> Result<()> {
    if !can_ask() {
        bail!("there is no terminal to ask on: pass --yes to apply without a question");
    }
    for change in plan.changes.iter().filter(|change| destroys(change)) {
        let name = change.at.name.as_str();
        let question =
            format!("{} {}: type its name to confirm: ", change.verdict.word(), change.at);
        if ask(output, &question)? != name {
            bail!("not confirmed; nothing was changed");
        }
    }
    yes_to(output, "Apply this plan? [y/N] ")
}

/// Asks a question that is answered with yes or no.
///
/// # Errors
/// Where nobody can be asked, and when the answer is no.
pub(crate) fn agree(output: Output, question: &str) -> Result<()> {
    if !can_ask() {
        bail!("there is no terminal to ask on: pass --yes to go on without a question");
    }
    yes_to(output, question)
}

fn yes_to(output: Output, question: &str) -> Result<()> {
    match ask(output, question)?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("not confirmed; nothing was changed"),
    }
}

fn destroys(change: &Change) -> bool {
    matches!(change.verdict, Verdict::Delete | Verdict::Replace)
}

fn ask(output: Output, question: &str) -> Result<String> {
    let mut text = Text::new();
    text.push(Label::Heading, question);
    output.talk(&text);
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
