//! Requests that are never sent, whatever their effect.

use clickpipes::placeholder::unfilled_fields;
use clickpipes::secrets::policy::SecretPolicy;
use model::action::Action;
use model::path::FieldPath;

use crate::block_reason::BlockReason;
use crate::change::Change;
use crate::sent_secrets::RefusedSecret;

/// The reason why these requests of a change are not sent; `None` if they may be sent.
pub(crate) fn refusal(policy: &SecretPolicy, change: &Change, actions: &[Action]) -> Option<BlockReason> {
    let unfilled: Vec<FieldPath> = actions.iter().filter_map(Action::request_body).flat_map(unfilled_fields).collect();
    if !unfilled.is_empty() {
        return Some(BlockReason::NotFilledIn(unfilled));
    }
    RefusedSecret::find(policy, &change.secrets).map(BlockReason::SecretNotAllowed)
}
