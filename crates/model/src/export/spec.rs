//! What of a live body belongs into a manifest, and how it is written there.

use serde_json::{Map, Value, json};

use super::Endpoints;
use crate::address::Address;
use crate::live::Object;
use crate::mark;
use crate::path::Path;
use crate::reference::{self, Node};
use crate::rules::{Rules, without_password};

/// What the API says of an object and takes from nobody.
const READ_ONLY: &[&str] = &[
    "id",
    "serviceId",
    "state",
    "status",
    "createdAt",
    "updatedAt",
    "endpointId",
    "dnsNames",
    "privateDnsNames",
];

/// What was taken over.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) spec: Value,
    /// Where a value held a secret, from the root of the document.
    pub(super) secrets: Vec<Path>,
    pub(super) remarks: Vec<String>,
    /// Why no manifest can say it.
    pub(super) flaws: Vec<String>,
    /// What only an `additional` can hold, with its place there.
    extra: Vec<(Path, Value)>,
}

pub(super) fn take(at: &Address, object: &Object, endpoints: &Endpoints) -> Taken {
    let rules = Rules::of(at.kind);
    let mut reader = Reader { at, id: object.id.as_str(), endpoints, taken: Taken::default() };
    let body = rules.respelled(&object.body);
    if let (Some(node), Value::Object(fields)) = (Node::document(at.kind).child("spec"), &body) {
        let place = Place { path: Path::root(), additional: None };
        reader.taken.spec = reader.fields(&node, rules, fields, &place).into();
    }
    let Taken { spec, extra, .. } = &mut reader.taken;
    extra.drain(..).for_each(|(path, value)| path.set(spec, value));
    reader.taken
}

/// The text as manifests write it, where `${` begins a variable.
pub(crate) fn literal(text: &str) -> Value {
    Value::from(text.replace("${", "$${"))
}

struct Reader<'r> {
    at: &'r Address,
    id: &'r str,
    endpoints: &'r Endpoints,
    taken: Taken,
}

/// Where a value stands, and where that stands what no field takes.
struct Place {
    path: Path,
    additional: Option<Path>,
}

impl Place {
    fn child(&self, node: &Node, name: &str) -> Self {
        let additional = match node.additional() {
            Some(additional) => Some(self.path.child(additional)),
            None => self.additional.clone(),
        };
        Self {
            path: self.path.child(name),
            additional: additional.map(|additional| additional.child(name)),
        }
    }

    fn entry(&self, index: usize) -> Self {
        Self { path: self.path.child(index), additional: None }
    }
}

impl Reader<'_> {
    /// The known fields in the order in which they are declared.
    fn fields(
        &mut self,
        node: &Node,
        rules: &Rules,
        fields: &Map<String, Value>,
        place: &Place,
    ) -> Map<String, Value> {
        let mut taken = Map::new();
        let children = node.children();
        for (name, child) in &children {
            let Some(value) = fields.get(*name) else { continue };
            if child.is_marked(mark::LOCAL) {
                continue;
            }
            let place = place.child(node, name);
            let value = self.value(child, rules.field(name), value, &place);
            taken.extend(value.map(|value| ((*name).to_owned(), value)));
        }
        for (name, value) in fields {
            if children.iter().all(|(known, child)| known != name || child.is_marked(mark::LOCAL)) {
                self.unknown(name, value, &place.child(node, name));
            }
        }
        taken
    }

    /// The value as it is written; `None` where leaving it out means the same.
    fn value(&mut self, node: &Node, rules: &Rules, value: &Value, place: &Place) -> Option<Value> {
        if says_nothing(value) || is_default(node, value) || rules.secret {
            return None;
        }
        if !value.is_object() && rules.is_unsettled(Some(value)) {
            let path = &place.path;
            self.remark(format!("`{path}` is left out: the API has not settled it ({value})"));
            return None;
        }
        match value {
            Value::Object(fields) => {
                let fields = self.fields(node, rules, fields, place);
                (!fields.is_empty() || node.is_required()).then(|| fields.into())
            }
            Value::Array(items) => Some(self.items(node, rules, items, place)),
            Value::String(text) => self.text(node, rules, text, &place.path),
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        }
    }

    fn items(&mut self, node: &Node, rules: &Rules, items: &[Value], place: &Place) -> Value {
        let Some(item) = node.item() else { return Value::from(items) };
        let items = items.iter().enumerate().map(|(index, value)| match value {
            Value::Object(fields) => {
                self.fields(&item, rules.item(), fields, &place.entry(index)).into()
            }
            Value::String(text) => {
                self.text(&item, rules.item(), text, &place.path).unwrap_or_default()
            }
            _ => value.clone(),
        });
        items.collect()
    }

    fn text(&mut self, node: &Node, rules: &Rules, text: &str, path: &Path) -> Option<Value> {
        let shown = rules.shown(&Value::from(text));
        if shown != text {
            if node.may_be_secret() {
                self.taken.secrets.push(Path::parse("spec").join(path));
                return None;
            }
            let flaw = "holds a password, which a manifest cannot hold: put it where logins belong";
            self.taken.flaws.push(format!("`{path}` {flaw}"));
            return Some(shown);
        }
        // What has the object's own id in it was made up by the API.
        if text.contains(self.id) {
            return None;
        }
        let endpoint = rules
            .refers_to
            .and_then(|_| self.endpoints.get(&(self.at.service.clone(), text.to_owned())));
        Some(match endpoint {
            Some(name) => json!({"endpoint": literal(name)}),
            None => literal(text),
        })
    }

    /// A field that this version does not know.
    fn unknown(&mut self, name: &str, value: &Value, place: &Place) {
        let known = place.path.parent() == Some(Path::root())
            && (READ_ONLY.contains(&name)
                || self.at.kind.name_path().is_some_and(|path| path == place.path));
        if known || says_nothing(value) {
            return;
        }
        let path = &place.path;
        match &place.additional {
            _ if holds_secret(name, value) => {
                self.remark(format!(
                    "`{path}` is left out: this version does not know it, and it looks as if it \
                     held a secret. If it holds none, declare it under `additional`"
                ));
            }
            Some(additional) => match literally(value) {
                Some(value) => self.taken.extra.push((additional.clone(), value)),
                None => self.remark(format!(
                    "`{path}` is left out: this version does not know it, and it holds a list with \
                     a null in it, which a manifest cannot say"
                )),
            },
            None => self.remark(format!(
                "`{path}` is left out: this version does not know it, and a manifest cannot hold it"
            )),
        }
    }

    fn remark(&mut self, remark: String) {
        self.taken.remarks.push(remark);
    }
}

/// A null in an object says that nothing is set, and is left out. In a list it has a place, which
/// no manifest can give it: then there is nothing.
fn literally(value: &Value) -> Option<Value> {
    Some(match value {
        Value::String(text) => literal(text),
        Value::Array(items) => {
            if items.iter().any(Value::is_null) {
                return None;
            }
            items.iter().map(literally).collect::<Option<Vec<_>>>()?.into()
        }
        Value::Object(fields) => {
            let set = fields.iter().filter(|(_, value)| !value.is_null());
            let fields = set.map(|(name, value)| Some((name.clone(), literally(value)?)));
            fields.collect::<Option<Map<_, _>>>()?.into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

/// Going by the names on the way to a text, and by how it begins: rather too much is left out than
/// too little.
fn holds_secret(way: &str, value: &Value) -> bool {
    let name = way.rsplit('.').next().unwrap_or(way);
    reference::secret_names().contains(name)
        || match value {
            Value::String(text) => sounds_secret(way) || looks_secret(text),
            Value::Array(items) => items.iter().any(|item| holds_secret(way, item)),
            Value::Object(fields) => {
                fields.iter().any(|(name, value)| holds_secret(&format!("{way}.{name}"), value))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
}

/// What secrets are called, as lower case without anything between the words.
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "connectionstring",
    "privatekey",
    "accesskey",
    "apikey",
    "accountkey",
    "sharedkey",
    "keyfile",
    "accountfile",
    "signature",
];

fn sounds_secret(way: &str) -> bool {
    let way = squeezed(way, "");
    SECRET_WORDS.iter().any(|word| way.contains(word))
}

fn looks_secret(text: &str) -> bool {
    without_password(text) != text || text.contains("PRIVATE KEY-----") || gives_secret(text)
}

/// As `SharedAccessKey=…`, `?token=…` or `"password": "…"` does.
fn gives_secret(text: &str) -> bool {
    let text = squeezed(text, "=:");
    let given = |word: &&str| ["=", ":"].iter().any(|sign| text.contains(&format!("{word}{sign}")));
    SECRET_WORDS.iter().any(given)
}

/// Lower case, and nothing but letters, digits and these.
fn squeezed(text: &str, kept: &str) -> String {
    let kept = text.chars().filter(|c| c.is_ascii_alphanumeric() || kept.contains(*c));
    kept.collect::<String>().to_ascii_lowercase()
}

/// How the API answers for a field that nobody has set.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_default(node: &Node, value: &Value) -> bool {
    let default = (!node.is_required()).then(|| node.word("default")).flatten();
    default.is_some_and(|default| match (default, value) {
        (Value::Number(default), Value::Number(value)) => default.as_f64() == value.as_f64(),
        _ => default == value,
    })
}
