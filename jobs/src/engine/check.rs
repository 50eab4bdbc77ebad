//! A source's contract at work: foreign columns become canonical ones, and
//! rows that break the contract are set aside with their reason.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, ScalarValue, ToDFSchema, plan_err};
use datafusion::functions::expr_fn::{btrim, nullif};
use datafusion::logical_expr::expr_fn::{cast, ident, is_null, try_cast, when};
use datafusion::logical_expr::{Expr, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use crate::project::contract::{Breach, Column, ColumnType, Contract, ForeignUnit};

use super::check_exec::{CheckExec, CheckSpec};

/// Text that begins the reason of a row whose breach must stop the run.
pub const FATAL: char = '!';

/// A contract, bound to the columns that its files really have.
#[derive(Clone, Debug)]
pub struct SourceCheck {
    pub contract: Arc<Contract>,
    /// What travels with the plan.
    pub spec: CheckSpec,
    /// Empty texts of CSV files mean null.
    pub is_csv: bool,
}

/// The Arrow type of a canonical column.
pub fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Int => DataType::Int64,
        ColumnType::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Curve => DataType::List(Arc::new(Field::new("element", DataType::Int32, true))),
    }
}

/// The columns that a contract promises.
pub fn canonical_schema(contract: &Contract) -> SchemaRef {
    let field = |column: &Column| Field::new(&column.name, arrow_type(column.kind), true);
    Arc::new(Schema::new(contract.columns.iter().map(field).collect::<Vec<_>>()))
}

impl SourceCheck {
    pub fn schema(&self) -> SchemaRef {
        canonical_schema(&self.contract)
    }

    /// Positions of the file's columns that the contract reads.
    pub fn raw_columns(&self, raw: &Schema) -> Result<Vec<usize>> {
        let mut positions = Vec::new();
        for column in self.contract.columns.iter().filter(|column| column.value.is_none()) {
            match raw.index_of(&column.from) {
                Ok(position) if positions.contains(&position) => {}
                Ok(position) => positions.push(position),
                Err(_) if column.nullable => {}
                Err(_) => return plan_err!("{}: column `{}` is not in the files", self.contract.file, column.from),
            }
        }
        Ok(positions)
    }

    /// Mapping, checks and the requested columns over a scan of raw columns.
    pub fn plan(
        &self,
        scan: Arc<dyn ExecutionPlan>,
        projection: Option<&Vec<usize>>,
        state: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let raw = scan.schema();
        let parsed = self.project(scan, self.parse(&raw)?, state)?;
        let checked = self.project(Arc::clone(&parsed), self.judge(&parsed.schema())?, state)?;
        let check: Arc<dyn ExecutionPlan> = Arc::new(CheckExec::new(checked, self.spec.clone()));
        let Some(projection) = projection else { return Ok(check) };
        let schema = check.schema();
        let columns = projection
            .iter()
            .map(|position| ident(schema.field(*position).name()))
            .map(|expr| (expr.clone(), expr.schema_name().to_string()));
        let columns: Vec<_> = columns.collect();
        self.project(check, columns, state)
    }

    fn project(
        &self,
        input: Arc<dyn ExecutionPlan>,
        columns: Vec<(Expr, String)>,
        state: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema: DFSchema = input.schema().to_dfschema()?;
        let columns = columns
            .into_iter()
            .map(|(expr, alias)| Ok(ProjectionExpr { expr: state.create_physical_expr(expr, &schema)?, alias }))
            .collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, input)?))
    }

    /// Canonical columns, each with a flag that says whether the file had a
    /// value: what had one and is null now could not be read as its type.
    fn parse(&self, raw: &Schema) -> Result<Vec<(Expr, String)>> {
        let mut columns = Vec::new();
        for column in &self.contract.columns {
            let target = arrow_type(column.kind);
            let Some(value) = self.raw_value(column, raw) else {
                columns.push((lit(ScalarValue::try_from(&target)?), column.name.clone()));
                continue;
            };
            let (value, found) = value;
            columns.push((self.convert(column, value.clone(), &found)?, column.name.clone()));
            if found != target {
                columns.push((value.is_not_null(), had(&column.name)));
            }
        }
        Ok(columns)
    }

    /// The column as the file has it, cleaned, and its type; `None` where the
    /// file has no such column and need not.
    fn raw_value(&self, column: &Column, raw: &Schema) -> Option<(Expr, DataType)> {
        let (mut value, mut found) = match &column.value {
            Some(text) => (lit(text.clone()), DataType::Utf8),
            None => (ident(&column.from), raw.field_with_name(&column.from).ok()?.data_type().clone()),
        };
        if found.is_string() || (found.is_binary() && column.kind == ColumnType::Text) || !column.map.is_empty() {
            value = cast(value, DataType::Utf8);
            found = DataType::Utf8;
        }
        if found == DataType::Utf8 && (column.trim || self.is_csv && column.kind != ColumnType::Text) {
            value = btrim(vec![value]);
        }
        if found == DataType::Utf8 && self.is_csv {
            value = nullif(value, lit(""));
        }
        if let Some(((from, to), rest)) = column.map.split_first() {
            let mut cases = when(value.clone().eq(lit(from.clone())), lit(to.clone()));
            for (from, to) in rest {
                cases = cases.when(value.clone().eq(lit(from.clone())), lit(to.clone()));
            }
            value = cases.otherwise(value.clone()).ok()?;
        }
        Some((value, found))
    }

    fn convert(&self, column: &Column, value: Expr, found: &DataType) -> Result<Expr> {
        let converted = self.convert_type(column, value, found)?;
        Ok(match &column.zones {
            Some((from, to)) => kwhy_udfs::expr_fn::local_time(converted, lit(from.clone()), lit(to.clone())),
            None => converted,
        })
    }

    fn convert_type(&self, column: &Column, value: Expr, found: &DataType) -> Result<Expr> {
        let target = arrow_type(column.kind);
        if let (Some(unit), ColumnType::Int) = (column.from_unit, column.kind) {
            let factor: i128 = match unit {
                ForeignUnit::Kw | ForeignUnit::Kwh => 1000,
                ForeignUnit::KwhPerInterval(minutes) => i128::from(60_000 / minutes),
            };
            return Ok(whole(
                try_cast(value, DataType::Decimal128(28, 9)) * lit(ScalarValue::Decimal128(Some(factor), 6, 0)),
            ));
        }
        if let (Some(unit), ColumnType::Curve) = (column.from_unit, column.kind) {
            return match unit {
                ForeignUnit::Kw => Ok(kwhy_udfs::expr_fn::curve_from_kw(value)),
                ForeignUnit::KwhPerInterval(_) => Ok(kwhy_udfs::expr_fn::curve_from_kwh(value)),
                ForeignUnit::Kwh => plan_err!("{}: a curve is power", self.contract.file),
            };
        }
        if let (Some(format), DataType::Utf8) = (&column.format, found) {
            let instant = kwhy_udfs::expr_fn::parse_timestamp(value, lit(format.clone()));
            return Ok(if column.kind == ColumnType::Date { try_cast(instant, DataType::Date32) } else { instant });
        }
        Ok(match column.kind {
            _ if *found == target => value,
            ColumnType::Int if found.is_floating() || found.is_decimal() => {
                whole(try_cast(value, DataType::Decimal128(38, 9)))
            }
            _ => try_cast(value, target),
        })
    }

    /// The canonical columns and the first reason to reject the row.
    fn judge(&self, parsed: &Schema) -> Result<Vec<(Expr, String)>> {
        let mut columns: Vec<_> =
            self.contract.columns.iter().map(|column| (ident(&column.name), column.name.clone())).collect();
        let mut cases: Vec<(Expr, String)> = Vec::new();
        for column in &self.contract.columns {
            let fatal = column.on_breach.unwrap_or(self.contract.on_breach) == Breach::Fail;
            let prefix = if fatal { FATAL.to_string() } else { String::new() };
            for (broken, why) in breaches(column, parsed) {
                cases.push((broken, format!("{prefix}{}: {why}", column.name)));
            }
        }
        // One CASE with many branches: nested ones take the planner minutes. Which
        // branch it was is asked of broken rows only.
        let none = lit(ScalarValue::Utf8(None));
        let any = cases.iter().map(|(broken, _)| broken.clone()).reduce(Expr::or);
        let mut cases = cases.into_iter();
        let reason = match (any, cases.next()) {
            (Some(any), Some((broken, why))) => {
                let mut branches = when(broken, lit(why));
                for (broken, why) in cases {
                    branches = branches.when(broken, lit(why));
                }
                when(any, branches.otherwise(none.clone())?).otherwise(none)?
            }
            _ => none,
        };
        columns.push((reason, CheckExec::REASON.to_owned()));
        Ok(columns)
    }
}

fn had(column: &str) -> String {
    format!("_had_{column}")
}

/// Rounds a decimal half away from zero and makes it a 64-bit integer, null
/// where it does not fit.
fn whole(decimal: Expr) -> Expr {
    try_cast(try_cast(decimal, DataType::Decimal128(38, 0)), DataType::Int64)
}

fn breaches(column: &Column, parsed: &Schema) -> Vec<(Expr, String)> {
    let value = || ident(&column.name);
    let mut found = Vec::new();
    if parsed.index_of(&had(&column.name)).is_ok() {
        found.push((ident(had(&column.name)).and(is_null(value())), format!("not a {}", column.kind.name())));
    }
    if !column.nullable {
        found.push((is_null(value()), "missing".to_owned()));
    }
    if let Some(min) = column.min {
        found.push((value().lt(lit(min)), format!("below {min}")));
    }
    if let Some(max) = column.max {
        found.push((value().gt(lit(max)), format!("above {max}")));
    }
    if !column.values.is_empty() {
        let allowed = column.values.iter().map(|value| lit(value.clone())).collect();
        found.push((value().in_list(allowed, true), "not an allowed value".to_owned()));
    }
    if column.kind == ColumnType::Curve {
        let allowed = [24, 48, 96, 288].into_iter().map(lit).collect();
        found.push((
            kwhy_udfs::expr_fn::curve_points(value()).in_list(allowed, true),
            "not a curve of 24, 48, 96 or 288 points".to_owned(),
        ));
    }
    found
}

/// Fields for hive partition columns, typed as the contract says.
pub fn partition_fields(contract: &Contract) -> Vec<FieldRef> {
    let kind = |name: &String| {
        contract
            .columns
            .iter()
            .find(|column| &column.from == name || &column.name == name)
            .map_or(DataType::Utf8, |column| arrow_type(column.kind))
    };
    contract.partition.iter().map(|name| Arc::new(Field::new(name, kind(name), true)) as FieldRef).collect()
}
