//! The identities of a service at other clouds, which pipes need.

use serde_json::Value;

/// The identity of a service at Google Cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadIdentity {
    /// The principal to grant access to; `None` if there is none yet.
    pub principal: Option<String>,
    /// Whether pipes can use it.
    pub is_ready: bool,
}

/// The identity at Google Cloud; `None` if the service has none.
pub fn workload_identity(context: &Value) -> Option<WorkloadIdentity> {
    let identity = context.get("gcpWorkloadIdentity")?;
    if identity.get("supported") != Some(&Value::Bool(true)) {
        return None;
    }
    let principal = identity["principal"].as_str().map(str::to_owned);
    // `ready` may be null.
    Some(WorkloadIdentity { is_ready: principal.is_some() && identity["ready"] != false, principal })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::workload_identity;

    #[test]
    fn identity_is_known_where_it_is_supported() {
        let of = |identity: Value| {
            let found = workload_identity(&json!({ "gcpWorkloadIdentity": identity }));
            found.map(|it| (it.principal, it.is_ready))
        };
        assert_eq!(of(json!({"supported": false, "ready": null, "principal": null})), None);
        assert_eq!(of(json!({"supported": true, "ready": false, "principal": "p"})), Some((Some("p".into()), false)));
        assert_eq!(of(json!({"supported": true, "ready": null, "principal": "p"})), Some((Some("p".into()), true)));
        assert_eq!(of(json!({"supported": true})), Some((None, false)));
        assert_eq!(workload_identity(&json!({})), None);
    }
}
