//! `pipectl export`.

mod declared_places;
mod export_output;
mod manifest_writer;
mod terraform;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use clickpipes::pipe_summary;
use model::address::{Kind, ServiceRef};
use model::live::Live;
use porting::export::{ExportedManifest, export_manifests};
use remote::{ObserveScope, Remote};

use self::declared_places::DeclaredPlaces;
use self::export_output::ExportResult;
use crate::cli::{ExportArgs, ExportSource, ManifestArgs, OutputFormat};
use crate::exit::{self, UsageError};
use crate::output::Output;
use crate::project;
use crate::selection::Selection;
use crate::session::{AccessMode, LiveView, ObservedServices, collect_partial};
use crate::unreachable;

/// Writes manifests of what there is.
pub(super) async fn run(args: &ExportArgs, output: Output, format: OutputFormat) -> Result<u8> {
    match (args.from, &args.file) {
        (Some(ExportSource::Terraform), Some(file)) => terraform::run(file, args, output, format),
        (Some(ExportSource::Terraform), None) => {
            let how = "--from terraform: name the file that `terraform show -json` wrote";
            Err(UsageError(how.to_owned()).into())
        }
        (None, _) => export_live(args, output, format).await,
    }
}

async fn export_live(args: &ExportArgs, output: Output, format: OutputFormat) -> Result<u8> {
    if !args.select.labels.is_empty() {
        return Err(UsageError("--label: labels are in manifests, live pipes have none".into()).into());
    }
    let selection = Selection::new(&args.select)?;
    let manifests = ManifestArgs { paths: Vec::new(), env: args.env.iter().cloned().collect() };
    let project = project::load_context(manifests.source(), output)?;
    let existing = args.out.as_ref().map(|folder| declared_places::load_drafts(folder, &project));
    let view = LiveView::open_view(project, None, &args.connect, AccessMode::default()).await?;
    let ObservedServices { mut live, unreachable: unread } = observe_exportable(&view).await?;
    view.save_sandbox()?;
    live.retain(|at, _| selection.is_selected(at, None));
    if live.is_empty() && !selection.selects_all() {
        bail!("none of the live objects is selected");
    }
    let manifests: Vec<ExportedManifest> = export_manifests(&live);
    let services = view.service_states.len() - unread.len();
    let exported = ExportResult { manifests, services, unread };
    let written = match &args.out {
        Some(folder) => {
            let declared = DeclaredPlaces::new(&existing.unwrap_or_default(), &view);
            Some(manifest_writer::write_files(folder, args, &exported.manifests, &declared)?)
        }
        None => None,
    };
    exported.print_export(written.as_ref(), output, format)?;
    Ok(unreachable::exit_code(&exported.unread).unwrap_or(exit::DONE))
}

/// A service that cannot be read hides no other.
async fn observe_exportable(view: &LiveView) -> Result<ObservedServices> {
    let reads = view.service_states.keys().map(|service| async {
        let live = observe_service(view.remote(), service).await;
        (service.clone(), live.map_err(anyhow::Error::from))
    });
    collect_partial(reads).await
}

/// One list of pipes and one of endpoints, and the size that database pipes share where there are
/// any.
async fn observe_service(remote: &Remote, service: &ServiceRef) -> Result<Live, remote::Error> {
    let observe = |kinds: &[Kind]| {
        let kinds = BTreeMap::from([(service.clone(), kinds.iter().copied().collect())]);
        let scope = ObserveScope { kinds, ..ObserveScope::default() };
        async move { remote.observe_live(&scope).await }
    };
    let mut live = observe(&[Kind::ClickPipe, Kind::ReversePrivateEndpoint]).await?;
    let mut objects = live.values().flat_map(|observed| &observed.objects);
    if objects.any(|object| pipe_summary::summarize_pipe(&object.body).shares_size) {
        live.extend(observe(&[Kind::CdcScaling]).await?);
    }
    Ok(live)
}
