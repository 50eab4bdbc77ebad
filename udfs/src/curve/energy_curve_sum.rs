//! The load of a group of accounts, as a sum of energy curves.

use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::energy_curve::{EnergyCurves, Statistic, state};
use crate::aggregate::{Aggregate, aggregate};
use crate::args::exactly;
use crate::list::{coerce_to_integer_list, list_of};

const NAME: &str = "energy_curve_sum";

/// The exact sum, slot by slot, of energy curves ([`EnergyCurves`]); the same bits in any
/// order and partitioning of the rows.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The exact sum, slot by slot, of energy curves: LIST of BIGINT, watt-hours. Nulls in a list are left out; a slot is NULL where no curve has a value. NULL and empty lists are left out; of no list the result is NULL. The order of the rows does not matter.

Curves of different lengths (48 half hours and 24 hours) are folded to the coarser one by adding neighbours, where one length is a multiple of the other; otherwise it is an error. A sum beyond BIGINT is an error.",
    syntax_example = "energy_curve_sum(wh_list)",
    sql_example = r"```sql
> select energy_curve_sum(c) from (values ([1, 2, null, 4]), ([10, 20])) t(c);
[13, 24]
```",
    argument(
        name = "wh_list",
        description = "LIST of INT or BIGINT, watt-hours. Lists of other integers are cast; floats are refused."
    ),
    related_udf(name = "energy_curve_mean")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct EnergyCurveSum;

fn curves() -> EnergyCurves {
    EnergyCurves::new(NAME, Statistic::Sum)
}

impl Aggregate for EnergyCurveSum {
    const NAME: &'static str = NAME;
    type Groups = EnergyCurves;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve] = exactly(NAME, ["wh_list"], types)?;
        Ok(vec![coerce_to_integer_list(NAME, "wh_list", curve)?])
    }

    fn data_type() -> DataType {
        list_of(DataType::Int64)
    }

    fn state() -> Vec<(&'static str, DataType)> {
        state()
    }

    fn groups() -> EnergyCurves {
        curves()
    }
}

aggregate!(EnergyCurveSum);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, ListArray};
    use arrow::datatypes::Int64Type;
    use datafusion_common::ScalarValue;

    use super::*;
    use crate::testing::{aggregate, aggregate_groups};

    type Curve = Option<Vec<Option<i64>>>;

    fn column(curves: Vec<Curve>) -> ArrayRef {
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(curves))
    }

    fn curve(value: &ScalarValue) -> Curve {
        let array = value.to_array().unwrap();
        let list = array.as_list::<i32>();
        list.iter().next().flatten().map(|v| v.as_primitive::<Int64Type>().iter().collect())
    }

    fn sum(curves: Vec<Curve>) -> Result<Curve> {
        Ok(curve(&aggregate(EnergyCurveSum, &[column(curves)])?))
    }

    #[test]
    fn slots_are_added_and_folded() {
        let fine = Some(vec![Some(1), None, Some(3), Some(4), None, None]);
        let finer_is_kept = sum(vec![fine.clone(), None, fine.clone(), Some(vec![])]).unwrap();
        assert_eq!(finer_is_kept, Some(vec![Some(2), None, Some(6), Some(8), None, None]));
        let coarse = Some(vec![Some(10), Some(20), None]);
        let expected = Some(vec![Some(11), Some(27), None]);
        assert_eq!(sum(vec![fine.clone(), coarse.clone()]).unwrap(), expected);
        assert_eq!(sum(vec![coarse, fine]).unwrap(), expected);
        assert_eq!(sum(vec![None]).unwrap(), None);
        assert_eq!(sum(vec![]).unwrap(), None);
    }

    #[test]
    fn groups_leave_in_order() {
        let curves = column(vec![
            Some(vec![Some(1), Some(2)]),
            Some(vec![Some(5), None, Some(7), None]),
            None,
            Some(vec![Some(3), Some(4)]),
            Some(vec![Some(1), Some(1)]),
        ]);
        let sums = aggregate_groups(EnergyCurveSum, &[curves], &[0, 2, 1, 0, 2], 3).unwrap();
        let expected = [Some(vec![Some(4), Some(6)]), None, Some(vec![Some(6), Some(8)])];
        assert_eq!(sums.iter().map(curve).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_cannot_be_added_is_an_error() {
        let curve = |n| Some(vec![Some(1); n]);
        let error = sum(vec![curve(24), curve(92)]).unwrap_err().to_string();
        assert!(error.contains("energy_curve_sum: curves of 24 and of 92 values"), "{error}");
        let error = sum(vec![Some(vec![Some(i64::MAX)]), curve(1)]).unwrap_err().to_string();
        assert!(error.contains("does not fit into BIGINT"), "{error}");
        let refused = EnergyCurveSum::coerce(&[list_of(DataType::Float64)]);
        assert!(refused.unwrap_err().to_string().contains("takes a list of integers"));
    }
}
