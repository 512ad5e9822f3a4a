//! Arguments of the commands that write manifests.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ConnectArgs, SelectArgs};

/// `pipectl export`.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// With --from: what `terraform show -json` printed, or - for standard input
    #[arg(value_name = "FILE", requires = "from")]
    pub(crate) file: Option<PathBuf>,
    /// Make the manifests from this rather than from what is live
    #[arg(long, value_name = "WHAT", env = "PIPECTL_FROM", value_enum)]
    pub(crate) from: Option<ExportSource>,
    /// Write into this folder rather than on stdout
    #[arg(long, value_name = "DIR", env = "PIPECTL_EXPORT_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// What one file in the folder holds
    #[arg(long, value_enum, env = "PIPECTL_LAYOUT", default_value = "pipe")]
    pub(crate) layout: ExportLayout,
    /// Write over files that have other content
    #[arg(long, env = "PIPECTL_EXPORT_FORCE")]
    pub(crate) force: bool,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    pub(crate) env: Option<String>,
    /// Which of the live objects.
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Where the API is.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

/// What manifests are made from, if not from what is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportSource {
    /// A state of Terraform.
    Terraform,
}

/// What one file holds.
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
    /// A file or folder, a pipe of it or of the project's manifests, or both
    #[arg(value_name = "PATH|SERVICE/PIPE", required = true, num_args = 1..=2)]
    pub(crate) targets: Vec<String>,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    pub(crate) env: Option<String>,
    /// Where the API is.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Write the columns into the manifest instead of printing them
    #[arg(long, env = "PIPECTL_WRITE")]
    pub(crate) write: bool,
    /// Replace columns that are declared already
    #[arg(long, env = "PIPECTL_DISCOVER_FORCE")]
    pub(crate) force: bool,
    /// Wake the service if it sleeps; a stopped one is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    pub(crate) wake: bool,
}
