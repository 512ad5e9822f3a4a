//! Arguments of `pipectl export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::scope_args::{ConnectArgs, SelectArgs};
use crate::commands::export::{ExportLayout, ExportOptions, TerraformOptions};
use crate::context::EnvironmentRun;
use crate::exit::UsageError;

/// `pipectl export`.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// With --from: output of `terraform show -json`, or - for standard input
    #[arg(value_name = "FILE", requires = "from")]
    file: Option<PathBuf>,
    /// Write manifests from this source instead of from live pipes
    #[arg(long, value_name = "WHAT", env = "PIPECTL_FROM", value_enum)]
    #[arg(conflicts_with_all = ["only", "exclude", "labels", "service"])]
    from: Option<ExportSource>,
    /// Write to this folder instead of stdout
    #[arg(long, value_name = "DIR", env = "PIPECTL_EXPORT_OUT")]
    out: Option<PathBuf>,
    /// Contents of one file in the folder
    #[arg(long, value_enum, env = "PIPECTL_LAYOUT", default_value = "pipe")]
    layout: ExportLayout,
    /// Write similar objects as a template and one manifest with forEach; skips objects that are already declared
    #[arg(long, env = "PIPECTL_GROUP", conflicts_with_all = ["from", "force"])]
    group: bool,
    /// Overwrite files that have other content
    #[arg(long, env = "PIPECTL_EXPORT_FORCE")]
    force: bool,
    /// Exit with 0 although a pipe, or a resource of ClickPipes, has no valid manifest
    #[arg(long, env = "PIPECTL_ALLOW_INCOMPLETE")]
    allow_incomplete: bool,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    pub(crate) env: Option<String>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Another source of manifests than live pipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportSource {
    /// A Terraform state.
    Terraform,
}

impl ExportArgs {
    pub(super) fn terraform_options(&self) -> Result<Option<TerraformOptions>, UsageError> {
        if self.from.is_none() {
            return Ok(None);
        }
        let how = "--from terraform: name the file that `terraform show -json` wrote";
        let file = self.file.clone().ok_or_else(|| UsageError(how.to_owned()))?;
        let (out, force, allow_incomplete) = (self.out.clone(), self.force, self.allow_incomplete);
        Ok(Some(TerraformOptions { file, out, force, allow_incomplete }))
    }

    pub(super) fn options(&self, run: &EnvironmentRun) -> Result<ExportOptions, UsageError> {
        let selection = self.select.selection()?;
        if !selection.labels.is_empty() {
            return Err(UsageError("--label: labels are in manifests, live pipes have none".to_owned()));
        }
        let (connect, out) = (self.connect.options(run)?, self.out.clone());
        let (layout, group, force) = (self.layout, self.group, self.force);
        Ok(ExportOptions { selection, connect, out, layout, group, force, allow_incomplete: self.allow_incomplete })
    }
}
