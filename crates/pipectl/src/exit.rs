//! Exit codes. Listed in `--help`.

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// Something went wrong.
pub const ERROR: u8 = 1;
/// There are changes, or something is unhealthy; only with `--detailed-exitcode`.
pub const CHANGES: u8 = 2;
/// Some actions were done and some were not. The output lists them.
pub const PARTLY: u8 = 3;
/// There is no key, the API refused it, or its role does not allow this.
pub const AUTH: u8 = 4;
/// A safety rule stopped it.
pub const BLOCKED: u8 = 5;
/// The reviewed plan no longer matches.
pub const STALE: u8 = 6;
/// The command line is wrong; never confused with [`CHANGES`].
pub const USAGE: u8 = 64;
/// Interrupted: the actions in flight were finished, the others were not started.
pub const INTERRUPTED: u8 = 130;

/// From the gravest to none at all.
const BY_SEVERITY: [u8; 9] = [INTERRUPTED, USAGE, AUTH, ERROR, PARTLY, STALE, BLOCKED, CHANGES, DONE];

/// The most severe of the exit codes of several runs.
pub(crate) fn most_severe(one: u8, other: u8) -> u8 {
    let severity_rank = |code| BY_SEVERITY.iter().position(|known| *known == code).unwrap_or_default();
    if severity_rank(one) <= severity_rank(other) { one } else { other }
}

/// An error that is about the command line after all, though only the work showed it.
#[derive(Debug, thiserror::Error)]
#[error("{}", model::sanitize::sanitize_line(.0))]
pub(crate) struct UsageError(pub(crate) String);

/// The table for `--help`.
pub const HELP: &str = "\
Exit codes:
  0    done, or nothing to do
  1    error
  2    there are changes, or a pipe is unhealthy (plan, drift and status with
       --detailed-exitcode only)
  3    partly applied: some actions done, some not; the table says which
  4    authentication or permission
  5    blocked by a safety rule
  6    the reviewed plan no longer matches
  64   usage
  130  interrupted";

#[cfg(test)]
mod tests {
    use super::{BY_SEVERITY, most_severe};

    #[test]
    fn worst_exit_code_wins_in_either_order() {
        assert_eq!(BY_SEVERITY, [130, 64, 4, 1, 3, 6, 5, 2, 0]);
        for (place, grave) in BY_SEVERITY.iter().enumerate() {
            for lighter in &BY_SEVERITY[place..] {
                let both = (most_severe(*grave, *lighter), most_severe(*lighter, *grave));
                assert_eq!(both, (*grave, *grave), "{grave} and {lighter}");
            }
        }
    }
}
