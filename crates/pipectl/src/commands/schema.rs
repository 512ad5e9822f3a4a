//! `pipectl schema`.

use anyhow::Result;
use clickpipes::docs;

use crate::exit;
use crate::output::{Output, StyledText};

/// Prints the JSON Schema of the manifests.
pub(super) fn run(output: Output) -> Result<u8> {
    let mut text = StyledText::new();
    text.push_plain(serde_json::to_string_pretty(&docs::editor_schema())?).end_line();
    output.print_data(&text)?;
    Ok(exit::DONE)
}
