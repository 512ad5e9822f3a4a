//! Names of templates.

use std::collections::BTreeSet;

use crate::export::ExportedManifest;
use model::address::Kind;

/// `analytics-kafka` for Kafka pipes of the service `analytics`, with a number if that is in use.
pub(super) fn unique_name(first: &ExportedManifest, taken: &mut BTreeSet<String>) -> String {
    let source = first.document["spec"]["source"].as_object().and_then(|source| source.keys().next());
    let what = match first.address.kind {
        Kind::ClickPipe => source.map_or("pipes", String::as_str),
        Kind::ReversePrivateEndpoint => "endpoints",
        Kind::CdcScaling => "scaling",
    };
    let base = plain_words(&format!("{} {what}", first.address.service.as_str()));
    let (mut name, mut count) = (base.clone(), 1);
    while !taken.insert(name.clone()) {
        count += 1;
        name = format!("{base}-{count}");
    }
    name
}

/// Letters and digits, with `-` between words.
fn plain_words(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}
