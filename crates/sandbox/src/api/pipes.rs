//! Reading and deleting pipes.

use serde_json::Value;

use super::Call;
use crate::clock::Timestamp;
use crate::message::Answer;
use crate::options::Options;
use crate::service::Service;

pub(crate) fn list(service: &Service, call: &Call<'_>) -> Answer {
    if call.options.idle_refuses_reads {
        service.must_run(call.now, "listing")?;
    }
    Ok(Some(Value::Array(listed(service, call.now, call.options, call.seed))))
}

/// The pipes that a list shows now.
pub(crate) fn listed(
    service: &Service,
    now: Timestamp,
    options: &Options,
    seed: u64,
) -> Vec<Value> {
    let visible = service.pipes.iter().filter(|pipe| pipe.listed_from <= now && !pipe.is_gone(now));
    visible.map(|pipe| pipe.show(&service.id, now, &options.quirks, seed)).collect()
}

pub(crate) fn read(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    if call.options.idle_refuses_reads {
        service.must_run(call.now, "reading")?;
    }
    show(service, id, call)
}

/// The pipe as a read shows it, which is what most writes answer with.
pub(crate) fn show(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    let service_id = service.id.clone();
    let pipe = service.pipe(id, call.now)?;
    Ok(Some(pipe.show(&service_id, call.now, &call.options.quirks, call.seed)))
}

/// The API deletes in the background: reads find the pipe for some seconds more. The
/// destination tables of a database pipe stay.
pub(crate) fn delete(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    if call.options.idle_refuses_reads {
        service.must_run(call.now, "deletion")?;
    }
    let now = call.now;
    let pipe = service.pipe(id, now)?;
    pipe.gone_from.get_or_insert(now.after_seconds(call.tweaks.delete_after));
    let left = if pipe.has_rows(now) { pipe.tables() } else { Vec::new() };
    service.tables.extend(left);
    Ok(None)
}
