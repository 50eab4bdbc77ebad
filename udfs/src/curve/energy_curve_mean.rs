//! The typical day of an account or of a group, as a mean of energy curves.

use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::energy_curve::{EnergyCurves, Statistic, state};
use crate::aggregate::{Aggregate, aggregate};
use crate::args::exactly;
use crate::list::{coerce_to_integer_list, list_of};

const NAME: &str = "energy_curve_mean";

/// The mean, slot by slot, of energy curves ([`EnergyCurves`]); the same bits in any
/// order and partitioning of the rows.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The mean, slot by slot, of energy curves: LIST of INT, watt-hours, each the exact sum over the count, rounded half away from zero. Nulls in a list are left out; a slot is NULL where no curve has a value. NULL and empty lists are left out; of no list the result is NULL. The order of the rows does not matter.

Curves of different lengths (48 half hours and 24 hours) are folded to the coarser one by adding neighbours, where one length is a multiple of the other; otherwise it is an error. A folded slot of a curve counts once, with its known parts added. A mean beyond INT and a sum beyond BIGINT are errors.",
    syntax_example = "energy_curve_mean(wh_list)",
    sql_example = r"```sql
> select energy_curve_mean(c) from (values ([1, 2, null, 4]), ([10, 20])) t(c);
[7, 12]
```",
    argument(
        name = "wh_list",
        description = "LIST of INT or BIGINT, watt-hours. Lists of other integers are cast; floats are refused."
    ),
    related_udf(name = "energy_curve_sum")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct EnergyCurveMean;

fn curves() -> EnergyCurves {
    EnergyCurves::new(NAME, Statistic::Mean)
}

impl Aggregate for EnergyCurveMean {
    const NAME: &'static str = NAME;
    type Groups = EnergyCurves;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve] = exactly(NAME, ["wh_list"], types)?;
        Ok(vec![coerce_to_integer_list(NAME, "wh_list", curve)?])
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn state() -> Vec<(&'static str, DataType)> {
        state()
    }

    fn groups() -> EnergyCurves {
        curves()
    }
}

aggregate!(EnergyCurveMean);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, ListArray};
    use arrow::datatypes::Int32Type;
    use datafusion_common::ScalarValue;
    use proptest::prelude::*;

    use super::*;
    use crate::aggregate::grouped;
    use crate::testing::{aggregate, aggregate_groups};

    type Curve = Vec<Option<i32>>;

    fn column(curves: &[Curve]) -> ArrayRef {
        let curves = curves.iter().map(|curve| Some(curve.clone()));
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curves))
    }

    fn values(value: &ScalarValue) -> Option<Curve> {
        let array = value.to_array().unwrap();
        let list = array.as_list::<i32>();
        list.iter().next().flatten().map(|v| v.as_primitive::<Int32Type>().iter().collect())
    }

    /// Every curve folded first, then the mean of each slot.
    fn expected(curves: &[Curve]) -> Option<Curve> {
        let slots = curves.iter().map(Vec::len).min()?;
        let mean = |slot: usize| {
            let known: Vec<i64> = curves
                .iter()
                .filter_map(|curve| {
                    let factor = curve.len() / slots;
                    let parts = &curve[slot * factor..(slot + 1) * factor];
                    let known = parts.iter().flatten().map(|&wh| i64::from(wh));
                    parts.iter().any(Option::is_some).then(|| known.sum())
                })
                .collect();
            let (sum, count) = (known.iter().sum::<i64>(), known.len() as i64);
            let magnitude = (2 * sum.abs() + count) / (2 * count.max(1));
            (count > 0).then_some((magnitude * sum.signum()) as i32)
        };
        Some((0..slots).map(mean).collect())
    }

    fn curve() -> impl Strategy<Value = Curve> {
        let length = prop_oneof![Just(2usize), Just(4), Just(12)];
        let value = prop_oneof![3 => (-100..100i32).prop_map(Some), 1 => Just(None)];
        let gapped = length.prop_flat_map(move |n| proptest::collection::vec(value.clone(), n));
        let full = prop_oneof![Just(4usize), Just(12)]
            .prop_flat_map(|n| proptest::collection::vec((0..50i32).prop_map(Some), n));
        prop_oneof![gapped, full]
    }

    proptest! {
        #[test]
        fn the_order_of_rows_and_merges_does_not_matter(
            curves in proptest::collection::vec(curve(), 1..12),
            seed in any::<u64>(),
        ) {
            let expected = expected(&curves);
            let whole = aggregate(EnergyCurveMean, &[column(&curves)]).unwrap();
            prop_assert_eq!(values(&whole), expected.clone());
            let mut turned = curves.clone();
            turned.rotate_left(seed as usize % curves.len());
            turned.reverse();
            let groups = vec![0; turned.len()];
            let merged = aggregate_groups(EnergyCurveMean, &[column(&turned)], &groups, 1).unwrap();
            prop_assert_eq!(values(&merged[0]), expected);
        }
    }

    #[test]
    fn means_round_half_away_from_zero() {
        let curves = [vec![Some(1), Some(-1), None], vec![Some(2), Some(-2), None]];
        let mean = aggregate(EnergyCurveMean, &[column(&curves)]).unwrap();
        assert_eq!(values(&mean), Some(vec![Some(2), Some(-2), None]));
    }

    #[test]
    fn size_grows_with_the_groups() {
        let curves = column(&[vec![Some(1); 48], vec![Some(1); 48]]);
        let mut groups = grouped(super::curves());
        let before = groups.size();
        groups.update_batch(&[curves], &[0, 1], None, 2).unwrap();
        assert!(groups.size() >= before + 2 * 48 * 8, "{} then {}", before, groups.size());
    }
}
