//! The results of several runs, read from their JSON: the shards of one run, or environments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use model::sanitize::sanitize_line;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::apply::Alarm;
use crate::plan_view::{commits_note, digest_note, remaining_counts};
use crate::render::envelope::SCHEMA_VERSION;
use crate::shard::Shard;
use crate::{exit, files};

/// Several runs as one.
#[derive(Debug, Default, Serialize)]
pub struct MergedReport {
    /// The runs, in the order of the files.
    pub runs: Vec<MergedRun>,
    /// The number of objects by verdict, or by outcome after an apply.
    pub counts: BTreeMap<String, usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MergedRun {
    /// The environment, the shard or the file.
    pub name: String,
    /// The word for its result.
    pub outcome: String,
    pub exit_code: u8,
    /// The number of objects by verdict, or by outcome after an apply.
    pub counts: BTreeMap<String, usize>,
    /// Notes that come before the objects: refusals, secrets that reach a new host, a changed project file.
    pub notes: Vec<String>,
    /// The reason why it ended early, and the services that it could not read.
    pub errors: Vec<String>,
    /// What the counts do not say: the base, what does not change, and the digest.
    #[serde(skip)]
    pub facts: Vec<String>,
    /// The live objects that nobody declares.
    #[serde(skip)]
    pub unmanaged: Vec<String>,
    /// The objects that change, are blocked, or were applied.
    #[serde(skip)]
    pub rows: Vec<MergedRow>,
    #[serde(skip)]
    shard: Option<Shard>,
}

/// One object of a run.
#[derive(Debug)]
pub struct MergedRow {
    /// The verdict, or the outcome.
    pub word: String,
    pub object: String,
    /// The change and its reason.
    pub summary: String,
    /// Effects on its data.
    pub effects: Vec<String>,
}

impl MergedRow {
    /// The place in the order of severity: 0 is the gravest.
    pub fn rank(&self) -> usize {
        const BY_SEVERITY: [&str; 8] =
            ["failed", "unknown", "interrupted", "blocked", "delete", "replace", "skipped", "accepted"];
        BY_SEVERITY.iter().position(|word| *word == self.word).unwrap_or(BY_SEVERITY.len())
    }
}

/// The needed parts of a document of `plan` or `apply`. Other members are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunDocument {
    schema_version: String,
    kind: String,
    outcome: String,
    exit_code: u8,
    shard: Option<String>,
    digest: Option<String>,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    errors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnvironmentsDocument {
    environments: BTreeMap<String, RunDocument>,
}

impl MergedReport {
    /// Reads the documents that `-o json` or `--report json=FILE` wrote.
    ///
    /// # Errors
    /// When a file is not such a document, or a shard is missing or given twice.
    pub fn read_files(paths: &[PathBuf]) -> Result<Self> {
        let mut runs = Vec::new();
        for file in paths {
            let bytes = files::read_named_file(file, MAX_DOCUMENT_BYTES)?;
            runs.extend(read_document(file, &bytes).with_context(|| file.display().to_string())?);
        }
        check_shards(&runs)?;
        let mut counts = BTreeMap::new();
        for (word, count) in runs.iter().flat_map(|run: &MergedRun| &run.counts) {
            *counts.entry(word.clone()).or_default() += count;
        }
        Ok(Self { runs, counts })
    }

    /// The gravest exit code of the runs.
    pub fn exit_code(&self) -> u8 {
        self.runs.iter().map(|run| run.exit_code).fold(exit::DONE, exit::most_severe)
    }

    /// `12 create, 1 delete`.
    pub fn counts_text(&self) -> String {
        counts_text(&self.counts)
    }
}

/// `12 create, 1 delete`.
pub(crate) fn counts_text(counts: &BTreeMap<String, usize>) -> String {
    // The word may come from a file that somebody edited.
    let parts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {}", sanitize_line(word))).collect();
    if parts.is_empty() { "no changes".to_owned() } else { parts.join(", ") }
}

/// A document of ten thousand creates has 60 MB.
const MAX_DOCUMENT_BYTES: u64 = 256 * 1024 * 1024;

fn read_document(file: &Path, bytes: &[u8]) -> Result<Vec<MergedRun>> {
    let document: Value = serde_json::from_slice(bytes).context("not a JSON document of pipectl")?;
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if document["kind"] == "Environments" {
        let several: EnvironmentsDocument = serde_json::from_value(document).context("not a document of pipectl")?;
        return several.environments.into_iter().map(|(name, run)| merged_run(&name, run)).collect();
    }
    let run = serde_json::from_value(document).context("not a document of `plan` or `apply`")?;
    Ok(vec![merged_run(&stem, run)?])
}

fn merged_run(name: &str, run: RunDocument) -> Result<MergedRun> {
    if run.schema_version != SCHEMA_VERSION {
        bail!("the document has version {}; this program reads {SCHEMA_VERSION}", run.schema_version);
    }
    let (plan, reports) = match run.kind.as_str() {
        "Plan" => (&run.result, &Value::Null),
        "Apply" => (&run.result["plan"], &run.result["reports"]),
        other => bail!("a document of kind {other}: `report merge` accepts only those of `plan` and `apply`"),
    };
    let results: BTreeMap<String, &Value> =
        list(reports).map(|report| (report["address"].to_string(), report)).collect();
    let refused: BTreeSet<String> = list(&plan["applyWillRefuse"]).map(|it| it["address"].to_string()).collect();
    let rows: Vec<MergedRow> = list(&plan["changes"])
        .map(|change| {
            let row = merged_row(change, results.get(&change["address"].to_string()));
            if refused.contains(&change["address"].to_string()) {
                MergedRow { word: "blocked".to_owned(), ..row }
            } else {
                row
            }
        })
        .collect();
    let mut counts = BTreeMap::new();
    for row in &rows {
        *counts.entry(row.word.clone()).or_default() += 1;
    }
    let refusals = list(&plan["applyWillRefuse"]).map(|refusal| {
        let action = refusal.get("action").map(|action| format!("{} ", text_of(action))).unwrap_or_default();
        let object = refusal.get("address").map(|at| format!("{action}{}: ", object_name(at))).unwrap_or_default();
        format!("apply will refuse: {object}{}", text_of(&refusal["reason"]))
    });
    let refused = list(&run.result["refused"]).map(|object| {
        let reasons: Vec<&str> = list(&object["reasons"]).map(text_of).collect();
        format!("refused: {}: {}", object_name(&object["address"]), reasons.join("; "))
    });
    let review = list(&plan["reviewNotes"]).map(|note| text_of(&note["text"]).to_owned());
    let alarms = list(reports).flat_map(alarm_lines);
    let shard = run.shard.as_deref().map(str::parse::<Shard>).transpose().map_err(anyhow::Error::msg)?;
    Ok(MergedRun {
        name: shard.map_or_else(|| name.to_owned(), |shard| format!("{name} (shard {shard})")),
        outcome: run.outcome,
        exit_code: run.exit_code,
        counts,
        notes: refusals.chain(refused).chain(review).collect(),
        errors: alarms.chain(run.errors).collect(),
        facts: run_facts(plan, run.digest.as_deref()),
        unmanaged: unmanaged_names(plan),
        rows,
        shard,
    })
}

fn run_facts(plan: &Value, digest: Option<&str>) -> Vec<String> {
    let remaining = || remaining_counts(list(&plan["inSync"]).count(), list(&plan["unmanaged"]).count());
    let commits = commits_note(plan["base"].as_str(), plan["commit"].as_str());
    let facts = [commits, plan.is_object().then(remaining), digest.map(digest_note)];
    facts.into_iter().flatten().collect()
}

/// Those that git removed, or that the target branch added, are not meant.
fn unmanaged_names(plan: &Value) -> Vec<String> {
    let is_marked = |other: &&Value| other["manifestRemoved"] == true || other["addedByTarget"] == true;
    let names = list(&plan["unmanaged"]).filter(|other| !is_marked(other));
    names.map(|other| object_name(&other["address"])).collect()
}

/// Alarms about an object, such as a missing pipe.
fn alarm_lines(result: &Value) -> Vec<String> {
    let facts = [
        (Alarm::NOT_RECREATED, &result["notRecreated"]),
        (Alarm::TABLE_REMOVED, &result["missingMappings"]["reason"]),
        (Alarm::LEFT_STOPPED, &result["leftStopped"]),
    ];
    let reasons =
        facts.into_iter().map(|(what, reason)| (what, text_of(reason))).filter(|(_, reason)| !reason.is_empty());
    let object = object_name(&result["address"]);
    reasons.map(|(what, reason)| format!("{what}: `{object}`: {reason}")).collect()
}

fn merged_row(change: &Value, result: Option<&&Value>) -> MergedRow {
    let summary = text_of(&change["summary"]);
    let (word, summary) = match result {
        None => (text_of(&change["verdict"]), summary.to_owned()),
        Some(result) => {
            let error = text_of(&result["error"]["message"]);
            let facts = [summary, error].into_iter().filter(|fact| !fact.is_empty());
            (text_of(&result["outcome"]), facts.collect::<Vec<_>>().join("; "))
        }
    };
    // The summary of a create has them already.
    let effects = list(&change["dataEffects"]).map(text_of).filter(|effect| !summary.contains(effect));
    let effects = effects.map(str::to_owned).collect();
    MergedRow { word: word.to_owned(), object: object_name(&change["address"]), summary, effects }
}

/// Refuses an incomplete set of shards.
// Hazard: the job of a shard was cancelled and wrote nothing. The comment of the others would report success.
fn check_shards(runs: &[MergedRun]) -> Result<()> {
    let shards: Vec<Shard> = runs.iter().filter_map(|run| run.shard).collect();
    let counts: BTreeSet<u64> = shards.iter().map(|shard| shard.count()).collect();
    let mut given = counts.iter();
    let (Some(count), None) = (given.next(), given.next()) else {
        return if shards.is_empty() {
            Ok(())
        } else {
            bail!("the shards come from runs with different numbers of shards")
        };
    };
    // Several environments may be split in the same way.
    let is_whole = |number: &u64| shards.iter().any(|shard| shard.number() == *number);
    let missing: Vec<String> =
        (1..=*count).filter(|number| !is_whole(number)).take(20).map(|number| format!("{number}/{count}")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!("the results of these shards are missing, so their runs failed or were cancelled: {}", missing.join(", "))
}

/// `SERVICE/NAME`, with the kind if it is not a pipe.
fn object_name(address: &Value) -> String {
    let [service, kind, name] = ["service", "kind", "name"].map(|member| text_of(&address[member]));
    if kind == "ClickPipe" { format!("{service}/{name}") } else { format!("{service}/{kind} {name}") }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
