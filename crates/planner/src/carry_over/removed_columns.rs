//! What is carried over names no column that the new object lacks.

use clickpipes::removed_columns::find_removed_columns;

use super::{CarriedOver, Kind, Value};
use crate::overlay::remove_path;

impl CarriedOver {
    /// Drops what names a column that the change removes.
    //
    // ClickHouse refuses such a table, and it does so when the old object is gone.
    pub(super) fn drop_removed_columns(&mut self, kind: Kind, live: &Value) {
        for path in find_removed_columns(kind, &self.body, live) {
            if self.kept.iter().any(|kept| path.is_within(kept)) {
                remove_path(&mut self.body, &path);
                self.kept.retain(|kept| *kept != path);
                self.dropped.push(path);
            }
        }
    }
}
