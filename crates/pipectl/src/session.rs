//! One run against one API: what is declared, and the client that speaks about it.

pub(crate) mod lookup;
mod pruning;
mod reading;
mod sight;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use model::address::{Address, ServiceRef};
use model::desired::{Desired, Document};
use model::diagnostic::{Diagnostic, SourceFile};
use model::live::Live;
use model::pattern::Pattern;
use model::project::Prune;
use planner::{Plan, Policy, UnseenChanges, plan, prune};
use remote::{Rate, Remote, Scope, Settings, Wait};

use crate::cli::{ConnectArgs, GitArgs, RateLimit, ScopeArgs};
use crate::declared::Declared;
use crate::environment;
use crate::git::{Ask, Memory, Repository, Services};
use crate::output::Output;
use crate::project::{self, Chosen};
use crate::render::plan::Context;
use crate::render::unread::Unread;
use crate::reviewed::Whereabouts;
use crate::sandboxed::Sandboxed;
use crate::secrets::{self, Resolver};
use crate::select::Selection;

use self::pruning::Pruning;
pub(crate) use self::reading::{Reading, gather};
pub(crate) use self::sight::{Sight, declared};

/// What is declared, what of it is meant, and the client.
pub(crate) struct Session {
    desired: Desired,
    warnings: Vec<Diagnostic>,
    meant: BTreeSet<Address>,
    partial: bool,
    remote: Remote,
    /// Where it speaks to.
    place: Whereabouts,
    /// Services that could not be found, and why.
    unknown: BTreeMap<ServiceRef, String>,
    /// What the first look at the live side did not see.
    unread: OnceCell<Vec<Unread>>,
    sandbox: Option<Arc<Sandboxed>>,
    rate: Option<Rate>,
    policy: model::project::Policy,
    /// What was declared before.
    base: Option<Desired>,
    /// What is deleted though no manifest says so.
    pruning: Pruning,
    /// What was read.
    files: Vec<SourceFile>,
    /// Where secrets come from.
    secrets: Arc<Resolver>,
    /// Whose secrets are sent again.
    resend: Vec<Pattern>,
}

/// How a command deals with the live side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// What an action waits for.
    pub(crate) wait: Wait,
    /// Whether an idle service may be woken, whatever the project file says.
    pub(crate) wake: bool,
    /// Whether the command writes at all: one that only looks wakes nothing.
    pub(crate) writes: bool,
}

impl Session {
    /// Reads the manifests and gets ready to speak to the API. Nothing is sent unless the
    /// manifests are sound and something must be looked up.
    pub(crate) async fn open(
        scope: &ScopeArgs,
        git: &GitArgs,
        manner: Manner,
        output: Output,
    ) -> Result<Self> {
        let chosen = project::choose(&scope.manifests, output)?;
        let declared = Declared::read(&chosen.manifests, &chosen.variables)?.sound(output)?;
        let selection = Selection::new(&scope.select)?;
        let prune = pruning::wanted(git, &chosen, &selection, output)?;
        let ask = Ask {
            base: git.base.clone(),
            since: git.changed_since.clone(),
            removed: prune == Prune::Git,
        };
        let memory = Memory::read(&ask, &chosen, output)?;
        let session =
            Self::start(chosen, declared, (memory, prune), &selection, &scope.connect, manner)
                .await?;
        Ok(Self { resend: resend(git, &session.meant)?, ..session })
    }

    /// To compare live with git and nothing else: with the manifests of a revision, of `HEAD`, or
    /// those of the working folder where there is no repository. Says which it is.
    pub(crate) async fn open_for_drift(
        scope: &ScopeArgs,
        revision: Option<&str>,
        output: Output,
    ) -> Result<(Self, String)> {
        let chosen = project::choose(&scope.manifests, output)?;
        let repository = match revision {
            Some(_) => Some(Repository::of(&chosen.manifests)?),
            None => Repository::find(&chosen.manifests)?,
        };
        let (declared, against) = if let Some(repository) = repository {
            let commit = repository.commit(revision.unwrap_or("HEAD"))?;
            let words = chosen.words_at(&repository, &commit)?;
            let mut declared = Declared::of(repository.files(&commit)?, &words.variables);
            chosen.call_anew(&mut declared.manifests, &words);
            if declared.files.is_empty() {
                bail!("no manifest in {} of {}", chosen.manifests[0].display(), commit.short);
            }
            (declared, format!("{} ({})", commit.short, commit.subject))
        } else {
            let declared = Declared::read(&chosen.manifests, &chosen.variables)?;
            (declared, "the manifests as they are, which are in no git repository".to_owned())
        };
        let (declared, selection) = (declared.sound(output)?, Selection::new(&scope.select)?);
        let (memory, manner) = ((Memory::default(), Prune::Never), Manner::default());
        let session =
            Self::start(chosen, declared, memory, &selection, &scope.connect, manner).await?;
        let base = Some(session.desired.clone());
        Ok((Self { base, ..session }, against))
    }

    async fn start(
        chosen: Chosen,
        declared: Declared,
        (mut memory, prune): (Memory, Prune),
        selection: &Selection,
        connect: &ConnectArgs,
        manner: Manner,
    ) -> Result<Self> {
        let wake = manner.wake || chosen.policy.wake_idle.unwrap_or_default();
        let wake = wake && manner.writes;
        let settings = Settings { wait: manner.wait, wake, ..settings(connect, &chosen)? };
        let rate = settings.rate;
        let (warnings, files) = (declared.diagnostics.clone(), declared.files.clone());
        let default = connect.service.clone().or_else(|| environment::variable("SERVICE_ID"));
        let named = lookup::Named {
            declared: declared.services(default.as_deref())?,
            remembered: pruning::services(prune, &chosen)
                .chain(memory.services(default.as_deref()))
                .collect(),
        };
        let sandbox = connect.sandbox.as_deref().map(Sandboxed::open).transpose()?;
        let found = match &sandbox {
            Some(sandbox) => lookup::inside(sandbox, &named, settings),
            None => lookup::outside(connect, &chosen, &named, settings).await?,
        };
        let (desired, mut ids) = declared.desired(&found.declared, default.as_deref())?;
        let services = Services::new(&found.declared, &found.remembered, &mut ids, default);
        let services = services.and(found.unknown.keys());
        let secrets = match &sandbox {
            Some(_) => Resolver::for_sandbox(&chosen.manifests)?,
            None => Resolver::default(),
        };
        let secrets = Arc::new(secrets.within(&chosen));
        let resolver = Arc::<Resolver>::clone(&secrets);
        let place = Whereabouts {
            organization: found.organization.clone(),
            services: ids.iter().map(|(label, id)| (label.to_string(), id.clone())).collect(),
        };
        let remote = found.directory.into_remote(found.organization, ids, resolver);
        let mut meant = selection.of(&desired)?;
        let since = memory.since(&services);
        if let Some(since) = &since {
            let changed =
                |at: &Address| since.get(at).is_none_or(|was| was.says_otherwise(&desired[at]));
            meant.retain(changed);
        }
        Ok(Self {
            meant,
            partial: !selection.is_all() || since.is_some(),
            remote,
            place,
            unknown: found.unknown,
            unread: OnceCell::new(),
            sandbox,
            rate,
            base: memory.base(&services),
            pruning: Pruning::new(prune, &chosen.policy, &memory, &services),
            policy: chosen.policy,
            desired,
            warnings,
            files,
            secrets,
            resend: Vec::new(),
        })
    }

    /// Observes the live side and compares. See [`Session::unread`] for what is missing.
    pub(crate) async fn plan(&self) -> Result<Plan> {
        let Reading { live, unread } =
            reading::read(&self.remote, self.scope(), &self.unknown).await?;
        self.unread.get_or_init(|| unread);
        Ok(self.compare(&live, UnseenChanges::Made))
    }

    /// The same after the plan was performed, where it could be read before: what live cannot show
    /// is not asked for once more.
    pub(crate) async fn plan_again(&self) -> Result<Plan> {
        let mut scope = self.scope();
        scope.kinds.retain(|service, _| self.is_read(service));
        let live = self.remote.observe(&scope).await?;
        Ok(self.compare(&live, UnseenChanges::TakenForMade))
    }

    /// Says what is not pruned though it could be thought so.
    pub(crate) fn tell_kept(&self, plan: &Plan, output: Output) {
        for note in self.pruning.kept(plan) {
            output.say(&note);
        }
    }

    /// Services that the plan says nothing about, as they could not be read.
    pub(crate) fn unread(&self) -> &[Unread] {
        self.unread.get().map_or(&[], Vec::as_slice)
    }

    fn is_read(&self, service: &ServiceRef) -> bool {
        self.unread().iter().all(|unread| unread.service != *service)
    }

    fn compare(&self, live: &Live, unseen: UnseenChanges) -> Plan {
        let mut desired = self.desired.clone();
        // Where nothing is known, nothing is missing.
        desired.retain(|at, _| self.is_read(&at.service));
        let protect = self.policy.protect.iter().flatten().map(Pattern::new).collect();
        let policy = Policy { protect, resend: self.resend.clone(), unseen };
        let plan = plan(&desired, live, self.base.as_ref(), &policy);
        if self.partial {
            return plan.narrowed(|at| self.meant.contains(at));
        }
        let proofs = self.pruning.proofs(&plan);
        prune(plan, &desired, live, &proofs, &policy)
    }

    /// What else a plan's text says.
    pub(crate) fn context(&self, diff: bool) -> Context {
        let requests = self.remote.requests();
        Context {
            unread: self.unread().to_vec(),
            partial: self.partial.then_some((self.meant.len(), self.desired.len())),
            // What the API turned away for now was sent again.
            requests: usize::try_from(requests.sent - requests.throttled).unwrap_or(usize::MAX),
            rate: self.rate.map(|rate| (rate.requests, rate.per.as_secs_f64())),
            diff,
        }
    }

    /// Which organization and services a plan is about.
    pub(crate) fn place(&self) -> &Whereabouts {
        &self.place
    }

    /// What the project file allows.
    pub(crate) fn policy(&self) -> &model::project::Policy {
        &self.policy
    }

    /// The declared objects that are meant, without those of services that were not read.
    pub(crate) fn meant(&self) -> Vec<(Address, &Document)> {
        let meant = |at: &Address| self.meant.contains(at) && self.is_read(&at.service);
        let meant = self.desired.iter().filter(|(at, _)| meant(at));
        meant.map(|(at, document)| (at.clone(), document)).collect()
    }

    /// The references to secrets in what is meant that lead nowhere from here; tells them, too.
    pub(crate) fn unresolved(&self, output: Output) -> Vec<Diagnostic> {
        let meant = self.meant();
        let documents = meant.iter().map(|(_, document)| *document);
        let unresolved = secrets::check(&self.secrets, documents, &self.files);
        output.problems(&unresolved, &self.files);
        unresolved
    }

    /// What is doubtful in the files, though it stops nothing.
    pub(crate) fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The client.
    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Keeps what must outlive the run.
    pub(crate) fn close(&self) -> Result<()> {
        self.sandbox.as_ref().map_or(Ok(()), |sandbox| sandbox.save())
    }

    /// What has to be read to plan what is meant: one list for each kind in each service.
    fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        for at in &self.meant {
            let kinds = scope.kinds.entry(at.service.clone()).or_default();
            kinds.insert(at.kind);
            let document = &self.desired[at];
            kinds.extend(model::rules::Rules::of(at.kind).kinds_referred(&document.body));
            let blocks = document.body.as_object().into_iter().flatten();
            let blocks = blocks.filter(|(_, value)| value.is_object() || value.is_array());
            scope.detail.insert(at.clone(), blocks.map(|(name, _)| name.clone()).collect());
        }
        for (service, kind) in self.pruning.reads() {
            scope.kinds.entry(service.clone()).or_default().insert(kind);
        }
        scope
    }
}

/// Whose secrets to send again. A name that nobody has must not look like "nothing to do".
fn resend(git: &GitArgs, meant: &BTreeSet<Address>) -> Result<Vec<Pattern>> {
    let patterns: Vec<Pattern> = git.resend_secrets.iter().map(Pattern::new).collect();
    let lost = patterns.iter().find(|pattern| !meant.iter().any(|at| pattern.matches(at)));
    match lost {
        Some(lost) => bail!("--resend-secrets={lost}: no declared object has that name"),
        None => Ok(patterns),
    }
}

fn settings(connect: &ConnectArgs, chosen: &Chosen) -> Result<Settings> {
    let project = |limit: &model::project::RateLimit| {
        let text = format!("{}/{}", limit.requests, limit.per);
        RateLimit::parse(&text).map_err(|how| anyhow!("pipectl.yaml: rateLimit {text}: {how}"))
    };
    let rate = match (connect.rate_limit, &chosen.rate_limit) {
        (Some(limit), _) => limit.0,
        (None, Some(limit)) => project(limit)?.0,
        (None, None) => Some(Rate::default()),
    };
    Ok(Settings { rate, timeout: connect.timeout, ..Settings::default() })
}
