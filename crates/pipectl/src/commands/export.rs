//! `pipectl export`.

mod terraform;

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

use crate::cli::Format;
use crate::output::Output;

/// `pipectl export`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// What the manifests are made from
    #[arg(long, value_enum, env = "PIPECTL_FROM")]
    pub(crate) from: From,
    /// What `terraform show -json` printed, or - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Write into this folder rather than on stdout
    #[arg(long, value_name = "DIR", env = "PIPECTL_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Write over files that have other content
    #[arg(long, env = "PIPECTL_FORCE")]
    pub(crate) force: bool,
}

/// What manifests are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    /// A state of Terraform.
    Terraform,
}

/// Writes manifests of what there is.
pub(super) fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    match args.from {
        From::Terraform => terraform::run(args, output, format),
    }
}
