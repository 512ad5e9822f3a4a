//! The report flags.

use clap::Args;

use super::EnvironmentRun;
use crate::exit::UsageError;
use crate::reports::{CommentKey, ReportRequest, ReportTarget};

/// The report flags.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReportArgs {
    /// Also write a report: json, markdown, github, gitlab-terraform, codequality, sarif, junit
    /// or html; PATH is a file, or - for stdout
    #[arg(long = "report", value_name = "FORMAT=PATH", env = "PIPECTL_REPORT", value_delimiter = ',')]
    pub(crate) reports: Vec<ReportTarget>,
    /// Key to keep several comments on one pull request apart
    #[arg(long, value_name = "KEY", env = "PIPECTL_REPORT_KEY", default_value_t)]
    pub(crate) report_key: CommentKey,
}

impl ReportArgs {
    /// The arguments of a run for one environment.
    pub(crate) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let reports = self.reports.iter().map(|target| {
            let path = run.expand_path("--report", &target.path)?;
            Ok(ReportTarget { path, ..target.clone() })
        });
        let key = &self.report_key;
        let report_key = if run.is_one_of_several { key.for_environment(run.name) } else { key.clone() };
        Ok(Self { reports: reports.collect::<Result<_, UsageError>>()?, report_key })
    }

    /// The requested reports.
    pub(crate) fn requested_reports(&self) -> ReportRequest<'_> {
        ReportRequest { targets: &self.reports, key: self.report_key.clone() }
    }
}
