//! `pipectl doctor`: checks the prerequisites of a run, with a fix for each problem.

mod api;
mod local;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::connection::ConnectOptions;
use crate::context::CommandContext;
use crate::escape::{markdown_code, sanitize_line};
use crate::outcome::CommandOutcome;
use crate::output::{Label, StyledText};
use crate::{exit, files};

pub(crate) struct DoctorOptions {
    /// Files and folders; if there are none, those of the project file.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) connect: ConnectOptions,
    /// An OpenAPI document of the API to compare with what this version knows.
    pub(crate) api_schema: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum FindingLevel {
    Ok,
    Warn,
    Bad,
}

/// One check and its result.
#[derive(Debug, Serialize)]
struct DoctorFinding {
    check: &'static str,
    level: FindingLevel,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

/// The findings so far.
#[derive(Debug, Default, Serialize)]
struct DoctorFindings {
    findings: Vec<DoctorFinding>,
    /// Whether the API refused the key, or there is none.
    #[serde(skip)]
    is_key_refused: bool,
}

impl DoctorFindings {
    fn ok(&mut self, check: &'static str, what: impl Into<String>) {
        self.findings.push(DoctorFinding { check, level: FindingLevel::Ok, what: what.into(), fix: None });
    }

    fn warn(&mut self, check: &'static str, what: impl Into<String>, fix: impl Into<String>) {
        let (what, fix) = (what.into(), Some(fix.into()));
        self.findings.push(DoctorFinding { check, level: FindingLevel::Warn, what, fix });
    }

    fn bad(&mut self, check: &'static str, what: impl Into<String>, fix: Option<String>) {
        self.findings.push(DoctorFinding { check, level: FindingLevel::Bad, what: what.into(), fix });
    }

    fn count_level(&self, level: FindingLevel) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Redacts the id of the key in all findings, also where somebody else repeated it.
    fn redact_key(&mut self, id: &str) {
        // A key that is as short as a word would take the word out.
        if id.len() < 8 {
            return;
        }
        for finding in &mut self.findings {
            for text in [Some(&mut finding.what), finding.fix.as_mut()].into_iter().flatten() {
                *text = text.replace(id, &api::redact_key_id(id));
            }
        }
    }
}

/// Checks everything that a run needs. Only reads, and continues after a failed check.
pub(crate) async fn run(context: &CommandContext, options: &DoctorOptions) -> Result<CommandOutcome> {
    let mut findings = DoctorFindings::default();
    let local = local::check_local(context, &options.paths, &mut findings);
    if let Some(file) = &options.api_schema {
        check_schema(file, &mut findings);
    }
    api::check_api(&options.connect, local, &mut findings).await;
    let (code, word) = match (
        findings.is_key_refused,
        findings.count_level(FindingLevel::Bad),
        findings.count_level(FindingLevel::Warn),
    ) {
        (true, ..) => (exit::AUTH, "refused"),
        (_, 0, 0) => (exit::DONE, "fine"),
        (_, 0, _) => (exit::DONE, "warnings"),
        _ => (exit::ERROR, "bad"),
    };
    let mut envelope = context.envelope(word, &findings);
    let bad = findings.findings.iter().filter(|finding| finding.level == FindingLevel::Bad);
    envelope.errors = bad.map(|it| format!("{}: {}", it.check, it.what)).collect();
    Ok(CommandOutcome {
        text: render_findings(&findings),
        markdown: Some(render_markdown(&findings)),
        ..CommandOutcome::new(context, code, envelope)
    })
}

fn render_findings(findings: &DoctorFindings) -> StyledText {
    let mut text = StyledText::new();
    for finding in &findings.findings {
        let (label, word) = match finding.level {
            FindingLevel::Ok => (Label::Create, "ok"),
            FindingLevel::Warn => (Label::Update, "warn"),
            FindingLevel::Bad => (Label::Delete, "bad"),
        };
        text.push(label, format!("{word:4}"))
            .push_plain(format!("  {:12}  {}", finding.check, sanitize_line(&finding.what)))
            .end_line();
        if let Some(fix) = &finding.fix {
            text.push(Label::Dim, format!("{:20}fix: {}", "", sanitize_line(fix))).end_line();
        }
    }
    text.push(Label::Heading, summary_line(findings)).end_line();
    text
}

fn render_markdown(findings: &DoctorFindings) -> String {
    let row = |finding: &DoctorFinding| {
        let word = match finding.level {
            FindingLevel::Ok => "ok",
            FindingLevel::Warn => "warn",
            FindingLevel::Bad => "**bad**",
        };
        let fix = finding.fix.as_deref().map(markdown_code).unwrap_or_default();
        format!("| {word} | {} | {} | {fix} |\n", finding.check, markdown_code(&finding.what))
    };
    let rows: String = findings.findings.iter().map(row).collect();
    format!("| | check | found | fix |\n|---|---|---|---|\n{rows}\n{}\n", summary_line(findings))
}

fn summary_line(findings: &DoctorFindings) -> String {
    let [ok, warn, bad] =
        [FindingLevel::Ok, FindingLevel::Warn, FindingLevel::Bad].map(|level| findings.count_level(level));
    format!("Doctor: {ok} ok, {warn} to look at, {bad} bad.")
}

/// The published document has some megabytes.
const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Where an OpenAPI document of the API differs from what this version knows.
fn check_schema(file: &Path, findings: &mut DoctorFindings) {
    const CHECK: &str = "schema";
    let name = file.display();
    let news = match read_news(file) {
        Ok(news) => news,
        Err(error) => {
            let fix = "name a file with the OpenAPI document of the API, as JSON".to_owned();
            return findings.bad(CHECK, format!("{error:#}"), Some(fix));
        }
    };
    if news.is_empty() {
        findings.ok(CHECK, format!("{name} is what this version knows"));
    }
    for what in news {
        let fix = "check for a newer version of pipectl; until then, `additional` takes new fields and words";
        findings.warn(CHECK, what, fix);
    }
}

fn read_news(file: &Path) -> Result<Vec<String>> {
    let text = files::read_named_file(file, MAX_DOCUMENT_BYTES)?;
    let document: Value = serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    let paths = document["paths"].as_object();
    ensure!(paths.is_some(), "{} is not an OpenAPI document: it has no paths", file.display());
    let methods = |(path, item): (&String, &Value)| {
        let methods = item.as_object().into_iter().flatten().filter(|(_, it)| it.get("responses").is_some());
        methods.map(|(method, _)| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
    };
    let requests: Vec<String> = paths.into_iter().flatten().flat_map(methods).collect();
    let (new, gone) = remote::compare_requests(&requests);
    let mut news: Vec<String> = new.iter().map(|request| format!("new request `{request}`")).collect();
    news.extend(gone.iter().map(|request| format!("the request `{request}` is gone")));
    news.extend(clickpipes::api_schema::find_news(&document));
    Ok(news)
}
