//! What else is written from a run.

use clap::Args;

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
    /// What is to be written.
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        Wanted { targets: &self.reports, key: self.report_key.clone() }
    }
}
