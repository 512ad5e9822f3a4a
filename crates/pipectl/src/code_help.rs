//! Help for a diagnostic code from the page of codes, with its address.

use std::fmt;

use clickpipes::docs::heading_anchor;
use model::diagnostic::Diagnostic;
use serde::Serialize;

use crate::docs_pages::page_url;

/// The meaning of each code, and the fix.
const ERRORS_PAGE: &str = include_str!(concat!(env!("PIPECTL_DOCS"), "/errors.md"));

/// A row of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CodeHelp {
    pub(crate) code: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) fix: &'static str,
    /// The part of the page with the row.
    pub(crate) help_uri: String,
}

impl CodeHelp {
    pub(crate) fn find(code: &str) -> Option<Self> {
        let mut heading = "";
        for line in ERRORS_PAGE.lines() {
            heading = line.strip_prefix("## ").unwrap_or(heading);
            let Some((found, rest)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | ")) else { continue };
            if found == code {
                let (meaning, fix) = rest.trim_end_matches([' ', '|']).split_once(" | ")?;
                let help_uri = page_url("errors", &heading_anchor(heading));
                return Some(Self { code: found, meaning, fix, help_uri });
            }
        }
        None
    }
}

/// A diagnostic with the address of its explanation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedDiagnostic {
    #[serde(flatten)]
    diagnostic: Diagnostic,
    /// `None` for a rule of the project, which has a name and no page.
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
}

impl ExplainedDiagnostic {
    pub(crate) fn explain_all(diagnostics: &[Diagnostic]) -> Vec<Self> {
        let explain = |diagnostic: &Diagnostic| Self {
            help_uri: CodeHelp::find(diagnostic.code).map(|help| help.help_uri),
            diagnostic: diagnostic.clone(),
        };
        diagnostics.iter().map(explain).collect()
    }
}

impl fmt::Display for CodeHelp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, meaning, fix, help_uri } = self;
        writeln!(f, "{code}\n\n  {meaning}\n\n  the fix: {fix}\n\n  {help_uri}")
    }
}

#[cfg(test)]
mod tests {
    use super::CodeHelp;

    #[test]
    fn address_leads_to_the_heading_of_the_row() {
        for (code, anchor) in [
            ("yaml-tab", "invalid-yaml"),
            ("rule-violation", "rules-of-the-project"),
            ("known-additional-field", "fields-under-additional"),
        ] {
            let help = CodeHelp::find(code).unwrap();
            assert!(help.help_uri.ends_with(&format!("/docs/errors.md#{anchor}")), "{help:?}");
        }
        assert_eq!(CodeHelp::find("team-label"), None);
    }
}
