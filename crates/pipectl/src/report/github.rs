//! Annotations of GitHub Actions, as workflow commands.

use std::fmt::Write as _;

use model::visible::{lines, one_line};

use super::escape::clipped;
use super::finding::{Finding, Level, findings};
use super::object::objects;
use super::paths::Paths;
use super::run::Run;

/// GitHub keeps ten of each kind for a step and drops the rest without a word.
const MOST: usize = 10;

/// A longer message is cut.
const LONGEST: usize = 1000;

/// The worst ones of each kind, and a last one that counts what was left out.
pub(super) fn render(run: &Run<'_>, paths: &Paths) -> String {
    let mut out = String::new();
    let mut left = Vec::new();
    for (level, most, word) in [
        (Level::Error, MOST, "errors"),
        (Level::Warning, MOST, "warnings"),
        // The last one is the summary.
        (Level::Notice, MOST - 1, "notices"),
    ] {
        let all: Vec<Finding> =
            findings(run).into_iter().filter(|finding| finding.level == level).collect();
        all.iter().take(most).for_each(|finding| command(&mut out, finding, paths));
        if all.len() > most {
            left.push(format!("{} {word}", all.len() - most));
        }
    }
    let left =
        if left.is_empty() { String::new() } else { format!("; not shown: {}", left.join(", ")) };
    let title = property(&format!("pipectl {}", run.command));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "::notice title={title}::{}", data(&format!("{}{left}", run.headline())));
    out
}

fn command(out: &mut String, finding: &Finding, paths: &Paths) {
    let word = finding.level.word();
    let place = finding.place.as_ref().and_then(|place| {
        let file = property(&paths.file(&place.file)?);
        Some(format!("file={file},line={},col={},", place.line, place.column))
    });
    let title = property(&clipped(&one_line(&finding.title), LONGEST));
    let message = data(&clipped(&lines(&finding.message), LONGEST));
    let _ = writeln!(out, "::{word} {}title={title}::{message}", place.unwrap_or_default());
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command, which ends at a colon or a comma.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The outputs of the step: numbers and words of our own, nothing that a manifest says.
pub(super) fn outputs(run: &Run<'_>) -> String {
    let mut out = format!("outcome={}\n", run.outcome);
    if let Some(plan) = run.plan {
        let words = ["create", "update", "replace", "delete", "rename", "adopt", "blocked"];
        for word in words {
            let _ = writeln!(out, "{word}={}", plan.count(word));
        }
        let (unchanged, unmanaged) = (plan.in_sync.len(), plan.unmanaged.len());
        let _ = writeln!(out, "unchanged={unchanged}\nunmanaged={unmanaged}");
        let _ = writeln!(out, "has-changes={}", !plan.is_empty());
    }
    if let Some(drift) = run.drift {
        let (changed, missing) = (drift.changed.len(), drift.missing.len());
        let (unchanged, unmanaged) = (drift.in_sync, drift.unmanaged.len());
        let _ = writeln!(out, "changed={changed}\nmissing={missing}\nunchanged={unchanged}");
        let _ = writeln!(out, "unmanaged={unmanaged}\nhas-changes={}", !drift.is_none());
    }
    if !run.results.is_empty() {
        let trouble = objects(run).iter().filter(|object| object.is_trouble()).count();
        let _ = writeln!(out, "applied={}\ntrouble={trouble}", run.results.len() - trouble);
    }
    let of = |level| findings(run).iter().filter(|finding| finding.level == level).count();
    let _ = writeln!(out, "errors={}\nwarnings={}", of(Level::Error), of(Level::Warning));
    out
}
