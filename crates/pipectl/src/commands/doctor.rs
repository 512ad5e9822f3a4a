//! `pipectl doctor`: what a run would find, and how to mend what is wrong.

mod api;
mod local;

use anyhow::Result;
use serde::Serialize;

use crate::cli::{ConnectArgs, Format, ManifestArgs};
use crate::environments::Within;
use crate::exit::{self, Usage};
use crate::output::{Label, Output, Text};
use crate::render::json::Envelope;
use crate::report::escape::{code, one_line};

/// `pipectl doctor`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Which manifests.
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Where the API is.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

impl Args {
    /// Those of a run for one environment alone.
    pub(super) fn within(&self, within: Within<'_>) -> Result<Self, Usage> {
        let (manifests, connect) = (self.manifests.within(within), self.connect.within(within)?);
        Ok(Self { manifests, connect })
    }
}

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Level {
    Ok,
    Warn,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    level: Level,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, what: what.into(), fix: None }
    }

    fn warn(check: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, level: Level::Warn, what: what.into(), fix: Some(fix.into()) }
    }

    fn bad(check: &'static str, what: impl Into<String>, fix: Option<String>) -> Self {
        Self { check, level: Level::Bad, what: what.into(), fix }
    }
}

/// What was found so far.
#[derive(Debug, Default, Serialize)]
struct Findings {
    findings: Vec<Finding>,
    /// Whether the API refused the key, or there is none.
    #[serde(skip)]
    refused: bool,
}

impl Findings {
    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Takes the key's id out of everything: whatever was repeated by somebody else, too.
    fn hide(&mut self, id: &str) {
        // A key that is as short as a word would take the word out.
        if id.len() < 8 {
            return;
        }
        for finding in &mut self.findings {
            for text in [Some(&mut finding.what), finding.fix.as_mut()].into_iter().flatten() {
                *text = text.replace(id, &api::masked(id));
            }
        }
    }
}

/// Looks at everything that a run needs. Only reads, and goes on where something is missing.
pub(super) async fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let mut found = Findings::default();
    let local = local::check(&args.manifests, output, &mut found);
    api::check(&args.connect, local, &mut found).await;
    let (code, outcome) = match (found.refused, found.count(Level::Bad), found.count(Level::Warn)) {
        (true, ..) => (exit::AUTH, "refused"),
        (_, 0, 0) => (exit::DONE, "fine"),
        (_, 0, _) => (exit::DONE, "warnings"),
        _ => (exit::ERROR, "bad"),
    };
    let mut text = Text::new();
    match format {
        Format::Text => text.append(render(&found)),
        Format::Markdown => text.plain(markdown(&found)),
        Format::Json | Format::Ndjson => {
            let mut envelope = Envelope::new("Doctor", outcome, &found);
            let bad = found.findings.iter().filter(|finding| finding.level == Level::Bad);
            envelope.errors = bad.map(|it| format!("{}: {}", it.check, it.what)).collect();
            text.plain(envelope.render())
        }
    };
    output.data(&text)?;
    Ok(code)
}

fn render(found: &Findings) -> Text {
    let mut text = Text::new();
    for finding in &found.findings {
        let (label, word) = match finding.level {
            Level::Ok => (Label::Create, "ok"),
            Level::Warn => (Label::Update, "warn"),
            Level::Bad => (Label::Delete, "bad"),
        };
        text.push(label, format!("{word:4}"))
            .plain(format!("  {:12}  {}", finding.check, one_line(&finding.what)))
            .end();
        if let Some(fix) = &finding.fix {
            text.push(Label::Dim, format!("{:20}fix: {}", "", one_line(fix))).end();
        }
    }
    text.push(Label::Heading, counts(found)).end();
    text
}

fn markdown(found: &Findings) -> String {
    let row = |finding: &Finding| {
        let word = match finding.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Bad => "**bad**",
        };
        let fix = finding.fix.as_deref().map(code).unwrap_or_default();
        format!("| {word} | {} | {} | {fix} |\n", finding.check, code(&finding.what))
    };
    let rows: String = found.findings.iter().map(row).collect();
    format!("| | check | found | fix |\n|---|---|---|---|\n{rows}\n{}\n", counts(found))
}

fn counts(found: &Findings) -> String {
    let [ok, warn, bad] = [Level::Ok, Level::Warn, Level::Bad].map(|level| found.count(level));
    format!("Doctor: {ok} ok, {warn} to look at, {bad} bad.")
}
