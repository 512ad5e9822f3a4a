//! One command for several environments: a run of its own for each, one after the other, with its
//! own organization, key, variables and limits. What goes wrong in one keeps no other from its run.

use std::path::{Path, PathBuf};

use crate::cli::Format;
use crate::commands::{self, Command};
use crate::exit::{self, Usage};
use crate::output::{Label, Output, Text};
use crate::render::json::{self, SCHEMA_VERSION};
use crate::render::ndjson;

/// Stands in a path for the name of the environment.
const PLACE: &str = "{env}";

/// The environment of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within<'n> {
    /// Its name.
    pub(crate) name: &'n str,
    /// Whether the command is run for others, too.
    pub(crate) several: bool,
}

impl Within<'_> {
    /// The path for this environment.
    ///
    /// # Errors
    /// When others would use the same file.
    pub(crate) fn path(self, flag: &str, path: &Path) -> Result<PathBuf, Usage> {
        let text = path.display().to_string();
        if self.several && !text.contains(PLACE) {
            return Err(Usage(format!(
                "{flag}: several environments would share `{text}`; write {PLACE} where the name \
                 of each belongs, such as `{}`",
                suggested(path)
            )));
        }
        let filled = PathBuf::from(text.replace(PLACE, self.name));
        Ok(if text.contains(PLACE) { filled } else { path.to_owned() })
    }
}

/// The path with the place in front of its extension.
fn suggested(path: &Path) -> String {
    let part = |part: Option<&std::ffi::OsStr>| part.map(|it| it.to_string_lossy().into_owned());
    let (stem, extension) = (part(path.file_stem()), part(path.extension()));
    let stem = stem.filter(|stem| stem != "-").unwrap_or_else(|| "report".to_owned());
    let extension = extension.map(|it| format!(".{it}")).unwrap_or_default();
    path.with_file_name(format!("{stem}-{PLACE}{extension}")).display().to_string()
}

/// A run for each environment that is named; none where none is, or where it is no question.
///
/// # Errors
/// When several environments would get in each other's way.
pub(crate) fn split(command: &Command) -> Result<Vec<(String, Command)>, Usage> {
    let mut names: Vec<&String> = Vec::new();
    for name in commands::environments(command) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let several = names.len() > 1;
    let mut runs = Vec::new();
    for name in names {
        let run = commands::within(command, Within { name, several })?;
        runs.extend(run.map(|run| (name.clone(), run)));
    }
    Ok(runs)
}

/// Runs them all; gives the gravest exit code. After an interruption nothing more is begun.
pub(crate) fn each(
    runs: &[(String, Command)],
    output: Output,
    format: Format,
    run: impl Fn(&Command) -> u8,
) -> u8 {
    if let [(_, only)] = runs {
        return run(only);
    }
    let mut gravest = exit::DONE;
    for (index, (name, command)) in runs.iter().enumerate() {
        say(output, &heading(format, name, index));
        if gravest == exit::INTERRUPTED {
            not_begun(output, format, name, command);
        } else {
            let code = run(command);
            if !matches!(code, exit::DONE | exit::CHANGES) {
                output.say(format!("{name}: ended with exit code {code}"));
            }
            gravest = exit::gravest(gravest, code);
        }
    }
    if format == Format::Json {
        say(output, Text::new().plain(format!("}},\n\"exitCode\": {gravest}\n}}\n")));
    }
    gravest
}

/// What stands before the words of a run. In JSON it opens the member that the run prints.
fn heading(format: Format, name: &str, index: usize) -> Text {
    let mut text = Text::new();
    match (format, index) {
        (Format::Text | Format::Markdown, 0) | (Format::Ndjson, _) => {}
        (Format::Text | Format::Markdown, _) => {
            text.end();
        }
        (Format::Json, 0) => {
            text.plain(format!(
                "{{\n\"schemaVersion\": \"{SCHEMA_VERSION}\",\n\"kind\": \"Environments\",\n\
                 \"environments\": {{\n"
            ));
        }
        (Format::Json, _) => {
            text.plain(",\n");
        }
    }
    match format {
        Format::Text => text.push(Label::Heading, format!("Environment: {name}")).plain("\n\n"),
        Format::Markdown => text.plain(format!("## {name}\n\n")),
        Format::Json => text.plain(format!("{}: ", serde_json::Value::from(name))),
        // Each of its lines names the environment.
        Format::Ndjson => &mut text,
    };
    text
}

fn not_begun(output: Output, format: Format, name: &str, command: &Command) {
    let message = "interrupted before it was begun";
    let (outcome, errors) = ("interrupted", [message.to_owned()]);
    let told = match format {
        Format::Text | Format::Markdown => String::new(),
        Format::Json => json::failure(commands::kind(command), outcome, message),
        Format::Ndjson => ndjson::failure(Some(name), outcome, exit::INTERRUPTED, &errors),
    };
    say(output, Text::new().plain(told));
    output.say(format!("{name}: {message}"));
}

fn say(output: Output, text: &Text) {
    // The runs fail by themselves on a stream that takes nothing.
    let _ = output.data(text);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Within;

    #[test]
    fn a_path_is_shared_by_nobody() {
        let path = |several, path: &str| {
            let within = Within { name: "prod", several };
            within.path("--out", Path::new(path)).map_err(|error| error.to_string())
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
