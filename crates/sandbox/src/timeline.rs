//! A value that changes at scheduled times. It is computed when it is read, so no timer runs.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The first value, and the later ones with their times, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timeline<T> {
    first: T,
    later: Vec<(Timestamp, T)>,
}

impl<T: Clone> Timeline<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { first: value, later: Vec::new() }
    }

    pub(crate) fn value_at(&self, now: Timestamp) -> &T {
        let passed = self.later.iter().rev().find(|(from, _)| *from <= now);
        passed.map_or(&self.first, |(_, value)| value)
    }

    pub(crate) fn final_value(&self) -> &T {
        self.later.last().map_or(&self.first, |(_, value)| value)
    }

    /// Replaces the scheduled values by `steps`, in seconds from now.
    pub(crate) fn schedule_steps(&mut self, now: Timestamp, steps: impl IntoIterator<Item = (u64, T)>) {
        // First of all: the value of now must outlive the schedule that it comes from.
        self.first = self.value_at(now).clone();
        let steps = steps.into_iter();
        self.later = steps.map(|(after, value)| (now.after_seconds(after), value)).collect();
        self.later.sort_by_key(|(from, _)| *from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeline_value_depends_on_the_time() {
        let start = Timestamp::START;
        let mut timeline = Timeline::new("a");
        timeline.schedule_steps(start, [(5, "b"), (10, "c")]);
        let seen = [0, 4, 5, 9, 10, 99].map(|after| *timeline.value_at(start.after_seconds(after)));
        assert_eq!(seen, ["a", "a", "b", "b", "c", "c"]);
        assert_eq!(*timeline.final_value(), "c");
    }

    #[test]
    fn new_schedule_replaces_the_old_one() {
        let start = Timestamp::START;
        let mut timeline = Timeline::new("a");
        timeline.schedule_steps(start, [(5, "b"), (10, "c")]);
        timeline.schedule_steps(start.after_seconds(6), [(1, "d")]);
        assert_eq!(*timeline.value_at(start.after_seconds(6)), "b");
        assert_eq!(*timeline.value_at(start.after_seconds(60)), "d");
    }
}
