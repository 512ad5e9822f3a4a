//! Arguments of the commands that write manifests.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ConnectArgs, SelectArgs};

/// `pipectl export`.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// With --from: output of `terraform show -json`, or - for standard input
    #[arg(value_name = "FILE", requires = "from")]
    pub(crate) file: Option<PathBuf>,
    /// Write manifests from this source instead of from live pipes
    #[arg(long, value_name = "WHAT", env = "PIPECTL_FROM", value_enum)]
    pub(crate) from: Option<ExportSource>,
    /// Write to this folder instead of stdout
    #[arg(long, value_name = "DIR", env = "PIPECTL_EXPORT_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Contents of one file in the folder
    #[arg(long, value_enum, env = "PIPECTL_LAYOUT", default_value = "pipe")]
    pub(crate) layout: ExportLayout,
    /// Overwrite files that have other content
    #[arg(long, env = "PIPECTL_EXPORT_FORCE")]
    pub(crate) force: bool,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    pub(crate) env: Option<String>,
    /// Selection.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// API.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

/// Another source of manifests than live pipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportSource {
    /// A Terraform state.
    Terraform,
}

/// Contents of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportLayout {
    /// One object: DIR/SERVICE/PIPE.yaml.
    Pipe,
    /// All of a service: DIR/SERVICE.yaml.
    Service,
}

/// `pipectl discover`.
#[derive(Args, Debug)]
pub(crate) struct DiscoverArgs {
    /// A file or folder, a pipe in it or in the project's manifests, or both
    #[arg(value_name = "PATH|SERVICE/PIPE", required = true, num_args = 1..=2)]
    pub(crate) targets: Vec<String>,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    pub(crate) env: Option<String>,
    /// API.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Write the columns into the manifest instead of printing them
    #[arg(long, env = "PIPECTL_WRITE")]
    pub(crate) write: bool,
    /// Replace columns that are already declared
    #[arg(long, env = "PIPECTL_DISCOVER_FORCE")]
    pub(crate) force: bool,
    /// Wake the service if it is idle; a stopped service is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    pub(crate) wake: bool,
}
