//! Creates an object exactly once.

use std::collections::BTreeSet;
use std::time::Duration;

use clickpipes::pipe::source::source_word;
use clickpipes::semantics::FieldSemantics;
use clickpipes::{blocking_tables, start_paused};
use futures_util::future::BoxFuture;
use model::action::RunState;
use model::address::{Address, Kind};
use model::live::{Id, Object};
use model::path::{FieldPath, VisitedPath};
use serde_json::Value;
use tokio::time::Instant;

use super::watch::ObjectWatch;
use super::{left_out_note, without_unproven};
use crate::client::{Client, Precondition, RequestSpec};
use crate::deadline::TimeBudget;
use crate::decode;
use crate::envelope::malformed_result;
use crate::error::{Error, RejectionKind};
use crate::list_cache::{ListCache, ListCursor, ListSnapshot};
use crate::performed_action::PerformedAction;
use crate::retry::{self, Idempotency};
use crate::run_context::RunContext;
use crate::secret::{self, EndpointReference};
use crate::settings::WaitMode;
use crate::transport::Method;

pub(super) async fn create_object(
    run: &RunContext,
    at: &Address,
    body: &Value,
    paused_beside: Option<&Address>,
    unproven: &[FieldPath],
) -> Result<PerformedAction, Error> {
    let list_cache = run.list_cache(at)?;
    let budget = run.budget_for(at);
    list_cache.ensure_listed(&run.client, budget).await?;
    let attempt = CreateAttempt { run, list_cache, address: at, existing_ids: list_cache.ids_named(&at.name), budget };
    let created = attempt.create_with_unproven(body, paused_beside, unproven).await;
    let Created { object, note, is_paused, left_out } = created
        .map_err(|error| error.with_blocking_tables(|| blocking_tables::tables_required_empty(at.kind, body)))?;
    list_cache.note_object(&at.name, &object);
    run.note_created(at, &object.id);
    if is_paused {
        run.note_created_paused(&object.id);
    }
    // The stop that follows waits for a pipe that is created paused.
    let mut performed = if is_paused || run.settings.wait == WaitMode::None && at.kind == Kind::ClickPipe {
        PerformedAction::new(at, &object, RunState::Running)
    } else {
        // Endpoints are waited for in any case: the API refuses a pipe whose endpoint is still being created.
        let mut watch = ObjectWatch::new(run, at, &object.id)?.with_budget(run.settle_budget_for(at));
        let settled = watch.until_settled(RunState::Running, None).await?;
        note_wait_of_referrers(run, at);
        PerformedAction::from_listed(at, settled, RunState::Running)
    };
    if let Some(note) = note {
        attempt.reject_duplicates().await?;
        performed.notes.push(note.to_owned());
    }
    performed.notes.extend(left_out);
    Ok(performed)
}

/// Records that referrers of the object had to wait for it.
fn note_wait_of_referrers(run: &RunContext, at: &Address) {
    for kind in FieldSemantics::referring_kinds(at.kind) {
        if let Ok(list_cache) = run.list_cache(&Address { kind, ..at.clone() }) {
            list_cache.note_wait();
        }
    }
}

/// Age beyond which a list is read again before a create: longer than the window of the rate limit, so that the list
/// and the create both find a place.
const MAX_LIST_AGE: Duration = Duration::from_secs(20);

/// Checks again, just before the POST, that no other object of the name appeared after the plan.
//
// A create may wait long for its turn: for the rate limit, a 429, a service that wakes, an endpoint, the delete of the
// object that it replaces. If somebody creates an object with this name meanwhile, the POST would create a duplicate
// that reads the same source.
//
//     plan        no `orders` live
//     429         everybody waits 30 s; at the console somebody creates `orders`
//     GET list    a new `orders`: no POST, "plan again"
impl Precondition for CreateAttempt<'_> {
    fn check<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<bool, Error>> {
        let moment = Instant::now().checked_sub(MAX_LIST_AGE).max(client.last_wait_end());
        Box::pin(async move {
            let is_fresh = self.list_cache.refresh_after(client, moment, self.budget).await?;
            if self.list_cache.unplanned_ids(&self.address.name).is_empty() {
                Ok(is_fresh)
            } else {
                Err(Error::CreatedConcurrently { address: self.address.clone() })
            }
        })
    }
}

/// A created object, with a note if its first POST got no answer.
struct Created {
    object: Object,
    note: Option<&'static str>,
    /// Whether the API was asked to create it paused.
    is_paused: bool,
    /// The part that the API refused, and without which the object is created.
    left_out: Option<String>,
}

impl Created {
    fn new(object: Object, note: Option<&'static str>) -> Self {
        Self { object, note, is_paused: false, left_out: None }
    }
}

const ADOPTED_NOTE: &str = "the create got no answer; pipectl found the new object of this name and adopted it";

const REPEATED_NOTE: &str = "a create got no answer, and no object of this name appeared; pipectl sent it again";

/// Number of lists that must not show the object before its create counts as lost.
const MIN_LISTS: usize = 3;

/// One create, from the first request to a known object.
//
// Creates are not idempotent: the API has no idempotency key, and names are not unique. A POST that is repeated after a
// lost response creates a second pipe that reads the same topic into the same table.
//
//     POST  ----------------------x   the response is lost (connection cut, 502, time-out)
//     GET list   no new object of the name     the list may lag behind the create
//     GET list   no new object of the name
//     GET list   a new object of the name, as it was sent  ->  it is ours: adopt it, send nothing
//
// A new object that is not as it was sent belongs to somebody else. A second POST would create a duplicate of the name,
// and the following stop would go to that object: so the create ends there.
//
// If no list of the whole adoption window shows one, the POST is sent once more and the note says so. "New" means an id
// that was not there before the first POST. Several new ids are an error that names them all: it is unknown which one
// is ours, and deleting the wrong one loses a pipe.
struct CreateAttempt<'a> {
    run: &'a RunContext,
    list_cache: &'a ListCache,
    address: &'a Address,
    existing_ids: BTreeSet<Id>,
    budget: TimeBudget,
}

enum LookupOutcome {
    Found(Object),
    /// No list of the whole window shows it.
    Missing,
    /// The time was over, or lists failed, before the window was.
    Inconclusive,
}

impl CreateAttempt<'_> {
    /// Creates the object, if necessary without fields that were only seen in responses of the API.
    async fn create_with_unproven(
        &self,
        body: &Value,
        paused_beside: Option<&Address>,
        unproven: &[FieldPath],
    ) -> Result<Created, Error> {
        let created = self.create_or_adopt(body, paused_beside).await;
        match created.as_ref().err().and_then(|error| without_unproven(error, body, unproven)) {
            Some(proven) => {
                let created = self.create_or_adopt(&proven, paused_beside).await?;
                Ok(Created { left_out: Some(left_out_note(unproven, "created the object")), ..created })
            }
            None => created,
        }
    }

    async fn create_or_adopt(&self, body: &Value, paused_beside: Option<&Address>) -> Result<Created, Error> {
        // The schema of July 2026 has no switch to create a pipe paused. An API that does not know it refuses the body,
        // in undocumented words ("additional properties", "unknown key"). So each refusal of the body is tried once
        // without the switch: any other mistake is refused again, and the following stop stops the pipe. Next to
        // another reader it would take rows away until then.
        let Some(older) = start_paused::without_switch(body) else { return self.create_until_known(body).await };
        match self.create_until_known(body).await {
            Err(Error::Rejected(refused)) if refused.kind == RejectionKind::InvalidRequest => match paused_beside {
                None => self.create_until_known(&older).await,
                Some(reader) => Err(Error::NotCreatedPaused { reader: reader.clone(), refused }),
            },
            created => created.map(|created| Created { is_paused: true, ..created }),
        }
    }

    async fn create_until_known(&self, body: &Value) -> Result<Created, Error> {
        let mut doubt = None;
        loop {
            let error = match self.send_create(body).await {
                Ok(object) => {
                    let note = doubt.is_some().then_some(REPEATED_NOTE);
                    return Ok(Created::new(object, note));
                }
                Err(error) if error.is_outcome_unknown() => error,
                Err(error) => match doubt {
                    None => return Err(error),
                    Some(cause) => return self.resolve_refusal(body, error, cause).await,
                },
            };
            tracing::warn!(at = %self.address, %error, "create was not answered; looking for its object");
            match self.search_new_object().await? {
                LookupOutcome::Found(object) => {
                    self.ensure_as_sent(body, &object, error)?;
                    return Ok(Created::new(object, Some(ADOPTED_NOTE)));
                }
                // Two lost answers in a row: a third POST could be the third pipe, if the lists lag by more than the
                // window.
                LookupOutcome::Missing if doubt.is_none() => doubt = Some(error),
                LookupOutcome::Missing | LookupOutcome::Inconclusive => return Err(self.unknown_outcome(error)),
            }
        }
    }

    async fn send_create(&self, body: &Value) -> Result<Object, Error> {
        let filled = super::fill_references(self.run, self.address, body).await?;
        let path = &self.list_cache.path;
        let call = RequestSpec::new(Method::Post, path)
            .with_body(&filled)
            .with_budget(self.budget)
            .with_precondition(self)
            .with_object(self.address);
        let result = self.run.client.send(call).await?;
        let mut object = decode::decode_object(self.address.kind, Method::Post, path, result)?.object;
        self.run.client.run_redaction.redact_object(self.address.kind, &mut object);
        // Hazard: the stop that follows would go to an object of somebody else.
        if self.list_cache.is_known(&object.id) {
            return Err(malformed_result(Method::Post, path, "holds an object that existed before"));
        }
        Ok(object)
    }

    /// Looks for a new object during the adoption window.
    // At least `MIN_LISTS` lists, because one may come from a replica that lags behind.
    async fn search_new_object(&self) -> Result<LookupOutcome, Error> {
        let client = &self.run.client;
        let (began, mut cursor, mut lists) = (Instant::now(), self.list_cache.new_cursor(), 0);
        loop {
            let deadline = client.end_time(self.budget);
            let over = began + self.run.settings.adoption_window;
            // The last list of the window decides, so one is due at its end, however long the poll interval has become.
            let end = if Instant::now() < over { over.min(deadline) } else { deadline };
            let asked = match self.next_list(&mut cursor, end).await {
                Ok(Some(snapshot)) => {
                    if let Some(object) = self.find_new_object(&snapshot)? {
                        return Ok(LookupOutcome::Found(object));
                    }
                    lists += 1;
                    true
                }
                Ok(None) => false,
                // No object was seen, which does not prove that there is none: the POST must not be sent again.
                Err(_) => return Ok(LookupOutcome::Inconclusive),
            };
            if asked && lists >= MIN_LISTS && Instant::now() >= over {
                return Ok(LookupOutcome::Missing);
            }
            if Instant::now() >= deadline {
                return Ok(LookupOutcome::Inconclusive);
            }
        }
    }

    /// The next list; `None` if it failed for now.
    async fn next_list(&self, cursor: &mut ListCursor, end: Instant) -> Result<Option<ListSnapshot>, Error> {
        match self.list_cache.next_snapshot(&self.run.client, cursor, end, self.budget).await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(error) if retry::can_retry(Idempotency::Safe, &error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The only new object with the name.
    fn find_new_object(&self, snapshot: &ListSnapshot) -> Result<Option<Object>, Error> {
        let named = snapshot.objects.values().filter(|item| item.name == self.address.name);
        let new = named.map(|item| &item.object).filter(|it| !self.existing_ids.contains(&it.id));
        match new.collect::<Vec<_>>().as_slice() {
            [] => Ok(None),
            [one] => Ok(Some((*one).clone())),
            several => Err(self.duplicates_error(several.iter().map(|object| object.id.clone()).collect())),
        }
    }

    /// Handles a refusal of the second POST. It may be about the object of the first one: "the table is not empty",
    /// because the first pipe writes to it already. So the refusal only counts if no new object appears.
    async fn resolve_refusal(&self, body: &Value, error: Error, cause: Error) -> Result<Created, Error> {
        if matches!(error, Error::Interrupted | Error::OutOfTime) {
            // The second POST was not sent. The error must be about the first one: its pipe may exist.
            return Err(self.unknown_outcome(cause));
        }
        match self.search_new_object().await? {
            LookupOutcome::Found(object) => {
                self.ensure_as_sent(body, &object, cause)?;
                Ok(Created::new(object, Some(ADOPTED_NOTE)))
            }
            LookupOutcome::Missing | LookupOutcome::Inconclusive => Err(error.after_lost_attempt()),
        }
    }

    /// Checks that a new object matches the create, in all fields that the API returns.
    fn ensure_as_sent(&self, body: &Value, found: &Object, cause: Error) -> Result<(), Error> {
        let rules = FieldSemantics::for_kind(self.address.kind);
        let resolve = |reference: &EndpointReference<'_>| self.run.resolve_reference(reference).ok();
        let sent = secret::with_resolved_endpoints(self.address, rules, body, &resolve);
        let difference = match (source_word(&sent), source_word(&found.body)) {
            (Some(sent), live) if live != Some(sent) => {
                format!("it reads from `{}`, and the manifest declares `{sent}`", live.unwrap_or("unknown"))
            }
            // An API may spell the sent values differently.
            _ => match rules.respelled_texts(&VisitedPath::root(), &sent, Some(&found.body)) {
                Err(path) => format!("its `{path}` is not what was sent"),
                Ok(_) => return Ok(()),
            },
        };
        let (address, id) = (self.address.clone(), found.id.clone());
        Err(Error::OtherObjectFound { address, id, difference, cause: Box::new(cause) })
    }

    /// After a repeated create, checks that only one new object has the name.
    async fn reject_duplicates(&self) -> Result<(), Error> {
        // Without a wait, no list was read since the second POST. A failed list is ignored: the next plan shows
        // duplicates.
        if self.run.settings.wait == WaitMode::None {
            let _ignored = self.list_cache.list_objects(&self.run.client).await;
        }
        let ids: Vec<Id> =
            self.list_cache.ids_named(&self.address.name).difference(&self.existing_ids).cloned().collect();
        if ids.len() > 1 { Err(self.duplicates_error(ids)) } else { Ok(()) }
    }

    fn duplicates_error(&self, ids: Vec<Id>) -> Error {
        Error::DuplicateObjects { address: self.address.clone(), ids }
    }

    fn unknown_outcome(&self, cause: Error) -> Error {
        Error::UnknownOutcome { address: self.address.clone(), cause: Box::new(cause) }
    }
}
