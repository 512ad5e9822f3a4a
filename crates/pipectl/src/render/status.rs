//! How the live pipes do: a table for each service, with what needs somebody in words.

mod ago;
mod table;

use std::time::SystemTime;

use model::action::RunState;
use model::address::{Address, Kind};
use model::lifecycle::{self, Health};
use model::live::{Live, Object};
use model::overview::{self, Size};
use serde::Serialize;

use super::diagnostics::plural;
use crate::output::{Label, Text};
use crate::report::escape::{clipped, code, one_line};

/// All services that were looked at.
#[derive(Debug, Default, Serialize)]
pub struct Status {
    /// By name.
    pub services: Vec<Service>,
}

/// One service.
#[derive(Debug, Serialize)]
pub struct Service {
    /// Its name.
    pub service: String,
    /// What it is doing, where that is known.
    pub state: Option<String>,
    /// Why its pipes could not be read.
    pub error: Option<String>,
    /// Its pipes, by name.
    pub pipes: Vec<Pipe>,
}

/// One pipe.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipe {
    /// Where it is.
    pub at: Address,
    /// Its id; `None` where it is declared and not live.
    pub id: Option<String>,
    /// Its state, in the API's words.
    pub state: String,
    /// How well it does.
    pub health: Health,
    /// Why; empty where the state says it all.
    pub note: String,
    /// Whether a manifest declares it; `None` where no manifests are at hand.
    pub managed: Option<bool>,
    /// What it reads.
    pub source: String,
    /// What it writes.
    pub tables: Vec<String>,
    /// What it runs on.
    pub size: Option<Size>,
    /// Whether other database pipes run on the same.
    pub shares_size: bool,
    /// When it was made.
    pub created_at: Option<String>,
    /// When it was changed last.
    pub updated_at: Option<String>,
}

impl Pipe {
    /// A live pipe, and what git says of it.
    pub fn live(
        at: &Address,
        object: &Object,
        managed: Option<bool>,
        declared: Option<RunState>,
        shared: Option<Size>,
    ) -> Self {
        let overview = overview::of(&object.body);
        let (health, note) = lifecycle::health(object, declared);
        Self {
            at: at.clone(),
            id: Some(object.id.to_string()),
            state: object.state.to_string(),
            health,
            note: note.to_owned(),
            managed,
            source: overview.source,
            tables: overview.tables,
            size: if overview.shares_size { shared } else { overview.size },
            shares_size: overview.shares_size,
            created_at: overview.created_at,
            updated_at: overview.updated_at,
        }
    }

    /// A pipe that is declared and not live.
    pub fn missing(at: &Address) -> Self {
        Self {
            at: at.clone(),
            id: None,
            state: String::new(),
            health: Health::Warning,
            note: "declared, and not live".to_owned(),
            managed: Some(true),
            source: String::new(),
            tables: Vec::new(),
            size: None,
            shares_size: false,
            created_at: None,
            updated_at: None,
        }
    }
}

/// The size that the database pipes of a service share.
pub fn shared_size(live: &Live) -> Option<Size> {
    let mut sizes = live.iter().filter(|(at, _)| at.kind == Kind::CdcScaling);
    overview::shared_size(&sizes.next()?.1.objects.first()?.body)
}

impl Status {
    /// All pipes.
    pub fn pipes(&self) -> impl Iterator<Item = &Pipe> {
        self.services.iter().flat_map(|service| &service.pipes)
    }

    /// How many pipes do so well.
    pub fn count(&self, health: Health) -> usize {
        self.pipes().filter(|pipe| pipe.health == health).count()
    }

    /// Whether somebody should look.
    pub fn is_unhealthy(&self) -> bool {
        self.count(Health::Warning) + self.count(Health::Bad) > 0
    }

    /// What could not be read, and why.
    pub fn errors(&self) -> Vec<String> {
        let failed = |it: &Service| Some(format!("{}: {}", it.service, it.error.as_ref()?));
        self.services.iter().filter_map(failed).collect()
    }
}

/// The word for how well a pipe does.
pub fn word(health: Health) -> &'static str {
    match health {
        Health::Ok => "ok",
        Health::Moving => "moving",
        Health::Warning => "warning",
        Health::Bad => "bad",
    }
}

/// For people, as of `now`.
pub fn render(status: &Status, now: SystemTime) -> Text {
    let mut text = Text::new();
    for service in &status.services {
        heading(&mut text, service);
        match &service.error {
            Some(error) => {
                text.push(Label::Delete, "  could not be read: ").plain(error.clone()).end();
            }
            None => table::render(&mut text, &service.pipes, now),
        }
        text.end();
    }
    text.push(Label::Heading, counts(status)).end();
    text
}

/// For a comment on a pull request, or a page.
pub fn markdown(status: &Status, now: SystemTime) -> String {
    let section = |service: &Service| {
        let state = service.state.as_deref().map(|state| format!(", {}", code(state)));
        let pipes = match &service.error {
            Some(error) => format!("Could not be read: {}\n\n", code(error)),
            None => table::markdown(&service.pipes, now),
        };
        format!("### {}{}\n\n{pipes}", code(&service.service), state.unwrap_or_default())
    };
    let sections: String = status.services.iter().map(section).collect();
    format!("{sections}{}\n", counts(status))
}

fn heading(text: &mut Text, service: &Service) {
    text.push(Label::Name, one_line(&service.service));
    if let Some(state) = &service.state {
        text.push(Label::Dim, format!("  {}", one_line(state)));
        if let Some(means) = asleep(state) {
            text.push(Label::Update, format!(": {means}"));
        }
    }
    text.end();
}

/// What it means for pipes that their service does not run.
pub fn asleep(state: &str) -> Option<&'static str> {
    match state {
        "idle" => Some("it sleeps; `apply` wakes it only with `--wake`"),
        "stopped" | "stopping" => Some("it was stopped on purpose; `apply` never starts it"),
        "awaking" | "starting" | "provisioning" => Some("it is on its way"),
        _ => None,
    }
}

fn counts(status: &Status) -> String {
    let healths = [Health::Ok, Health::Moving, Health::Warning, Health::Bad];
    let healths = healths.map(|health| format!("{} {}", status.count(health), word(health)));
    let pipes = plural(status.pipes().count(), "pipe");
    let unmanaged = status.pipes().filter(|pipe| pipe.managed == Some(false)).count();
    let unread = status.errors().len();
    let more = [
        (unmanaged > 0).then(|| format!("  {unmanaged} unmanaged.")),
        (unread > 0).then(|| format!("  {} could not be read.", plural(unread, "service"))),
    ];
    let more: String = more.into_iter().flatten().collect();
    format!("Status: {pipes}: {}.{more}", healths.join(", "))
}

/// What of a pipe is followed from one look to the next, in a line.
pub fn brief(pipe: &Pipe) -> String {
    let state = if pipe.id.is_none() { "not live" } else { &pipe.state };
    let note = if pipe.note.is_empty() { String::new() } else { format!(": {}", pipe.note) };
    clipped(&one_line(&format!("{state} ({}{note})", word(pipe.health))), 200)
}
