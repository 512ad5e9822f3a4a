//! What else is written from a run.

use clap::Args;

use crate::environments::Within;
use crate::exit::Usage;
use crate::report::{Key, Target, Wanted};

/// What else is written from the same run.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReportArgs {
    /// Write a report as well: json, markdown, github, gitlab-terraform, codequality, sarif, junit
    /// or html; PATH is a file, or - for stdout
    #[arg(
        long = "report",
        value_name = "FORMAT=PATH",
        env = "PIPECTL_REPORT",
        value_delimiter = ','
    )]
    pub(crate) reports: Vec<Target>,
    /// What tells this comment from others on the same pull request
    #[arg(long, value_name = "KEY", env = "PIPECTL_REPORT_KEY", default_value_t)]
    pub(crate) report_key: Key,
}

impl ReportArgs {
    /// Those of a run for one environment alone.
    pub(crate) fn within(&self, within: Within<'_>) -> Result<Self, Usage> {
        let reports = self.reports.iter().map(|target| {
            let path = within.path("--report", &target.path)?;
            Ok(Target { path, ..target.clone() })
        });
        let key = &self.report_key;
        let report_key = if within.several { key.of(within.name) } else { key.clone() };
        Ok(Self { reports: reports.collect::<Result<_, Usage>>()?, report_key })
    }

    /// What is to be written.
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        Wanted { targets: &self.reports, key: self.report_key.clone() }
    }
}
