//! `pipectl discover`.

mod target_pipe;
mod write_columns;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clickpipes::manifest::Templates;
use model::address::{Address, Kind, ServiceRef};
use model::diagnostic::SourceFile;
use model::sanitize::sanitize_line;
use planner::{RefusedSecret, SentSecret};
use porting::discover::{self, DiscoveredColumn, DiscoveredMapping, DiscoveredSchema, ExistingColumns};
use serde::Serialize;
use similar::TextDiff;

use crate::connection::{AccessMode, ConnectOptions};
use crate::context::CommandContext;
use crate::exit::{self, UsageError};
use crate::interruption::Interruption;
use crate::manifest_files;
use crate::outcome::CommandOutcome;
use crate::project::{self, ProjectContext};
use crate::prompt;
use crate::session::LiveView;

use target_pipe::DeclaredPipe;

pub(crate) struct DiscoverOptions {
    /// A file or folder, a pipe in it or in the project's manifests, or both.
    pub(crate) targets: Vec<String>,
    pub(crate) connect: ConnectOptions,
    /// Whether to write the columns into the manifest.
    pub(crate) write: bool,
    /// Whether to replace columns that are already declared.
    pub(crate) force: bool,
    pub(crate) wake: bool,
    /// Whether to send secrets without a confirmation.
    pub(crate) yes: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Discovery<'t> {
    pipe: String,
    file: &'t str,
    /// Whether the content of the file is changed.
    written: bool,
    columns: &'t [DiscoveredColumn],
    field_mappings: &'t [DiscoveredMapping],
}

/// Asks the API for the fields of a source.
pub(crate) async fn run(context: &CommandContext, options: &DiscoverOptions) -> Result<CommandOutcome> {
    let (paths, wanted) = parse_targets(&options.targets)?;
    let project = project::load_with_manifests(&paths, context)?;
    let service = options.connect.default_service();
    let read = manifest_files::read_manifest_files(&project.manifests)?.files;
    let elsewhere = manifest_files::read_templates_elsewhere(&read, &project.all_manifest_paths);
    let templates = Templates::read(&[read.clone(), elsewhere].concat());
    let load = project.load_context().with_templates(&templates);
    let declared = target_pipe::find_pipe(&read, load, wanted, service.as_deref(), context.output)?;
    let DeclaredPipe { file, pipe, .. } = &declared;
    if options.write && !Path::new(&*file.name).is_file() {
        bail!("--write needs a file");
    }
    let service = pipe.service.clone().or(service).context("which service? pass --service")?;
    let at = Address::new(ServiceRef::new(service), pipe.kind, pipe.name.clone());
    let body = discover::build_request(&pipe.document.body).map_err(|why| anyhow!("{at}: {why}"))?;
    confirm_secrets(context, options, &project, (pipe.kind, &pipe.document.body)).await?;
    let answer = query_source(options, &project, &at, &body).await?;
    let found = discover::parse_answer(&answer).map_err(|why| anyhow!("{at}: {why}"))?;
    let new = if options.write {
        let existing = if options.force { ExistingColumns::Replace } else { ExistingColumns::Keep };
        Some(write_columns::write_discovered(&declared, &found, existing, load)?)
    } else {
        None
    };
    Ok(discovery_outcome(context, &at, file, new.as_ref(), &found))
}

/// Asks before it sends secrets or runs a program: the manifest may come from a stranger.
///
/// # Errors
/// When a secret may not go to its host, and when nobody confirms.
async fn confirm_secrets(
    context: &CommandContext,
    options: &DiscoverOptions,
    project: &ProjectContext,
    (kind, body): (Kind, &serde_json::Value),
) -> Result<()> {
    let sent = SentSecret::all_in(kind, body);
    if let Some(refused) = RefusedSecret::find(&project.secret_policy, &sent) {
        bail!("{refused}");
    }
    if sent.is_empty() || options.yes {
        return Ok(());
    }
    for secret in &sent {
        let line = format!("discover sends {} to {}", secret.name(), secret.receivers());
        context.output.print_message_line(sanitize_line(&line));
    }
    prompt::confirm_yes_no(context.output, "Send? [y/N] ", &Interruption::from_signals()?).await
}

/// The path and the pipe on the command line.
fn parse_targets(targets: &[String]) -> Result<(Vec<PathBuf>, Option<&str>)> {
    let is_path = |target: &&String| *target == "-" || Path::new(target).exists();
    let (paths, names): (Vec<&String>, Vec<&String>) = targets.iter().partition(is_path);
    if let [_, second] = names.as_slice() {
        return Err(UsageError(format!("one pipe at a time, not also {second}")).into());
    }
    Ok((paths.into_iter().map(PathBuf::from).collect(), names.first().map(|name| name.as_str())))
}

async fn query_source(
    options: &DiscoverOptions,
    project: &ProjectContext,
    at: &Address,
    body: &serde_json::Value,
) -> Result<serde_json::Value> {
    let service = Some(at.service.as_str().to_owned());
    let connect = ConnectOptions { service, ..options.connect.clone() };
    let mode = AccessMode { can_wake: options.wake, can_write: true, ..AccessMode::default() };
    let view = LiveView::open_view(project, None, &connect, mode).await?;
    let answer = view.connection.remote.discover_source(at, body).await;
    view.connection.save_sandbox()?;
    Ok(answer?)
}

/// The columns, or the change of the file.
fn discovery_outcome(
    context: &CommandContext,
    at: &Address,
    file: &SourceFile,
    new: Option<&SourceFile>,
    found: &DiscoveredSchema,
) -> CommandOutcome {
    let written = new.is_some_and(|new| new.text != file.text);
    let DiscoveredSchema { columns, field_mappings } = found;
    let discovery = Discovery { pipe: at.to_string(), file: &file.name, written, columns, field_mappings };
    let mut outcome = CommandOutcome::new(context, exit::DONE, context.envelope("found", discovery));
    outcome.text.push_plain(match new {
        Some(new) => {
            let diff = TextDiff::from_lines(&*file.text, &*new.text);
            diff.unified_diff().header(&file.name, &file.name).to_string()
        }
        None => found.to_yaml(),
    });
    if new.is_some() && !written {
        outcome.messages.push_plain(format!("{} declares these columns already", file.name)).end_line();
    }
    outcome
}
