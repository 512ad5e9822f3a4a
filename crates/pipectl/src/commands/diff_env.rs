//! `pipectl diff-env`: the differences between two environments, from files alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clickpipes::manifest::LoadContext;
use model::desired::Desired;
use model::project::Environment;
use planner::diff_desired;

use crate::context::{CommandContext, EnvironmentRun};
use crate::exit::UsageError;
use crate::load_manifests::LoadedManifests;
use crate::outcome::CommandOutcome;
use crate::output::Output;
use crate::project::RawEnvironment;
use crate::render::env_diff::{self as render, EnvironmentComparison};
use crate::settings_diff;
use crate::{exit, project};

/// Stands for the service of manifests that name none.
const NO_SERVICE: &str = "(default service)";

pub(crate) struct DiffEnvOptions {
    pub(crate) left: String,
    pub(crate) right: String,
    /// Manifest files and folders, where {env} stands for the environment.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) detailed_exitcode: bool,
}

/// Compares the manifests of both environments. Sends nothing, and needs no key and no secret.
pub(crate) fn run(context: &CommandContext, options: &DiffEnvOptions) -> Result<CommandOutcome> {
    let DiffEnvOptions { left, right, paths, detailed_exitcode } = options;
    let [one, other] = project::read_environments([left, right], context)?;
    let declared =
        [load_desired(left, &one, paths, context.output)?, load_desired(right, &other, paths, context.output)?];
    let differences = compare_environments((left, &one.environment), (right, &other.environment), &declared);
    let (word, code) = match differences.environment.is_empty() && differences.objects.is_empty() {
        true => ("same", exit::DONE),
        false if *detailed_exitcode => ("different", exit::CHANGES),
        false => ("different", exit::DONE),
    };
    Ok(CommandOutcome {
        text: render::text(&differences),
        markdown: Some(render::render_env_diff_markdown(&differences)),
        ..CommandOutcome::new(context, code, context.envelope(word, &differences))
    })
}

fn load_desired(name: &str, written: &RawEnvironment, paths: &[PathBuf], output: Output) -> Result<Desired> {
    let run = EnvironmentRun { name: Some(name.to_owned()), ..EnvironmentRun::default() };
    let given = paths.iter().map(|path| run.expand_path("PATH", path));
    let mut paths: Vec<PathBuf> = given.collect::<Result<_, UsageError>>()?;
    if paths.is_empty() {
        paths.clone_from(&written.manifests);
    }
    if paths.is_empty() {
        return Err(project::no_manifests().into());
    }
    let context = || format!("environment {name}");
    let variables = LoadContext::from(&written.environment.variables).with_defaults(&written.defaults);
    let read = LoadedManifests::load_paths(&paths, &written.manifests, variables).with_context(context)?;
    let read = read.require_valid(output).with_context(context)?;
    // Ids are of one environment; the names that manifests use are of both.
    let services = read.service_names(Some(NO_SERVICE))?;
    let names: BTreeMap<String, String> = services.into_iter().map(|service| (service.clone(), service)).collect();
    Ok(read.desired(&names, Some(NO_SERVICE)).with_context(context)?.0)
}

fn compare_environments(
    (left, one): (&str, &Environment),
    (right, other): (&str, &Environment),
    [desired, other_desired]: &[Desired; 2],
) -> EnvironmentComparison {
    let objects = diff_desired(desired, other_desired);
    let all = desired.keys().chain(other_desired.keys().filter(|at| !desired.contains_key(*at)));
    EnvironmentComparison {
        left: left.to_owned(),
        right: right.to_owned(),
        environment: settings_diff::changed_settings(one, other),
        same: all.count() - objects.len(),
        objects,
    }
}
