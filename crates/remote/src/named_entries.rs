//! Lists of organizations and services.

use model::live::State;
use serde_json::Value;

use crate::client::Client;
use crate::envelope::malformed_result;
use crate::error::Error;
use crate::transport::Method;

/// An organization or a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupEntry {
    /// The UUID.
    pub id: String,
    /// The display name. Names are not unique.
    pub name: String,
    /// The state of a service; empty for an organization.
    pub state: State,
}

pub(crate) async fn fetch_entries(client: &Client, path: &str) -> Result<Vec<LookupEntry>, Error> {
    client.deadline.begin_reading();
    let Value::Array(bodies) = client.get(path).await? else {
        return Err(malformed_result(Method::Get, path, "holds no list"));
    };
    bodies.iter().map(|body| decode_entry(path, body)).collect()
}

fn decode_entry(path: &str, body: &Value) -> Result<LookupEntry, Error> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let Some(id) = text("id") else {
        return Err(malformed_result(Method::Get, path, "holds an entry without an id"));
    };
    Ok(LookupEntry {
        id: id.to_owned(),
        name: text("name").unwrap_or_default().to_owned(),
        state: State::new(text("state").unwrap_or_default()),
    })
}
