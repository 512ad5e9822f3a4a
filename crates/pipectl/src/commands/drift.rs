//! `pipectl drift`.

use anyhow::Result;

use crate::cli::{Format, ReportArgs, ScopeArgs};
use crate::environments::Within;
use crate::exit;
use crate::exit::Usage;
use crate::output::Output;
use crate::render::drift::{Drift, render};
use crate::render::json::Envelope;
use crate::render::unread;
use crate::report::{self, Run};
use crate::session::Session;

/// `pipectl drift`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// What else to write.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// What is looked at.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// The revision that live is compared with; by default HEAD, or the working folder where there
    /// is no repository
    #[arg(long, value_name = "REF", env = "PIPECTL_BASE")]
    pub(crate) base: Option<String>,
    /// Exit with 2 when something is missing or changed
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

impl Args {
    /// Those of a run for one environment alone.
    pub(super) fn within(&self, within: Within<'_>) -> Result<Self, Usage> {
        let (report, scope) = (self.report.within(within)?, self.scope.within(within)?);
        Ok(Self { report, scope, ..self.clone() })
    }
}

/// Shows what somebody changed outside git. Only reads.
pub(super) async fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let wanted = args.report.wanted();
    wanted.refuse(report::Format::GitlabTerraform, "it counts what a plan does")?;
    let revision = args.base.as_deref();
    let (session, against) = Session::open_for_drift(&args.scope, revision, output).await?;
    let plan = session.plan().await?;
    let unread = session.unread();
    session.close()?;
    let context = session.context(false);
    let drift = Drift::of(&plan, against, context.partial);
    let outcome = match drift.is_none() {
        _ if !unread.is_empty() => "partial",
        true => "inSync",
        false => "drift",
    };
    if format == Format::Text {
        output.data(&render(&drift, unread))?;
    }
    output.talk(&unread::errors(unread));
    let run = Run {
        command: "drift",
        outcome,
        json: Envelope::new("Drift", outcome, &drift).with_unread(unread).render(),
        drift: Some(&drift),
        context,
        declared: session.meant(),
        diagnostics: session.warnings(),
        ..Run::default()
    };
    wanted.print(format, &run, output)?;
    let found = args.detailed_exitcode && !drift.is_none();
    let code = if found { exit::CHANGES } else { exit::DONE };
    Ok(wanted.finish(&run, output, unread::code(unread).unwrap_or(code)))
}
