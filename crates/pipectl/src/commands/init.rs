//! `pipectl init`.

mod files;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;

use crate::cli::Format;
use crate::exit;
use crate::output::{Label, Output, Text};
use crate::render::json::Envelope;

/// `pipectl init`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The folder to begin in; it is made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The workflow to write
    #[arg(long, value_name = "HOST", env = "PIPECTL_CI", value_enum, default_value_t)]
    pub(crate) ci: Ci,
    /// Replace files that are there already
    #[arg(long, env = "PIPECTL_INIT_FORCE")]
    pub(crate) force: bool,
}

/// Where the workflow runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ci {
    /// GitHub Actions.
    #[default]
    Github,
    /// GitLab CI.
    Gitlab,
    /// Nowhere.
    None,
}

/// What became of one file.
#[derive(Serialize)]
struct Told {
    path: PathBuf,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    Written,
    Replaced,
    Extended,
    /// It was there already, and says something else.
    Kept,
    Unchanged,
    /// It would have no effect here.
    LeftOut,
}

/// Writes what a new repository needs. Speaks to nobody.
pub(super) fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let mut told = Vec::new();
    for (name, content) in files::of()? {
        let path = args.folder.join(name);
        let outcome = put(&path, &content, args.force)?;
        told.push(Told { path, outcome });
    }
    if let Some((name, content)) = files::workflow(args.ci) {
        let path = args.folder.join(name);
        let at_top = is_top(&args.folder);
        let outcome = if at_top { put(&path, content, args.force)? } else { Outcome::LeftOut };
        told.push(Told { path, outcome });
    }
    let path = args.folder.join(files::IGNORE);
    let outcome = extend(&path, files::IGNORED)?;
    told.push(Told { path, outcome });
    output.data(&match format {
        Format::Text | Format::Markdown => table(&told),
        Format::Json | Format::Ndjson => {
            let mut text = Text::new();
            text.plain(Envelope::new("Init", "done", &told).render());
            text
        }
    })?;
    output.say(files::next_steps(&args.folder));
    Ok(exit::DONE)
}

/// Whether the folder is the top of a repository, or in none. Only there are workflows looked for.
fn is_top(folder: &Path) -> bool {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    folder.ancestors().find(|it| it.join(".git").exists()).is_none_or(|top| top == folder)
}

/// Writes a file, and one that is there only if that is wanted.
fn put(path: &Path, content: &str, force: bool) -> Result<Outcome> {
    let why = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(why)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(content.as_bytes()).with_context(why)?;
            Ok(Outcome::Written)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if fs::read(path).is_ok_and(|old| old == content.as_bytes()) {
                return Ok(Outcome::Unchanged);
            }
            if !force {
                return Ok(Outcome::Kept);
            }
            fs::write(path, content).with_context(why)?;
            Ok(Outcome::Replaced)
        }
        Err(error) => Err(error).with_context(why),
    }
}

/// Adds the lines that a file lacks at its end, and takes nothing away.
fn extend(path: &Path, lines: &[&str]) -> Result<Outcome> {
    let old = match fs::read_to_string(path) {
        Ok(old) => old,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return put(path, &joined(lines), false);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let missing: Vec<&str> =
        lines.iter().copied().filter(|line| !old.lines().any(|it| it.trim() == *line)).collect();
    if missing.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    fs::write(path, format!("{old}{gap}{}", joined(&missing)))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Outcome::Extended)
}

fn joined(lines: &[&str]) -> String {
    format!("{}\n", lines.join("\n"))
}

fn table(told: &[Told]) -> Text {
    let mut text = Text::new();
    for Told { path, outcome } in told {
        let (label, word, more) = match outcome {
            Outcome::Written => (Label::Create, "written", ""),
            Outcome::Replaced => (Label::Replace, "replaced", ""),
            Outcome::Extended => (Label::Update, "extended", ""),
            Outcome::Unchanged => (Label::Dim, "unchanged", ""),
            Outcome::LeftOut => {
                let why = "   workflows work at the top of a repository only; put one there that \
                           runs in this folder";
                (Label::Blocked, "left out", why)
            }
            Outcome::Kept => {
                (Label::Blocked, "kept", "   it is there already; --force replaces it")
            }
        };
        text.push(label, format!("{word:<10}")).plain(path.display().to_string());
        text.push(Label::Dim, more).end();
    }
    text
}
