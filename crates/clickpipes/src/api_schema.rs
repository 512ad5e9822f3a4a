//! Compares an OpenAPI document of the API with what is known here.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lifecycle::{EndpointState, PipeState};
use model::address::Kind;
use model::live::State;

mod fields;

pub use fields::{Facts, Fields, official, ours};

/// One part of a body, and the official schemas that say what it may hold: on create, on change,
/// and in an answer.
pub struct Part {
    /// The kind of the object.
    pub kind: Kind,
    /// The path of the part.
    pub at: &'static str,
    /// The schema of a create.
    pub post: &'static str,
    /// The schema of a change.
    pub patch: &'static str,
    /// The schema of an answer.
    pub answer: &'static str,
}

/// Not a field of manifests: `state: stopped` sets it, see `start_paused`.
pub const SET_BY_STATE: &str = "startPaused";

/// All parts.
pub const PARTS: &[Part] = &[
    Part {
        kind: Kind::ClickPipe,
        at: "",
        post: "ClickPipePostRequest",
        patch: "ClickPipePatchRequest",
        answer: "ClickPipe",
    },
    Part {
        kind: Kind::ClickPipe,
        at: "scaling",
        post: "ClickPipeScaling",
        patch: "ClickPipeScalingPatchRequest",
        answer: "ClickPipeScaling",
    },
    Part {
        kind: Kind::ClickPipe,
        at: "settings",
        post: "ClickPipeSettings",
        patch: "ClickPipeSettingsPutRequest",
        answer: "ClickPipeSettings",
    },
    Part {
        kind: Kind::CdcScaling,
        at: "",
        post: "ClickPipesCdcScaling",
        patch: "ClickPipesCdcScalingPatchRequest",
        answer: "ClickPipesCdcScaling",
    },
    Part {
        kind: Kind::ReversePrivateEndpoint,
        at: "",
        post: "CreateReversePrivateEndpoint",
        patch: "UpdateReversePrivateEndpoint",
        answer: "ReversePrivateEndpoint",
    },
];

/// What a document has that is not known here, as sentences, each once. Empty if the document has no ClickPipes.
pub fn find_news(document: &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let news = PARTS.iter().flat_map(|part| part_news(document, part)).chain(state_news(document));
    // A part of a pipe has a schema of its own, too.
    news.filter(|sentence| seen.insert(sentence.clone())).collect()
}

/// The states that are not known here. No request holds one.
fn state_news(document: &Value) -> Vec<String> {
    let words = |answer: &str, field: &str| {
        let words = official(document, answer).remove(field).unwrap_or_default().words.into_iter();
        words.map(|word| State::new(&word)).collect::<Vec<_>>()
    };
    let news = |at: &str, word: &State| format!("new word `{}` of `{at}`", word.as_str());
    let pipes = words("ClickPipe", "state").into_iter();
    let pipes = pipes.filter(|word| matches!(PipeState::from(word), PipeState::Other(_)));
    let endpoints = words("ReversePrivateEndpoint", "status").into_iter();
    let endpoints = endpoints.filter(|word| !EndpointState::is_known(word));
    let pipes = pipes.map(|word| news("ClickPipe.state", &word));
    pipes.chain(endpoints.map(|word| news("ReversePrivateEndpoint.status", &word))).collect()
}

fn part_news(document: &Value, part: &Part) -> Vec<String> {
    let known = ours(part.kind, part.at);
    let mut news = Vec::new();
    for (path, facts) in official(document, part.post) {
        let at = [part.kind.name(), part.at, &path].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
        let at = at.join(".");
        match known.get(&path) {
            None if path == SET_BY_STATE => {}
            None => news.push(format!("new field `{at}`")),
            Some(mine) => {
                let words = facts.words.difference(&mine.words).filter(|_| !mine.words.is_empty());
                news.extend(words.map(|word| format!("new word `{word}` of `{at}`")));
                let ranges = facts
                    .limits
                    .iter()
                    .filter(|(limit, value)| mine.limits.get(*limit).is_some_and(|mine| mine != *value));
                news.extend(
                    ranges.map(|(limit, value)| {
                        format!("`{limit}` of `{at}` is {value}, and {} here", mine.limits[limit])
                    }),
                );
            }
        }
    }
    news
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::find_news;

    #[test]
    fn news_are_fields_words_and_ranges() {
        let scaling = json!({"properties": {
            "replicas": {"type": "integer", "maximum": 80},
            "turbo": {"type": "boolean"},
        }});
        let endpoint = json!({"properties": {"type": {"type": "string", "enum": ["MSK_MULTI_VPC", "AZURE_LINK"]}}});
        let pipe = json!({"properties": {"scaling": scaling}});
        let state = json!({"properties": {"state": {"enum": ["Running", "Deleting", "Hibernating"]}}});
        let status = json!({"properties": {"status": {"enum": ["Provisioning", "Ready", "Tired"]}}});
        let document = json!({"components": {"schemas": {
            "ClickPipePostRequest": pipe, "ClickPipeScaling": scaling, "CreateReversePrivateEndpoint": endpoint,
            "ClickPipe": state, "ReversePrivateEndpoint": status,
        }}});
        assert_eq!(
            find_news(&document),
            [
                "`maximum` of `ClickPipe.scaling.replicas` is 80, and 40 here",
                "new field `ClickPipe.scaling.turbo`",
                "new word `AZURE_LINK` of `ReversePrivateEndpoint.type`",
                "new word `Hibernating` of `ClickPipe.state`",
                "new word `Tired` of `ReversePrivateEndpoint.status`",
            ]
        );
        assert!(find_news(&json!({})).is_empty());
    }
}
