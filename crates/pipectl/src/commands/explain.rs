//! `pipectl explain`.

use anyhow::Result;
use clickpipes::docs;

use crate::cli::{ExplainArgs, OutputFormat};
use crate::exit;
use crate::output::{Output, StyledText};
use crate::render::envelope::OutputEnvelope;
use crate::render::explanation;

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
