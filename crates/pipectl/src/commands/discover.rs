//! `pipectl discover`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use model::address::{Address, Kind, ServiceRef};
use model::diagnostic::{Severity, SourceFile};
use model::discover::{self, Discovered, Existing};
use model::manifest::Manifest;
use serde::Serialize;
use similar::TextDiff;

use crate::cli::{ConnectArgs, Format, ManifestArgs};
use crate::output::{Output, Text};
use crate::render::json::Envelope;
use crate::session::{Manner, Sight};
use crate::{environment, exit, files, project};

/// `pipectl discover`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A manifest with one pipe in it, or a pipe of the project file's manifests
    #[arg(value_name = "PATH|SERVICE/PIPE")]
    pub(crate) target: String,
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
    #[arg(long, env = "PIPECTL_FORCE")]
    pub(crate) force: bool,
    /// Wake the service if it sleeps; a stopped one is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    pub(crate) wake: bool,
}

/// What is told of it.
#[derive(Serialize)]
struct Told<'t> {
    file: &'t str,
    written: bool,
    #[serde(flatten)]
    found: &'t Discovered,
}

/// Asks the API what a source holds.
pub(super) async fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let path = Some(PathBuf::from(&args.target)).filter(|path| path.exists());
    let paths = path.clone().into_iter().collect();
    let chosen =
        project::choose(&ManifestArgs { paths, env: args.env.iter().cloned().collect() }, output)?;
    let variables = chosen.variables.clone();
    let service = args.connect.service.clone().or_else(|| environment::variable("SERVICE_ID"));
    let wanted = path.is_none().then_some(args.target.as_str());
    let (file, pipe) =
        find(&files::read(&chosen.manifests)?, &variables, wanted, service.as_deref(), output)?;
    let service = pipe.service.clone().or(service);
    let service = service.ok_or_else(|| anyhow!("which service? pass --service"))?;
    let at = Address::new(ServiceRef::new(service.clone()), pipe.kind, pipe.name.clone());
    let body = discover::request(&pipe.document.body).map_err(|why| anyhow!("{at}: {why}"))?;
    let connect = ConnectArgs { service: Some(service), ..args.connect.clone() };
    let manner = Manner { wake: args.wake, writes: true, ..Manner::default() };
    let sight = Sight::open(chosen, None, &connect, manner).await?;
    let answer = sight.remote().discover(&at, &body).await;
    sight.close()?;
    let found = discover::read(&answer?).map_err(|why| anyhow!("{at}: {why}"))?;
    let mut text = Text::new();
    if args.write {
        let line = pipe.document.origin.start().line;
        text.plain(write(&file, line, &found, args.force, &variables)?);
    } else {
        text.plain(found.to_yaml());
    }
    if format == Format::Json {
        let told = Told { file: &file.name, written: args.write, found: &found };
        text = Text::new();
        text.plain(Envelope::new("Discovery", "found", told).render());
    }
    output.data(&text)?;
    Ok(exit::DONE)
}

/// The one pipe that is meant, and its file.
fn find(
    files: &[SourceFile],
    variables: &BTreeMap<String, String>,
    wanted: Option<&str>,
    default: Option<&str>,
    output: Output,
) -> Result<(SourceFile, Manifest)> {
    let called = |pipe: &Manifest| {
        format!(
            "{}/{}",
            pipe.service.as_deref().or(default).unwrap_or_default(),
            pipe.name.as_str()
        )
    };
    let (mut found, mut names) = (Vec::new(), Vec::new());
    for file in files {
        let (manifests, problems) = discover::drafts(file, variables);
        for pipe in manifests.into_iter().filter(|it| it.kind == Kind::ClickPipe) {
            names.push(called(&pipe));
            if wanted.is_none_or(|wanted| wanted == called(&pipe)) {
                found.push((file.clone(), pipe, problems.clone()));
            }
        }
    }
    let count = found.len();
    let (Some((file, pipe, problems)), 1) = (found.pop(), count) else {
        bail!("which pipe? there are: {}; write SERVICE/PIPE", names.join(", "));
    };
    output.problems(&problems, std::slice::from_ref(&file));
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        bail!("{} has errors beyond its columns; nothing was sent", file.name);
    }
    Ok((file, pipe))
}

/// Edits the file, if it says the same afterwards but for the columns; gives the diff.
fn write(
    file: &SourceFile,
    line: u32,
    found: &Discovered,
    force: bool,
    variables: &BTreeMap<String, String>,
) -> Result<String> {
    if !Path::new(&*file.name).is_file() {
        bail!("--write needs a file");
    }
    let existing = if force { Existing::Replace } else { Existing::Keep };
    let text = discover::write_into(&file.text, line, found, existing)
        .with_context(|| format!("{}: nothing was written", file.name))?;
    let after = SourceFile { name: Arc::clone(&file.name), text: Arc::from(text) };
    if !discover::is_faithful(file, &after, variables, line) {
        bail!(
            "{}: nothing was written, as more than the columns would change; paste them in from \
             `pipectl discover` without --write",
            file.name
        );
    }
    fs::write(&*file.name, &*after.text).with_context(|| format!("cannot write {}", file.name))?;
    let diff = TextDiff::from_lines(&*file.text, &*after.text);
    Ok(diff.unified_diff().header(&file.name, &file.name).to_string())
}
