//! Energy against temperature: a base, and a slope on either side of it.

/// A change-point model: `base + heating * (heating_balance - t)` below the one
/// balance point, `base + cooling * (t - cooling_balance)` above the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Response {
    pub(super) base: f64,
    /// Energy per degree, above 0, and the balance point.
    pub(super) heating: Option<(f64, f64)>,
    pub(super) cooling: Option<(f64, f64)>,
    pub(super) r2: f64,
}

/// Rows that a side must have beyond its balance point: so many, and a tenth.
const LEAST: usize = 5;
/// The fewest rows.
pub(super) const ROWS: usize = 12;
/// Places at which the search for both balance points begins.
const PLACES: usize = 24;
/// Knots on either side of a place that a step of the search looks at.
const REACH: usize = 24;
/// Steps that a search takes at most; mostly three or four will do.
const STEPS: usize = 40;
/// What rounding may add to the adjusted R2 of one of two models that are alike.
const ROUNDING: f64 = 1e-12;
/// By how much a step must lessen what the model leaves over, at least.
const GAIN: f64 = 1e-13;

impl Response {
    /// The energy that the model expects.
    pub(super) fn at(&self, temperature: f64) -> f64 {
        let heating = self.heating.map_or(0.0, |(slope, balance)| slope * (balance - temperature).max(0.0));
        let cooling = self.cooling.map_or(0.0, |(slope, balance)| slope * (temperature - balance).max(0.0));
        self.base + heating + cooling
    }

    /// The best model for rows of temperature and energy in ascending order, of
    /// the four that have no slope, one or both, by the adjusted R2. `None`
    /// where there are too few rows.
    pub(super) fn fit(rows: impl ExactSizeIterator<Item = (f64, f64)> + Clone) -> Option<Self> {
        let count = rows.len();
        if count < ROWS {
            return None;
        }
        let mean = |of: fn((f64, f64)) -> f64| rows.clone().map(of).sum::<f64>() / count as f64;
        let (temperature, energy) = (mean(|row| row.0), mean(|row| row.1));
        // Numbers near 0, so that differences of sums stay exact enough.
        let centred: Vec<(f64, f64)> = rows.map(|(t, e)| (t - temperature, e - energy)).collect();
        let cold = Side::new(centred.iter().copied());
        let hot = Side::new(centred.iter().rev().map(|(t, e)| (-t, *e)));
        let total: f64 = centred.iter().map(|(_, e)| e * e).sum();
        let search = Search { cold, hot, total };

        let plain = Response { base: energy, heating: None, cooling: None, r2: 0.0 };
        let mut best = (0.0, plain);
        let found = [
            search.cold.best(&Hinge::NONE, f64::INFINITY, search.cold.all(), total).map(|b| (Some(b), None)),
            search.hot.best(&Hinge::NONE, f64::INFINITY, search.hot.all(), total).map(|b| (None, Some(b))),
            search.both().map(|(heating, cooling)| (Some(heating), Some(cooling))),
        ];
        for (heating, cooling) in found.into_iter().flatten() {
            let hinge = |side: &Side, balance: Option<f64>| balance.map_or(Hinge::NONE, |balance| side.hinge(balance));
            let hinges = (hinge(&search.cold, heating), hinge(&search.hot, cooling));
            let Some(fit) = Fit::of(&hinges.0, &hinges.1, count as f64, total) else { continue };
            let parameters = 2 * (usize::from(heating.is_some()) + usize::from(cooling.is_some()));
            let r2 = (1.0 - fit.rest / total).clamp(0.0, 1.0);
            let adjusted = 1.0 - (1.0 - r2) * (count - 1) as f64 / (count - parameters - 1) as f64;
            if adjusted > best.0 + ROUNDING {
                let base = energy - (fit.slopes.0 * hinges.0.sum + fit.slopes.1 * hinges.1.sum) / count as f64;
                let heating = heating.map(|balance| (fit.slopes.0, balance));
                let cooling = cooling.map(|balance| (fit.slopes.1, -balance));
                let found = Response { base, heating, cooling, r2 };
                best = (adjusted, found.met(&search.cold.knots).moved(temperature));
            }
        }
        Some(best.1)
    }

    /// Where no row lies between the balance points, only where the two slopes
    /// meet is determined: both are put there.
    fn met(self, knots: &[f64]) -> Self {
        match (self.heating, self.cooling) {
            (Some((heating, low)), Some((cooling, high))) if !knots.iter().any(|t| low < *t && *t < high) => {
                let balance = (heating * low + cooling * high) / (heating + cooling);
                Self {
                    base: self.base - heating * (balance - low),
                    heating: Some((heating, balance)),
                    cooling: Some((cooling, balance)),
                    ..self
                }
            }
            _ => self,
        }
    }

    fn moved(self, temperature: f64) -> Self {
        let moved = |side: Option<(f64, f64)>| side.map(|(slope, balance)| (slope, balance + temperature));
        Self { heating: moved(self.heating), cooling: moved(self.cooling), ..self }
    }
}

/// What a regressor `max(balance - t, 0)` sums up to.
#[derive(Debug, Clone, Copy)]
struct Hinge {
    sum: f64,
    squares: f64,
    with_energy: f64,
}

impl Hinge {
    const NONE: Self = Self { sum: 0.0, squares: 0.0, with_energy: 0.0 };
}

/// Slopes of two hinges of which never both are above 0, and what they leave.
struct Fit {
    slopes: (f64, f64),
    rest: f64,
}

impl Fit {
    /// By least squares, with a base; `None` where a slope that is there is not
    /// above 0. Energies sum to 0.
    fn of(x: &Hinge, y: &Hinge, count: f64, total: f64) -> Option<Self> {
        let (xx, yy) = (x.squares - x.sum * x.sum / count, y.squares - y.sum * y.sum / count);
        let xy = -x.sum * y.sum / count;
        let slopes = match (x.squares > 0.0, y.squares > 0.0) {
            (true, true) => {
                let area = xx * yy - xy * xy;
                ((x.with_energy * yy - y.with_energy * xy) / area, (y.with_energy * xx - x.with_energy * xy) / area)
            }
            (true, false) => (x.with_energy / xx, 0.0),
            (false, true) => (0.0, y.with_energy / yy),
            (false, false) => return None,
        };
        let is_slope = |slope: f64, hinge: &Hinge| hinge.squares == 0.0 || (slope > 0.0 && slope.is_finite());
        let rest = total - slopes.0 * x.with_energy - slopes.1 * y.with_energy;
        (is_slope(slopes.0, x) && is_slope(slopes.1, y)).then_some(Self { slopes, rest })
    }
}

/// The rows as one of the two slopes sees them: by temperature ascending, which
/// is turned round for cooling.
struct Side {
    /// The temperatures that there are, ascending, each once.
    knots: Vec<f64>,
    /// Sums over the rows below each knot, and over all rows.
    below: Vec<Sums>,
    /// The first knot that has enough rows below it.
    first: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    rows: f64,
    t: f64,
    tt: f64,
    e: f64,
    te: f64,
}

impl Sums {
    fn less(&self, other: &Self) -> Self {
        Self {
            rows: self.rows - other.rows,
            t: self.t - other.t,
            tt: self.tt - other.tt,
            e: self.e - other.e,
            te: self.te - other.te,
        }
    }

    /// Level at 0 and slope of the line through the rows; no numbers where they
    /// have one temperature.
    fn line(&self) -> (f64, f64) {
        let slope = (self.te - self.t * self.e / self.rows) / (self.tt - self.t * self.t / self.rows);
        ((self.e - slope * self.t) / self.rows, slope)
    }
}

impl Side {
    fn new(rows: impl ExactSizeIterator<Item = (f64, f64)>) -> Self {
        let least = LEAST.max(rows.len().div_ceil(10)) as f64;
        let (mut knots, mut below, mut sums) = (Vec::new(), Vec::new(), Sums::default());
        for (t, e) in rows {
            if knots.last() != Some(&t) {
                knots.push(t);
                below.push(sums);
            }
            sums =
                Sums { rows: sums.rows + 1.0, t: sums.t + t, tt: sums.tt + t * t, e: sums.e + e, te: sums.te + t * e };
        }
        below.push(sums);
        // At the least, the balance point lies on the last of so many rows.
        let first = below.iter().position(|sums| sums.rows >= least).map_or(knots.len(), |at| at - 1);
        Self { knots, below, first: first.max(1) }
    }

    /// All knots at which the balance point may lie.
    fn all(&self) -> std::ops::Range<usize> {
        self.first..self.knots.len()
    }

    /// The knots about a balance point.
    fn near(&self, balance: f64) -> std::ops::Range<usize> {
        let at = self.knots.partition_point(|knot| *knot < balance);
        let reach = REACH.max(self.knots.len().div_ceil(PLACES));
        at.saturating_sub(reach).max(self.first)..(at + reach).min(self.knots.len())
    }

    fn hinge(&self, balance: f64) -> Hinge {
        let Sums { rows, t, tt, e, te } = self.below[self.knots.partition_point(|knot| *knot < balance)];
        Hinge {
            sum: balance * rows - t,
            squares: balance * balance * rows - 2.0 * balance * t + tt,
            with_energy: balance * e - te,
        }
    }

    /// The balance point at or after one of `knots` and up to `most` that leaves
    /// least, beside another hinge.
    fn best(&self, other: &Hinge, most: f64, knots: std::ops::Range<usize>, total: f64) -> Option<f64> {
        let count = self.below[self.knots.len()].rows;
        let mut best: Option<(f64, f64)> = None;
        for at in knots {
            let here = self.knots[at];
            if here > most {
                break;
            }
            let next = self.knots.get(at + 1).copied().unwrap_or(here).min(most);
            // Within a cell, the best is where the line through the rows below
            // meets the base of the others; otherwise it is a knot.
            let crossing = self.crossing(at, other).filter(|balance| *balance > here && *balance < next);
            for balance in [Some(here), crossing, (next == most).then_some(next)].into_iter().flatten() {
                let Some(fit) = Fit::of(&self.hinge(balance), other, count, total) else { continue };
                if best.is_none_or(|(least, _)| fit.rest < least) {
                    best = Some((fit.rest, balance));
                }
            }
        }
        best.map(|(_, balance)| balance)
    }

    /// The balance points that may be best where both slopes begin in one: the
    /// knots, and where the lines through the rows on either side meet.
    fn meetings(&self) -> impl Iterator<Item = f64> {
        let all = self.below[self.knots.len()];
        self.all().flat_map(move |at| {
            let low = self.below[at + 1];
            let high = all.less(&low);
            let ((level, slope), (other_level, other_slope)) = (low.line(), high.line());
            let meeting = (other_level - level) / (slope - other_slope);
            let next = self.knots.get(at + 1).copied().unwrap_or(self.knots[at]);
            let is_inside = meeting > self.knots[at] && meeting < next;
            [Some(self.knots[at]), is_inside.then_some(meeting)].into_iter().flatten()
        })
    }

    /// Where the line through the rows up to a knot meets the base of the rows
    /// after it.
    fn crossing(&self, knot: usize, other: &Hinge) -> Option<f64> {
        let low = self.below[knot + 1];
        let high = self.below[self.knots.len()].less(&low);
        let base = if other.squares > 0.0 {
            let others = high.rows * other.squares - other.sum * other.sum;
            (high.e * other.squares - other.sum * other.with_energy) / others
        } else {
            high.e / high.rows
        };
        let (level, slope) = low.line();
        Some((base - level) / slope).filter(|balance| balance.is_finite())
    }
}

struct Search {
    cold: Side,
    hot: Side,
    total: f64,
}

impl Search {
    /// Both balance points: from the best of some places, one point after the
    /// other is put where it leaves least, until neither moves.
    fn both(&self) -> Option<(f64, f64)> {
        let count = self.cold.below[self.cold.knots.len()].rows;
        let rest = |heating: f64, cooling: f64| {
            Fit::of(&self.cold.hinge(heating), &self.hot.hinge(cooling), count, self.total).map(|fit| fit.rest)
        };
        let places = |side: &Side| -> Vec<f64> {
            let knots = &side.knots[side.first.min(side.knots.len())..];
            let step = knots.len().div_ceil(PLACES).max(1);
            knots.iter().copied().step_by(step).collect()
        };
        let (colds, hots) = (places(&self.cold), places(&self.hot));
        let pairs = colds.iter().flat_map(|cold| hots.iter().map(move |hot| (*cold, *hot)));
        let pairs = pairs.filter(|(cold, hot)| cold + hot <= 0.0);
        let found = |(cold, hot)| Some((rest(cold, hot)?, (cold, hot)));
        let mut starts: Vec<(f64, (f64, f64))> = pairs.filter_map(found).collect();
        starts.sort_by(|left, right| left.0.total_cmp(&right.0));
        // Where the two points are one, neither can move on its own.
        let most = self.hot.knots.get(self.hot.first).map_or(f64::NEG_INFINITY, |first| -first);
        let one = self.cold.meetings().filter(|balance| *balance <= most).filter_map(|at| found((at, -at)));
        let one = one.min_by(|left, right| left.0.total_cmp(&right.0));
        // Places beside each other lead to one end; far ones may not.
        let mut best: Option<(f64, (f64, f64))> = None;
        for (least, place) in starts.into_iter().take(3).chain(one) {
            let found = self.descend(least, place, rest);
            if best.is_none_or(|(least, _)| found.0 < least) {
                best = Some(found);
            }
        }
        best.map(|(_, place)| place)
    }

    fn descend(
        &self,
        mut least: f64,
        (mut heating, mut cooling): (f64, f64),
        rest: impl Fn(f64, f64) -> Option<f64>,
    ) -> (f64, (f64, f64)) {
        for _ in 0..STEPS {
            let before = least;
            let step = self.cold.best(&self.hot.hinge(cooling), -cooling, self.cold.near(heating), self.total);
            if let Some((left, place)) = step.and_then(|place| Some((rest(place, cooling)?, place)))
                && left < least
            {
                (least, heating) = (left, place);
            }
            let step = self.hot.best(&self.cold.hinge(heating), -heating, self.hot.near(cooling), self.total);
            if let Some((left, place)) = step.and_then(|place| Some((rest(heating, place)?, place)))
                && left < least
            {
                (least, cooling) = (left, place);
            }
            if before - least <= GAIN * self.total {
                break;
            }
        }
        (least, (heating, cooling))
    }
}
