//! The loop of every wait: for an object to settle or to be gone, for a service to wake, for CDC scaling to apply.

use crate::error::Error;

/// The result of one check.
pub(crate) enum Verdict<T> {
    /// The wait is over.
    Reached(T),
    LookAgain,
    /// Waiting longer does not help.
    Hopeless(Error),
}

/// An object to check repeatedly.
pub(crate) trait Watch {
    /// The data of a check.
    type Seen;

    /// Checks once; `None` if that failed for now. The wait continues: a gateway's failure must not end it.
    async fn look(&mut self) -> Result<Option<Self::Seen>, Error>;

    /// Waits for the next look.
    async fn wait_for_next(&mut self) -> Result<(), Error>;
}

/// Checks until there is a verdict, or the time is over.
pub(crate) async fn wait_until<W: Watch, T>(
    watch: &mut W,
    mut judge: impl FnMut(W::Seen) -> Verdict<T>,
) -> Result<T, Error> {
    loop {
        match watch.look().await?.map_or(Verdict::LookAgain, &mut judge) {
            Verdict::Reached(found) => return Ok(found),
            Verdict::LookAgain => watch.wait_for_next().await?,
            Verdict::Hopeless(error) => return Err(error),
        }
    }
}
