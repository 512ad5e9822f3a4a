//! `pipectl drift`.

use anyhow::Result;

use crate::cli::{Format, ScopeArgs};
use crate::environments::Within;
use crate::exit;
use crate::exit::Usage;
use crate::output::{Output, Text};
use crate::render::drift::{Drift, render};
use crate::render::json::Envelope;
use crate::session::Session;

/// `pipectl drift`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
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
        Ok(Self { scope: self.scope.within(within)?, ..self.clone() })
    }
}

/// Shows what somebody changed outside git. Only reads.
pub(super) async fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let revision = args.base.as_deref();
    let (session, against) = Session::open_for_drift(&args.scope, revision, output).await?;
    let plan = session.plan().await?;
    session.close()?;
    let drift = Drift::of(&plan, against);
    let outcome = if drift.is_none() { "inSync" } else { "drift" };
    let mut text = Text::new();
    match format {
        Format::Text => text.append(render(&drift)),
        // More backticks than any name will hold.
        Format::Markdown => text.plain("``````text\n").append(render(&drift)).plain("``````\n"),
        Format::Json => text.plain(Envelope::new("Drift", outcome, &drift).render()),
    };
    output.data(&text)?;
    let found = args.detailed_exitcode && !drift.is_none();
    Ok(if found { exit::CHANGES } else { exit::DONE })
}
