//! Functions of load curves: one list per account and day, indexed by time.

mod arena;
mod convert;
mod curve_from_kw;
mod curve_from_kwh;
mod curve_points;
mod energy_curve;
mod energy_curve_mean;
mod energy_curve_sum;
mod fold_curve;
mod load_day;
mod time_of_peak;

use datafusion_expr::{AggregateUDF, ScalarUDF};

pub(crate) use curve_from_kw::CurveFromKw;
pub(crate) use curve_from_kwh::CurveFromKwh;
pub(crate) use curve_points::CurvePoints;

/// Minutes of a day without a clock change.
const DAY_MINUTES: usize = 1440;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![
        CurveFromKw.into(),
        CurveFromKwh.into(),
        CurvePoints.into(),
        load_day::LoadDay.into(),
        time_of_peak::TimeOfPeak.into(),
    ]
}

pub(crate) fn aggregates() -> Vec<AggregateUDF> {
    vec![
        energy_curve_mean::EnergyCurveMean.into(),
        energy_curve_sum::EnergyCurveSum.into(),
        fold_curve::FoldCurve.into(),
    ]
}
