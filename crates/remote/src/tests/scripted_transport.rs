//! A transport with scripted answers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use model::address::ServiceRef;
use serde_json::{Value, json};

use super::bench::{OneSecret, SERVICE};
use crate::{ApiRequest, ApiResponse, Remote, RemoteSettings, ResponseFuture, Transport, TransportError};

pub(super) struct ScriptedAnswer(Result<ApiResponse, TransportError>);

#[derive(Default)]
pub(super) struct ScriptedTransport {
    answers: Mutex<VecDeque<ScriptedAnswer>>,
    pub(super) sent: Mutex<Vec<(String, Value)>>,
}

impl Transport for ScriptedTransport {
    fn send(&self, request: ApiRequest) -> ResponseFuture<'_> {
        let body = request.body.as_ref().map_or(&b"null"[..], |body| body.expose_bytes());
        let line = format!("{} {}", request.method, request.path);
        self.sent.lock().unwrap().push((line, serde_json::from_slice(body).unwrap()));
        let over = || ScriptedAnswer(Err(TransportError::NotSent("the script is over".to_owned())));
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or_else(over);
        Box::pin(std::future::ready(answer.0))
    }
}

/// A remote that gets these answers, in order.
pub(super) fn scripted_remote(answers: impl IntoIterator<Item = ScriptedAnswer>) -> (Arc<ScriptedTransport>, Remote) {
    let answers = Mutex::new(answers.into_iter().collect());
    let script = Arc::new(ScriptedTransport { answers, sent: Mutex::default() });
    let services = BTreeMap::from([(ServiceRef::new(SERVICE), "svc".to_owned())]);
    let transport = Arc::clone(&script);
    let secrets = Arc::new(OneSecret);
    let settings = RemoteSettings::default();
    (script, Remote::new(transport, "org".to_owned(), services, secrets, settings))
}

pub(super) fn raw_answer(status: u16, content_type: &str, body: &str) -> ScriptedAnswer {
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    ScriptedAnswer(Ok(ApiResponse { status, headers, body: body.into() }))
}

pub(super) fn ok_answer(result: &Value) -> ScriptedAnswer {
    let body = json!({"status": 200, "requestId": "r-1", "result": result});
    raw_answer(200, "application/json", &body.to_string())
}

pub(super) fn refusal_answer(status: u16, text: &str) -> ScriptedAnswer {
    let body = json!({"status": status, "requestId": "r-2", "error": text});
    raw_answer(status, "application/json", &body.to_string())
}

pub(super) fn cut_answer() -> ScriptedAnswer {
    ScriptedAnswer(Err(TransportError::AnswerLost("connection reset by peer".to_owned())))
}
