//! Daily snapshots as states with a first day and a first day after.

use super::Contract;
use crate::project::model::quoted;

impl Contract {
    /// Snapshots in `rows` as states: each from the first of its snapshots to the
    /// first one without it. `$snapshots` are the days of all of them, in order.
    /// `None` where the source has no snapshots.
    pub fn states_sql(&self, rows: &str) -> Option<String> {
        if !self.has_snapshots {
            return None;
        }
        let (from, to) = (self.valid_from.as_ref()?, self.valid_to.as_ref()?);
        let rows = quoted(rows);
        let names = |names: &mut dyn Iterator<Item = &String>| names.map(|name| quoted(name)).collect::<Vec<_>>();
        let thing = names(&mut self.key.iter().filter(|name| *name != from)).join(", ");
        let columns = || self.columns.iter().map(|column| &column.name);
        let content = names(&mut columns().filter(|name| ![from, to].contains(name)));
        let greatest = content.iter().map(|column| format!("{column} desc nulls last")).collect::<Vec<_>>().join(", ");
        let changes = content.iter().map(|column| format!("(lag({column}) over thing is distinct from {column})"));
        let changes = changes.collect::<Vec<_>>().join("\n      or ");
        let result = columns().map(|name| match quoted(name) {
            column if name == from => format!("min({column}) as {column}"),
            column if name == to => format!("array_element($snapshots, max(_snapshot) + 1) as {column}"),
            column => column,
        });
        let (result, content, from) = (result.collect::<Vec<_>>().join(", "), content.join(", "), quoted(from));
        Some(format!(
            "with
-- Of two rows for one thing and day the greater one.
delivered as (
  select *, row_number() over (partition by {thing}, {from} order by {greatest}) as _place from {rows}
),
dated as (
  select *, cast(array_position($snapshots, {from}) as bigint) as _snapshot from delivered where _place = 1
),
step as (
  select
    *,
    (lag(_snapshot) over thing is distinct from _snapshot - 1)
      or {changes} as _is_new
  from dated
  window thing as (partition by {thing} order by _snapshot)
),
state as (
  select *, sum(case when _is_new then 1 else 0 end) over (partition by {thing} order by _snapshot) as _state from step
)
select {result} from state group by {content}, _state"
        ))
    }
}
