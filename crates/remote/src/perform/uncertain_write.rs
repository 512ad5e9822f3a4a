//! Checks the effect before a retry when the response to a write is lost.
//
// An update is not always idempotent: a second "add this table mapping" is refused as a duplicate, and a second
// "stop" may stop a pipe that somebody started meanwhile. So the next list decides whether the write took effect.
//
//     PATCH -x (lost) -> GET shows the change        done, nothing is sent again
//     PATCH -x (lost) -> GET shows the old value     wait, PATCH again
//     PATCH -x (lost), PATCH -> 400                  the 400 may be about the first PATCH: GET decides

use std::time::Duration;

use model::address::Address;
use model::live::{Id, Object};
use tokio::time::Instant;

use super::watch::ObjectWatch;
use crate::deadline::TimeBudget;
use crate::error::{Error, RejectionKind};
use crate::retry;
use crate::run_context::RunContext;

/// The attempts of one write that must not take effect twice.
pub(super) struct UncertainWrite<'a> {
    run: &'a RunContext,
    address: &'a Address,
    id: &'a Id,
    budget: TimeBudget,
    delays: Box<dyn Iterator<Item = Duration> + Send>,
    /// Whether an earlier attempt may have taken effect.
    had_unanswered: bool,
}

impl<'a> UncertainWrite<'a> {
    pub(super) fn new(run: &'a RunContext, address: &'a Address, id: &'a Id, budget: TimeBudget) -> Self {
        let delays = Box::new(retry::retry_delays());
        Self { run, address, id, budget, delays, had_unanswered: false }
    }

    /// Whether the write may have taken effect despite the error. A refusal after a lost attempt may be because of it.
    pub(super) fn should_check_effect(&self, error: &Error) -> bool {
        let refused = matches!(error.rejection_kind(), Some(RejectionKind::InvalidRequest | RejectionKind::NeedsPause));
        error.is_outcome_unknown() || self.had_unanswered && refused
    }

    /// The live object if it shows the effect; `None` if the write must be sent again.
    ///
    /// # Errors
    ///
    /// When the object cannot be read, or no time is left for another attempt.
    pub(super) async fn check_effect(
        &mut self,
        error: Error,
        carried_out: impl Fn(&Object) -> bool,
    ) -> Result<Option<Object>, Error> {
        tracing::warn!(at = %self.address, %error, "a write was not answered; looking for its effect");
        let mut watch = ObjectWatch::new(self.run, self.address, self.id)?.with_budget(self.budget);
        match watch.next_object().await {
            Ok(Some(object)) if carried_out(&object) => return Ok(Some(object)),
            Ok(_) => {}
            Err(_) => return Err(self.give_up(error)),
        }
        let delay = self.delays.next().filter(|_| error.is_outcome_unknown());
        let until = delay.map(|pause| Instant::now() + pause);
        let client = &self.run.client;
        match until.filter(|until| *until < client.end_time(self.budget)) {
            Some(until) if client.sleep_until(until, self.budget).await.is_ok() => {
                self.had_unanswered = true;
                Ok(None)
            }
            _ => Err(self.give_up(error)),
        }
    }

    fn give_up(&self, error: Error) -> Error {
        if self.had_unanswered { error.after_lost_attempt() } else { error }
    }
}
