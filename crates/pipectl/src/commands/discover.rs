//! `pipectl discover`.

mod target_pipe;
mod write_columns;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use model::address::{Address, ServiceRef};
use model::diagnostic::SourceFile;
use porting::discover::{self, DiscoveredSchema, ExistingColumns};
use serde::Serialize;
use similar::TextDiff;

use crate::cli::{ConnectArgs, DiscoverArgs, ManifestArgs, OutputFormat};
use crate::exit::{self, UsageError};
use crate::output::{Output, StyledText};
use crate::project::{self, ProjectContext};
use crate::render::envelope::OutputEnvelope;
use crate::session::{AccessMode, LiveView};
use crate::{env_vars, manifest_files};

use target_pipe::DeclaredPipe;

/// What is told of it.
#[derive(Serialize)]
struct DiscoverOutput<'t> {
    pipe: String,
    file: &'t str,
    /// Whether the file is another one now.
    written: bool,
    #[serde(flatten)]
    found: &'t DiscoveredSchema,
}

/// Asks the API what a source holds.
pub(super) async fn run(args: &DiscoverArgs, output: Output, format: OutputFormat) -> Result<u8> {
    let (paths, wanted) = parse_targets(&args.targets)?;
    let env = args.env.iter().cloned().collect();
    let project = project::load_with_manifests(ManifestArgs { paths, env }.source(), output)?;
    let variables = project.variables.clone();
    let service = args.connect.service.clone().or_else(|| env_vars::read_variable("SERVICE_ID"));
    let read = manifest_files::read_manifest_files(&project.manifests)?.files;
    let declared = target_pipe::find_pipe(&read, &variables, wanted, service.as_deref(), output)?;
    let DeclaredPipe { file, pipe, .. } = &declared;
    if args.write && !Path::new(&*file.name).is_file() {
        bail!("--write needs a file");
    }
    let service = pipe.service.clone().or(service).context("which service? pass --service")?;
    let at = Address::new(ServiceRef::new(service), pipe.kind, pipe.name.clone());
    let body = discover::build_request(&pipe.document.body).map_err(|why| anyhow!("{at}: {why}"))?;
    let answer = query_source(args, project, &at, &body).await?;
    let found = discover::parse_answer(&answer).map_err(|why| anyhow!("{at}: {why}"))?;
    let new = if args.write {
        let existing = if args.force { ExistingColumns::Replace } else { ExistingColumns::Keep };
        Some(write_columns::write_discovered(&declared, &found, existing, &variables)?)
    } else {
        None
    };
    print_columns(&at, file, new.as_ref(), &found, output, format)?;
    Ok(exit::DONE)
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
    args: &DiscoverArgs,
    project: ProjectContext,
    at: &Address,
    body: &serde_json::Value,
) -> Result<serde_json::Value> {
    let service = Some(at.service.as_str().to_owned());
    let connect = ConnectArgs { service, ..args.connect.clone() };
    let mode = AccessMode { can_wake: args.wake, can_write: true, ..AccessMode::default() };
    let view = LiveView::open_view(project, None, &connect, mode).await?;
    let answer = view.remote().discover_source(at, body).await;
    view.save_sandbox()?;
    Ok(answer?)
}

/// Shows the columns, or what they changed in their file.
fn print_columns(
    at: &Address,
    file: &SourceFile,
    new: Option<&SourceFile>,
    found: &DiscoveredSchema,
    output: Output,
    format: OutputFormat,
) -> Result<()> {
    let written = new.is_some_and(|new| new.text != file.text);
    let rendered = match (format, new) {
        (OutputFormat::Json, _) => {
            let result = DiscoverOutput { pipe: at.to_string(), file: &file.name, written, found };
            OutputEnvelope::new("Discovery", "found", result).render()
        }
        (_, Some(new)) => {
            let diff = TextDiff::from_lines(&*file.text, &*new.text);
            diff.unified_diff().header(&file.name, &file.name).to_string()
        }
        (_, None) => found.to_yaml(),
    };
    if new.is_some() && !written {
        output.print_message_line(format!("{} declares these columns already", file.name));
    }
    let mut text = StyledText::new();
    text.push_plain(rendered);
    Ok(output.print_data(&text)?)
}
