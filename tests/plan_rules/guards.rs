//! One live object has one manifest, and a guard asks for it under all its names.

use std::collections::{BTreeMap, BTreeSet};

use insta::assert_snapshot;
use model::address::{Address, Kind, ServiceRef};
use model::live::Live;
use model::selector::AddressPattern;
use pipectl::render::plan::{Context, render};
use planner::{Policy, plan};
use serde_json::json;

use super::{check, kafka, shown};
use crate::support::pipes::live_kafka_pipe;
use crate::support::{SERVICE, desired, live};

const OLD_ID: &str = "99999999-9999-4999-8999-999999999999";

fn pinned(id: &str, spec: &str) -> String {
    kafka("", spec).replace("service: analytics", &format!("service: analytics, id: {id}"))
}

/// The plan of a change from one manifest to another.
fn changed(base: &str, head: &str, policy: &Policy) -> String {
    let live = live(Kind::ClickPipe, &[live_kafka_pipe(&json!({}))]);
    let plan = plan(&desired(head), &live, Some(&desired(base)), policy);
    render(&plan, &Context::default()).to_plain()
}

#[test]
fn protect_that_the_change_removes_still_counts() {
    let base = kafka("", "  protect: true");
    for head in [kafka("", "  state: absent"), kafka("", "").replace("topics: clicks", "topics: other")] {
        let text = changed(&base, &head, &Policy::default());
        assert!(
            text.contains("it had `protect` before this change, so apply its removal as a change of its own"),
            "{text}"
        );
    }
    let text = changed(&kafka("", ""), &kafka("", "  state: absent"), &Policy::default());
    assert!(text.contains("1 to delete"), "{text}");
}

#[test]
fn protection_holds_for_a_pin_that_the_base_has_under_another_name() {
    let id = live_kafka_pipe(&json!({}))["id"].as_str().unwrap().to_owned();
    let base = pinned(&id, "  protect: true").replace("{name: clicks,", "{name: other,");
    let text = changed(&base, &kafka("", "  state: absent"), &Policy::default());
    assert!(text.contains("it had `protect` before this change"), "{text}");
}

#[test]
fn policy_protects_a_pipe_under_every_name() {
    let manifest = kafka("", "  state: absent").replace("{name: clicks,", "{name: new, previousNames: [clicks],");
    let others = ["7b3d0000-0000-4000-8000-000000000002", "Analytics EU", "eu"].map(ServiceRef::new);
    let service_names = BTreeMap::from([(ServiceRef::new(SERVICE), BTreeSet::from(others))]);
    let live = live(Kind::ClickPipe, &[live_kafka_pipe(&json!({}))]);
    for pattern in ["new", "clicks", "7b3d0000-*/clicks", "Analytics EU/*", "eu/new", "analytics/clicks"] {
        let protect = vec![AddressPattern::new(pattern)];
        let policy = Policy { protect, service_names: service_names.clone(), ..Policy::default() };
        let text = shown(&manifest, &live, &policy);
        assert!(text.contains(&format!("remove `{pattern}` from `policy.protect`")), "{pattern}: {text}");
    }
}

#[test]
fn replacement_of_a_pinned_pipe_says_that_the_pin_falls() {
    let id = live_kafka_pipe(&json!({}))["id"].as_str().unwrap().to_owned();
    let manifest = pinned(&id, "").replace("topics: clicks", "topics: other");
    let text = check(&manifest, &[live_kafka_pipe(&json!({}))]);
    let words = format!("remove the line of `metadata.id: {id}` (pipes.yaml:4:");
    assert!(text.contains(&words), "{text}");
}

#[test]
fn pin_of_a_replaced_pipe_blocks_nothing_that_is_in_sync() {
    assert_snapshot!(check(&pinned(OLD_ID, ""), &[live_kafka_pipe(&json!({}))]), @r#"
    analytics                                       1 object
      = clicks                                      unchanged
          = metadata.id                                 unpinned: the pinned object is gone, and the one of this name is "11111111-1111-4111-8111-111111111111": write that id, or remove the line

    No changes. Live pipes match the manifests.  1 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    "#);
    let text = check(&pinned(OLD_ID, "  scaling: {replicas: 4}"), &[live_kafka_pipe(&json!({}))]);
    let words = "the one of this name is 11111111-1111-4111-8111-111111111111. Write that id, or remove the line";
    assert!(text.contains("1 blocked") && text.contains(words), "{text}");
    let text = check(&pinned(OLD_ID, ""), &[]);
    assert!(text.contains("1 blocked") && text.contains("remove the line to create the object"), "{text}");
}

/// An old API has one size for the whole organization: two services with different ones would set it back and forth.
#[test]
fn different_sizes_of_one_live_object_are_blocked() {
    let scaling = |service: &str, cores: u32| {
        format!(
            "---\napiVersion: pipectl/v1\nkind: CdcScaling\nmetadata: {{service: {service}}}\nspec: \
             {{replicaCpuMillicores: {cores}000, replicaMemoryGb: {}}}\n",
            4 * cores
        )
    };
    let body = json!({"replicaCpuMillicores": 2000, "replicaMemoryGb": 8});
    let one = live(Kind::CdcScaling, &[body]);
    let observed = one.values().next().unwrap();
    let both = ["a", "b"].map(|service| Address::for_singleton(ServiceRef::new(service), Kind::CdcScaling));
    let both: Live = both.into_iter().map(|at| (at, observed.clone())).collect();
    let text = shown(&(scaling("a", 2) + &scaling("b", 4)), &both, &Policy::default());
    assert!(text.contains("0 to update") && text.contains("2 blocked"), "{text}");
    assert!(text.contains("this API has one for the whole organization, and `b/CdcScaling`"), "{text}");
    let text = shown(&(scaling("a", 4) + &scaling("b", 4)), &both, &Policy::default());
    assert!(text.contains("2 to update") && !text.contains("blocked"), "{text}");
}
