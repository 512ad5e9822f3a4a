//! A run that is about a part of the services.

use model::address::ServiceRef;

use super::Session;
use crate::shard::Shard;

impl Session {
    /// Leaves the services of other parts to other machines, and remembers what is declared there.
    pub(super) fn narrow_to_shard(mut self, shard: Shard) -> Self {
        let ids = self.connection.services.clone();
        // Without an id, the name decides: one machine says that there is no such service.
        let is_own = |service: &ServiceRef| shard.contains(ids.get(service).map_or(service.as_str(), String::as_str));
        self.connection.services.retain(|service, _| is_own(service));
        self.target.services.retain(|service, _| is_own(&ServiceRef::new(service)));
        self.in_other_shards = self.desired.keys().filter(|at| !is_own(&at.service)).cloned().collect();
        self.selected.retain(|at| is_own(&at.service));
        self.desired.retain(|at, _| is_own(&at.service));
        if let Some(base) = &mut self.base {
            base.retain(|at, _| is_own(&at.service));
        }
        self.prune_inputs.retain_services(is_own);
        self
    }
}
