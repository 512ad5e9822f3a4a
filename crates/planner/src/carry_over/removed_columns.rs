//! Removes carried values that name a column that the new object lacks.

use clickpipes::removed_columns::find_removed_columns;
use model::path::FieldPath;

use super::{CarriedOver, Kind, Value};

impl CarriedOver {
    /// Drops values that name a column that the change removes.
    //
    // ClickHouse refuses such a table, and it does so when the old object is gone.
    pub(super) fn drop_removed_columns(&mut self, kind: Kind, live: &Value) {
        for path in find_removed_columns(kind, &self.body, live) {
            if self.kept.iter().any(|kept| path.is_within(kept)) {
                let dropped = self.path_for_people(&path);
                path.remove_in(&mut self.body);
                self.kept.retain(|kept| *kept != path);
                self.dropped.push(dropped);
            }
        }
    }

    /// The path, with a column by its name and not by its place: `sortingKeys.id`.
    fn path_for_people(&self, path: &FieldPath) -> FieldPath {
        let list = path.parent().filter(|parent| parent.value_in(&self.body).is_some_and(Value::is_array));
        match (list, path.value_in(&self.body)) {
            (Some(list), Some(Value::String(column))) => list.child(column),
            _ => path.clone(),
        }
    }
}
