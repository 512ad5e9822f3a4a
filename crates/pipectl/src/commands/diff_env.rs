//! `pipectl diff-env`: what two environments declare differently, from files alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap_complete::ArgValueCandidates;
use model::desired::Desired;
use model::path::Path;
use model::project::Environment;
use planner::contrast;
use serde_json::Value;

use crate::cli::Format;
use crate::declared::Declared;
use crate::environments::Within;
use crate::exit::Usage;
use crate::output::{Output, Text};
use crate::project::Written;
use crate::render::contrast::{self as render, Differences, Setting};
use crate::render::json::Envelope;
use crate::{completion, exit, project};

/// Stands for the service of manifests that name none.
const NO_SERVICE: &str = "(default service)";

/// `pipectl diff-env`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// An environment of the project file
    #[arg(value_name = "LEFT", add = ArgValueCandidates::new(completion::environments))]
    pub(crate) left: String,
    /// The environment to compare it with
    #[arg(value_name = "RIGHT", add = ArgValueCandidates::new(completion::environments))]
    pub(crate) right: String,
    /// Manifest files and folders, where {env} stands for the environment; by default those of the
    /// project file
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Exit with 2 when there are differences
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

/// Compares what both declare. Sends nothing, and needs no key and no secret.
pub(super) fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let Args { left, right, paths, detailed_exitcode } = args;
    let [one, other] = project::written([left, right], output)?;
    let declared = [declared(left, &one, paths, output)?, declared(right, &other, paths, output)?];
    let differences = differences((left, &one.environment), (right, &other.environment), &declared);
    let differ = !differences.environment.is_empty() || !differences.objects.is_empty();
    let mut text = Text::new();
    match format {
        Format::Text => text.append(render::text(&differences)),
        Format::Markdown => text.plain(render::markdown(&differences)),
        Format::Json | Format::Ndjson => {
            let outcome = if differ { "different" } else { "same" };
            text.plain(Envelope::new("EnvironmentDifferences", outcome, &differences).render())
        }
    };
    output.data(&text)?;
    Ok(if differ && *detailed_exitcode { exit::CHANGES } else { exit::DONE })
}

fn declared(name: &str, written: &Written, paths: &[PathBuf], output: Output) -> Result<Desired> {
    let within = Within { name, several: false };
    let given = paths.iter().map(|path| within.path("PATH", path));
    let mut paths: Vec<PathBuf> = given.collect::<Result<_, Usage>>()?;
    if paths.is_empty() {
        paths.clone_from(&written.manifests);
    }
    if paths.is_empty() {
        let which = "which manifests? name files or folders, or declare `manifests` in";
        return Err(Usage(format!("{which} {}", project::NAME)).into());
    }
    let context = || format!("environment {name}");
    let read = Declared::read(&paths, &written.environment.variables).with_context(context)?;
    let read = read.sound(output).with_context(context)?;
    // Ids are of one environment; the names that manifests use are of both.
    let services = read.services(Some(NO_SERVICE))?;
    let names: BTreeMap<String, String> =
        services.into_iter().map(|service| (service.clone(), service)).collect();
    Ok(read.desired(&names, Some(NO_SERVICE)).with_context(context)?.0)
}

fn differences(
    (left, one): (&str, &Environment),
    (right, other): (&str, &Environment),
    [desired, otherwise]: &[Desired; 2],
) -> Differences {
    let objects = contrast(desired, otherwise);
    let all = desired.keys().chain(otherwise.keys().filter(|at| !desired.contains_key(*at)));
    Differences {
        left: left.to_owned(),
        right: right.to_owned(),
        environment: settings(one, other),
        same: all.count() - objects.len(),
        objects,
    }
}

fn settings(one: &Environment, other: &Environment) -> Vec<Setting> {
    let leaves = |environment: &Environment| {
        let mut found = BTreeMap::new();
        // Whatever was read from YAML can be written as JSON.
        let value = serde_json::to_value(environment).unwrap_or_default();
        leaves(&value, &Path::root(), &mut found);
        found
    };
    let (mut one, other) = (leaves(one), leaves(other));
    let paired = other.into_iter().map(|(path, right)| (one.remove(&path), path, Some(right)));
    let mut settings: Vec<Setting> = paired
        .map(|(left, path, right)| Setting { path, left, right })
        .filter(|setting| setting.left != setting.right)
        .collect();
    settings.extend(one.into_iter().map(|(path, left)| Setting {
        path,
        left: Some(left),
        right: None,
    }));
    settings.sort_by(|a, b| a.path.cmp(&b.path));
    settings
}

/// Everything that is said and is no mapping, by its path.
fn leaves(value: &Value, path: &Path, found: &mut BTreeMap<Path, Value>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaves(value, &path.child(name), found));
        }
        Value::Null => {}
        Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.insert(path.clone(), value.clone());
        }
    }
}
