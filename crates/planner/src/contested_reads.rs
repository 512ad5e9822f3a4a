//! Sources and names that only one object can have, and that another live object has already: a queue, a slot, a name.
//
// Each of them has holders now, and claimants in this plan. A holder gives it up if it is deleted, stopped or no longer
// uses it. In the order of events:
//
//     load       two manifests that read one source: refused, before there is a plan
//     plan       each object separately; then the deletions of prune. Only now it is known which objects stay
//     here       for each source that an object takes:
//                  no holder                             the first claimant gets it, others are blocked
//                  the holder gives it up                a handover: first the one, then the other, or neither
//                  the holder keeps it                   the claimant is blocked
//                  it can be shared (a consumer group)   a warning if no manifest declares the holder
//     successor  other successors of a pruned holder wait for it, too
//     part       `--only` or a rule cuts the plan: a half of a handover is blocked
//     apply      the claimant waits for the holder, and the holder for the references of the claimant

mod party;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use clickpipes::blocking_tables;
use clickpipes::data_effects;
use clickpipes::exclusive_read::{ExclusiveRead, Sharing};
use clickpipes::exclusive_reads::{DNS_NAME, contested_dns_name, is_sharing_harmful};
use clickpipes::lifecycle;
use clickpipes::semantics::{FieldSemantics, OnChange, dns_patterns};
use clickpipes::start_paused;
use model::action::Action;
use model::address::{Address, ServiceRef};
use model::desired::Desired;
use model::live::Live;
use model::path::FieldPath;
use serde_json::Value;

use self::party::{Parties, Party, Standing, Term};
use crate::block_reason::BlockReason;
use crate::blocked_together::block_changes;
use crate::change::Verdict;
use crate::handover::Handover;
use crate::inputs::ReaderElsewhere;
use crate::plan::Plan;
use crate::plan_handovers;
use crate::read_conflict::{ReadConflict, ReadConflictCause};

/// Arranges handovers of sources that only one object can have, blocks objects that would take one from an object that
/// keeps it, and warns if both would get a part of the rows.
pub(crate) fn settle_contested_reads(plan: &mut Plan, desired: &Desired, live: &Live, elsewhere: &[ReaderElsewhere]) {
    if plan.changes.is_empty() {
        return;
    }
    let parties = Parties::new(plan, desired, live, elsewhere);
    let mut settled = Settlement { parties: &parties, hosts_in_use: OnceCell::new(), findings: Findings::default() };
    parties.all.iter().for_each(|claimant| settled.settle(claimant));
    let Findings { mut blocked, mut warnings, handovers, mut paused_beside } = settled.findings;
    for change in &mut plan.changes {
        if paused_beside.contains_key(&change.address) {
            change.data_effects.retain(|sentence| sentence != start_paused::FALLBACK_EFFECT);
        }
        change.data_effects.extend(warnings.remove(&change.address).into_iter().flatten());
    }
    for action in &mut plan.actions {
        if let Action::Create { address, paused_beside: reader, .. } = action {
            *reader = paused_beside.remove(address);
        }
    }
    plan_handovers::add_handovers(plan, handovers, &mut blocked);
    block_changes(plan, blocked);
    if !plan.handovers.is_empty() {
        plan.sort_actions();
    }
}

/// The results for all contested sources.
#[derive(Default)]
struct Findings {
    blocked: BTreeMap<Address, BlockReason>,
    warnings: BTreeMap<Address, Vec<String>>,
    handovers: Vec<Handover>,
    /// Objects that must be created paused, each with another object that reads the same.
    paused_beside: BTreeMap<Address, Address>,
}

struct Settlement<'s, 'p> {
    parties: &'s Parties<'p>,
    hosts_in_use: OnceCell<BTreeSet<(&'p ServiceRef, String)>>,
    findings: Findings,
}

/// A source that one object takes, and that another one has or takes as well.
#[derive(Clone, Copy)]
struct Contest<'s, 'p> {
    read: &'s ExclusiveRead,
    claimant: &'s Party<'p>,
    /// The claimant with the thing.
    body: &'s Value,
    other: &'s Party<'p>,
}

impl Contest<'_, '_> {
    fn is_strict(self) -> bool {
        self.read.sharing == Sharing::Broken
    }

    fn conflict(self, other: &Address, cause: ReadConflictCause) -> BlockReason {
        let (what, name, other) = (self.read.what, self.read.name.clone(), other.clone());
        BlockReason::ContestedRead(ReadConflict { what, name, other, cause })
    }
}

impl<'s, 'p> Settlement<'s, 'p> {
    fn settle(&mut self, claimant: &'s Party<'p>) {
        for (key, read, body) in claimant.takes() {
            let contest = |other| Contest { read, claimant, body, other };
            if let Some(first) = self.parties.first_claimant_beside(claimant, key).filter(|_| !claimant.is_blocked()) {
                let cause = match claimant.term {
                    Term::Lasting => ReadConflictCause::OtherTakes,
                    Term::UntilStopped | Term::UnlessPaused => ReadConflictCause::StartsMeanwhile,
                };
                self.block(contest(first), cause);
                continue;
            }
            for holder in self.parties.holders_beside(claimant, key) {
                let places = ((&claimant.at.service, body), (&holder.at.service, holder.live_body()));
                if is_sharing_harmful(read, places.0, places.1) {
                    self.settle_holder(contest(holder), holder.gives(key));
                }
            }
        }
        if let Some(warning) = self.shared_name_warning(claimant) {
            self.findings.warnings.entry(claimant.at.clone()).or_default().push(warning);
        }
    }

    fn settle_holder(&mut self, contest: Contest<'s, 'p>, gives: bool) {
        let Contest { read, claimant, other: holder, .. } = contest;
        // A pruned pipe is deleted only when its successor exists.
        // A delete before that would leave the source without a reader, for a pipe that reads nothing while it is
        // paused.
        let is_last = claimant.term == Term::UnlessPaused && holder.is_pruned();
        if gives && holder.can_go_first && !is_last && !self.leaves_gap(contest) {
            return self.hand_over(contest);
        }
        if claimant.is_blocked() {
            // The holder keeps it as well.
            return;
        }
        if gives && read.what == DNS_NAME && !has_own_reason(holder) {
            self.block_both(contest);
        } else if contest.is_strict() {
            self.block(contest, conflict_cause(contest, gives));
        } else if holder.standing == Standing::Unmanaged {
            let warnings = self.findings.warnings.entry(claimant.at.clone()).or_default();
            warnings.extend(warnings.is_empty().then(|| shared_read_warning(read, holder.at)));
        }
    }

    /// Also blocks the holder: if it gave the source up now, no object would use it.
    fn block_both(&mut self, contest: Contest<'s, 'p>) {
        let Contest { claimant, other: holder, .. } = contest;
        let may_be_renamed = is_same_connection(contest);
        let reason = contest.conflict(claimant.at, ReadConflictCause::ClaimantBlocked);
        self.findings.blocked.insert(holder.at.clone(), reason);
        let reason = contest.conflict(holder.at, ReadConflictCause::MovesLater { may_be_renamed });
        self.findings.blocked.insert(claimant.at.clone(), reason);
    }

    /// Blocks the claimant, unless it reads nothing because the API can create it paused.
    fn block(&mut self, contest: Contest<'_, '_>, cause: ReadConflictCause) {
        let Contest { read, claimant, other, .. } = contest;
        // A pipe that is created paused reads nothing, so it can exist next to the reader. If the API does not know the
        // switch, the create is refused and not repeated without it: a pipe that runs until its stop would take rows
        // away. So no earlier delete may depend on the switch.
        let is_replaced = claimant.has_verdict(&Verdict::Replace);
        if claimant.term != Term::UnlessPaused || is_replaced {
            let cause = if claimant.term == Term::UnlessPaused { ReadConflictCause::ReplacedPaused } else { cause };
            let reason = || contest.conflict(other.at, cause);
            self.findings.blocked.entry(claimant.at.clone()).or_insert_with(reason);
        } else if !self.findings.paused_beside.contains_key(claimant.at) {
            self.findings.paused_beside.insert(claimant.at.clone(), other.at.clone());
            let warnings = self.findings.warnings.entry(claimant.at.clone()).or_default();
            warnings.push(format!(
                "`{}` reads the {} `{}`: an API that does not know `startPaused` is not asked to create it",
                other.at, read.what, read.name
            ));
        }
    }

    fn hand_over(&mut self, contest: Contest<'_, '_>) {
        let Contest { read, claimant, body, other: holder } = contest;
        // A pipe that is created paused takes nothing. It goes second in case the API starts it.
        let is_strict = contest.is_strict() && claimant.term != Term::UnlessPaused;
        // A handover would delete the pruned pipe first. Where both may read for a while, it goes only after its
        // successor exists.
        if !is_strict && holder.is_pruned() {
            return;
        }
        let (mut losses, mut tables) = (Vec::new(), Vec::new());
        // A replacement describes its own losses, and a pipe that is only started continues where it stopped.
        if claimant.has_verdict(&Verdict::Create) {
            losses = data_effects::missed_changes(claimant.at.kind, body, holder.live_body());
            // The tables of a deleted holder stay, with rows, and can keep the claimant from being created.
            if is_strict && holder.has_verdict(&Verdict::Delete) && holder.at.service == claimant.at.service {
                tables = blocking_tables::find_blocking_tables(claimant.at.kind, body, holder.live_body());
            }
        }
        if !tables.is_empty() {
            let reason = contest.conflict(holder.at, ReadConflictCause::TablesLeft(tables));
            self.findings.blocked.insert(claimant.at.clone(), reason);
        }
        let (holder, claimant, name) = (holder.at.clone(), claimant.at.clone(), read.name.clone());
        let handover = Handover { holder, claimant, what: read.what, name, is_strict, losses };
        // The topics of a consumer group have one name.
        if !self.findings.handovers.contains(&handover) {
            self.findings.handovers.push(handover);
        }
    }

    /// Whether a DNS name that others use would not resolve until the claimant exists, or permanently: a name can return
    /// to an object that lost it, but not to a deleted one.
    fn leaves_gap(&self, Contest { read, claimant, other: holder, .. }: Contest<'_, 'p>) -> bool {
        let is_there = claimant.live.is_some_and(|own| lifecycle::is_usable(claimant.at.kind, own));
        let is_sure = is_there && !claimant.has_verdict(&Verdict::Replace) && !holder.has_verdict(&Verdict::Delete);
        let place = (&claimant.at.service, read.name.clone());
        read.what == DNS_NAME && !is_sure && self.hosts_in_use.get_or_init(|| self.find_hosts_in_use()).contains(&place)
    }

    /// The DNS names by which live objects connect, also after the plan.
    fn find_hosts_in_use(&self) -> BTreeSet<(&'p ServiceRef, String)> {
        let mut in_use = BTreeSet::new();
        for party in self.parties.all.iter().filter(|party| party.live.is_some()) {
            let rules = FieldSemantics::for_kind(party.at.kind);
            let sent = party.actions.iter().filter_map(|action| action.request_body());
            let mut hosts: Vec<String> = sent.flat_map(|body| rules.all_connected_hosts(body)).collect();
            if hosts.is_empty() && !party.actions.iter().any(|it| matches!(it, Action::Delete { .. })) {
                hosts = rules.all_connected_hosts(party.live_body());
            }
            in_use.extend(hosts.iter().flat_map(|host| dns_patterns(host)).map(|name| (&party.at.service, name)));
        }
        in_use
    }

    /// A warning if an unmanaged endpoint has a DNS name, too.
    fn shared_name_warning(&self, claimant: &Party<'_>) -> Option<String> {
        let (kind, service) = (claimant.at.kind, &claimant.at.service);
        // Most changed objects are pipes, to which nothing connects.
        FieldSemantics::referring_kinds(kind).next()?;
        let body = claimant.lasting_body().filter(|_| !claimant.is_blocked())?;
        let unmanaged = self.parties.all.iter().filter(|it| it.standing == Standing::Unmanaged);
        let mut others = unmanaged.filter(|it| it.at.kind == kind && it.at.service == *service);
        others.find_map(|other| {
            let name = contested_dns_name(kind, body, claimant.live.map(|it| &it.body), other.live_body())?;
            let other = other.at;
            Some(format!(
                "`{other}`, which no manifest declares, has the DNS name `{name}` too: a name leads to one endpoint"
            ))
        })
    }
}

/// Whether something other than its use keeps an object from giving up a name.
fn has_own_reason(holder: &Party<'_>) -> bool {
    let verdict = holder.change.map(|change| &change.verdict);
    matches!(verdict, Some(Verdict::Blocked(reason)) if !matches!(reason, BlockReason::StillUsed(_) | BlockReason::MayBeUsed(_)))
}

/// The reason why the holder keeps the source.
fn conflict_cause(contest: Contest<'_, '_>, gives: bool) -> ReadConflictCause {
    let Contest { claimant, other: holder, .. } = contest;
    match (holder.standing, claimant.term) {
        (Standing::Elsewhere(way_out), _) => ReadConflictCause::ReadElsewhere(way_out.to_owned()),
        (_, Term::UntilStopped | Term::UnlessPaused) if !gives => ReadConflictCause::StartsMeanwhile,
        (Standing::Unmanaged, _) => ReadConflictCause::NotDeclared {
            may_be_renamed: holder.at.service == claimant.at.service,
            can_be_renamed: lifecycle::can_be_renamed(holder.at.kind),
        },
        _ => ReadConflictCause::OtherStays,
    }
}

/// Whether the live object equals the new one in all fields that only a new object could change, except its name.
fn is_same_connection(Contest { claimant, body, other, .. }: Contest<'_, '_>) -> bool {
    let (rules, name) = (FieldSemantics::for_kind(claimant.at.kind), claimant.at.kind.name_path());
    let is_name = |field: &String| name.as_ref().and_then(FieldPath::last_segment) == Some(field);
    let fields = body.as_object().into_iter().flatten();
    let mut fixed =
        fields.filter(|(field, _)| rules.child_field(field).on_change == OnChange::Replace && !is_name(field));
    fixed.all(|(field, value)| other.live_body().get(field) == Some(value))
}

fn shared_read_warning(read: &ExclusiveRead, reader: &Address) -> String {
    format!(
        "`{reader}`, which no manifest declares, has the {} `{}` too: each table gets a part of the rows",
        read.what, read.name
    )
}
