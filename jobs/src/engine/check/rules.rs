//! What a row may not be, and which rule it breaks.

use arrow::datatypes::{DataType, Schema};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::expr_fn::nullif;
use datafusion::logical_expr::expr_fn::{cast, ident, is_null, when};
use datafusion::logical_expr::{Expr, lit};

use super::{CheckExec, Columns, MINUTE_MICROS, Rule, SourceCheck, had, origins};
use crate::engine::origin;
use crate::project::contract::{Column, ColumnType, ForeignUnit, INTERVAL_MINUTES, TIME_ZONE};

impl SourceCheck {
    /// The canonical columns, the first rule that the row breaks, and where it
    /// came from; and the rules.
    pub(super) fn judge(&self, parsed: &Schema, raw: &Schema) -> Result<(Columns, Vec<Rule>)> {
        let mut columns: Vec<_> =
            self.contract.columns.iter().map(|column| (ident(&column.name), column.name.clone())).collect();
        let mut rules: Vec<Rule> = Vec::new();
        let mut cases: Vec<(Expr, Expr)> = Vec::new();
        let mut case = |broken: Expr, rule: Rule| {
            cases.push((broken, lit(rules.len() as i32)));
            rules.push(rule);
        };
        if parsed.index_of(origin::FAULT).is_ok() {
            let faults = [
                ("row.fields", "the row has another number of fields than the header"),
                ("row.quote", "a quote of the row is not closed, or not at the end of its field"),
            ];
            for (code, (name, reason)) in faults.into_iter().enumerate() {
                let broken = ident(origin::FAULT).eq(lit(code as i32));
                let is_fatal = self.contract.is_fatal(name);
                case(broken, Rule { name: name.to_owned(), reason: reason.to_owned(), is_fatal });
            }
        }
        for column in &self.contract.columns {
            let mut broken = self.breaches(column, parsed, raw);
            broken.extend(self.misplaced(column));
            for (broken, name, why) in broken {
                let (name, reason) = (format!("{}.{name}", column.name), format!("{}: {why}", column.name));
                case(broken, Rule { is_fatal: self.contract.is_fatal(&name), name, reason });
            }
        }
        if let (Some(from), Some(to)) = (&self.contract.valid_from, &self.contract.valid_to) {
            let (name, reason) = (format!("{to}.before"), format!("{to}: before {from}"));
            case(ident(to).lt(ident(from)), Rule { is_fatal: self.contract.is_fatal(&name), name, reason });
        }
        // One CASE with many branches: nested ones take the planner minutes. Which
        // branch it was is asked of broken rows only.
        let none = lit(ScalarValue::Int32(None));
        let any = cases.iter().map(|(broken, _)| broken.clone()).reduce(Expr::or);
        let mut cases = cases.into_iter();
        let reason = match (any, cases.next()) {
            (Some(any), Some((broken, rule))) => {
                let mut branches = when(broken, rule);
                for (broken, rule) in cases {
                    branches = branches.when(broken, rule);
                }
                when(any, branches.otherwise(none.clone())?).otherwise(none)?
            }
            _ => none,
        };
        columns.push((reason, CheckExec::BROKEN.to_owned()));
        columns.extend(origins(parsed));
        Ok((columns, rules))
    }

    /// A reading must begin where an interval does: else several would fall into
    /// one. Clocks that are some seconds late are forgiven.
    fn misplaced(&self, column: &Column) -> Option<(Expr, &'static str, String)> {
        let has_interval = self.contract.column(INTERVAL_MINUTES).is_some();
        if column.kind != ColumnType::Timestamp || !has_interval || !self.contract.key.contains(&column.name) {
            return None;
        }
        let minute = cast(ident(&column.name), DataType::Int64) / lit(MINUTE_MICROS);
        let interval = nullif(ident(INTERVAL_MINUTES), lit(0_i64));
        Some(((minute % interval).not_eq(lit(0_i64)), "interval", "not where an interval begins".to_owned()))
    }

    /// What breaks a column: the condition, the rule's name, and the reason.
    fn breaches(&self, column: &Column, parsed: &Schema, raw: &Schema) -> Vec<(Expr, &'static str, String)> {
        let value = || ident(&column.name);
        let mut found = Vec::new();
        if parsed.index_of(&had(&column.name)).is_ok() {
            let broken = ident(had(&column.name)).and(is_null(value()));
            let why = match column.kind {
                ColumnType::Timestamp if !column.has_foreign_clock() => {
                    " (a time with an offset of its own needs from_time_zone = \"UTC\"; the clock may skip it)"
                }
                _ => "",
            };
            found.push((broken, "type", format!("cannot be read as {}{why}", column.kind.name())));
        }
        if !column.nullable {
            found.push((is_null(value()), "missing", "missing".to_owned()));
        }
        if let Some(min) = column.min {
            found.push((value().lt(lit(min)), "min", format!("below {min}")));
        }
        if let Some(max) = column.max {
            found.push((value().gt(lit(max)), "max", format!("above {max}")));
        }
        if !column.values.is_empty() {
            let allowed = column.values.iter().map(|value| lit(value.clone())).collect();
            found.push((value().in_list(allowed, true), "values", "not an allowed value".to_owned()));
        }
        if column.kind == ColumnType::Curve {
            let points = match self.day_minutes(raw) {
                Some(_) => "not as many points as its day has intervals of 60, 30, 15 or 5 minutes",
                None => "not a curve of 24, 48, 96 or 288 points",
            };
            found.push((self.is_no_day(value(), raw), "points", points.to_owned()));
            if let Some(ForeignUnit::KwhPerInterval(minutes)) = column.from_unit {
                let points = kwhy_udfs::expr_fn::curve_points(value());
                let is_other = (points * lit(minutes as i32)).not_eq(self.day_minutes(raw).unwrap_or(lit(1440)));
                found.push((is_other, "interval", format!("not a curve of intervals of {minutes} minutes")));
            }
        }
        found
    }

    /// Whether a curve is no day of intervals of 60, 30, 15 or 5 minutes: of 23 or
    /// 25 hours where the clock is changed, and only there.
    fn is_no_day(&self, curve: Expr, raw: &Schema) -> Expr {
        let points = kwhy_udfs::expr_fn::curve_points(curve);
        let Some(minutes) = self.day_minutes(raw) else {
            return points.in_list([24, 48, 96, 288].into_iter().map(lit).collect(), true);
        };
        let interval = minutes.clone() / nullif(points.clone(), lit(0));
        let is_whole = (points.clone() * interval.clone()).eq(minutes);
        let is_interval = interval.in_list([60, 30, 15, 5].into_iter().map(lit).collect(), false);
        // A curve that is not there has a rule of its own.
        points.is_not_null().and(is_whole.and(is_interval).is_not_true())
    }

    /// How long the day of a row is; `None` where no clock is ever changed.
    fn day_minutes(&self, raw: &Schema) -> Option<Expr> {
        let zone = self.contract.column(TIME_ZONE)?;
        let is_told = self.raw_value(zone, raw).is_some();
        let is_changed = self.contract.clock().is_some_and(|(_, zones)| zones.changes_clock());
        let mut dates = self.contract.key.iter().filter_map(|name| self.contract.column(name));
        let date = dates.find(|column| column.kind == ColumnType::Date).filter(|_| is_told || is_changed)?;
        let minutes = kwhy_udfs::expr_fn::day_minutes(ident(&date.name), ident(TIME_ZONE));
        when(minutes.clone().is_null(), lit(1440)).otherwise(minutes).ok()
    }
}
