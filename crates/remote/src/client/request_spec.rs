//! A request before it is sent, and its preconditions.

use futures_util::future::BoxFuture;
use model::address::Address;

use super::Client;
use crate::deadline::TimeBudget;
use crate::error::Error;
use crate::retry::Idempotency;
use crate::secret::FilledBody;
use crate::transport::Method;

/// A request, and whether it may be repeated.
#[derive(Clone, Copy)]
pub(crate) struct RequestSpec<'a> {
    pub(super) method: Method,
    pub(crate) path: &'a str,
    pub(super) body: Option<&'a FilledBody>,
    pub(super) idempotency: Idempotency,
    pub(crate) budget: TimeBudget,
    pub(super) precondition: Option<&'a dyn Precondition>,
    /// The object that it creates or deletes.
    pub(super) object: Option<&'a Address>,
}

/// A condition that is checked just before the request is sent, however long that waited.
pub(crate) trait Precondition: Send + Sync {
    /// `false` if the check itself sent a request, so that the place is taken.
    ///
    /// # Errors
    ///
    /// When the condition no longer holds. The request is not sent then.
    fn check<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<bool, Error>>;
}

impl<'a> RequestSpec<'a> {
    pub(crate) fn new(method: Method, path: &'a str) -> Self {
        let idempotency = match method {
            Method::Post => Idempotency::Unsafe,
            Method::Get | Method::Put | Method::Patch | Method::Delete => Idempotency::Safe,
        };
        Self { method, path, body: None, idempotency, budget: TimeBudget::Run, precondition: None, object: None }
    }

    pub(crate) fn with_body(self, body: &'a FilledBody) -> Self {
        Self { body: Some(body), ..self }
    }

    pub(crate) fn with_budget(self, budget: TimeBudget) -> Self {
        Self { budget, ..self }
    }

    pub(crate) fn with_precondition(self, precondition: &'a dyn Precondition) -> Self {
        Self { precondition: Some(precondition), ..self }
    }

    /// Records whether the object may be created or deleted when its response is no longer waited for.
    pub(crate) fn with_object(self, object: &'a Address) -> Self {
        Self { object: Some(object), ..self }
    }

    /// Allows retries after a lost answer, for a POST that changes nothing.
    pub(crate) fn as_idempotent(self) -> Self {
        Self { idempotency: Idempotency::Safe, ..self }
    }

    pub(super) fn no_answer_error(&self) -> Error {
        let (method, path) = (self.method, self.path.to_owned());
        Error::Transport { method, path, reason: "no answer in time".to_owned(), may_have_arrived: true }
    }

    /// Forbids retries after a lost answer, for a PATCH that must not take effect twice.
    pub(crate) fn at_most_once(self) -> Self {
        Self { idempotency: Idempotency::Unsafe, ..self }
    }
}
