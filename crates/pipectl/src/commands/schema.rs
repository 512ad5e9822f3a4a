//! `pipectl schema`.

use anyhow::Result;
use model::reference;

use crate::exit;
use crate::output::{Output, Text};

/// Prints the JSON Schema of the manifests.
pub(super) fn run(output: Output) -> Result<u8> {
    let mut text = Text::new();
    text.plain(serde_json::to_string_pretty(&reference::schema())?).end();
    output.data(&text)?;
    Ok(exit::DONE)
}
