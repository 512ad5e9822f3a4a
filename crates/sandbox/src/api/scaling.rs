//! The size of a pipe.

use super::{Call, pipes};
use crate::body::parse;
use crate::contract::check::{Complaints, Context, check_object};
use crate::contract::scaling::FIELDS;
use crate::message::{Answer, Refusal};
use crate::options::Quirk;
use crate::pipe::Size;
use crate::service::Service;
use crate::timeline::Timeline;

pub(crate) fn patch(service: &mut Service, id: &str, call: &Call<'_>) -> Answer {
    let source = service.pipe(id, call.now)?.source;
    service.must_run(call.now, "update")?;
    let body = parse(call.body)?;
    if source.is_database() {
        return Err(Refusal::bad_request("scaling: is not for database pipes"));
    }
    if body.is_empty() {
        return Err(Refusal::internal_error());
    }
    let mut complaints = Complaints::default();
    let context = Context::patch(call.options.unknown_fields);
    check_object(&mut complaints, "scaling", FIELDS, &body, context);
    if !complaints.none() {
        return Err(Refusal::bad_request(complaints.into_text()));
    }
    let pipe = service.pipe(id, call.now)?;
    if let Some(scaling) = &mut pipe.scaling {
        let wanted = scaling.last().with(&body);
        settle_later(scaling, wanted, call);
    }
    pipe.updated = call.now;
    pipes::show(service, id, call)
}

/// A change of size reads as zero until it is through.
pub(crate) fn settle_later(size: &mut Timeline<Size>, wanted: Size, call: &Call<'_>) {
    if call.options.quirks.has(Quirk::TransientZeroScaling) {
        size.follow(call.now, [(0, Size::ZERO), (call.tweaks.zero_for, wanted)]);
    } else {
        size.follow(call.now, [(0, wanted)]);
    }
}
