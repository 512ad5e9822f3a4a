//! The one loop by which everything waits: until an object has settled or is gone, until a service is awake, until a
//! size is in force.

use crate::error::Error;

/// What somebody makes of a look.
pub(crate) enum Verdict<T> {
    /// It is there.
    Reached(T),
    /// Not yet.
    LookAgain,
    /// It never will be.
    Hopeless(Error),
}

/// Something that can be looked at again and again.
pub(crate) trait Watch {
    /// What a look shows.
    type Seen;

    /// Looks; `None` if that is not possible at present, which ends no wait.
    async fn look(&mut self) -> Result<Option<Self::Seen>, Error>;

    /// Waits until it is time for the next look; an error when the time of the wait is over.
    async fn wait_for_next(&mut self) -> Result<(), Error>;
}

/// Looks until there is a verdict, or the time is over.
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
