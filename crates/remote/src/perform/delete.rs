//! Deletes an object, and waits until it is gone.

use model::address::{Address, Kind};
use model::lifecycle::Standing;
use model::live::{Id, State};

use super::Performed;
use super::watch::Watch;
use crate::client::Call;
use crate::error::{Error, Rejection};
use crate::remote::Remote;
use crate::routes;
use crate::transport::Method;

pub(super) async fn delete(remote: &Remote, at: &Address, id: &Id) -> Result<Performed, Error> {
    if at.kind == Kind::CdcScaling {
        return Err(Error::Unsupported { what: "delete", kind: at.kind });
    }
    let collection = remote.collection(at)?;
    let path = routes::object(&collection.path, id);
    let budget = remote.budget(at);
    match remote.client.send(Call::new(Method::Delete, &path).within(budget)).await {
        Ok(_) => Watch::new(remote, at, id)?.within(budget).gone().await?,
        Err(error) if error.rejection() == Some(Rejection::NotFound) => {}
        Err(error) => return Err(error),
    }
    collection.forget(id);
    remote.note_gone(at, id);
    Ok(Performed {
        id: id.clone(),
        state: State::default(),
        standing: Standing::Settled,
        notes: Vec::new(),
        live: None,
    })
}
