//! `pipectl explain`.

use anyhow::Result;
use clap_complete::ArgValueCandidates;
use model::reference;

use crate::cli::Format;
use crate::completion;
use crate::exit;
use crate::output::{Output, Text};
use crate::render::explanation;
use crate::render::json::Envelope;

/// `pipectl explain`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The field, such as source.kafka.offset, or a kind, such as ClickPipe
    #[arg(value_name = "FIELD", default_value = "ClickPipe")]
    #[arg(add = ArgValueCandidates::new(completion::fields))]
    pub(crate) field: String,
}

/// Says what a field is and what changing it costs.
pub(super) fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let explanation = reference::explain(&args.field)?;
    let text = match format {
        Format::Text | Format::Markdown => explanation::render(&explanation),
        Format::Json | Format::Ndjson => {
            let mut text = Text::new();
            text.plain(Envelope::new("Explanation", "found", &explanation).render());
            text
        }
    };
    output.data(&text)?;
    Ok(exit::DONE)
}
