//! `pipectl explain`.

use anyhow::Result;
use clap_complete::ArgValueCandidates;
use clickpipes::docs;

use crate::cli::OutputFormat;
use crate::completion;
use crate::exit;
use crate::output::{Output, StyledText};
use crate::render::envelope::OutputEnvelope;
use crate::render::explanation;

/// `pipectl explain`.
#[derive(clap::Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The field, such as source.kafka.offset, or a kind, such as ClickPipe
    #[arg(value_name = "FIELD", default_value = "ClickPipe")]
    #[arg(add = ArgValueCandidates::new(completion::field_candidates))]
    pub(crate) field: String,
}

/// Says what a field is and what changing it costs.
pub(super) fn run(args: &ExplainArgs, output: Output, format: OutputFormat) -> Result<u8> {
    let explanation = docs::explain_field(&args.field)?;
    let text = match format {
        OutputFormat::Text | OutputFormat::Markdown => explanation::render(&explanation),
        OutputFormat::Json | OutputFormat::Ndjson => {
            let mut text = StyledText::new();
            text.push_plain(OutputEnvelope::new("Explanation", "found", &explanation).render());
            text
        }
    };
    output.print_data(&text)?;
    Ok(exit::DONE)
}
