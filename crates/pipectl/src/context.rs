//! Options that every command gets.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use rules::RuleTime;
use serde::Serialize;

use crate::exit::UsageError;
use crate::output::Output;
use crate::render::envelope::OutputEnvelope;
use crate::reports::{ReportFormat, ReportRequest};
use crate::shard::Shard;

/// How to run a command: its environment, and the form of its output.
#[derive(Clone, Debug)]
pub(crate) struct CommandContext {
    /// The word on the command line.
    pub(crate) command: &'static str,
    /// The `kind` of its JSON.
    pub(crate) json_kind: &'static str,
    pub(crate) output: Output,
    pub(crate) format: OutputFormat,
    pub(crate) environment: EnvironmentRun,
    /// The part of the services that the run is about.
    pub(crate) shard: Option<Shard>,
    pub(crate) reports: ReportRequest,
    /// Environment variables that `${env:NAME}` may name in addition to those with the prefix.
    pub(crate) allowed_env: Vec<String>,
    /// The time that rules of the project see.
    pub(crate) now: RuleTime,
}

impl CommandContext {
    /// Whether people read stdout.
    pub(crate) fn is_text(&self) -> bool {
        self.format == OutputFormat::Text
    }

    /// Whether the text for people is a stream of YAML documents.
    pub(crate) fn prints_yaml(&self) -> bool {
        self.is_text() && self.command == "render"
    }

    /// Whether the JSON of the result is printed or written to a file.
    pub(crate) fn wants_json(&self) -> bool {
        self.format == OutputFormat::Json || self.reports.targets.iter().any(|it| it.format == ReportFormat::Json)
    }

    /// Whether any output other than the text is needed.
    pub(crate) fn wants_report(&self) -> bool {
        self.format != OutputFormat::Text || !self.reports.targets.is_empty()
    }

    /// The JSON document of a result.
    pub(crate) fn envelope<T: Serialize>(&self, outcome: &'static str, result: T) -> OutputEnvelope<T> {
        OutputEnvelope { shard: self.shard, ..OutputEnvelope::new(self.json_kind, outcome, result) }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For machines; printed on every outcome.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// Streaming JSON: one event per line while apply runs.
    Ndjson,
}

impl OutputFormat {
    /// The value of `-o` that selects it.
    pub(crate) fn flag_value(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Placeholder in a path for the name of the environment.
const PLACEHOLDER: &str = "{env}";

/// The environment of a run, and its own files.
#[derive(Clone, Debug, Default)]
pub(crate) struct EnvironmentRun {
    /// Its name, if one is selected.
    pub(crate) name: Option<String>,
    /// The number of environments for which the command runs.
    pub(crate) count: usize,
    /// In the first run, the names of the environments that follow.
    pub(crate) later_environments: Vec<String>,
}

impl EnvironmentRun {
    /// Whether the command also runs for other environments.
    pub(crate) fn is_one_of_several(&self) -> bool {
        self.count > 1
    }

    /// The path for this environment.
    ///
    /// # Errors
    /// When several environments would use the same file, when none is selected, and when the name of the environment
    /// would point to another folder.
    pub(crate) fn expand_path(&self, flag: &str, path: &Path) -> Result<PathBuf, UsageError> {
        let text = path.display().to_string();
        if self.is_one_of_several() && !text.contains(PLACEHOLDER) {
            return Err(UsageError(format!(
                "{flag}: several environments would share `{text}`; write {PLACEHOLDER} where the name \
                 of each belongs, such as `{}`",
                suggest_path(path)
            )));
        }
        if !text.contains(PLACEHOLDER) {
            return Ok(path.to_owned());
        }
        let name = self.name.as_deref().ok_or_else(|| {
            UsageError(format!(
                "{flag}: {PLACEHOLDER} in `{text}` stands for an environment: select one with --env NAME"
            ))
        })?;
        // Hazard: with `--env ../../x`, the path could be another file of CI.
        if !is_file_name(name) {
            let why = format!(
                "{flag}: the environment `{name}` cannot be a part of a file name, as {PLACEHOLDER} in `{text}`"
            );
            return Err(UsageError(why));
        }
        Ok(PathBuf::from(text.replace(PLACEHOLDER, name)))
    }
}

/// Whether the text is a single path component.
fn is_file_name(text: &str) -> bool {
    let is_special = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
    !matches!(text, "" | "." | "..") && !text.contains(is_special)
}

/// The path with the placeholder before its extension.
fn suggest_path(path: &Path) -> String {
    let part = |part: Option<&std::ffi::OsStr>| part.map(|it| it.to_string_lossy().into_owned());
    let (stem, extension) = (part(path.file_stem()), part(path.extension()));
    let stem = stem.filter(|stem| stem != "-").unwrap_or_else(|| "report".to_owned());
    let extension = extension.map(|it| format!(".{it}")).unwrap_or_default();
    path.with_file_name(format!("{stem}-{PLACEHOLDER}{extension}")).display().to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::EnvironmentRun;

    #[test]
    fn output_path_must_contain_the_environment() {
        let path = |several, path: &str| {
            let name = Some("prod".to_owned());
            let run = EnvironmentRun { name, count: if several { 2 } else { 1 }, ..EnvironmentRun::default() };
            run.expand_path("--out", Path::new(path)).map_err(|error| error.to_string())
        };
        assert_eq!(path(true, "out/{env}/plan.json"), Ok("out/prod/plan.json".into()));
        assert_eq!(path(false, "plan-{env}.json"), Ok("plan-prod.json".into()));
        assert_eq!(path(false, "plan.json"), Ok("plan.json".into()));
        for shared in ["a/plan.json", "-"] {
            assert!(path(true, shared).unwrap_err().contains("{env}"));
        }
        assert!(path(true, "a/plan.json").unwrap_err().contains("`a/plan-{env}.json`"));
    }

    #[test]
    fn environment_leads_to_no_other_folder() {
        for name in [None, Some(""), Some(".."), Some("../x"), Some("a/b"), Some("/etc"), Some("a\\b"), Some("a\nb")] {
            let run = EnvironmentRun { name: name.map(str::to_owned), ..EnvironmentRun::default() };
            assert!(run.expand_path("--applied", Path::new("state/{env}")).is_err(), "{name:?}");
            assert_eq!(run.expand_path("--applied", Path::new("state")).ok(), Some("state".into()));
        }
    }
}
