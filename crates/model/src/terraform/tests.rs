use serde_json::{Value, json};

use super::{Read, read, taken};

const SERVICE: &str = "11111111-1111-4111-8111-111111111111";

fn state(resources: &[(&str, Value)]) -> Value {
    let resources: Vec<Value> = resources
        .iter()
        .enumerate()
        .map(|(index, (kind, values))| {
            let address = format!("{kind}.r{index}");
            json!({"mode": "managed", "address": address, "type": kind, "values": values})
        })
        .collect();
    json!({"values": {"root_module": {"resources": resources}}})
}

fn pipe(source: &Value) -> Value {
    json!({"id": "i", "service_id": SERVICE, "name": "2 pipes", "source": source})
}

/// As much as a manifest needs.
fn whole(name: &str) -> Value {
    let mysql = json!({
        "host": "h", "port": 3306, "settings": {"replication_mode": "cdc"},
        "table_mappings": [
            {"source_schema_name": "s", "source_table": "t", "target_table": "t"},
        ],
        "credentials": {"username": "u", "password": "p"},
    });
    let mut values = pipe(&json!({ "mysql": mysql }));
    values["name"] = json!(name);
    values["destination"] = json!({"database": "d"});
    values
}

fn of(values: Value) -> Read {
    let (read, _) = taken(&state(&[("clickhouse_clickpipe", values)])).unwrap_or_default();
    read
}

fn remarks(read: &Read) -> Vec<String> {
    read.remarks.iter().map(ToString::to_string).collect()
}

#[test]
fn a_list_of_one_is_an_object_where_the_api_has_one() {
    let kafka =
        json!([{"topics": "t", "offset": [{"strategy": "from_latest"}], "schema_registry": []}]);
    let read = of(pipe(&json!([{ "kafka": kafka }])));
    let kafka = &read.objects[0].manifest["spec"]["source"]["kafka"];
    assert_eq!(kafka, &json!({"topics": "t", "offset": {"strategy": "from_latest"}}));
}

#[test]
fn what_is_not_understood_is_told_with_its_address() {
    let read = of(pipe(&json!({"kafka": {"topics": 1, "tombstone_mode": "x", "format": ["a"]}})));
    let told = remarks(&read);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("clickhouse_clickpipe.r0.source.kafka.format: "), "{told:?}");
    assert!(told[1].starts_with("clickhouse_clickpipe.r0.source.kafka.tombstone_mode: "));
}

#[test]
fn an_imported_database_pipe_gets_references_for_its_login() {
    let read = of(pipe(&json!({"mysql": {"host": "h", "credentials": null}})));
    let credentials = &read.objects[0].manifest["spec"]["source"]["mysql"]["credentials"];
    let reference = |field: &str| json!({ "fromEnv": format!("PIPE_2_PIPES_{field}") });
    let wanted = json!({"username": reference("USERNAME"), "password": reference("PASSWORD")});
    assert_eq!(credentials, &wanted);
}

#[test]
fn a_login_without_a_password_in_the_state_has_one_unless_a_role_stands_in() {
    for (authentication, has) in [("basic", true), ("IAM_ROLE", false)] {
        let login = json!({"username": "u", "password": null, "password_wo_version": null});
        let mysql = json!({"authentication": authentication, "credentials": login});
        let read = of(pipe(&json!({ "mysql": mysql })));
        let credentials = &read.objects[0].manifest["spec"]["source"]["mysql"]["credentials"];
        assert_eq!(credentials.get("password").is_some(), has, "{credentials}");
    }
}

#[test]
fn the_live_state_counts_and_a_difference_is_told() {
    for (state, stopped, written, told) in [
        ("Running", json!(false), false, 0),
        ("Paused", json!(true), true, 0),
        ("Stopped", json!(false), true, 1),
        ("Running", json!(true), false, 1),
        ("Stopped", Value::Null, true, 0),
    ] {
        let mut values = pipe(&json!({"kafka": {"topics": "t"}}));
        values["state"] = json!(state);
        values["stopped"] = stopped;
        let read = of(values);
        let spec = &read.objects[0].manifest["spec"];
        assert_eq!(spec.get("state").is_some(), written, "{state}: {spec}");
        assert_eq!(read.remarks.len(), told, "{state}: {:?}", remarks(&read));
    }
}

#[test]
fn two_of_one_name_are_told_apart() {
    let ids = ["a", "b"].map(|last| format!("11111111-1111-4111-8111-11111111111{last}"));
    let two = ids.clone().map(|id| {
        let mut values = whole("2 pipes");
        values["id"] = json!(id);
        ("clickhouse_clickpipe", values)
    });
    let read = read(&state(&two)).unwrap_or_default();
    let pinned = read.objects.iter().map(|object| &object.manifest["metadata"]["id"]);
    assert!(pinned.eq(ids.iter()));
    let flawed: Vec<_> = read.objects.iter().map(|object| !object.flaws.is_empty()).collect();
    assert_eq!(flawed, [false, true], "one of them is managed");
    assert_eq!((read.removed.len(), read.remarks.len()), (1, 1), "{:?}", remarks(&read));
    assert!(read.removed[0].to_string().contains("from = clickhouse_clickpipe.r0\n"));
    let variables = read.objects.iter().flat_map(|object| &object.secrets);
    let variables: Vec<_> = variables.map(|secret| secret.variable.as_str()).collect();
    assert_eq!(variables, ["PIPE_2_PIPES_PASSWORD", "PIPE_2_PIPES_PASSWORD_2"]);
}

#[test]
fn names_of_an_endpoint_that_manifests_cannot_say_are_left_alone() {
    let endpoint = json!({
        "id": "e", "service_id": SERVICE, "description": "d", "type": "VPC_ENDPOINT_SERVICE",
        "vpc_endpoint_service_name": "com.amazonaws.vpce.eu-west-1.vpce-svc-0a",
    });
    let names = |target: Value| {
        json!({"service_id": SERVICE, "reverse_private_endpoint_id": "e",
            "mapping": [{"private_dns_name": "a.example.com", "target_id": target}]})
    };
    for (target, written) in [(Value::Null, true), (json!("rcfg-1"), false)] {
        let dns = "clickhouse_clickpipes_reverse_private_endpoint_custom_private_dns";
        let both = [
            ("clickhouse_clickpipes_reverse_private_endpoint", endpoint.clone()),
            (dns, names(target)),
        ];
        let read = read(&state(&both)).unwrap_or_default();
        let spec = &read.objects[0].manifest["spec"];
        assert_eq!(spec.get("customPrivateDnsMappings").is_some(), written, "{spec}");
        assert_eq!(read.remarks.is_empty(), written, "{:?}", remarks(&read));
        let forgotten: String = read.removed.iter().map(ToString::to_string).collect();
        assert_eq!(forgotten.contains(dns), written, "what is not managed here stays: {forgotten}");
    }
}

#[test]
fn a_text_that_looks_like_a_variable_is_none() {
    let mut values = whole("${env} pipe");
    values["source"]["mysql"]["credentials"]["username"] = json!("${user}");
    let read = read(&state(&[("clickhouse_clickpipe", values)])).unwrap_or_default();
    let manifest = &read.objects[0].manifest;
    assert_eq!(manifest["metadata"]["name"], "$${env} pipe");
    let user = &manifest["spec"]["source"]["mysql"]["credentials"]["username"];
    assert_eq!(user, "$${user}");
    assert_eq!(read.objects[0].flaws, Vec::<String>::new());
}

#[test]
fn what_would_be_no_sound_manifest_stays_with_terraform() {
    let mut sourceless = whole("b");
    sourceless["source"] = Value::Null;
    let both = [("clickhouse_clickpipe", whole("a")), ("clickhouse_clickpipe", sourceless)];
    let read = read(&state(&both)).unwrap_or_default();
    let flawed: Vec<_> = read.objects.iter().map(|object| !object.flaws.is_empty()).collect();
    assert_eq!(flawed, [false, true], "{:?}", remarks(&read));
    assert_eq!((read.removed.len(), read.others), (1, 1));
    assert!(remarks(&read)[0].contains("only a comment: "), "{:?}", remarks(&read));
}

#[test]
fn what_a_manifest_does_not_take_is_left_out_and_what_it_needs_is_filled_in() {
    let mut values = whole("a");
    values["source"]["mysql"]["type"] = json!("tomorrowsql");
    values["source"]["mysql"]["server_id"] = json!(0);
    values["source"]["mysql"]["host"] = Value::Null;
    let read = read(&state(&[("clickhouse_clickpipe", values)])).unwrap_or_default();
    let mysql = &read.objects[0].manifest["spec"]["source"]["mysql"];
    assert_eq!((mysql.get("serverId"), &mysql["host"]), (None, &json!("FILL_IN")));
    assert_eq!((mysql.get("type"), &mysql["additional"]["type"]), (None, &json!("tomorrowsql")));
    assert_eq!(read.objects[0].flaws, Vec::<String>::new());
    assert_eq!(read.remarks.len(), 2, "{:?}", remarks(&read));
}

#[test]
fn a_resource_of_clickpipes_that_stays_is_told() {
    let resources = [
        ("clickhouse_clickpipes_ssh_key", json!({})),
        ("clickhouse_clickpipe", whole("a")),
        ("clickhouse_service", json!({})),
        ("clickhouse_clickpipe", json!({"name": "no service"})),
    ];
    let read = read(&state(&resources)).unwrap_or_default();
    assert_eq!((read.objects.len(), read.removed.len(), read.others), (1, 1, 2));
    assert_eq!(read.remarks.len(), 2, "{:?}", remarks(&read));
}

#[test]
fn a_state_of_which_nothing_can_be_made_is_no_success() {
    let nameless = json!({"id": "i", "service_id": SERVICE});
    let homeless = json!({"id": "i", "name": "n"});
    let both = [("clickhouse_clickpipe", nameless), ("clickhouse_clickpipe", homeless)];
    let told = read(&state(&both)).map_or_else(|error| error.to_string(), |_| String::new());
    assert!(told.contains("no manifest can be made") && told.contains("r1: "), "{told}");
}
