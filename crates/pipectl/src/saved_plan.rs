//! Saved plans: a plan is written to a file for review, and apply compares a new plan with it.
//!
//! Apply never performs the file. It plans again, and performs only changes that the saved plan contains too.
//
// Between review and merge somebody may change a pipe, or the manifests. To perform the file would silently overwrite
// that change; and a file from a pull request is untrusted. So the file can only remove changes from the plan.

mod differences;
mod reviewed_plans;

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use model::action::Action;
use model::address::{Address, ServiceRef};
use model::live::Id;
use model::path::FieldPath;
use planner::{Change, Plan, Verdict, actions_by_object};
use ring::digest;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use self::differences::write_only_reason;
pub use self::reviewed_plans::ReviewedPlans;
use crate::files;

/// The `kind` of a saved plan, and the version of its shape.
const KIND: &str = "SavedPlan";
const SCHEMA_VERSION: &str = "1.0";

/// The key of the digest over everything else in the file.
const FILE_DIGEST: &str = "fileDigest";

/// Several times the size of a plan of thousands of pipes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Organization and services of a plan. A service name may mean another service in another organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanTarget {
    /// The organization's id.
    pub organization: String,
    /// The ids of the services by label.
    pub services: BTreeMap<String, String>,
}

impl PlanTarget {
    fn service_id(&self, service: &str) -> Option<&str> {
        if ServiceRef::new(service).is_organization() {
            return Some(&self.organization);
        }
        self.services.get(service).map(String::as_str)
    }
}

/// The digest of a plan: `sha256:` and 64 hexadecimal digits, over its actions, its target, and the live values that it
/// depends on.
pub fn plan_digest(plan: &Plan, target: &PlanTarget) -> String {
    digest_objects(comparable_objects(plan, target).map(|(_, object)| object.sorted_text()))
}

/// Writes the plan to a file, with the services that could not be read. The file contains no secret.
pub fn save_plan(plan: &Plan, target: &PlanTarget, unreachable: &[&ServiceRef], file: &Path) -> Result<()> {
    let mut saved = json!({
        "schemaVersion": SCHEMA_VERSION,
        "kind": KIND,
        "digest": plan_digest(plan, target),
        "in": target,
        "plan": plan,
        "unreachable": unreachable,
    });
    saved[FILE_DIGEST] = json!(text_digest(&sorted_text(&saved)));
    let text = format!("{saved:#}\n");
    // Private, because live values reveal much about a system.
    files::write_private_file(file, &text)
}

/// A reviewed plan, by object.
pub struct SavedPlan {
    objects: BTreeMap<String, Value>,
    /// The services that it could not read. They only explain why their objects are not reviewed.
    unreachable: Value,
}

/// An object whose new change differs from the reviewed one. It is not changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StaleObject {
    /// The object.
    pub address: Address,
    /// The differences, one sentence each.
    pub reasons: Vec<String>,
}

impl SavedPlan {
    /// Reads a saved plan.
    ///
    /// # Errors
    /// When the file cannot be read, is not a saved plan, or was changed after it was saved.
    // The digest of the file detects accidents, such as a merge of two files, in all of its content. It is not a
    // signature: whoever changes the file can change the digest, so safety does not depend on it.
    pub fn read_file(file: &Path) -> Result<Self> {
        let name = file.display();
        let text = files::read_named_file(file, MAX_BYTES)?;
        let mut saved: Value = serde_json::from_slice(&text).with_context(|| format!("{name} is not a saved plan"))?;
        if saved["kind"] != KIND || saved["schemaVersion"] != SCHEMA_VERSION {
            bail!("{name} is not a plan that this version of pipectl saved with `plan --out`");
        }
        let expected = saved.as_object_mut().and_then(|it| it.remove(FILE_DIGEST));
        if expected != Some(json!(text_digest(&sorted_text(&saved)))) {
            bail!("{name} was changed after it was saved: its digest does not match");
        }
        let target = PlanTarget::deserialize(&saved["in"]);
        let target = target.with_context(|| format!("{name} does not say where it is performed"))?;
        let objects = objects_from_json(&saved["plan"], &target);
        Ok(Self { objects, unreachable: saved["unreachable"].clone() })
    }

    fn reason_not_planned(&self, at: &Address) -> String {
        let was_unreachable = self.unreachable.as_array().is_some_and(|all| all.contains(&json!(at.service)));
        let why = if was_unreachable { "could not read its service" } else { "did nothing to it" };
        format!("the reviewed plan {why}")
    }

    /// Objects with write-only changes in the reviewed plan and no change in the new one.
    // Live never shows whether such a change was applied. A new plan without `--base` does not see it, so "no change"
    // does not mean that it is settled.
    fn dropped_write_only(&self, plan: &Plan) -> Vec<StaleObject> {
        let known = plan.in_sync.iter().chain(plan.ignored_changes.iter().map(|left| &left.address));
        let changed: BTreeSet<&Address> = plan.changes.iter().map(|change| &change.address).collect();
        let at: BTreeSet<&Address> = known.filter(|at| !changed.contains(at)).collect();
        let reasons = |at: &Address| -> Option<Vec<String>> {
            let fields = self.objects.get(&address_key(at))?["fields"].as_array()?;
            let unseen = fields.iter().filter(|field| field["writeOnly"] == true);
            let reasons: Vec<String> = unseen.map(|field| write_only_reason(&field["path"])).collect();
            (!reasons.is_empty()).then_some(reasons)
        };
        at.into_iter().filter_map(|at| Some(StaleObject { address: at.clone(), reasons: reasons(at)? })).collect()
    }
}

/// Parses `sha256:` and 64 hexadecimal digits, in any case.
///
/// # Errors
/// For anything else, also the beginning of a digest: no plan would ever match it.
pub fn parse_digest(text: &str) -> Result<String, String> {
    let text = text.trim().to_lowercase();
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err("write the whole digest, `sha256:` and 64 digits, as `plan` prints it".to_owned())
}

/// The whole plan if it has the expected digest; else none of it, with the reason for each object.
pub fn require_digest(expected: &str, plan: Plan, target: &PlanTarget) -> (Plan, Vec<StaleObject>) {
    let found = plan_digest(&plan, target);
    // A plan without changes cannot harm: an earlier apply of the reviewed plan may have done everything.
    if found == expected || plan.has_no_changes() {
        return (plan, Vec::new());
    }
    let reason = format!("the digest of this plan is {found}, not the expected {expected}");
    let refused = |at: &Address| StaleObject { address: at.clone(), reasons: vec![reason.clone()] };
    let stale = plan.changes.iter().map(|change| refused(&change.address)).collect();
    (plan.narrow_to(|_| false), stale)
}

/// The compared part of an object's change. Positions in files and explanations are omitted.
#[derive(Serialize)]
struct ComparableObject<'p> {
    address: &'p Address,
    #[serde(rename = "in")]
    service_id: Option<&'p str>,
    id: &'p Option<Id>,
    verdict: &'p Verdict,
    fields: Vec<ComparableField<'p>>,
    actions: Vec<&'p Action>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ComparableField<'p> {
    path: &'p FieldPath,
    entry: &'p Option<String>,
    before: &'p Option<Value>,
    after: &'p Option<Value>,
    write_only: bool,
}

impl ComparableObject<'_> {
    /// The same as [`sorted_text`] of its JSON. The body of a create is most of a plan, and is not copied.
    fn sorted_text(&self) -> String {
        let object = SortedObject {
            actions: self.actions.iter().map(|action| SortedAction(action)).collect(),
            address: SortedValue(json!(self.address)),
            fields: SortedValue(json!(self.fields)),
            id: self.id,
            service_id: self.service_id,
            verdict: SortedValue(json!(self.verdict)),
        };
        serde_json::to_string(&object).expect("an object is JSON")
    }
}

/// The members in the order of their names.
#[derive(Serialize)]
struct SortedObject<'p> {
    actions: Vec<SortedAction<'p>>,
    address: SortedValue<Value>,
    fields: SortedValue<Value>,
    id: &'p Option<Id>,
    #[serde(rename = "in")]
    service_id: Option<&'p str>,
    verdict: SortedValue<Value>,
}

struct SortedAction<'p>(&'p Action);

impl Serialize for SortedAction<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Create<'p> {
            address: SortedValue<Value>,
            body: SortedValue<&'p Value>,
        }
        match self.0 {
            // An action with further fields takes the general path.
            Action::Create { address, body, paused_beside: None, unproven } if unproven.is_empty() => {
                let create = Create { address: SortedValue(json!(address)), body: SortedValue(body) };
                serializer.collect_map([("create", create)])
            }
            action => SortedValue(json!(action)).serialize(serializer),
        }
    }
}

fn objects_by_address(plan: &Plan, target: &PlanTarget) -> BTreeMap<String, Value> {
    comparable_objects(plan, target).map(|(key, object)| (key, json!(object))).collect()
}

/// The objects one by one, in order: as JSON, all of them take several times the memory of the plan.
fn comparable_objects<'p>(
    plan: &'p Plan,
    target: &'p PlanTarget,
) -> impl Iterator<Item = (String, ComparableObject<'p>)> {
    let mut actions_of = actions_by_object(&plan.actions);
    let changes: BTreeMap<String, &Change> =
        plan.changes.iter().map(|change| (address_key(&change.address), change)).collect();
    changes.into_iter().map(move |(key, change)| {
        let Change { address, id, verdict, .. } = change;
        let fields = change.fields.iter().map(|field| ComparableField {
            path: &field.path,
            entry: &field.entry,
            before: &field.before,
            after: &field.after,
            write_only: field.write_only,
        });
        let object = ComparableObject {
            address,
            service_id: target.service_id(address.service.as_str()),
            id,
            verdict,
            fields: fields.collect(),
            actions: actions_of.remove(address).unwrap_or_default(),
        };
        (key, object)
    })
}

fn objects_from_json(plan: &Value, target: &PlanTarget) -> BTreeMap<String, Value> {
    let mut actions_of: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for action in plan["actions"].as_array().into_iter().flatten() {
        let key = action_address(action).map(Value::to_string).unwrap_or_default();
        actions_of.entry(key).or_default().push(action.clone());
    }
    let mut objects = BTreeMap::new();
    for change in plan["changes"].as_array().into_iter().flatten() {
        let key = change["address"].to_string();
        let actions = actions_of.remove(&key).unwrap_or_default();
        objects.insert(key, comparable_object(change, actions, target));
    }
    objects
}

/// A [`ComparableObject`] from a file, with the same fields.
fn comparable_object(change: &Value, actions: Vec<Value>, target: &PlanTarget) -> Value {
    let fields: Vec<Value> = change["fields"].as_array().into_iter().flatten().map(comparable_field).collect();
    // A list of values would be copied by `json!`, and a create is mostly its body.
    let mut object = json!({
        "address": change["address"],
        "in": target.service_id(change["address"]["service"].as_str().unwrap_or_default()),
        "id": change["id"],
        "verdict": change["verdict"],
        "fields": fields,
    });
    object["actions"] = Value::Array(actions);
    object
}

fn action_address(action: &Value) -> Option<&Value> {
    // An action is an object with one key, its kind.
    action.as_object()?.values().next()?.get("address")
}

fn comparable_field(field: &Value) -> Value {
    json!({
        "path": field["path"],
        "entry": field["entry"],
        "before": field["before"],
        "after": field["after"],
        "writeOnly": field["writeOnly"] == true,
    })
}

/// A value as JSON, with the keys of each object in order.
// The order of keys in a manifest has no meaning, and `fmt` changes it.
struct SortedValue<V>(V);

impl<V: Borrow<Value>> Serialize for SortedValue<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.borrow() {
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name, SortedValue(value))).collect();
                fields.sort_unstable_by_key(|(name, _)| *name);
                serializer.collect_map(fields)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(SortedValue)),
            value => value.serialize(serializer),
        }
    }
}

fn sorted_text(value: &Value) -> String {
    serde_json::to_string(&SortedValue(value)).expect("a value is JSON")
}

fn address_key(at: &Address) -> String {
    json!(at).to_string()
}

/// The digest of the texts of the objects as a JSON list.
fn digest_objects(objects: impl Iterator<Item = String>) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"[");
    for (index, object) in objects.enumerate() {
        context.update(if index == 0 { b"" } else { b"," });
        context.update(object.as_bytes());
    }
    context.update(b"]");
    format_digest(&context.finish())
}

fn text_digest(text: &str) -> String {
    format_digest(&digest::digest(&digest::SHA256, text.as_bytes()))
}

fn format_digest(hash: &digest::Digest) -> String {
    hash.as_ref().iter().fold("sha256:".to_owned(), |digest, byte| digest + &format!("{byte:02x}"))
}
