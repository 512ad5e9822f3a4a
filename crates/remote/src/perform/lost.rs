//! What to do when the answer to a write is lost: look, before anything is sent again.

use std::time::Duration;

use model::address::Address;
use model::live::{Id, Object};
use tokio::time::Instant;

use super::watch::Watch;
use crate::deadline::Budget;
use crate::error::{Error, Rejection};
use crate::remote::Remote;
use crate::retry;

/// The tries of one write that must not be carried out twice.
pub(super) struct Lost<'a> {
    remote: &'a Remote,
    at: &'a Address,
    id: &'a Id,
    budget: Budget,
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
    /// Whether an earlier try may have been carried out.
    unanswered: bool,
}

impl<'a> Lost<'a> {
    pub(super) fn new(remote: &'a Remote, at: &'a Address, id: &'a Id, budget: Budget) -> Self {
        let pauses = Box::new(retry::pauses());
        Self { remote, at, id, budget, pauses, unanswered: false }
    }

    /// Whether the write may have been carried out although this came back. A refusal after a try
    /// without an answer may come from that try.
    pub(super) fn is_worth_a_look(&self, error: &Error) -> bool {
        let refused = matches!(error.rejection(), Some(Rejection::Invalid | Rejection::NeedsPause));
        error.outcome_unknown() || self.unanswered && refused
    }

    /// The live object if it shows that the write was carried out; `None` if the write is to be
    /// sent again.
    pub(super) async fn look(
        &mut self,
        error: Error,
        carried_out: impl Fn(&Object) -> bool,
    ) -> Result<Option<Object>, Error> {
        tracing::warn!(at = %self.at, %error, "a write was not answered; looking for its effect");
        let mut watch = Watch::new(self.remote, self.at, self.id)?.within(self.budget);
        match watch.look().await {
            Ok(Some(object)) if carried_out(&object) => return Ok(Some(object)),
            Ok(_) => {}
            Err(_) => return Err(self.give_up(error)),
        }
        let pause = self.pauses.next().filter(|_| error.outcome_unknown());
        let until = pause.map(|pause| Instant::now() + pause);
        let client = &self.remote.client;
        match until.filter(|until| *until < client.end(self.budget)) {
            Some(until) if client.wait_until(until, self.budget).await.is_ok() => {
                self.unanswered = true;
                Ok(None)
            }
            _ => Err(self.give_up(error)),
        }
    }

    fn give_up(&self, error: Error) -> Error {
        if self.unanswered { error.after_a_lost_try() } else { error }
    }
}
