//! The report formats and their targets on the command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

/// Formats of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// What `-o json` prints.
    Json,
    /// A comment on a pull request.
    Markdown,
    /// Annotations of GitHub Actions, its step summary and its outputs.
    Github,
    /// Counts for the merge request of GitLab.
    GitlabTerraform,
    /// Code Quality of GitLab.
    Codequality,
    /// SARIF 2.1.0, for code scanners.
    Sarif,
    /// `JUnit` XML.
    Junit,
    /// One page with a diagram of the data flow.
    Html,
}

/// A report and the file it goes to, written `FORMAT=PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTarget {
    /// The format.
    pub format: ReportFormat,
    /// The file, or `-` for stdout.
    pub path: PathBuf,
}

impl FromStr for ReportTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) = text
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or("write FORMAT=PATH, such as markdown=plan.md, or github=- for stdout")?;
        let format = ReportFormat::from_str(format, false).map_err(|_| {
            let names = ReportFormat::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            let names: Vec<String> = names.map(|name| name.get_name().to_owned()).collect();
            format!("there is no format `{format}`; there are {}", names.join(", "))
        })?;
        Ok(Self { format, path: PathBuf::from(path) })
    }
}

/// Distinguishes the comments of one pull request. It is part of a hidden marker in the markdown, so it contains only
/// letters, digits, `.`, `_` and single `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentKey(String);

impl CommentKey {
    /// The default key: comments of different commands do not replace each other.
    pub(crate) fn of_command(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The key for one of several environments.
    #[must_use]
    pub fn for_environment(&self, environment: &str) -> Self {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
        let name: String = environment.chars().map(|c| if fits(c) { c } else { '_' }).collect();
        self.with_part(&name)
    }

    /// The key for one part of a split run.
    #[must_use]
    pub(crate) fn with_part(&self, part: &str) -> Self {
        Self(format!("{}-{part}", self.0.trim_end_matches('-')))
    }
}

impl Default for CommentKey {
    fn default() -> Self {
        Self("plan".to_owned())
    }
}

impl FromStr for CommentKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let fits = (1..=64).contains(&text.len()) && text.chars().all(known);
        if fits && !text.contains("--") {
            Ok(Self(text.to_owned()))
        } else {
            Err("1 to 64 letters, digits, `.`, `_` and single `-`".to_owned())
        }
    }
}

impl fmt::Display for CommentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
