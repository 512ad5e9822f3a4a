//! `pipectl export`.

mod declared_places;
mod export_output;
mod manifest_writer;
mod terraform;

use std::path::PathBuf;

use anyhow::{Error, Result, bail};
use clap::ValueEnum;
use clickpipes::lifecycle;
use model::address::Kind;
use model::live::Live;
use porting::export::export_manifests;
use porting::group::{group_manifests, keep_single};

use self::declared_places::{DeclaredPlaces, ExistingManifests};
use self::export_output::ExportResult;
use crate::connection::{AccessMode, ConnectOptions};
use crate::context::CommandContext;
use crate::outcome::CommandOutcome;
use crate::output::Output;
use crate::project::{self, ProjectContext};
use crate::selection::Selection;
use crate::session::{LiveView, ObservedServices, SizeRead, collect_partial};

pub(crate) use self::terraform::TerraformOptions;
pub(crate) use self::terraform::run as export_terraform;

pub(crate) struct ExportOptions {
    pub(crate) selection: Selection,
    pub(crate) connect: ConnectOptions,
    /// The folder to write to instead of stdout.
    pub(crate) out: Option<PathBuf>,
    pub(crate) layout: ExportLayout,
    /// Whether objects that look alike share a template.
    pub(crate) group: bool,
    /// Whether to overwrite files that have other content.
    pub(crate) force: bool,
    /// Whether an object without a valid manifest counts as success.
    pub(crate) allow_incomplete: bool,
}

/// Contents of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportLayout {
    /// One object: DIR/SERVICE/PIPE.yaml.
    Pipe,
    /// All of a service: DIR/SERVICE.yaml.
    Service,
}

/// Writes manifests of live objects.
pub(crate) async fn run(context: &CommandContext, options: &ExportOptions) -> Result<CommandOutcome> {
    let project = project::load_context(&[], context)?;
    let existing = options.out.as_deref().map(|folder| ExistingManifests::load_drafts(Some(folder), &project));
    let existing = existing.unwrap_or_default();
    let view = open_view(&project, &options.connect).await?;
    let kinds = [Kind::ClickPipe, Kind::ReversePrivateEndpoint];
    let answers = view.list_by_service(&kinds, SizeRead::Required).await;
    let answers = answers.into_iter().map(|(service, live)| (service, live.map_err(Error::from)));
    let ObservedServices { mut live, unreachable } = collect_partial(answers.map(std::future::ready)).await?;
    view.connection.save_sandbox()?;
    live.retain(|at, _| options.selection.is_selected(at, None));
    leave_out_deleted(&mut live, context.output);
    if live.is_empty() && !options.selection.selects_all() {
        bail!("none of the live objects is selected");
    }
    let declared = DeclaredPlaces::new(&existing.manifests, &view);
    let manifests = export_manifests(&live);
    let mut units = if options.group {
        group_manifests(manifests, existing.template_names, |at| declared.get(at).is_some())
    } else {
        keep_single(manifests)
    };
    for unit in &mut units {
        unit.keep_out_defaults(|document| project.defaults.fields_added_to(document, &project.variables));
    }
    let services = view.service_states.len() - unreachable.len();
    let exported = ExportResult { units, services, unreachable, allow_incomplete: options.allow_incomplete };
    let written = match &options.out {
        Some(folder) => Some(manifest_writer::write_files(folder, options, &exported.units, &declared)?),
        None => None,
    };
    Ok(exported.into_outcome(context, written.as_ref()))
}

/// The services to export. An API without a list of services has those that manifests name.
async fn open_view(project: &ProjectContext, connect: &ConnectOptions) -> Result<LiveView> {
    let view = LiveView::open_view(project, None, connect, AccessMode::default()).await;
    let is_unlisted = |error: &Error| error.downcast_ref::<remote::Error>().is_some_and(remote::Error::is_not_offered);
    if connect.service.is_some() || !view.as_ref().is_err_and(is_unlisted) {
        return view;
    }
    let services = ExistingManifests::load_drafts(None, project).service_ids();
    if services.is_empty() {
        return view;
    }
    LiveView::open_services(project, None, connect, AccessMode::default(), services).await
}

/// A manifest of an object that is about to be gone would create it again.
fn leave_out_deleted(live: &mut Live, output: Output) {
    live.retain(|at, observed| {
        let all = observed.objects.len();
        observed.objects.retain(|object| !lifecycle::is_being_deleted(at.kind, object));
        if observed.objects.len() < all {
            output.print_message_line(format!("note: {at} is being deleted and is skipped"));
        }
        !observed.objects.is_empty()
    });
}
