//! `pipectl plan`.

use anyhow::Result;
use planner::Plan;

use crate::cli::{Format, PlanArgs};
use crate::output::{Label, Output, Text};
use crate::render::json::Envelope;
use crate::session::{Manner, Session};
use crate::{exit, render, reviewed};

/// Shows what apply would do.
pub(super) async fn run(args: &PlanArgs, output: Output, format: Format) -> Result<u8> {
    let session =
        Session::open(&args.manifests, &args.select, &args.connect, Manner::default(), output)
            .await?;
    let plan = session.plan().await?;
    let mut text = Text::new();
    match format {
        Format::Text => {
            text.append(render::plan::render(&plan, &session.context(args.diff)));
            if !plan.is_empty() {
                text.push(Label::Dim, format!("Digest: {}", reviewed::digest(&plan))).end();
            }
        }
        Format::Json => {
            let envelope = Envelope::new("Plan", outcome(&plan), &plan);
            text.plain(envelope.with_digest(reviewed::digest(&plan)).render());
        }
    }
    if let Some(file) = &args.out {
        reviewed::save(&plan, file)?;
    }
    session.close()?;
    output.data(&text)?;
    let changes = args.detailed_exitcode && !plan.is_empty();
    Ok(if changes { exit::CHANGES } else { exit::DONE })
}

fn outcome(plan: &Plan) -> &'static str {
    if plan.is_empty() { "inSync" } else { "changes" }
}
