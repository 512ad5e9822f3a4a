//! A run that is about a part of the services.

use std::collections::BTreeSet;

use model::address::{Address, ServiceRef};

use super::Session;
use crate::shard::Shard;

impl Session {
    /// Leaves the services of other parts to other machines, and remembers what is declared there.
    pub(super) fn narrow_to_shard(mut self, shard: Shard) -> Self {
        let ids = self.connection.services.clone();
        // Without an id, the name decides: one machine says that there is no such service.
        let part_of = |service: &ServiceRef| shard.part_of(ids.get(service).map_or(service.as_str(), String::as_str));
        let is_own = |service: &ServiceRef| part_of(service) == shard;
        self.connection.services.retain(|service, _| is_own(service));
        self.target.services.retain(|service, _| is_own(&ServiceRef::new(service)));
        self.in_other_shards = self.desired.keys().filter(|at| !is_own(&at.service)).cloned().collect();
        self.selected.retain(|at| is_own(&at.service));
        let in_base = self.base.iter().flatten().map(|(at, _)| at).chain(self.prune_inputs.removed());
        let removed: BTreeSet<&Address> = in_base.filter(|at| !self.desired.contains_key(at)).collect();
        let givers = self.possible_givers(&removed).into_iter().filter(|at| !is_own(&at.service));
        self.givers_elsewhere = givers
            .map(|at| {
                let part = part_of(&at.service);
                let way_out = if removed.contains(at) {
                    "a pipe that moves to another shard is kept, so delete that one with `state: absent`".to_owned()
                } else {
                    format!("shard {part} stops or deletes that one: apply it first, then this one again")
                };
                (at.clone(), way_out)
            })
            .collect();
        // After the givers were found, which needs the manifests of all parts.
        self.desired.retain(|at, _| is_own(&at.service));
        if let Some(base) = &mut self.base {
            base.retain(|at, _| is_own(&at.service));
        }
        self.prune_inputs.retain_services(is_own);
        self
    }
}
