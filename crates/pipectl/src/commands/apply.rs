//! `pipectl apply`.

use std::cell::Cell;
use std::collections::BTreeSet;

use anyhow::Result;
use model::action::Action;
use model::pattern::Pattern;
use planner::{Limits, Plan};
use remote::Wait;
use serde::Serialize;

use crate::apply::{Outcome, Report, apply};
use crate::cli::{ApplyArgs, Format, WaitFor};
use crate::output::{Label, Output, Text};
use crate::render::json::Envelope;
use crate::render::{plan as plan_text, results};
use crate::session::Session;
use crate::{exit, prompt};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Applied<'r> {
    plan: &'r Plan,
    reports: &'r [Report],
}

/// Plans, asks, and performs the plan.
pub(super) async fn run(args: &ApplyArgs, output: Output, format: Format) -> Result<u8> {
    let session =
        Session::open(&args.manifests, &args.select, &args.connect, wait(args.wait), output)
            .await?;
    let plan = session.plan().await?;
    session.close()?;
    let mut text = Text::new();
    text.append(plan_text::render(&plan, &session.context(args.diff)));
    show(output, format, &text)?;
    let approved = match plan.clone().approve(&limits(args)) {
        Ok(approved) => approved,
        Err(refusal) => {
            json(output, format, "blocked", &plan, &[])?;
            let mut text = Text::new();
            text.push(Label::Blocked, "blocked: ").plain(refusal.to_string()).end();
            output.talk(&text);
            return Ok(exit::BLOCKED);
        }
    };
    if approved.actions().is_empty() {
        let blocked = plan.blocked().next().is_some();
        json(output, format, if blocked { "blocked" } else { "inSync" }, &plan, &[])?;
        return Ok(if blocked { exit::BLOCKED } else { exit::DONE });
    }
    if !args.yes {
        prompt::confirm(output, &plan)?;
    }
    let count = Counter::new(approved.actions());
    let told = |report: &Report| output.talk(&results::progress(report, count.next()));
    let reports = apply(session.remote(), &approved, args.parallel, told).await;
    session.close()?;
    show(output, format, &results::render(&reports))?;
    let (code, outcome) = verdict(&reports, &plan);
    json(output, format, outcome, &plan, &reports)?;
    Ok(code)
}

/// Counts the objects that are done.
struct Counter {
    done: Cell<usize>,
    of: usize,
}

impl Counter {
    fn new(actions: &[Action]) -> Self {
        let objects: BTreeSet<_> = actions.iter().map(Action::at).collect();
        Self { done: Cell::new(0), of: objects.len() }
    }

    fn next(&self) -> (usize, usize) {
        self.done.set(self.done.get() + 1);
        (self.done.get(), self.of)
    }
}

fn wait(chosen: WaitFor) -> Wait {
    match chosen {
        WaitFor::Settled => Wait::Settled,
        WaitFor::None => Wait::None,
    }
}

fn limits(args: &ApplyArgs) -> Limits {
    let patterns = |texts: &[String]| texts.iter().map(Pattern::new).collect();
    Limits {
        allow_delete: patterns(&args.allow_delete),
        allow_replace: patterns(&args.allow_replace),
        ..Limits::default()
    }
}

fn show(output: Output, format: Format, text: &Text) -> Result<()> {
    if format == Format::Text {
        output.data(text)?;
    }
    Ok(())
}

fn json(
    output: Output,
    format: Format,
    outcome: &'static str,
    plan: &Plan,
    reports: &[Report],
) -> Result<()> {
    if format == Format::Json {
        let mut text = Text::new();
        text.plain(Envelope::new("Apply", outcome, Applied { plan, reports }).render());
        output.data(&text)?;
    }
    Ok(())
}

/// The exit code, and the word for it in JSON.
fn verdict(reports: &[Report], plan: &Plan) -> (u8, &'static str) {
    let all = reports.iter().all(|report| report.outcome == Outcome::Applied);
    let some = reports.iter().any(|report| report.done > 0);
    let refused = reports.iter().any(|report| report.error.as_ref().is_some_and(|e| e.auth));
    match (all, some, refused) {
        (true, _, _) if plan.blocked().next().is_some() => (exit::BLOCKED, "blocked"),
        (true, _, _) => (exit::DONE, "applied"),
        (false, _, true) if !some => (exit::AUTH, "refused"),
        (false, true, _) => (exit::PARTLY, "partly"),
        (false, false, _) => (exit::ERROR, "failed"),
    }
}
