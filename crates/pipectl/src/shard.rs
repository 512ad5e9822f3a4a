//! A part of a run: the services that one of several machines works on.

use std::fmt;
use std::str::FromStr;

use ring::digest;
use serde::{Serialize, Serializer};

/// `K/N`: one of `N` parts, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: u64,
    count: u64,
}

impl Shard {
    /// The shard of a service, independent of the other services.
    // By a hash of the id: with any order of services, a new service would move others to another machine, perhaps
    // while both work on them.
    #[must_use]
    pub fn part_of(self, service_id: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, service_id.to_ascii_lowercase().as_bytes());
        let number = hash.as_ref().iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        Self { number: number % self.count + 1, ..self }
    }

    pub(crate) fn number(self) -> u64 {
        self.number
    }

    pub(crate) fn count(self) -> u64 {
        self.count
    }

    /// `2-of-8`, for the key of a comment.
    pub(crate) fn key(self) -> String {
        format!("{}-of-{}", self.number, self.count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl Serialize for Shard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Shard {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').and_then(|(number, count)| Some((number.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((number, count)) if 0 < number && number <= count => Ok(Self { number, count }),
            _ => Err("write the number of the part and of all parts, such as 1/8 for the first of eight"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;

    fn shards(count: u64) -> Vec<Shard> {
        (1..=count).map(|number| format!("{number}/{count}").parse().unwrap()).collect()
    }

    #[test]
    fn each_service_belongs_to_exactly_one_shard() {
        for count in [1, 2, 8, 100, 1_001] {
            for service in (0..1_000).map(|n| format!("9e2f1c04-5a71-4d0b-9c7e-2f30a8d1{n:04x}")) {
                let owners = shards(count).into_iter().filter(|shard| shard.part_of(&service) == *shard);
                assert_eq!(owners.count(), 1, "{service} of {count}");
            }
        }
    }

    #[test]
    fn services_are_spread_over_shards() {
        for shard in shards(8) {
            let own = (0..1_000).filter(|n| shard.part_of(&format!("service-{n}")) == shard).count();
            assert!((80..=170).contains(&own), "{shard}: {own}");
        }
    }

    /// Machines of different versions share a run, so the parts never change.
    #[test]
    fn the_parts_are_fixed() {
        let owner = |service: &str| shards(8)[0].part_of(service).to_string();
        insta::assert_snapshot!(owner("9e2f1c04-5a71-4d0b-9c7e-2f30a8d1b6aa"), @"1/8");
        assert_eq!(owner("9E2F1C04-5A71-4D0B-9C7E-2F30A8D1B6AA"), owner("9e2f1c04-5a71-4d0b-9c7e-2f30a8d1b6aa"));
    }

    #[test]
    fn parts_count_from_1() {
        for wrong in ["", "1", "0/8", "9/8", "a/8", "1/0", "-1/8", "1/8/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
        assert_eq!("8/8".parse::<Shard>().unwrap().key(), "8-of-8");
    }
}
