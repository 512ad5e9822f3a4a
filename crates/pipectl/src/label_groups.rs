//! Objects by the value of a label: for `--group-by`.

use std::collections::BTreeMap;

use model::address::Address;
use model::desired::Document;

#[derive(Debug, Default)]
pub(crate) struct LabelValues {
    key: String,
    values: BTreeMap<Address, String>,
}

impl LabelValues {
    /// The values of the label `key` in these manifests.
    pub(crate) fn from_documents<'d>(
        key: &str,
        documents: impl IntoIterator<Item = (&'d Address, &'d Document)>,
    ) -> Self {
        let value =
            |(at, document): (&Address, &Document)| Some((at.clone(), document.intent.labels.get(key)?.clone()));
        Self { key: key.to_owned(), values: documents.into_iter().filter_map(value).collect() }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// `None` for an object without the label, and for one without a manifest.
    pub(crate) fn value_of(&self, at: &Address) -> Option<&str> {
        self.values.get(at).map(String::as_str)
    }

    /// The items by value. Those without one come last.
    pub(crate) fn group_items<'l, T>(
        &'l self,
        items: impl IntoIterator<Item = T>,
        address: impl Fn(&T) -> &Address,
    ) -> Vec<(Option<&'l str>, Vec<T>)> {
        let mut groups: BTreeMap<(bool, Option<&'l str>), Vec<T>> = BTreeMap::new();
        for item in items {
            let value = self.value_of(address(&item));
            groups.entry((value.is_none(), value)).or_default().push(item);
        }
        groups.into_iter().map(|((_, value), items)| (value, items)).collect()
    }
}

/// `team=data`, or `no team`.
pub(crate) fn group_title(key: &str, value: Option<&str>) -> String {
    value.map_or_else(|| format!("no {key}"), |value| format!("{key}={value}"))
}
