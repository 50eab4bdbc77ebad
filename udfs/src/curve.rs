//! Functions of load curves: one list per account and day, indexed by time.

mod arena;
mod backfeed_minutes;
mod backfeed_wh;
mod base_load_p5_w;
mod base_load_w;
mod clocked;
mod coincidence_factor;
mod convert;
mod curve_correlation;
mod curve_distance;
mod curve_from_kw;
mod curve_from_kwh;
mod curve_from_w;
mod curve_max;
mod curve_min;
mod curve_of_points;
mod curve_points;
mod curve_quantile;
mod cut_curve;
mod day_regularity;
mod edit;
mod elapsed_curve;
mod energy_curve;
mod energy_curve_mean;
mod energy_curve_sum;
mod energy_share;
mod energy_wh;
mod evening_share;
mod extremes;
mod fill_gaps;
mod fold_curve;
mod known_points;
mod load_block;
mod load_day;
mod load_duration_curve;
mod load_entropy;
mod load_factor;
mod load_roughness;
mod longest_above_minutes;
mod longest_below_minutes;
mod max_demand_w;
mod measure;
mod min_demand_w;
mod morning_share;
mod net_curves;
mod night_share;
mod noon_share;
mod normalise_curve;
mod pair;
mod peak_valley_ratio;
mod peak_valley_w;
mod points;
mod profile_distance;
mod ramp_down_w;
mod ramp_up_w;
mod reject_spikes;
mod reject_stuck;
mod resample_curve;
mod reshape;
mod settle_curves;
mod sorted;
mod spread;
mod switch_ons;
mod time_of_peak;
mod time_of_second_peak;
mod typical_day;
mod valid_share;
mod wall_clock_curve;

use datafusion_expr::{AggregateUDF, ScalarUDF};

pub(crate) use curve_from_kw::CurveFromKw;
pub(crate) use curve_from_kwh::CurveFromKwh;
pub(crate) use curve_from_w::CurveFromW;
pub(crate) use curve_of_points::CurveOfPoints;
pub(crate) use curve_points::CurvePoints;
pub(crate) use cut_curve::CutCurve;

/// Minutes of a day without a clock change.
const DAY_MINUTES: usize = 1440;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![
        backfeed_minutes::BackfeedMinutes.into(),
        backfeed_wh::BackfeedWh.into(),
        base_load_p5_w::BaseLoadP5W.into(),
        base_load_w::BaseLoadW.into(),
        curve_correlation::CurveCorrelation.into(),
        curve_distance::CurveDistance.into(),
        CurveFromKw.into(),
        CurveFromKwh.into(),
        CurveFromW.into(),
        CurveOfPoints.into(),
        CurvePoints.into(),
        cut_curve::CutCurve.into(),
        elapsed_curve::ElapsedCurve.into(),
        energy_share::EnergyShare.into(),
        energy_wh::EnergyWh.into(),
        evening_share::EveningShare.into(),
        fill_gaps::FillGaps.into(),
        known_points::KnownPoints.into(),
        load_block::LoadBlock.into(),
        load_day::LoadDay.into(),
        load_entropy::LoadEntropy.into(),
        load_factor::LoadFactor.into(),
        load_roughness::LoadRoughness.into(),
        longest_above_minutes::LongestAboveMinutes.into(),
        longest_below_minutes::LongestBelowMinutes.into(),
        max_demand_w::MaxDemandW.into(),
        min_demand_w::MinDemandW.into(),
        morning_share::MorningShare.into(),
        night_share::NightShare.into(),
        noon_share::NoonShare.into(),
        normalise_curve::NormaliseCurve.into(),
        peak_valley_ratio::PeakValleyRatio.into(),
        peak_valley_w::PeakValleyW.into(),
        profile_distance::ProfileDistance.into(),
        ramp_down_w::RampDownW.into(),
        ramp_up_w::RampUpW.into(),
        reject_spikes::RejectSpikes.into(),
        reject_stuck::RejectStuck.into(),
        resample_curve::ResampleCurve.into(),
        switch_ons::SwitchOns.into(),
        time_of_peak::TimeOfPeak.into(),
        time_of_second_peak::TimeOfSecondPeak.into(),
        valid_share::ValidShare.into(),
        wall_clock_curve::WallClockCurve.into(),
    ]
}

pub(crate) fn aggregates() -> Vec<AggregateUDF> {
    vec![
        coincidence_factor::CoincidenceFactor.into(),
        curve_max::CurveMax.into(),
        net_curves::NetCurves.into(),
        settle_curves::SettleCurves.into(),
        curve_min::CurveMin.into(),
        curve_quantile::CurveQuantile.into(),
        day_regularity::DayRegularity.into(),
        energy_curve_mean::EnergyCurveMean.into(),
        energy_curve_sum::EnergyCurveSum.into(),
        fold_curve::FoldCurve.into(),
        load_duration_curve::LoadDurationCurve.into(),
        typical_day::TypicalDay.into(),
    ]
}
