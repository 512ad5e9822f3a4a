//! `pipectl schema`, `explain`, `man` and `completions`: texts about manifests and about the program itself.

mod effective_values;

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use clap_complete::env::Shells;
use clap_mangen::Man;
use clickpipes::docs::{self, FieldExplanation, UnknownField};
use clickpipes::editor_schema::editor_schema;
use model::address::Kind;
use model::project::project_schema;
use serde::Serialize;
use serde_json::Value;

use crate::code_help::CodeHelp;
use crate::completion;
use crate::context::CommandContext;
use crate::docs_pages::page_url;
use crate::exit;
use crate::outcome::CommandOutcome;
use crate::render::envelope;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaDocuments {
    /// Manifests, for editors
    #[default]
    Manifests,
    /// The project file, for editors
    Project,
    /// The JSON that commands print
    Output,
}

pub(crate) fn print_schema(documents: SchemaDocuments) -> Result<CommandOutcome> {
    let pretty = |schema: &Value| Ok::<_, serde_json::Error>(format!("{}\n", serde_json::to_string_pretty(schema)?));
    Ok(CommandOutcome::from_text(match documents {
        SchemaDocuments::Manifests => pretty(&editor_schema())?,
        SchemaDocuments::Project => pretty(project_schema())?,
        SchemaDocuments::Output => envelope::OUTPUT_SCHEMA.to_owned(),
    }))
}

pub(crate) struct ExplainOptions {
    /// `None` for the kind of a pipe, or for all kinds.
    pub(crate) field: Option<String>,
    /// Show the values in the manifests instead of the description of the field.
    pub(crate) is_effective: bool,
}

/// The description of a field, and the part of the page with its row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldHelp {
    #[serde(flatten)]
    explanation: FieldExplanation,
    help_uri: String,
}

/// Describes a field and what changing it does, or a diagnostic code, or shows the values of a field in the manifests.
pub(crate) fn explain_field(context: &CommandContext, options: &ExplainOptions) -> Result<CommandOutcome> {
    let field = options.field.as_deref().unwrap_or(Kind::ClickPipe.name());
    if let Some(help) = CodeHelp::find(field).filter(|_| !options.is_effective) {
        let mut outcome = CommandOutcome::new(context, exit::DONE, context.envelope("found", &help));
        outcome.text.push_plain(help.to_string());
        return Ok(outcome);
    }
    let mut explanation = docs::explain_field(field).map_err(unknown_field)?;
    if options.is_effective {
        return effective_values::run(context, options.field.as_deref(), &explanation);
    }
    for rule in &mut explanation.rules {
        rule.meaning = CodeHelp::find(rule.code).map(|help| help.meaning);
    }
    let help_uri = page_url("reference", &docs::reference_anchor(&explanation));
    let text = format!("{explanation}\n  {help_uri}\n");
    let help = FieldHelp { explanation, help_uri };
    let mut outcome = CommandOutcome::new(context, exit::DONE, context.envelope("found", &help));
    outcome.text.push_plain(text);
    Ok(outcome)
}

fn unknown_field(error: UnknownField) -> anyhow::Error {
    if error.suggestions.is_empty() {
        anyhow!(
            "{error}; `pipectl explain` shows the fields of a pipe, `pipectl explain Project` those of pipectl.yaml"
        )
    } else {
        error.into()
    }
}

/// Prints the manual: one page for the program, and one for each command after it.
pub(crate) fn print_manual(mut program: clap::Command) -> Result<CommandOutcome> {
    program.build();
    let mut pages = Vec::new();
    Man::new(program.clone()).render(&mut pages)?;
    for command in program.get_subcommands() {
        Man::new(command.clone()).render(&mut pages)?;
        for below in command.get_subcommands() {
            Man::new(below.clone()).render(&mut pages)?;
        }
    }
    Ok(CommandOutcome::from_text(String::from_utf8(pages)?))
}

/// Prints the completion script, which makes the shell call this program.
pub(crate) fn print_completions(shell: &str) -> Result<CommandOutcome> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or_else(|| anyhow!("no script for {shell}"))?;
    let (program, mut script) = ("pipectl", Vec::new());
    completer.write_registration(completion::COMPLETE_VARIABLE, program, program, program, &mut script)?;
    Ok(CommandOutcome::from_text(String::from_utf8(script)?))
}
