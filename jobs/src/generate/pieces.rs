//! The work, cut into pieces of bounded size that any thread may make: one file
//! belongs to one piece, so the number of threads leaves no trace.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::calendar::CalendarRow;
use super::damage::Planted;
use super::error::GenerateError;
use super::load;
use super::money::tariff::{Tariff, TariffPeriod, tariff_periods};
use super::records::Records;
use super::service::campaign::{CampaignRow, EffectRow, campaigns, effects};
use super::weather::{REGIONS, WeatherRow};
use super::who::account::Account;
use super::world::World;
use super::write::{Row, Sink, Written};

/// Most accounts in a file of curves.
const CURVE_ACCOUNTS: u64 = 200_000;
/// Least and most accounts in a file of any other table: few enough that even in
/// a small lake all threads have some to do.
const RECORD_ACCOUNTS: (u64, u64) = (4_000, 25_000);
const RECORD_PARTS: u64 = 8;

/// What an account's records, above all the energies of its bills, cost over a
/// day's curve.
const RECORD_EFFORT: u64 = 100;

/// What was written, by table.
pub type Tally = BTreeMap<&'static str, Written>;

/// Told the work done and the work in all, in curves of one account and day;
/// says whether to go on.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) -> ControlFlow<()> + Sync);

/// A part of a lake.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// The tables without accounts.
    Reference,
    /// Everything of some accounts but their curves.
    Records { part: u64 },
    /// The curves of one day.
    Curves { day: i32, part: u64 },
}

/// The lake that is made.
pub struct Work<'a> {
    pub world: &'a World,
    pub accounts: u64,
    /// The folder of the tables.
    pub sources: &'a Path,
    /// The folder of what was planted.
    pub truth: &'a Path,
}

/// What the threads share.
#[derive(Default)]
struct State {
    tally: Tally,
    done: u64,
    failure: Option<GenerateError>,
}

impl Work<'_> {
    /// Makes all pieces on `threads` threads.
    pub fn run(&self, threads: usize, progress: Progress<'_>) -> Result<Tally, GenerateError> {
        let next = AtomicU64::new(0);
        let is_stopped = AtomicBool::new(false);
        let state = Mutex::new(State::default());
        let total = self.effort();
        thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    let mut neighbours = Neighbours::default();
                    while !is_stopped.load(Ordering::Relaxed) {
                        let Some(piece) = self.piece(next.fetch_add(1, Ordering::Relaxed)) else {
                            break;
                        };
                        let made = self.make(&piece, &mut neighbours);
                        let mut state = locked(&state);
                        match made {
                            Ok(tally) => {
                                for (table, written) in tally {
                                    *state.tally.entry(table).or_default() += written;
                                }
                                state.done += self.effort_of(&piece);
                                if progress(state.done, total).is_break() {
                                    is_stopped.store(true, Ordering::Relaxed);
                                    state.failure.get_or_insert(GenerateError::Stopped);
                                }
                            }
                            Err(failure) => {
                                is_stopped.store(true, Ordering::Relaxed);
                                state.failure.get_or_insert(failure);
                            }
                        }
                    }
                });
            }
        });
        let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.failure.map_or(Ok(state.tally), Err)
    }

    /// Accounts in a file of records.
    fn record_accounts(&self) -> u64 {
        let (least, most) = RECORD_ACCOUNTS;
        self.accounts.div_ceil(RECORD_PARTS).clamp(least, most)
    }

    fn days(&self) -> u64 {
        u64::from((self.world.end - self.world.curves_from).unsigned_abs())
    }

    /// The piece of this number, the longest first.
    fn piece(&self, number: u64) -> Option<Piece> {
        let records = self.accounts.div_ceil(self.record_accounts());
        if number < records {
            return Some(Piece::Records { part: number });
        }
        let number = number - records;
        if number == 0 {
            return Some(Piece::Reference);
        }
        let number = number - 1;
        let curves = self.accounts.div_ceil(CURVE_ACCOUNTS);
        // Days of the same accounts follow each other: the accounts are known.
        let (part, day) = (number / self.days(), number % self.days());
        // Fewer days than fit into the calendar, so the cast keeps them.
        (part < curves).then(|| Piece::Curves { day: self.world.curves_from + day as i32, part })
    }

    fn effort(&self) -> u64 {
        self.accounts.saturating_mul(RECORD_EFFORT + self.days())
    }

    fn effort_of(&self, piece: &Piece) -> u64 {
        let count = |range: Range<u64>| range.end - range.start;
        match piece {
            Piece::Reference => 0,
            Piece::Records { part } => count(self.chunk(*part, self.record_accounts())) * RECORD_EFFORT,
            Piece::Curves { part, .. } => count(self.chunk(*part, CURVE_ACCOUNTS)),
        }
    }

    fn chunk(&self, part: u64, size: u64) -> Range<u64> {
        part * size..((part + 1) * size).min(self.accounts)
    }

    fn make(&self, piece: &Piece, neighbours: &mut Neighbours) -> Result<Tally, GenerateError> {
        match piece {
            Piece::Reference => self.reference(),
            Piece::Records { part } => Records::new(self, *part)?.write(self.chunk(*part, self.record_accounts())),
            Piece::Curves { day, part } => {
                let day = self.world.day(*day);
                let accounts = neighbours.of(self.world, self.chunk(*part, CURVE_ACCOUNTS));
                let mut dirt = Vec::new();
                let written = load::write(self.world, self.sources, day, accounts, *part, &mut dirt)?;
                self.write_down(dirt, &format!("load_curve-{}-{part:05}", day.date))?;
                Ok(Tally::from([(load::TABLE, written)]))
            }
        }
    }

    /// A file of a table.
    pub fn sink<R: Row>(&self, part: u64) -> Result<Sink<R>, GenerateError> {
        Sink::create(self.sources, self.world.seed, part)
    }

    /// A file of a table of what was planted.
    pub fn truth_sink<R: Row>(&self, part: u64) -> Result<Sink<R>, GenerateError> {
        Sink::create(self.truth, self.world.seed, part)
    }

    /// Writes down what was planted in one piece.
    pub fn write_down(&self, dirt: Vec<Planted>, piece: &str) -> Result<(), GenerateError> {
        let mut sink = Sink::<Planted>::named(self.truth, self.world.seed, &format!("{piece}.parquet"))?;
        sink.extend(dirt)?;
        sink.finish(&mut Vec::new())?;
        Ok(())
    }

    fn reference(&self) -> Result<Tally, GenerateError> {
        let world = self.world;
        let days = |to: i32| (world.reported_from..to).map(move |number| world.day(number));
        let mut calendar = self.sink::<CalendarRow>(0)?;
        calendar.extend(days(world.announced_to).map(CalendarRow::from))?;
        let mut weather = self.sink::<WeatherRow>(0)?;
        for region in 0..REGIONS.len() {
            weather.extend(days(world.end).map(|day| WeatherRow {
                region,
                day: day.number,
                weather: day.weather[region],
            }))?;
        }
        let mut tariffs = self.sink::<Tariff>(0)?;
        tariffs.extend(Tariff::ALL)?;
        let mut periods = self.sink::<TariffPeriod>(0)?;
        periods.extend(tariff_periods())?;
        let mut offers = self.sink::<CampaignRow>(0)?;
        offers.extend(campaigns(world))?;
        let mut truth = self.truth_sink::<EffectRow>(0)?;
        truth.extend(effects(world))?;
        let mut dirt = Vec::new();
        truth.finish(&mut dirt)?;
        let tally = Tally::from([
            (CampaignRow::TABLE, offers.finish(&mut dirt)?),
            (CalendarRow::TABLE, calendar.finish(&mut dirt)?),
            (WeatherRow::TABLE, weather.finish(&mut dirt)?),
            (Tariff::TABLE, tariffs.finish(&mut dirt)?),
            (TariffPeriod::TABLE, periods.finish(&mut dirt)?),
        ]);
        self.write_down(dirt, "reference")?;
        Ok(tally)
    }
}

/// The accounts of the last part that a thread wrote curves of.
#[derive(Default)]
struct Neighbours {
    range: Range<u64>,
    accounts: Vec<Account>,
}

impl Neighbours {
    fn of(&mut self, world: &World, range: Range<u64>) -> &[Account] {
        if self.range != range {
            self.accounts.clear();
            self.accounts.extend(range.clone().map(|index| Account::draw(world, index)));
            self.range = range;
        }
        &self.accounts
    }
}

/// A thread that panicked takes the whole call with it, so what it left behind
/// is never used.
fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn pieces_cover_accounts_and_days_once() {
        let world = world(1);
        let work = Work { world: &world, accounts: 450_001, sources: Path::new("unused"), truth: Path::new("unused") };
        let pieces: Vec<Piece> = (0..).map_while(|number| work.piece(number)).collect();
        assert_eq!(pieces.len(), 19 + 1 + 45 * 3);
        assert_eq!(pieces.iter().map(|piece| work.effort_of(piece)).sum::<u64>(), work.effort());
        assert_eq!(work.chunk(2, CURVE_ACCOUNTS), 400_000..450_001);
        assert_eq!(pieces.last(), Some(&Piece::Curves { day: world.end - 1, part: 2 }));
    }
}
