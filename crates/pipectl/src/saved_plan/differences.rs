//! The differences between a new plan and the reviewed one, object by object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(super) fn object_differences(reviewed: &Value, fresh: &Value) -> Vec<String> {
    // First of all: the same name in another organization or service is another object.
    if reviewed["in"] != fresh["in"] {
        return vec![format!("the reviewed plan was for {}, this is {}", reviewed["in"], fresh["in"])];
    }
    if reviewed == fresh || is_remaining_part(reviewed, fresh) {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    if reviewed["verdict"] != fresh["verdict"] {
        reasons.push(format!("the reviewed plan said {}, now it is {}", reviewed["verdict"], fresh["verdict"]));
    }
    match (&reviewed["id"], &fresh["id"]) {
        (then, now) if then == now => {}
        (then, Value::Null) => reasons.push(format!("the live object {then} is gone")),
        (Value::Null, now) => reasons.push(format!("the live object {now} was not there")),
        (then, now) => reasons.push(format!("the live object was {then}, now it is {now}")),
    }
    // The change of an object that is created or deleted has no fields to compare.
    if !member_list(fresh, "fields").is_empty() || reasons.is_empty() {
        reasons.extend(field_differences(reviewed, fresh));
    }
    if reasons.is_empty() {
        reasons.push("the requests differ from those of the reviewed plan".to_owned());
    }
    reasons
}

/// Several reviewed changes of an object as one, the newest first. It has the fields of all of them.
pub(super) fn joined(reviewed: &[&Value]) -> Option<Value> {
    let (newest, older) = reviewed.split_first()?;
    let mut all = (*newest).clone();
    let is_same = |one: &Value, other: &Value| one["path"] == other["path"] && one["entry"] == other["entry"];
    for field in older.iter().flat_map(|it| member_list(it, "fields")) {
        if !member_list(&all, "fields").iter().any(|known| is_same(known, field)) {
            all["fields"].as_array_mut()?.push(field.clone());
        }
    }
    Some(all)
}

/// Whether each part of the new change is in one of the reviewed ones.
//
//     main    o---A---B    A: replicas 1 -> 2    B: username u -> w
//
// Both were planned against `o`, and no apply ran in between: the change of the object is both together.
pub(super) fn is_in_several(reviewed: &[&Value], fresh: &Value) -> bool {
    let is_about_same = |it: &&&Value| ["in", "id", "verdict"].iter().all(|key| it[*key] == fresh[*key]);
    let alike: Vec<&Value> = reviewed.iter().filter(is_about_same).copied().collect();
    let of_all = |key: &str| alike.iter().flat_map(|it| member_list(it, key)).collect::<Vec<_>>();
    let (fields, actions, now) = (of_all("fields"), of_all("actions"), member_list(fresh, "fields"));
    // Live never shows a write-only field. If the new plan lacks a reviewed one, it is unknown whether it was sent.
    let is_forgotten = |field: &&&Value| field["writeOnly"] == true && !now.contains(field);
    now.iter().all(|field| fields.contains(&field) || is_merged_list(field, &fields))
        && !fields.iter().any(|field| is_forgotten(&field))
        && member_list(fresh, "actions").iter().all(|action| is_composed(action, &actions))
}

/// Whether the list after the change has every entry that a reviewed change adds, and none that one removes.
fn is_merged_list(field: &Value, reviewed: &[&Value]) -> bool {
    let is_same = |it: &&&Value| ["path", "entry", "before", "writeOnly"].iter().all(|key| it[*key] == field[*key]);
    let reviewed: Vec<&[Value]> = reviewed.iter().filter(is_same).map(|it| member_list(it, "after")).collect();
    let (before, after) = (member_list(field, "before"), member_list(field, "after"));
    let all = || reviewed.iter().copied().flatten().chain(before).chain(after);
    let is_expected = |entry: &Value| {
        let has = |list: &&[Value]| list.contains(entry);
        // An old entry stays if no reviewed change removed it; a new one is expected if any of them added it.
        if before.contains(entry) { reviewed.iter().all(has) } else { reviewed.iter().any(has) }
    };
    reviewed.len() > 1 && !after.is_empty() && all().all(|entry| after.contains(entry) == is_expected(entry))
}

/// Whether each value of the request is in one of the reviewed requests to the same part of the API.
fn is_composed(action: &Value, reviewed: &[&Value]) -> bool {
    let Some((kind, request)) = action.as_object().and_then(|it| it.iter().next()) else { return false };
    let requests = reviewed.iter().filter_map(|it| it.get(kind));
    let same: Vec<&Value> = requests.filter(|it| it["via"] == request["via"]).collect();
    !same.is_empty() && is_made_of(request, &same)
}

fn is_made_of(value: &Value, parts: &[&Value]) -> bool {
    match value {
        Value::Object(members) => members.iter().all(|(name, member)| {
            is_made_of(member, &parts.iter().filter_map(|part| part.get(name)).collect::<Vec<_>>())
        }),
        Value::Array(entries) => {
            let of_parts: Vec<&Value> = parts.iter().filter_map(|part| part.as_array()).flatten().collect();
            entries.iter().all(|entry| of_parts.contains(&entry))
        }
        _ => parts.contains(&value),
    }
}

/// Whether the reviewed replacement took effect: there is another object, as declared, and the remaining changes cannot
/// be seen live. With the same base, a change that only git shows would replace the new object, too.
pub(super) fn is_replaced_already(reviewed: &Value, fresh: &Value) -> bool {
    let fields = member_list(fresh, "fields");
    let is_replacement = [reviewed, fresh].iter().all(|it| it["verdict"] == "replace" && !it["id"].is_null());
    is_replacement
        && reviewed["in"] == fresh["in"]
        && reviewed["id"] != fresh["id"]
        && !fields.is_empty()
        && fields.iter().all(|field| field["writeOnly"] == true && member_list(reviewed, "fields").contains(field))
}

/// Whether the new change is a part of the reviewed one, and the rest is live already.
// An apply that was interrupted, or a second apply of the same file, must be able to continue.
fn is_remaining_part(reviewed: &Value, fresh: &Value) -> bool {
    if reviewed["verdict"] == "create" && !fresh["id"].is_null() {
        return is_rest_of_create(reviewed, fresh);
    }
    // An interrupted replacement has deleted the object, and the new plan creates it.
    let half_replaced = reviewed["verdict"] == "replace" && fresh["verdict"] == "create";
    let same = |key: &str| reviewed[key] == fresh[key];
    // The name is live already, and other fields are not.
    let half_renamed = reviewed["verdict"] == "rename" && fresh["verdict"] == "update";
    // A create sends everything.
    let is_forgotten =
        |field: &Value| !half_replaced && field["writeOnly"] == true && !member_list(fresh, "fields").contains(field);
    (half_replaced || (half_renamed || same("verdict")) && same("id"))
        && member_list(fresh, "fields").iter().all(|field| member_list(reviewed, "fields").contains(field))
        && !member_list(reviewed, "fields").iter().any(is_forgotten)
        && is_subsequence(member_list(fresh, "actions"), member_list(reviewed, "actions"), half_replaced)
}

/// Whether the object is live as the reviewed plan creates it, apart from later actions of that plan, such as a stop.
// With a base, an object that is new in git and live already is an adoption. It sends nothing if the create took
// effect, and a repeated job must not fail because of it.
fn is_rest_of_create(reviewed: &Value, fresh: &Value) -> bool {
    // The reviewed plan could not know the id.
    let without_id = |action: &Value| {
        let mut action = action.clone();
        let parts = action.as_object_mut().into_iter().flat_map(|kinds| kinds.values_mut());
        parts.filter_map(|part| part.get_mut("id")).for_each(|id| *id = Value::Null);
        action
    };
    let left: Vec<Value> = member_list(fresh, "actions").iter().map(without_id).collect();
    is_subsequence(&left, member_list(reviewed, "actions"), false)
}

fn member_list<'p>(piece: &'p Value, key: &str) -> &'p [Value] {
    piece[key].as_array().map_or(&[], Vec::as_slice)
}

/// Whether `all` contains `some` in the same order. With `as_parts`, one may be a part of the other: once the old
/// object is deleted, live no longer shows which values a replacement keeps. The values in the file are not sent.
fn is_subsequence(some: &[Value], all: &[Value], as_parts: bool) -> bool {
    let mut all = all.iter();
    some.iter().all(|one| all.any(|other| other == one || as_parts && contains(other, one)))
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            // A list with fewer entries is another list: a part of it would leave tables out.
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        _ => whole == part,
    }
}

fn field_differences(reviewed: &Value, fresh: &Value) -> Vec<String> {
    let named = |piece: &Value| -> BTreeMap<String, Value> {
        let fields = piece["fields"].as_array().cloned().unwrap_or_default();
        let name = |field: &Value| match (field["path"].as_str(), field["entry"].as_str()) {
            (Some(path), Some(entry)) => format!("{path} {entry}"),
            (path, _) => path.unwrap_or_default().to_owned(),
        };
        fields.into_iter().map(|field| (name(&field), field)).collect()
    };
    let (reviewed, fresh) = (named(reviewed), named(fresh));
    let all: BTreeSet<&String> = reviewed.keys().chain(fresh.keys()).collect();
    let reason = |name: &String| match (reviewed.get(name), fresh.get(name)) {
        (Some(then), Some(now)) if then["before"] != now["before"] => {
            Some(format!("live {name} is {}, the reviewed plan saw {}", now["before"], then["before"]))
        }
        (Some(then), Some(now)) if then["after"] != now["after"] => {
            Some(format!("declared {name} is {}, the reviewed plan had {}", now["after"], then["after"]))
        }
        (None, Some(_)) => Some(format!("the reviewed plan did not change {name}")),
        (Some(then), None) if then["writeOnly"] == true => Some(write_only_reason(&then["path"])),
        (Some(_), None) => Some(format!("the reviewed plan changed {name}, which is settled now")),
        _ => None,
    };
    all.into_iter().filter_map(reason).collect()
}

pub(super) fn write_only_reason(path: &Value) -> String {
    let path = path.as_str().unwrap_or_default();
    format!(
        "the reviewed plan sends {path}, which the API does not return: pass the same `--base` or \
         `--resend-secrets`"
    )
}
