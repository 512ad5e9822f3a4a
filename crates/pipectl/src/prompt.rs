//! Confirmations on a terminal.

use std::io::{self, BufRead};
use std::thread;

use anyhow::{Result, bail};
use planner::{Plan, Verdict};
use tokio::sync::oneshot;

use crate::interruption::Interruption;
use crate::output::{Label, Output, StyledText, can_prompt};

/// Asks for confirmation. For a delete or a replacement the user types the object's name.
///
/// # Errors
/// Without a terminal, and when the answer is no or a signal.
pub(crate) async fn confirm_plan(output: Output, plan: &Plan, interruption: &Interruption) -> Result<()> {
    require_terminal()?;
    for change in plan.changes.iter().filter(|it| matches!(it.verdict, Verdict::Delete | Verdict::Replace)) {
        let name = change.address.name.as_str();
        let question = format!("{} {}: type its name to confirm: ", change.verdict.as_str(), change.address);
        // By name, because a `y` out of habit would delete a pipe.
        if ask_question(output, &question, interruption).await? != name {
            bail!("not confirmed; nothing was changed");
        }
    }
    expect_yes(output, "Apply this plan? [y/N] ", interruption).await
}

/// Asks a yes-or-no question.
///
/// # Errors
/// Without a terminal, and when the answer is no or a signal.
pub(crate) async fn confirm_yes_no(output: Output, question: &str, interruption: &Interruption) -> Result<()> {
    require_terminal()?;
    expect_yes(output, question, interruption).await
}

/// Piped input does not count as an answer: a script must pass `--yes`.
fn require_terminal() -> Result<()> {
    if !can_prompt() {
        bail!("cannot ask for confirmation (no terminal): pass --yes");
    }
    Ok(())
}

async fn expect_yes(output: Output, question: &str, interruption: &Interruption) -> Result<()> {
    match ask_question(output, question, interruption).await?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("not confirmed; nothing was changed"),
    }
}

async fn ask_question(output: Output, question: &str, interruption: &Interruption) -> Result<String> {
    let mut text = StyledText::new();
    text.push(Label::Heading, question);
    output.print_message(&text);
    let answer = interruption.run_unless_raised(read_stdin_line()).await;
    if answer.is_err() {
        // The cursor is behind the question, so the next message starts on a new line.
        output.print_message_line("");
    }
    answer
}

/// Reads a line. A blocked read cannot be cancelled, so it runs in a thread that is not joined.
async fn read_stdin_line() -> Result<String> {
    let (sender, answer) = oneshot::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        // After an interruption the receiver is gone.
        let _ = sender.send(read.map(|_| line));
    });
    Ok(answer.await??.trim().to_owned())
}
