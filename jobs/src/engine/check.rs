//! A source's contract at work: foreign columns become canonical ones, and
//! rows that break the contract are set aside with their reason.

mod rules;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, ScalarValue, ToDFSchema, plan_err};
use datafusion::functions::expr_fn::{btrim, character_length, concat, nullif, regexp_like, replace, r#struct};
use datafusion::logical_expr::expr_fn::{cast, ident, is_null, try_cast, when};
use datafusion::logical_expr::{Expr, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use crate::project::contract::{
    Column, ColumnType, Contract, ForeignUnit, Format, INTERVAL_MINUTES, IS_SECOND_HOUR, TIME_ZONE, Zones,
};

use super::check_exec::{CheckExec, CheckSpec, Rule};
use super::origin;

const MINUTE_MICROS: i64 = 60_000_000;
const UTC: &str = "UTC";
const DAY_MICROS: i64 = 1440 * MINUTE_MICROS;

/// Expressions and what they are called.
type Columns = Vec<(Expr, String)>;

/// A contract, bound to the columns that its files really have.
#[derive(Clone, Debug)]
pub struct SourceCheck {
    pub contract: Arc<Contract>,
    /// Columns that stand in the paths or in the log of the files.
    pub partition: Vec<(String, ColumnType)>,
    /// What travels with the plan.
    pub spec: CheckSpec,
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
        ColumnType::Curve => list_of(DataType::Int32),
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

    /// Positions of the file's columns that the contract reads. Those that it
    /// asks for were looked for when the files were found.
    pub fn raw_columns(&self, raw: &Schema) -> Vec<usize> {
        self.contract.foreign_columns().into_iter().filter_map(|name| raw.index_of(name).ok()).collect()
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
        let (columns, rules) = self.judge(&parsed.schema(), &raw)?;
        let checked = self.project(Arc::clone(&parsed), columns, state)?;
        let spec = CheckSpec { rules, ..self.spec.clone() };
        let check: Arc<dyn ExecutionPlan> = Arc::new(CheckExec::new(checked, spec));
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
        columns: Columns,
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
    fn parse(&self, raw: &Schema) -> Result<Columns> {
        let mut columns = Vec::new();
        for column in &self.contract.columns {
            let target = arrow_type(column.kind);
            if let Some(value) = self.by_the_clock(column, raw)? {
                columns.push((value, column.name.clone()));
                continue;
            }
            let Some(value) = self.raw_value(column, raw) else {
                columns.push((lit(ScalarValue::try_from(&target)?), column.name.clone()));
                continue;
            };
            let (value, found) = value;
            columns.push((self.convert(column, value.clone(), &found, raw)?, column.name.clone()));
            if found != target {
                // Of points that are no numbers there is no curve, not even null.
                let had_value = if column.from.len() > 1 { lit(true) } else { value.is_not_null() };
                columns.push((had_value, had(&column.name)));
            }
        }
        columns.extend(origins(raw));
        Ok(columns)
    }

    /// What the zones of the contract say of a row: whose clock it goes by, and
    /// whether that showed this hour before. `None` where the files say it, or
    /// nobody does.
    fn by_the_clock(&self, column: &Column, raw: &Schema) -> Result<Option<Expr>> {
        let Some((clock, zones)) = self.contract.clock().filter(|(_, zones)| zones.changes_clock()) else {
            return Ok(None);
        };
        let is_told = self.raw_value(column, raw).is_some();
        match column.name.as_str() {
            TIME_ZONE if !is_told => Ok(Some(lit(zones.to.clone()))),
            // What the files say of the end of an interval, they do not of its begin.
            IS_SECOND_HOUR if clock.marks_end || (!is_told && zones.from != zones.to) => {
                let Some((value, found)) = self.raw_value(clock, raw) else { return Ok(None) };
                let begin = self.begin_in_utc(clock, self.convert_type(clock, value, &found)?, zones, raw)?;
                Ok(Some(kwhy_udfs::expr_fn::is_second_hour(begin, lit(UTC), lit(zones.to.clone()))))
            }
            _ => Ok(None),
        }
    }

    /// The begin of the interval that a stamp marks, by the clock of UTC: intervals
    /// are as long as they are, whatever another clock shows.
    fn begin_in_utc(&self, column: &Column, stamp: Expr, zones: &Zones, raw: &Schema) -> Result<Expr> {
        let stamp = midnight_moved(column, stamp)?;
        let mut utc =
            cast(kwhy_udfs::expr_fn::local_time(stamp.clone(), lit(zones.from.clone()), lit(UTC)), DataType::Int64);
        let is_second = self.contract.column(IS_SECOND_HOUR).and_then(|it| Some((it, self.raw_value(it, raw)?)));
        if let Some((flag, (value, found))) = is_second {
            let longer = kwhy_udfs::expr_fn::day_minutes(cast(stamp, DataType::Date32), lit(zones.from.clone()));
            let later = cast(longer - lit(1440), DataType::Int64) * lit(MINUTE_MICROS);
            utc = when(self.convert_type(flag, value, &found)?, utc.clone() + later).otherwise(utc)?;
        }
        Ok(cast(self.before(column, utc, raw)?, arrow_type(ColumnType::Timestamp)))
    }

    /// The column as the file has it, cleaned, and its type; `None` where the
    /// file has no such column and need not.
    fn raw_value(&self, column: &Column, raw: &Schema) -> Option<(Expr, DataType)> {
        let (mut value, mut found) = match &column.value {
            Some(text) => (lit(text.clone()), DataType::Utf8),
            None => self.delivered(column, raw)?,
        };
        let is_written = found.is_integer() && column.format.is_some();
        if is_written
            || found.is_string()
            || (found.is_binary() && column.kind == ColumnType::Text)
            || !column.map.is_empty()
        {
            value = cast(value, DataType::Utf8);
            found = DataType::Utf8;
        }
        let is_number = matches!(column.kind, ColumnType::Int | ColumnType::Decimal(..));
        let is_csv = matches!(self.contract.format, Format::Csv { .. });
        if found == DataType::Utf8 && (column.trim || is_csv) {
            value = self.trimmed(value, is_number).ok()?;
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

    /// The column of the files, or the curve that columns of points make, and
    /// its type.
    fn delivered(&self, column: &Column, raw: &Schema) -> Option<(Expr, DataType)> {
        match column.from.as_slice() {
            [] => None,
            [name] => Some((ident(name), raw.field_with_name(name).ok()?.data_type().clone())),
            _ => self.curve_of_points(column, raw),
        }
    }

    /// The curve that columns of points make; null where one of them is a text
    /// and not a number.
    fn curve_of_points(&self, column: &Column, raw: &Schema) -> Option<(Expr, DataType)> {
        let fields = column.from.iter().map(|name| raw.field_with_name(name).ok());
        let fields: Vec<&Field> = fields.collect::<Option<_>>()?;
        let point = |field: &&Field| match field.data_type().is_string() {
            true => Some(try_cast(self.trimmed(ident(field.name()), true).ok()?, DataType::Float64)),
            false => Some(ident(field.name())),
        };
        let points = fields.iter().map(point).collect::<Option<Vec<_>>>()?;
        let curve = kwhy_udfs::expr_fn::curve_of_points(r#struct(points));
        let whole = |field: &&Field| field.data_type().is_signed_integer();
        let short = |field: &&Field| whole(field) && *field.data_type() != DataType::Int64;
        let element = match () {
            () if fields.iter().all(short) => DataType::Int32,
            () if fields.iter().all(whole) => DataType::Int64,
            () => DataType::Float64,
        };
        let texts = fields.iter().filter(|field| field.data_type().is_string());
        let no_number = |field: &&Field| {
            let text = self.trimmed(ident(field.name()), true).ok()?;
            Some(text.clone().is_not_null().and(is_null(try_cast(text, DataType::Float64))))
        };
        let curve = match texts.map(no_number).collect::<Option<Vec<_>>>()?.into_iter().reduce(Expr::or) {
            Some(broken) => {
                let none = lit(ScalarValue::try_from(&list_of(element.clone())).ok()?);
                when(broken, none).otherwise(curve).ok()?
            }
            None => curve,
        };
        Some((curve, list_of(element)))
    }

    /// A text of a file without blanks around it, null where nothing is left,
    /// with a point for the comma of a number.
    fn trimmed(&self, text: Expr, is_number: bool) -> Result<Expr> {
        let text = stripped(text);
        match &self.contract.format {
            Format::Csv { decimal_comma, .. } => {
                let text = nullif(text, lit(""));
                if *decimal_comma && is_number { point_for_comma(text) } else { Ok(text) }
            }
            _ => Ok(text),
        }
    }

    /// The begin of the interval whose end is at `micros`, where stamps mark that.
    fn before(&self, column: &Column, micros: Expr, raw: &Schema) -> Result<Expr> {
        let interval = self.contract.column(INTERVAL_MINUTES).filter(|_| column.marks_end);
        match interval.and_then(|it| Some((it, self.raw_value(it, raw)?))) {
            Some((interval, (value, found))) => {
                Ok(micros - cast(self.convert_type(interval, value, &found)?, DataType::Int64) * lit(MINUTE_MICROS))
            }
            None => Ok(micros),
        }
    }

    fn convert(&self, column: &Column, value: Expr, found: &DataType, raw: &Schema) -> Result<Expr> {
        let zones = column.zones.as_ref();
        if column.kind == ColumnType::Date && zones.is_some_and(|zones| zones.from != zones.to) {
            // The date that the clock on the wall shows at that instant.
            let stamp = Column { kind: ColumnType::Timestamp, ..column.clone() };
            return Ok(try_cast(self.convert(&stamp, value, found, raw)?, DataType::Date32));
        }
        let stamp = self.convert_type(column, value, found)?;
        if column.kind == ColumnType::Curve && [25, 50, 100, 300].contains(&column.from.len()) {
            return self.cut_to_day(stamp, raw);
        }
        if column.kind != ColumnType::Timestamp {
            return Ok(stamp);
        }
        match zones {
            Some(zones) if column.marks_end => {
                let utc = self.begin_in_utc(column, stamp, zones, raw)?;
                Ok(kwhy_udfs::expr_fn::local_time(utc, lit(UTC), lit(zones.to.clone())))
            }
            Some(Zones { from, to }) => {
                Ok(kwhy_udfs::expr_fn::local_time(midnight_moved(column, stamp)?, lit(from.clone()), lit(to.clone())))
            }
            None if column.marks_end => {
                let micros = cast(midnight_moved(column, stamp)?, DataType::Int64);
                Ok(cast(self.before(column, micros, raw)?, arrow_type(ColumnType::Timestamp)))
            }
            None => midnight_moved(column, stamp),
        }
    }

    /// Of columns for the points of 25 hours those that the day has.
    fn cut_to_day(&self, curve: Expr, raw: &Schema) -> Result<Expr> {
        let mut dates = self.contract.key.iter().filter_map(|name| self.contract.column(name));
        let date = dates.find(|column| column.kind == ColumnType::Date);
        let Some((date, (value, found))) = date.and_then(|date| Some((date, self.raw_value(date, raw)?))) else {
            return plan_err!("{}: a curve without the date of its day", self.contract.file);
        };
        let zone = match (self.contract.clock(), self.contract.column(TIME_ZONE)) {
            (Some((_, zones)), _) => lit(zones.to.clone()),
            (None, Some(zone)) => self.raw_value(zone, raw).map_or(lit(ScalarValue::Utf8(None)), |(value, _)| value),
            (None, None) => lit(ScalarValue::Utf8(None)),
        };
        Ok(kwhy_udfs::expr_fn::cut_curve(curve, self.convert(date, value, &found, raw)?, zone))
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
        if column.kind == ColumnType::Curve && *found != target {
            return Ok(kwhy_udfs::expr_fn::curve_from_w(value));
        }
        Ok(match column.kind {
            ColumnType::Timestamp | ColumnType::Date if *found == DataType::Utf8 && !column.has_foreign_clock() => {
                try_cast(without_offset(value)?, target)
            }
            _ if *found == target => value,
            ColumnType::Int if found.is_floating() || found.is_decimal() => {
                whole(try_cast(value, DataType::Decimal128(38, 9)))
            }
            _ => try_cast(value, target),
        })
    }
}

/// The columns that say where a row came from, as they are.
fn origins(schema: &Schema) -> Columns {
    let names = [origin::FILE, origin::ROW, origin::FAULT, origin::RAW];
    let found = names.into_iter().filter(|name| schema.index_of(name).is_ok());
    found.map(|name| (ident(name), name.to_owned())).collect()
}

/// `1.234,5` as `1234.5`; a text that is no such number stays none.
fn point_for_comma(value: Expr) -> Result<Expr> {
    let is_number = regexp_like(value.clone(), lit(r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$"), None);
    let number = replace(replace(value.clone(), lit("."), lit("")), lit(","), lit("."));
    when(is_null(value.clone()), value.clone())
        .when(is_number, number)
        .otherwise(concat(vec![lit("no number: "), value]))
}

/// Text without what surrounds it unseen: blanks of any width, tabs, line ends.
fn stripped(text: Expr) -> Expr {
    btrim(vec![text, lit(" \t\r\n\u{a0}\u{3000}")])
}

/// A time as a text, null where it has an offset of its own: read as local time it
/// would be another one.
fn without_offset(text: Expr) -> Result<Expr> {
    let is_long = character_length(text.clone()).gt(lit(19));
    let has_offset = is_long.and(regexp_like(text.clone(), lit(r":\d\d.*(Z|[+-]\d\d:?(\d\d)?)$"), None));
    when(has_offset, lit(ScalarValue::Utf8(None))).otherwise(text)
}

/// A midnight that bears the date of the day that it ends, as the begin of the
/// next one.
fn midnight_moved(column: &Column, stamp: Expr) -> Result<Expr> {
    if !column.midnight_ends_day {
        return Ok(stamp);
    }
    let micros = cast(stamp, DataType::Int64);
    let is_midnight = (micros.clone() % lit(DAY_MICROS)).eq(lit(0_i64));
    let moved = when(is_midnight, micros.clone() + lit(DAY_MICROS)).otherwise(micros)?;
    Ok(cast(moved, arrow_type(ColumnType::Timestamp)))
}

fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", element, true)))
}

fn had(column: &str) -> String {
    format!("_had_{column}")
}

/// Rounds a decimal half away from zero and makes it a 64-bit integer, null
/// where it does not fit.
fn whole(decimal: Expr) -> Expr {
    try_cast(try_cast(decimal, DataType::Decimal128(38, 0)), DataType::Int64)
}

/// A partition column as a field.
pub fn partition_field((name, kind): (String, ColumnType)) -> FieldRef {
    Arc::new(Field::new(name, arrow_type(kind), true))
}
