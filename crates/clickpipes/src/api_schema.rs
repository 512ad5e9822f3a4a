//! Compares an OpenAPI document of the API with what is known here.

use serde_json::Value;

use model::address::Kind;

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

/// What a document has that is not known here, as sentences. Empty if the document has no ClickPipes.
pub fn find_news(document: &Value) -> Vec<String> {
    PARTS.iter().flat_map(|part| part_news(document, part)).collect()
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
        let document =
            json!({"components": {"schemas": {"ClickPipeScaling": scaling, "CreateReversePrivateEndpoint": endpoint}}});
        assert_eq!(
            find_news(&document),
            [
                "`maximum` of `ClickPipe.scaling.replicas` is 80, and 40 here",
                "new field `ClickPipe.scaling.turbo`",
                "new word `AZURE_LINK` of `ReversePrivateEndpoint.type`",
            ]
        );
        assert!(find_news(&json!({})).is_empty());
    }
}
