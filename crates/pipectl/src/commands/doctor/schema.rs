//! What an OpenAPI document of the API has that this version does not know.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{DoctorFinding, DoctorFindings};
use crate::files;

const CHECK: &str = "schema";

/// The published document has some megabytes.
const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

pub(super) fn check_schema(file: &Path, findings: &mut DoctorFindings) {
    let name = file.display();
    let news = match read_news(file) {
        Ok(news) => news,
        Err(error) => {
            let fix = "name a file with the OpenAPI document of the API, as JSON".to_owned();
            return findings.add(DoctorFinding::bad(CHECK, format!("{error:#}"), Some(fix)));
        }
    };
    if news.is_empty() {
        findings.add(DoctorFinding::ok(CHECK, format!("{name} has nothing that this version does not know")));
    }
    for what in news {
        let fix = "look for a newer version of pipectl; until then, `additional` takes new fields and words";
        findings.add(DoctorFinding::warn(CHECK, what, fix));
    }
}

fn read_news(file: &Path) -> Result<Vec<String>> {
    let text = files::read_bounded(file, MAX_DOCUMENT_BYTES)?;
    let document: Value = serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    let paths = document["paths"].as_object();
    ensure!(paths.is_some(), "{} is not an OpenAPI document: it has no paths", file.display());
    let paths = paths.into_iter().flatten().map(|(path, _)| path);
    let unknown = paths.filter(|path| path.to_lowercase().contains("clickpipe") && !remote::is_known_path(path));
    let mut news: Vec<String> = unknown.map(|path| format!("new path `{path}`")).collect();
    news.extend(clickpipes::api_schema::find_news(&document));
    Ok(news)
}
