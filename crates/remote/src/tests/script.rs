//! A transport that gives the answers it was told to give, in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use model::address::ServiceRef;
use serde_json::{Value, json};

use super::bench::{OneSecret, SERVICE};
use crate::{Remote, Request, Response, Sending, Settings, Transport, TransportError};

pub(super) struct Answer(Result<Response, TransportError>);

#[derive(Default)]
pub(super) struct Script {
    answers: Mutex<VecDeque<Answer>>,
    pub(super) sent: Mutex<Vec<(String, Value)>>,
}

impl Transport for Script {
    fn send(&self, request: Request) -> Sending<'_> {
        let body = request.body.as_ref().map_or(&b"null"[..], |body| body.expose());
        let line = format!("{} {}", request.method, request.path);
        self.sent.lock().unwrap().push((line, serde_json::from_slice(body).unwrap()));
        let over = || Answer(Err(TransportError::Unsent("the script is over".to_owned())));
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or_else(over);
        Box::pin(std::future::ready(answer.0))
    }
}

/// A remote that gets these answers.
pub(super) fn scripted(answers: impl IntoIterator<Item = Answer>) -> (Arc<Script>, Remote) {
    let answers = Mutex::new(answers.into_iter().collect());
    let script = Arc::new(Script { answers, sent: Mutex::default() });
    let services = BTreeMap::from([(ServiceRef::new(SERVICE), "svc".to_owned())]);
    let transport = Arc::clone(&script);
    let secrets = Arc::new(OneSecret);
    let settings = Settings::default();
    (script, Remote::new(transport, "org".to_owned(), services, secrets, settings))
}

pub(super) fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    Answer(Ok(Response { status, headers, body: body.into() }))
}

pub(super) fn ok(result: &Value) -> Answer {
    let body = json!({"status": 200, "requestId": "r-1", "result": result});
    answer(200, "application/json", &body.to_string())
}

pub(super) fn refusal(status: u16, text: &str) -> Answer {
    let body = json!({"status": status, "requestId": "r-2", "error": text});
    answer(status, "application/json", &body.to_string())
}

pub(super) fn cut() -> Answer {
    Answer(Err(TransportError::Interrupted("connection reset by peer".to_owned())))
}
