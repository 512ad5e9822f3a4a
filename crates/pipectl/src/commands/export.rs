//! `pipectl export`.

mod declared;
mod files;
mod show;
mod terraform;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;
use model::address::{Kind, ServiceRef};
use model::export::{Manifest, export};
use model::live::Live;
use model::overview;
use remote::{Remote, Scope};

use self::declared::Declared;
use self::files::Layout;
use self::show::Exported;
use crate::cli::{ConnectArgs, Format, ManifestArgs, SelectArgs};
use crate::exit::{self, Usage};
use crate::output::Output;
use crate::project;
use crate::render::unread;
use crate::select::Selection;
use crate::session::{Manner, Reading, Sight, gather};

/// `pipectl export`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// With --from: what `terraform show -json` printed, or - for standard input
    #[arg(value_name = "FILE", requires = "from")]
    pub(crate) file: Option<PathBuf>,
    /// Make the manifests from this rather than from what is live
    #[arg(long, value_name = "WHAT", env = "PIPECTL_FROM", value_enum)]
    pub(crate) from: Option<From>,
    /// Write into this folder rather than on stdout
    #[arg(long, value_name = "DIR", env = "PIPECTL_EXPORT_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// What one file in the folder holds
    #[arg(long, value_enum, env = "PIPECTL_LAYOUT", default_value = "pipe")]
    pub(crate) layout: Layout,
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
pub(crate) enum From {
    /// A state of Terraform.
    Terraform,
}

/// Writes manifests of what there is.
pub(super) async fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    match (args.from, &args.file) {
        (Some(From::Terraform), Some(file)) => terraform::run(file, args, output, format),
        (Some(From::Terraform), None) => {
            let how = "--from terraform: name the file that `terraform show -json` wrote";
            Err(Usage(how.to_owned()).into())
        }
        (None, _) => live(args, output, format).await,
    }
}

async fn live(args: &Args, output: Output, format: Format) -> Result<u8> {
    if !args.select.labels.is_empty() {
        return Err(Usage("--label: labels are in manifests, live pipes have none".into()).into());
    }
    let selection = Selection::new(&args.select)?;
    let manifests = ManifestArgs { paths: Vec::new(), env: args.env.iter().cloned().collect() };
    let chosen = project::chosen(&manifests, output)?;
    let there = args.out.as_ref().map(|folder| declared::manifests(folder, &chosen));
    let sight = Sight::open(chosen, None, &args.connect, Manner::default()).await?;
    let Reading { mut live, unread } = look(&sight).await?;
    sight.close()?;
    live.retain(|at, _| selection.shows(at, None));
    if live.is_empty() && !selection.is_all() {
        bail!("none of the live objects is selected");
    }
    let manifests: Vec<Manifest> = export(&live);
    let services = sight.services.len() - unread.len();
    let exported = Exported { manifests, services, unread };
    let written = match &args.out {
        Some(folder) => {
            let declared = Declared::new(&there.unwrap_or_default(), &sight);
            Some(files::write(folder, args, &exported.manifests, &declared)?)
        }
        None => None,
    };
    exported.show(written.as_ref(), output, format)?;
    Ok(unread::code(&exported.unread).unwrap_or(exit::DONE))
}

/// A service that cannot be read hides no other.
async fn look(sight: &Sight) -> Result<Reading> {
    let reads = sight.services.keys().map(|service| async {
        let live = look_at(sight.remote(), service).await;
        (service.clone(), live.map_err(anyhow::Error::from))
    });
    gather(reads).await
}

/// One list of pipes and one of endpoints, and the size that database pipes share where there are
/// any.
async fn look_at(remote: &Remote, service: &ServiceRef) -> Result<Live, remote::Error> {
    let observe = |kinds: &[Kind]| {
        let kinds = BTreeMap::from([(service.clone(), kinds.iter().copied().collect())]);
        let scope = Scope { kinds, ..Scope::default() };
        async move { remote.observe(&scope).await }
    };
    let mut live = observe(&[Kind::ClickPipe, Kind::ReversePrivateEndpoint]).await?;
    let mut objects = live.values().flat_map(|observed| &observed.objects);
    if objects.any(|object| overview::of(&object.body).shares_size) {
        live.extend(observe(&[Kind::CdcScaling]).await?);
    }
    Ok(live)
}
