//! `pipectl discover`.

mod pipe;
mod write;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use model::address::{Address, ServiceRef};
use model::diagnostic::SourceFile;
use model::discover::{self, Discovered, Existing};
use serde::Serialize;
use similar::TextDiff;

use crate::cli::{ConnectArgs, Format, ManifestArgs};
use crate::exit::{self, Usage};
use crate::output::{Output, Text};
use crate::project::{self, Chosen};
use crate::render::json::Envelope;
use crate::session::{Manner, Sight};
use crate::{environment, files};

use pipe::Declared;

/// `pipectl discover`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
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

/// What is told of it.
#[derive(Serialize)]
struct Told<'t> {
    pipe: String,
    file: &'t str,
    /// Whether the file is another one now.
    written: bool,
    #[serde(flatten)]
    found: &'t Discovered,
}

/// Asks the API what a source holds.
pub(super) async fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let (paths, wanted) = meant(&args.targets)?;
    let env = args.env.iter().cloned().collect();
    let chosen = project::choose(&ManifestArgs { paths, env }, output)?;
    let variables = chosen.variables.clone();
    let service = args.connect.service.clone().or_else(|| environment::variable("SERVICE_ID"));
    let read = files::read(&chosen.manifests)?;
    let declared = pipe::find(&read, &variables, wanted, service.as_deref(), output)?;
    let Declared { file, pipe, .. } = &declared;
    if args.write && !Path::new(&*file.name).is_file() {
        bail!("--write needs a file");
    }
    let service = pipe.service.clone().or(service).context("which service? pass --service")?;
    let at = Address::new(ServiceRef::new(service), pipe.kind, pipe.name.clone());
    let body = discover::request(&pipe.document.body).map_err(|why| anyhow!("{at}: {why}"))?;
    let answer = ask(args, chosen, &at, &body).await?;
    let found = discover::read(&answer).map_err(|why| anyhow!("{at}: {why}"))?;
    let new = if args.write {
        let existing = if args.force { Existing::Replace } else { Existing::Keep };
        Some(write::put(&declared, &found, existing, &variables)?)
    } else {
        None
    };
    show(&at, file, new.as_ref(), &found, output, format)?;
    Ok(exit::DONE)
}

/// The path and the pipe on the command line.
fn meant(targets: &[String]) -> Result<(Vec<PathBuf>, Option<&str>)> {
    let is_path = |target: &&String| *target == "-" || Path::new(target).exists();
    let (paths, names): (Vec<&String>, Vec<&String>) = targets.iter().partition(is_path);
    if let [_, second] = names.as_slice() {
        return Err(Usage(format!("one pipe at a time, not also {second}")).into());
    }
    Ok((paths.into_iter().map(PathBuf::from).collect(), names.first().map(|name| name.as_str())))
}

async fn ask(
    args: &Args,
    chosen: Chosen,
    at: &Address,
    body: &serde_json::Value,
) -> Result<serde_json::Value> {
    let service = Some(at.service.as_str().to_owned());
    let connect = ConnectArgs { service, ..args.connect.clone() };
    let manner = Manner { wake: args.wake, writes: true, ..Manner::default() };
    let sight = Sight::open(chosen, None, &connect, manner).await?;
    let answer = sight.remote().discover(at, body).await;
    sight.close()?;
    Ok(answer?)
}

/// Shows the columns, or what they changed in their file.
fn show(
    at: &Address,
    file: &SourceFile,
    new: Option<&SourceFile>,
    found: &Discovered,
    output: Output,
    format: Format,
) -> Result<()> {
    let written = new.is_some_and(|new| new.text != file.text);
    let shown = match (format, new) {
        (Format::Json, _) => {
            let told = Told { pipe: at.to_string(), file: &file.name, written, found };
            Envelope::new("Discovery", "found", told).render()
        }
        (_, Some(new)) => {
            let diff = TextDiff::from_lines(&*file.text, &*new.text);
            diff.unified_diff().header(&file.name, &file.name).to_string()
        }
        (_, None) => found.to_yaml(),
    };
    if new.is_some() && !written {
        output.say(format!("{} declares these columns already", file.name));
    }
    let mut text = Text::new();
    text.plain(shown);
    Ok(output.data(&text)?)
}
