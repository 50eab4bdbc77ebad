//! Energy by period of the time-of-use tariff.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, exec_err, plan_err};
use datafusion_expr::{ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use super::ENERGIES;
use crate::args::{columns, exactly, signature};
use crate::list::{IntegerLists, coerce_to_integer_list};

const NAME: &str = "energy_by_period";
/// Minutes of a day, and of one on which clocks change.
const DAYS_MINUTES: [usize; 3] = [1440, 1380, 1500];

/// Splits a day's energy by the period codes of a tariff's day.
#[user_doc(
    doc_section(label = "Tariffs"),
    description = r"The energy of a day by tariff period: a struct of `sharp_wh`, `peak_wh`, `flat_wh` and `valley_wh`, BIGINT, watt-hours. Element `i` of the map gives the period of element `i` of the curve: 1 sharp, 2 peak, 3 flat, 4 valley.

Curve and map cover the same day and may differ in length by a whole factor. Where the curve is finer, each period covers several of its elements. Where the map is finer, the energy of an element is split evenly over its periods, and what does not divide goes to the first; so the four always sum to the known energy.

Energy elements that are NULL are left out. All four are NULL where either list is NULL or no energy is known. Lengths that do not divide each other, and a period other than 1 to 4 (NULL among them), are errors, at planning where the map is a literal that fits no day.",
    syntax_example = "energy_by_period(wh_list, period_list)",
    sql_example = r"```sql
> select energy_by_period([500, 301], [4, 4, 2, 3]);
{sharp_wh: 0, peak_wh: 151, flat_wh: 150, valley_wh: 500}
```",
    argument(
        name = "wh_list",
        description = "LIST of INT or BIGINT, watt-hours. Lists of other integers are cast; floats are refused."
    ),
    argument(
        name = "period_list",
        description = "LIST of INT or BIGINT: codes from 1 to 4. Lists of other integers are cast."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct EnergyByPeriod;

fn fields() -> Fields {
    ENERGIES.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect()
}

impl ScalarUDFImpl for EnergyByPeriod {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [energy, periods] = exactly(NAME, ["wh_list", "period_list"], types)?;
        Ok(vec![
            coerce_to_integer_list(NAME, "wh_list", energy)?,
            coerce_to_integer_list(NAME, "period_list", periods)?,
        ])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields()))
    }

    /// A map that can fit no curve is refused at planning, where it is a literal.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if let Some(Some(ScalarValue::List(map))) = args.scalar_arguments.get(1)
            && map.is_valid(0)
            // Literals come as they were written, before they are cast.
            && matches!(map.value_type(), DataType::Int32 | DataType::Int64)
        {
            let (maps, mut periods) = (IntegerLists::try_new(NAME, map.as_ref())?, Vec::new());
            maps.read(0, &mut periods);
            periods.iter().try_for_each(|code| position(*code).map(|_| ()))?;
            let divides = |minutes: usize| !periods.is_empty() && minutes.is_multiple_of(periods.len());
            if !DAYS_MINUTES.into_iter().any(divides) {
                return plan_err!(
                    "{NAME}: argument period_list takes the periods of a day, such as 24, 48 or 96, not {}",
                    periods.len()
                );
            }
        }
        Ok(Arc::new(Field::new(NAME, DataType::Struct(fields()), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [energy, periods] = columns(NAME, &args)?;
        let curves = IntegerLists::try_new(NAME, energy.array())?;
        let maps = IntegerLists::try_new(NAME, periods.array())?;
        let rows = args.number_rows;
        let mut split: [Vec<Option<i64>>; 4] = std::array::from_fn(|_| Vec::with_capacity(rows));
        let (mut curve, mut map) = (Vec::new(), Vec::new());
        for row in 0..rows {
            let is_known = curves.read(energy.at(row), &mut curve)
                && maps.read(periods.at(row), &mut map)
                && curve.iter().any(Option::is_some);
            let sums = if is_known { Some(by_period(&curve, &map)?) } else { None };
            for (period, column) in split.iter_mut().enumerate() {
                column.push(sums.map(|sums| sums[period]));
            }
        }
        let columns = split.map(|column| Arc::new(Int64Array::from(column)) as ArrayRef);
        let split = StructArray::try_new(fields(), columns.to_vec(), None)?;
        Ok(ColumnarValue::Array(Arc::new(split)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

/// The energy of each period; `curve` is not empty.
fn by_period(curve: &[Option<i64>], map: &[Option<i64>]) -> Result<[i64; 4]> {
    let mut sums = [0i64; 4];
    if map.is_empty() || (!curve.len().is_multiple_of(map.len()) && !map.len().is_multiple_of(curve.len())) {
        return exec_err!(
            "{NAME}: {} values of energy and {} periods do not divide each other",
            curve.len(),
            map.len()
        );
    }
    // One of the two is 1: elements to a period, or periods to an element.
    let elements = (curve.len() / map.len()).max(1);
    let parts = (map.len() / curve.len()).max(1);
    for (i, energy) in curve.iter().enumerate() {
        let Some(energy) = *energy else { continue };
        let first = i * parts / elements;
        // A day's map is far shorter than `i64` counts.
        let share = energy / parts as i64;
        let rest = energy % parts as i64;
        for (part, code) in map[first..first + parts].iter().enumerate() {
            let sum = &mut sums[position(*code)?];
            let energy = if part == 0 { share + rest } else { share };
            *sum = sum
                .checked_add(energy)
                .ok_or_else(|| exec_datafusion_err!("{NAME}: the energy of a period does not fit into BIGINT"))?;
        }
    }
    Ok(sums)
}

fn position(code: Option<i64>) -> Result<usize> {
    match code {
        Some(code @ 1..=4) => Ok(code as usize - 1),
        Some(code) => exec_err!("{NAME}: period_list takes 1 to 4, not {code}"),
        None => exec_err!("{NAME}: period_list takes 1 to 4, not NULL"),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, ListArray};
    use arrow::datatypes::{Int32Type, Int64Type};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{call, call_arrays};

    type List<N> = Option<Vec<Option<N>>>;

    fn split(curve: Vec<List<i32>>, map: Vec<List<i64>>) -> Result<Vec<Vec<Option<i64>>>> {
        let curve: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curve));
        let map: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(map));
        Ok(rows(&call_arrays(EnergyByPeriod, &[curve, map])?))
    }

    fn rows(array: &ArrayRef) -> Vec<Vec<Option<i64>>> {
        let columns: Vec<_> = array.as_struct().columns().iter().map(|c| c.as_primitive::<Int64Type>()).collect();
        (0..array.len()).map(|row| columns.iter().map(|c| c.is_valid(row).then(|| c.value(row))).collect()).collect()
    }

    fn list<N: Copy>(values: &[N]) -> List<N> {
        Some(values.iter().copied().map(Some).collect())
    }

    #[test]
    fn same_finer_and_coarser_maps() {
        let curve = list(&[1, 2, 4, 8]);
        let rows = split(
            vec![curve.clone(), curve, list(&[5, -5])],
            vec![list(&[1, 2, 3, 4]), list(&[4, 2]), list(&[1, 2, 3, 4])],
        );
        let expected = [[1, 2, 4, 8], [0, 12, 0, 3], [3, 2, -3, -2]].map(|r| r.map(Some).to_vec());
        assert_eq!(rows.unwrap(), expected);
    }

    #[test]
    fn unknown_energy_is_left_out() {
        let map = list(&[2, 2]);
        let rows = split(
            vec![Some(vec![None, Some(7)]), Some(vec![None, None]), None, list(&[1, 1]), Some(vec![])],
            vec![map.clone(), map.clone(), map.clone(), None, map],
        );
        let none = vec![None; 4];
        let known = vec![Some(0), Some(7), Some(0), Some(0)];
        assert_eq!(rows.unwrap(), [known, none.clone(), none.clone(), none.clone(), none]);
    }

    #[test]
    fn one_map_serves_all_rows() {
        let curves = ListArray::from_iter_primitive::<Int32Type, _, _>([list(&[1, 2]), list(&[3, 4])]);
        let map = ListArray::from_iter_primitive::<Int32Type, _, _>([list(&[3, 4])]);
        let curves: ArrayRef = Arc::new(curves);
        let map = ScalarValue::List(Arc::new(map));
        let result = call(EnergyByPeriod, vec![curves.into(), map.into()], 2).unwrap();
        let expected = [[0, 0, 1, 2], [0, 0, 3, 4]].map(|r| r.map(Some).to_vec());
        assert_eq!(rows(&result), expected);
    }

    #[test]
    fn wrong_maps_are_errors() {
        let fails = |map: List<i64>, message: &str| {
            let error = split(vec![list(&[1; 24])], vec![map]).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        };
        fails(list(&[5; 24]), "energy_by_period: period_list takes 1 to 4, not 5");
        fails(list(&[0; 48]), "not 0");
        fails(Some(vec![None; 24]), "not NULL");
        fails(list(&[1; 36]), "24 values of energy and 36 periods do not divide each other");
        fails(Some(vec![]), "24 values of energy and 0 periods");
    }

    #[test]
    fn a_literal_map_is_refused_before_any_row() {
        let curves: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![None::<Vec<Option<i32>>>]));
        let refusal = |map: List<i64>| {
            let map = ScalarValue::List(Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([map])));
            call(EnergyByPeriod, vec![Arc::clone(&curves).into(), map.into()], 1).unwrap_err().to_string()
        };
        let error = refusal(list(&[1; 7]));
        assert!(error.contains("takes the periods of a day, such as 24, 48 or 96, not 7"), "{error}");
        assert!(refusal(list(&[9; 24])).contains("takes 1 to 4, not 9"));
    }

    proptest! {
        #[test]
        fn no_energy_is_lost(
            curve in proptest::collection::vec(any::<i32>(), 24),
            map in proptest::collection::vec(1..5i64, 96),
        ) {
            for length in [12, 24, 48, 96] {
                let rows = split(vec![list(&curve)], vec![list(&map[..length])]).unwrap();
                let sum: i64 = rows[0].iter().flatten().sum();
                prop_assert_eq!(sum, curve.iter().map(|&wh| i64::from(wh)).sum::<i64>());
            }
        }
    }
}
