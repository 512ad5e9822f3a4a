//! One command for several environments: a run of its own for each, one after the other, with its
//! own organization, key, variables and limits. What goes wrong in one keeps no other from its run.

use std::path::{Path, PathBuf};

use crate::cli::OutputFormat;
use crate::commands::{self, Command};
use crate::exit::{self, UsageError};
use crate::output::{Label, Output, StyledText};
use crate::render::envelope::{self, SCHEMA_VERSION};
use crate::render::event_lines;

/// Stands in a path for the name of the environment.
const PLACEHOLDER: &str = "{env}";

/// The environment of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EnvironmentRun<'n> {
    /// Its name.
    pub(crate) name: &'n str,
    /// Whether the command is run for others, too.
    pub(crate) is_one_of_several: bool,
}

impl EnvironmentRun<'_> {
    /// The path for this environment.
    ///
    /// # Errors
    /// When others would use the same file.
    pub(crate) fn expand_path(self, flag: &str, path: &Path) -> Result<PathBuf, UsageError> {
        let text = path.display().to_string();
        if self.is_one_of_several && !text.contains(PLACEHOLDER) {
            return Err(UsageError(format!(
                "{flag}: several environments would share `{text}`; write {PLACEHOLDER} where the name \
                 of each belongs, such as `{}`",
                suggest_path(path)
            )));
        }
        let filled = PathBuf::from(text.replace(PLACEHOLDER, self.name));
        Ok(if text.contains(PLACEHOLDER) { filled } else { path.to_owned() })
    }
}

/// The path with the place in front of its extension.
fn suggest_path(path: &Path) -> String {
    let part = |part: Option<&std::ffi::OsStr>| part.map(|it| it.to_string_lossy().into_owned());
    let (stem, extension) = (part(path.file_stem()), part(path.extension()));
    let stem = stem.filter(|stem| stem != "-").unwrap_or_else(|| "report".to_owned());
    let extension = extension.map(|it| format!(".{it}")).unwrap_or_default();
    path.with_file_name(format!("{stem}-{PLACEHOLDER}{extension}")).display().to_string()
}

/// A run for each environment that is named; none where none is, or where it is no question.
///
/// # Errors
/// When several environments would get in each other's way.
pub(crate) fn split_by_environment(command: &Command) -> Result<Vec<(String, Command)>, UsageError> {
    let mut names: Vec<&String> = Vec::new();
    for name in commands::selected_environments(command) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let several = names.len() > 1;
    let mut runs = Vec::new();
    for name in names {
        let run = commands::for_environment(command, EnvironmentRun { name, is_one_of_several: several })?;
        runs.extend(run.map(|run| (name.clone(), run)));
    }
    Ok(runs)
}

/// Runs them all; gives the gravest exit code. After an interruption nothing more is begun.
pub(crate) fn run_in_turn(
    runs: &[(String, Command)],
    output: Output,
    format: OutputFormat,
    run: impl Fn(&Command) -> u8,
) -> u8 {
    if let [(_, only)] = runs {
        return run(only);
    }
    let mut exit_code = exit::DONE;
    for (index, (name, command)) in runs.iter().enumerate() {
        print_data(output, &run_heading(format, name, index));
        if exit_code == exit::INTERRUPTED {
            print_not_started(output, format, name, command);
        } else {
            let code = run(command);
            if !matches!(code, exit::DONE | exit::CHANGES) {
                output.print_message_line(format!("{name}: ended with exit code {code}"));
            }
            exit_code = exit::most_severe(exit_code, code);
        }
    }
    if format == OutputFormat::Json {
        print_data(output, StyledText::new().push_plain(format!("}},\n\"exitCode\": {exit_code}\n}}\n")));
    }
    exit_code
}

/// What stands before the words of a run. In JSON it opens the member that the run prints.
fn run_heading(format: OutputFormat, name: &str, index: usize) -> StyledText {
    let mut text = StyledText::new();
    match (format, index) {
        (OutputFormat::Text | OutputFormat::Markdown, 0) | (OutputFormat::Ndjson, _) => {}
        (OutputFormat::Text | OutputFormat::Markdown, _) => {
            text.end_line();
        }
        (OutputFormat::Json, 0) => {
            text.push_plain(format!(
                "{{\n\"schemaVersion\": \"{SCHEMA_VERSION}\",\n\"kind\": \"Environments\",\n\
                 \"environments\": {{\n"
            ));
        }
        (OutputFormat::Json, _) => {
            text.push_plain(",\n");
        }
    }
    match format {
        OutputFormat::Text => text.push(Label::Heading, format!("Environment: {name}")).push_plain("\n\n"),
        OutputFormat::Markdown => text.push_plain(format!("## {name}\n\n")),
        OutputFormat::Json => text.push_plain(format!("{}: ", serde_json::Value::from(name))),
        // Each of its lines names the environment.
        OutputFormat::Ndjson => &mut text,
    };
    text
}

fn print_not_started(output: Output, format: OutputFormat, name: &str, command: &Command) {
    let message = "interrupted before it was begun";
    let (outcome, errors) = ("interrupted", [message.to_owned()]);
    let rendered = match format {
        OutputFormat::Text | OutputFormat::Markdown => String::new(),
        OutputFormat::Json => envelope::failure_json(commands::command_spec(command).json_kind, outcome, message),
        OutputFormat::Ndjson => event_lines::failure_line(Some(name), outcome, exit::INTERRUPTED, &errors),
    };
    print_data(output, StyledText::new().push_plain(rendered));
    output.print_message_line(format!("{name}: {message}"));
}

fn print_data(output: Output, text: &StyledText) {
    // The runs fail by themselves on a stream that takes nothing.
    let _ = output.print_data(text);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::EnvironmentRun;

    #[test]
    fn output_path_must_contain_the_environment() {
        let path = |several, path: &str| {
            let within = EnvironmentRun { name: "prod", is_one_of_several: several };
            within.expand_path("--out", Path::new(path)).map_err(|error| error.to_string())
        };
        assert_eq!(path(true, "out/{env}/plan.json"), Ok("out/prod/plan.json".into()));
        assert_eq!(path(false, "plan-{env}.json"), Ok("plan-prod.json".into()));
        assert_eq!(path(false, "plan.json"), Ok("plan.json".into()));
        for shared in ["a/plan.json", "-"] {
            assert!(path(true, shared).unwrap_err().contains("{env}"));
        }
        assert!(path(true, "a/plan.json").unwrap_err().contains("`a/plan-{env}.json`"));
    }
}
