//! The normal distribution, as tests and intervals need it.

use std::f64::consts::SQRT_2;

use datafusion_common::{Result, exec_datafusion_err, exec_err};

/// How likely it is that a standard normal value lies further from 0 than `z`.
pub(super) fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// The distance from 0 within which a standard normal value lies with a
/// probability of `confidence`, which lies between 0 and 1.
pub(super) fn deviations(confidence: f64) -> f64 {
    // Newton's steps from 0 never leap over the root, because the distribution
    // function is concave to the right of 0.
    let mut z = 0.0;
    for _ in 0..200 {
        let density = (2.0 / std::f64::consts::PI).sqrt() * libm::exp(-z * z / 2.0);
        let step = (two_sided(z) - (1.0 - confidence)) / density;
        z += step;
        if step <= 1e-15 * z {
            break;
        }
    }
    z
}

/// What is wrong with a confidence, if anything.
pub(super) fn check_confidence(confidence: f64) -> Result<(), String> {
    if confidence > 0.0 && confidence < 1.0 {
        Ok(())
    } else {
        Err(format!("takes a number between 0 and 1, such as 0.95, not {confidence}"))
    }
}

/// Refuses counts of which one cannot be a part of the other.
pub(super) fn check_counts(function: &str, [part, whole]: [(&str, i64); 2]) -> Result<()> {
    if (0..=whole.1).contains(&part.1) {
        Ok(())
    } else {
        exec_err!("{function}: argument {} takes 0 to {}, not {} of {}", part.0, whole.0, part.1, whole.1)
    }
}

/// Refuses a confidence that is none.
pub(super) fn confident(function: &str, confidence: f64) -> Result<f64> {
    check_confidence(confidence)
        .map_err(|refusal| exec_datafusion_err!("{function}: argument confidence {refusal}"))?;
    Ok(confidence)
}

/// Wilson's interval of the share of `hits` in `trials`, which is not 0.
pub(super) fn wilson(hits: i64, trials: i64, confidence: f64) -> (f64, f64) {
    let (hits, trials) = (hits as f64, trials as f64);
    let square = {
        let z = deviations(confidence);
        z * z
    };
    let share = hits / trials;
    let centre = (share + square / (2.0 * trials)) / (1.0 + square / trials);
    let half = (share * (1.0 - share) * square / trials + square * square / (4.0 * trials * trials)).sqrt()
        / (1.0 + square / trials);
    // The ends of the scale are exact where all or none is a hit.
    let lower = if hits == 0.0 { 0.0 } else { (centre - half).max(0.0) };
    let upper = if hits == trials { 1.0 } else { (centre + half).min(1.0) };
    (lower, upper)
}

/// In standard deviations, how far two shares are apart where both are samples
/// of one. `None` where nothing varies.
pub(super) fn pooled_z((hits, trials): (i64, i64), (other_hits, others): (i64, i64)) -> Option<f64> {
    let (hits, trials, other_hits, others) = (hits as f64, trials as f64, other_hits as f64, others as f64);
    let share = (hits + other_hits) / (trials + others);
    let variance = share * (1.0 - share) * (1.0 / trials + 1.0 / others);
    (variance > 0.0).then(|| (hits / trials - other_hits / others) / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_confidences_have_their_usual_deviations() {
        for (confidence, expected) in
            [(0.5, 0.674_489_750_196_081_7), (0.95, 1.959_963_984_540_054), (0.99, 2.575_829_303_548_901)]
        {
            assert!((deviations(confidence) - expected).abs() < 1e-12, "{confidence}");
        }
        assert!((two_sided(deviations(0.999_999)) - 1e-6).abs() < 1e-15);
    }
}
