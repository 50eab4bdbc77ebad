//! A tariff and a month's usage: structs of fields, of which those that say
//! nothing may be left out.

use arrow::array::{Array, AsArray, ListArray, StructArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Field, Int64Type};
use chrono::Datelike;
use datafusion_common::{Result, internal_datafusion_err, plan_err};

use super::{ENERGIES, PERIODS};
use crate::args::refuse;
use crate::list::{element_of, list_of};
use crate::row::{Kind, is_text};

/// Prices, shares and factors: millionths.
const PRICE: DataType = DataType::Decimal128(18, 6);

/// One, in millionths.
pub(super) const ONE: i128 = 1_000_000;

/// What a field holds.
enum Of {
    Price,
    Whole,
    Text,
    /// A DATE, of which the month counts, or the number of a month.
    Month,
    List(&'static [(&'static str, Of)]),
}

const SEASON: &[(&str, Of)] = &[
    ("from_month", Of::Whole),
    ("to_month", Of::Whole),
    ("sharp", Of::Price),
    ("peak", Of::Price),
    ("flat", Of::Price),
    ("valley", Of::Price),
];
const TIER: &[(&str, Of)] = &[("above_kwh", Of::Whole), ("surcharge", Of::Price)];
const FACTOR: &[(&str, Of)] = &[("from_factor", Of::Price), ("adjustment", Of::Price)];
const TARIFF: &[(&str, Of)] = &[
    ("seasons", Of::List(SEASON)),
    ("tiers", Of::List(TIER)),
    ("tier_period", Of::Text),
    ("capacity_price", Of::Price),
    ("demand_price", Of::Price),
    ("power_factors", Of::List(FACTOR)),
    ("minimum_charge", Of::Price),
    ("levy_price", Of::Price),
    ("tax_rate", Of::Price),
];
const USAGE: &[(&str, Of)] = &[
    ("month", Of::Month),
    ("sharp_wh", Of::Whole),
    ("peak_wh", Of::Whole),
    ("flat_wh", Of::Whole),
    ("valley_wh", Of::Whole),
    ("year_to_date_wh", Of::Whole),
    ("max_demand_w", Of::Whole),
    ("contract_capacity_va", Of::Whole),
    ("power_factor", Of::Price),
];

/// A struct of some of these fields, each in the type that it is read in.
fn coerce(function: &str, argument: &str, of: &[(&str, Of)], found: &DataType) -> Result<DataType> {
    let DataType::Struct(fields) = found else {
        if found.is_null() {
            return Ok(DataType::Struct(vec![Field::new(of[0].0, DataType::Null, true)].into()));
        }
        return refuse(function, argument, &format!("a STRUCT of {}", of[0].0), found);
    };
    let coerced = fields.iter().map(|field| {
        let name = field.name();
        let Some((_, of)) = of.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = of.iter().map(|(known, _)| *known).collect();
            return plan_err!("{function}: argument {argument} has no field {name}; it takes {}", known.join(", "));
        };
        let path = format!("{argument}.{name}");
        let found = field.data_type();
        let data_type = match of {
            _ if found.is_null() => DataType::Null,
            Of::Price if found.is_numeric() => PRICE,
            Of::Price => refuse(function, &path, "a number", found)?,
            Of::Whole if found.is_integer() => DataType::Int64,
            Of::Whole => refuse(function, &path, "an integer", found)?,
            Of::Month if found.is_integer() => DataType::Int64,
            Of::Month if matches!(found, DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _)) => {
                DataType::Date32
            }
            Of::Month => refuse(function, &path, "a DATE or the number of a month", found)?,
            Of::Text if is_text(found) => DataType::Utf8,
            Of::Text => refuse(function, &path, "a text", found)?,
            Of::List(of) => match element_of(found) {
                Some(element) => list_of(coerce(function, &path, of, element)?),
                None => refuse(function, &path, "a LIST of STRUCT", found)?,
            },
        };
        Ok(Field::new(name, data_type, true))
    });
    Ok(DataType::Struct(coerced.collect::<Result<Vec<_>>>()?.into()))
}

/// Reads the fields of a struct column.
struct Fields<'a>(&'a StructArray);

/// What is known of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known<T> {
    /// The struct has no such field.
    Absent,
    Null,
    Value(T),
}

impl<T> Known<T> {
    /// `None` where it is NULL; `absent` where there is no such field.
    pub(super) fn or(self, absent: T) -> Option<T> {
        match self {
            Self::Absent => Some(absent),
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }

    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

impl<'a> Fields<'a> {
    fn try_new(function: &str, array: &'a dyn Array) -> Result<Self> {
        let fields = array.as_struct_opt();
        fields.map(Self).ok_or_else(|| internal_datafusion_err!("{function}: expected a STRUCT"))
    }

    fn read<T>(&self, name: &str, at: usize, read: impl Fn(&'a dyn Array) -> Option<T>) -> Known<T> {
        let Some(column) = self.0.column_by_name(name) else { return Known::Absent };
        let is_known = self.0.is_valid(at) && column.is_valid(at);
        match is_known.then(|| read(column.as_ref())).flatten() {
            Some(value) => Known::Value(value),
            None => Known::Null,
        }
    }

    fn price(&self, name: &str, at: usize) -> Known<i128> {
        self.read(name, at, |column| Some(column.as_primitive_opt::<Decimal128Type>()?.value(at)))
    }

    fn whole(&self, name: &str, at: usize) -> Known<i64> {
        self.read(name, at, |column| Some(column.as_primitive_opt::<Int64Type>()?.value(at)))
    }

    fn month(&self, name: &str, at: usize) -> Known<i64> {
        self.read(name, at, |column| match column.as_primitive_opt::<Date32Type>() {
            Some(days) => Some(i64::from(days.value_as_date(at)?.month())),
            None => Some(column.as_primitive_opt::<Int64Type>()?.value(at)),
        })
    }

    /// The rows of a list of structs; none where it is absent or NULL.
    fn rows(&self, name: &str, at: usize) -> Option<(Fields<'a>, std::ops::Range<usize>)> {
        let list: &ListArray = self.0.column_by_name(name)?.as_list_opt::<i32>()?;
        let rows = list.is_valid(at).then(|| list.value_offsets())?;
        // Offsets of a list array ascend from 0, so they fit.
        Some((Fields(list.values().as_struct_opt()?), rows[at] as usize..rows[at + 1] as usize))
    }
}

/// A tariff, as [`TARIFF`] has it; prices in millionths.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// `None` where the tariff has no such field: energy has no price.
    pub(super) seasons: Option<Vec<Season>>,
    /// Ascending: watt-hours above which a surcharge applies, and that.
    pub(super) tiers: Vec<(i128, i128)>,
    pub(super) is_tier_of_year: bool,
    pub(super) capacity_price: Option<i128>,
    pub(super) demand_price: Option<i128>,
    /// Ascending: power factor from which an adjustment applies, and that.
    pub(super) power_factors: Vec<(i128, i128)>,
    pub(super) minimum_charge: Option<i128>,
    pub(super) levy_price: Option<i128>,
    pub(super) tax_rate: Option<i128>,
    /// What is wrong with it.
    pub(super) refusal: Option<String>,
}

impl Terms {
    /// The first thing that is wrong is told.
    fn refuse(&mut self, refusal: String) {
        self.refusal.get_or_insert(refusal);
    }
}

/// Prices of some months.
#[derive(Debug)]
pub(super) struct Season {
    from_month: i64,
    to_month: i64,
    pub(super) prices: [Option<i128>; 4],
}

impl Season {
    /// A season may go on over the end of the year.
    pub(super) fn covers(&self, month: i64) -> bool {
        if self.from_month <= self.to_month {
            (self.from_month..=self.to_month).contains(&month)
        } else {
            month >= self.from_month || month <= self.to_month
        }
    }
}

/// A tariff given as a struct.
pub(super) struct Tariff;

impl Kind for Tariff {
    type Value<'a> = Terms;

    fn coerce(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
        coerce(function, argument, TARIFF, found)
    }

    fn reader(function: &str, array: &dyn Array) -> Result<impl Fn(usize) -> Option<Terms>> {
        let fields = Fields::try_new(function, array)?;
        Ok(move |at: usize| fields.0.is_valid(at).then(|| terms(&fields, at)))
    }
}

fn terms(fields: &Fields<'_>, at: usize) -> Terms {
    let mut terms = Terms {
        capacity_price: fields.price("capacity_price", at).value(),
        demand_price: fields.price("demand_price", at).value(),
        minimum_charge: fields.price("minimum_charge", at).value(),
        levy_price: fields.price("levy_price", at).value(),
        tax_rate: fields.price("tax_rate", at).value(),
        ..Terms::default()
    };
    let pairs = |name: &str, first: &dyn Fn(&Fields<'_>, usize) -> Option<i128>, second: &str| {
        let (list, rows) = fields.rows(name, at)?;
        let pairs = rows.map(|row| Some((first(&list, row)?, list.price(second, row).value()?)));
        Some(pairs.collect::<Option<Vec<_>>>().ok_or_else(|| format!("{name} has a field that is NULL or missing")))
    };
    let kwh = |list: &Fields<'_>, row: usize| Some(i128::from(list.whole("above_kwh", row).value()?) * 1000);
    match pairs("tiers", &kwh, "surcharge").unwrap_or(Ok(Vec::new())) {
        Ok(tiers) => terms.tiers = tiers,
        Err(refusal) => terms.refuse(refusal),
    }
    let factor = |list: &Fields<'_>, row: usize| list.price("from_factor", row).value();
    match pairs("power_factors", &factor, "adjustment").unwrap_or(Ok(Vec::new())) {
        Ok(factors) => terms.power_factors = factors,
        Err(refusal) => terms.refuse(refusal),
    }
    let ascends = |table: &[(i128, i128)]| table.is_sorted_by(|before, after| before.0 < after.0);
    for (name, is_right) in [("tiers", ascends(&terms.tiers)), ("power_factors", ascends(&terms.power_factors))] {
        if !is_right {
            terms.refuse(format!("{name} do not ascend"));
        }
    }
    if terms.tiers.first().is_some_and(|(above, _)| *above < 0) {
        terms.refuse("above_kwh takes 0 or more".to_owned());
    }
    if let Some(rate) = terms.tax_rate.filter(|rate| !(0..=ONE).contains(rate)) {
        terms.refuse(format!("tax_rate takes 0 to 1, such as 0.13, not {}", rate as f64 / ONE as f64));
    }
    if fields.0.column_by_name("seasons").is_some() {
        terms.seasons = Some(Vec::new());
    }
    if let Some((list, rows)) = fields.rows("seasons", at) {
        // A season that is NULL says nothing.
        for row in rows.filter(|row| list.0.is_valid(*row)) {
            let month = |name, whole_year| list.whole(name, row).value().unwrap_or(whole_year);
            let (from_month, to_month) = (month("from_month", 1), month("to_month", 12));
            if !(1..=12).contains(&from_month) || !(1..=12).contains(&to_month) {
                terms.refuse(format!("a season goes from month {from_month} to {to_month}"));
            }
            let prices = PERIODS.map(|period| list.price(period, row).value());
            terms.seasons.get_or_insert_default().push(Season { from_month, to_month, prices });
        }
    }
    let period = fields.read("tier_period", at, |column| Some(column.as_string_opt::<i32>()?.value(at)));
    match period {
        Known::Absent | Known::Null | Known::Value("month") => {}
        Known::Value("year") => terms.is_tier_of_year = true,
        Known::Value(other) => terms.refuse(format!("tier_period takes 'month' or 'year', not '{other}'")),
    }
    terms
}

/// What a customer used in a month; what is not there is `None`, and so is what
/// is unknown, but for the energies.
#[derive(Debug, Clone)]
pub(super) struct Used {
    pub(super) month: Option<i64>,
    /// By period, in watt-hours; 0 where there is no such field.
    pub(super) energy: [i128; 4],
    pub(super) year_to_date_wh: Option<i64>,
    pub(super) max_demand_w: Option<i64>,
    pub(super) contract_capacity_va: Option<i64>,
    pub(super) power_factor: Option<i128>,
}

/// A month's usage given as a struct.
pub(super) struct Usage;

impl Kind for Usage {
    type Value<'a> = Used;

    fn coerce(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
        coerce(function, argument, USAGE, found)
    }

    fn reader(function: &str, array: &dyn Array) -> Result<impl Fn(usize) -> Option<Used>> {
        let fields = Fields::try_new(function, array)?;
        Ok(move |at: usize| if fields.0.is_valid(at) { used(&fields, at) } else { None })
    }
}

/// `None` where an energy is NULL, or none is there.
fn used(fields: &Fields<'_>, at: usize) -> Option<Used> {
    let found = ENERGIES.map(|period| fields.whole(period, at));
    if found.iter().all(|energy| *energy == Known::Absent) {
        return None;
    }
    let mut energy = [0; 4];
    for (energy, found) in energy.iter_mut().zip(found) {
        *energy = i128::from(found.or(0)?);
    }
    Some(Used {
        month: fields.month("month", at).value(),
        energy,
        year_to_date_wh: fields.whole("year_to_date_wh", at).value(),
        max_demand_w: fields.whole("max_demand_w", at).value(),
        contract_capacity_va: fields.whole("contract_capacity_va", at).value(),
        power_factor: fields.price("power_factor", at).value(),
    })
}
