//! Where an OpenAPI document of the API differs from what this version knows.

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
        findings.add(DoctorFinding::ok(CHECK, format!("{name} is what this version knows")));
    }
    for what in news {
        let fix = "look for a newer version of pipectl; until then, `additional` takes new fields and words";
        findings.add(DoctorFinding::warn(CHECK, what, fix));
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
