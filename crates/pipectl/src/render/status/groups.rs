//! The status by the value of a label.

use std::time::SystemTime;

use clickpipes::lifecycle::Health;
use model::address::Address;
use serde::Serialize;

use super::table::{self, NameStyle};
use super::{PipeStatus, StatusReport, explain_service_state, health_counts, push_service_heading, push_service_notes};
use crate::escape::{markdown_code, sanitize_line};
use crate::label_groups::{LabelValues, group_title};
use crate::output::{Label, StyledText};

/// The status, and its pipes by the value of a label.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupedStatus<'s> {
    #[serde(flatten)]
    report: &'s StatusReport,
    group_by: &'s str,
    groups: Vec<StatusGroup<'s>>,
}

#[derive(Debug, Serialize)]
struct StatusGroup<'s> {
    /// `None` for pipes without the label.
    value: Option<&'s str>,
    #[serde(flatten)]
    counts: HealthCounts,
    #[serde(rename = "pipes")]
    addresses: Vec<&'s Address>,
    #[serde(skip)]
    pipes: Vec<&'s PipeStatus>,
}

/// The number of pipes by health.
#[derive(Debug, Serialize)]
struct HealthCounts {
    ok: usize,
    moving: usize,
    warning: usize,
    bad: usize,
}

impl HealthCounts {
    fn of_pipes(pipes: &[&PipeStatus]) -> Self {
        let count = |health: Health| pipes.iter().filter(|pipe| pipe.health == health).count();
        let [ok, moving, warning, bad] = [Health::Ok, Health::Moving, Health::Warning, Health::Bad].map(count);
        Self { ok, moving, warning, bad }
    }
}

impl<'s> GroupedStatus<'s> {
    /// Groups the pipes of all services.
    pub(crate) fn new(report: &'s StatusReport, labels: &'s LabelValues) -> Self {
        let groups = labels.group_items(report.all_pipes(), |pipe| &pipe.address).into_iter();
        let groups = groups.map(|(value, pipes)| StatusGroup {
            value,
            counts: HealthCounts::of_pipes(&pipes),
            addresses: pipes.iter().map(|pipe| &pipe.address).collect(),
            pipes,
        });
        Self { report, group_by: labels.key(), groups: groups.collect() }
    }

    /// A table for each group, then notes on services.
    pub(crate) fn render(&self, now: SystemTime) -> StyledText {
        let mut text = StyledText::new();
        for group in &self.groups {
            let title = sanitize_line(&group_title(self.group_by, group.value));
            text.push(Label::Name, title).push(Label::Dim, format!("  {}", health_counts(&group.pipes))).end_line();
            table::push_pipe_table(&mut text, &group.pipes, NameStyle::WithService, now);
            text.end_line();
        }
        for service in &self.report.services {
            let means = service.state.as_deref().and_then(explain_service_state);
            if service.error.is_some() || !service.endpoints.is_empty() || means.is_some() {
                push_service_heading(&mut text, service);
                push_service_notes(&mut text, service);
                text.end_line();
            }
        }
        text.push(Label::Heading, super::status_counts(self.report)).end_line();
        text
    }

    /// The groups as markdown.
    pub(crate) fn render_markdown(&self, now: SystemTime) -> String {
        let section = |group: &StatusGroup<'_>| {
            let title = markdown_code(&group_title(self.group_by, group.value));
            let table = table::pipe_table_markdown(&group.pipes, NameStyle::WithService, now);
            format!("### {title}: {}\n\n{table}", health_counts(&group.pipes))
        };
        let sections: String = self.groups.iter().map(section).collect();
        let services = self.report.services.iter();
        let services = services.filter(|service| service.error.is_some() || !service.endpoints.is_empty());
        let services: String = services.map(|service| super::service_section_markdown(service, "")).collect();
        format!("{sections}{services}{}\n", super::status_counts(self.report))
    }
}
