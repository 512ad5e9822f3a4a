//! `pipectl schema`.

use anyhow::Result;
use clickpipes::kinds;

use crate::cli::{SchemaArgs, SchemaDocuments};
use crate::exit;
use crate::output::{Output, StyledText};
use crate::render::envelope;

/// Prints a JSON Schema.
pub(super) fn run(args: &SchemaArgs, output: Output) -> Result<u8> {
    let mut text = StyledText::new();
    match args.documents {
        SchemaDocuments::Manifests => {
            text.push_plain(serde_json::to_string_pretty(&kinds::editor_schema())?).end_line();
        }
        SchemaDocuments::Output => {
            text.push_plain(envelope::OUTPUT_SCHEMA);
        }
    }
    output.print_data(&text)?;
    Ok(exit::DONE)
}
