//! Who pays when: from punctual to never.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::bill::Bill;
use crate::generate::calendar::{SATURDAY, SUNDAY, weekday};
use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::{Account, account_id};
use crate::generate::who::archetype::Archetype;
use crate::generate::who::contract::Reach;
use crate::generate::who::tenant::Tenant;
use crate::generate::world::{Month, World};
use crate::generate::write::{Row, dates, decimals, texts};

/// How an account pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// By direct debit.
    Autopay,
    /// Soon after the bill.
    Prompt,
    /// On the last days of the term.
    OnDueDate,
    /// Often some weeks after the term.
    Late,
    /// Months after the term, or never.
    Chronic,
    /// In two payments.
    Partial,
    /// Prompt at first, chronic in the last months.
    Worsening,
}

const PAYERS: [Payer; 7] =
    [Payer::Autopay, Payer::Prompt, Payer::OnDueDate, Payer::Late, Payer::Chronic, Payer::Partial, Payer::Worsening];

/// Of a thousand accounts, so many pay so, in the order of [`PAYERS`].
const STEADY: [u16; 7] = [400, 360, 150, 55, 8, 14, 13];
const RISKY: [u16; 7] = [250, 330, 190, 130, 35, 35, 30];

impl Payer {
    /// How the account that drew `unit` pays.
    pub fn of(archetype: Archetype, unit: f64) -> Self {
        let shares = match archetype {
            Archetype::NightOwl
            | Archetype::Vacant
            | Archetype::Shop
            | Archetype::Restaurant
            | Archetype::FactoryOneShift => &RISKY,
            _ => &STEADY,
        };
        let mut upto = 0.0;
        for (payer, share) in PAYERS.into_iter().zip(shares) {
            upto += f64::from(*share) / 1_000.0;
            if unit < upto {
                return payer;
            }
        }
        Self::Prompt
    }

    /// Its name in what was planted.
    pub fn name(self) -> &'static str {
        match self {
            Self::Autopay => "autopay",
            Self::Prompt => "prompt",
            Self::OnDueDate => "on_due_date",
            Self::Late => "late",
            Self::Chronic => "chronic",
            Self::Partial => "partial",
            Self::Worsening => "worsening",
        }
    }

    /// Why an account of a kind does not pay in time.
    pub fn cause(self, archetype: Archetype) -> Option<&'static str> {
        match self {
            Self::Autopay | Self::Prompt | Self::OnDueDate => None,
            Self::Late => Some("forgetfulness"),
            Self::Chronic if archetype == Archetype::Vacant => Some("absence"),
            Self::Chronic if archetype == Archetype::NightOwl => Some("unwillingness"),
            Self::Chronic | Self::Partial if archetype.is_household() => Some("hardship"),
            Self::Chronic | Self::Partial => Some("cash_flow"),
            Self::Worsening if archetype.is_household() => Some("loss_of_income"),
            Self::Worsening => Some("failing_business"),
        }
    }
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub account: u64,
    pub month: Month,
    sequence: u32,
    /// Days since 1970-01-01.
    pub paid: i32,
    pub cents: i64,
    channel: &'static str,
}

/// The payments of a bill that were made before the end, oldest first.
pub fn payments_of(world: &World, account: &Account, bill: &Bill) -> Vec<Payment> {
    if bill.total_cents <= 0 {
        return Vec::new();
    }
    let key = Key::new(world.seed, Stream::Payment).with(account.index);
    let habit = habit(world, account, bill, key);
    let (first, second) = parts(habit, bill, key.on(bill.month.first));
    let usual = usual_channel(world, account, account.holder_on(bill.issued), key);
    [first, second]
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(place, part)| Payment {
            account: account.index,
            month: bill.month,
            sequence: place as u32 + 1,
            paid: part.paid,
            cents: part.cents,
            channel: match part.is_debit {
                true => "bank_auto",
                // Now and then somebody pays where they happen to be.
                false if key.on(bill.month.first).chance(19, 0.06) => "hall",
                false => usual,
            },
        })
        .map(|payment| match payment.channel {
            // Halls and counters are closed on Sundays.
            "hall" | "bank_counter" if weekday(payment.paid) == SUNDAY => {
                Payment { paid: (payment.paid - 1).max(bill.issued), ..payment }
            }
            _ => payment,
        })
        .filter(|payment| payment.paid < world.end && payment.cents > 0)
        .collect()
}

/// Whether who leaves an account leaves its last bills unpaid.
pub fn leaves_unpaid(seed: u64, index: u64) -> bool {
    Key::new(seed, Stream::Payment).with(index).chance(2, 0.25)
}

/// How the account pays at the time of the bill.
fn habit(world: &World, account: &Account, bill: &Bill, key: Key) -> Payer {
    let who = account.holder_on(bill.month.next - 1);
    // Who closed pays no more, and who left often forgets the last bill.
    if who.idle_since.is_some_and(|idle| idle < bill.month.next) {
        return Payer::Chronic;
    }
    let last = account.former_tenant.as_ref().filter(|former| who.number == 1 && former.left <= bill.month.next + 10);
    if last.is_some() && leaves_unpaid(world.seed, account.index) {
        return Payer::Chronic;
    }
    if account.conversions.autopay.is_some_and(|won| won.is_of(who, bill.issued - 1)) {
        return Payer::Autopay;
    }
    let payer = who.payer;
    if payer != Payer::Worsening {
        return payer;
    }
    let since = world.end - 60 - key.below(0, 210) as i32;
    if bill.issued < since { Payer::Prompt } else { Payer::Chronic }
}

struct Part {
    /// Days since 1970-01-01.
    paid: i32,
    cents: i64,
    is_debit: bool,
}

/// The one or two payments of a bill, if there is any.
fn parts(habit: Payer, bill: &Bill, key: Key) -> (Option<Part>, Option<Part>) {
    // Most soon, few late.
    let days = |draw: u64, bound: u64| (key.unit(draw) * key.unit(draw + 20) * bound as f64) as i32;
    let whole = |paid: i32| Part { paid, cents: bill.total_cents, is_debit: false };
    let (issued, due) = (bill.issued, bill.due);
    match habit {
        // A debit that the bank refuses is made good by hand.
        Payer::Autopay if key.chance(0, 0.01) => (Some(whole(due + 3 + days(1, 10))), None),
        // Banks collect on workdays.
        Payer::Autopay => {
            let day = issued + 5;
            let monday = day + 7 - weekday(day);
            let paid = if weekday(day) < SATURDAY { day } else { monday };
            (Some(Part { is_debit: true, ..whole(paid) }), None)
        }
        // Everybody forgets once in a while.
        _ if key.chance(8, 0.012) => (Some(whole(due + 1 + days(1, 30))), None),
        Payer::Prompt => (Some(whole(issued + days(1, 24).min(due - issued))), None),
        Payer::OnDueDate => (Some(whole(due - days(1, 9))), None),
        Payer::Late if key.chance(0, 0.7) => (Some(whole(due + 1 + days(1, 70))), None),
        Payer::Late => (Some(whole(due - days(1, 12))), None),
        Payer::Chronic | Payer::Worsening => match key.below(0, 20) {
            0..5 => (None, None),
            5..8 => (Some(whole(due - days(1, 12))), None),
            _ => (Some(whole(due + 25 + days(1, 260))), None),
        },
        Payer::Partial => {
            let percent = 40 + key.below(1, 31) as i64;
            let first_cents = bill.total_cents * percent / 100;
            let first = Part { cents: first_cents, ..whole(due - days(2, 5)) };
            let rest_cents = bill.total_cents - first_cents;
            let second = Part { cents: rest_cents, ..whole(due + 1 + days(3, 30)) };
            (Some(first), Some(second))
        }
    }
}

/// The channel by which the account pays by hand.
fn usual_channel(world: &World, account: &Account, who: &Tenant, key: Key) -> &'static str {
    let reach = Reach::of(world.seed, account.index, who);
    match wanted_channel(account, key) {
        "app" if !reach.has_app && reach.has_wechat => "wechat",
        "app" if !reach.has_app => "alipay",
        wanted => wanted,
    }
}

fn wanted_channel(account: &Account, key: Key) -> &'static str {
    let ticket = key.below(1, 100);
    let (app, wechat, alipay, counter, hall) = match account.archetype() {
        Archetype::AtHome => (20, 50, 62, 72, 88),
        archetype if archetype.is_household() => (30, 62, 92, 93, 96),
        Archetype::Shop | Archetype::Restaurant | Archetype::Farm => (30, 58, 80, 88, 94),
        _ => (15, 18, 22, 90, 99),
    };
    let shares = [("app", app), ("wechat", wechat), ("alipay", alipay), ("bank_counter", counter), ("hall", hall)];
    shares.into_iter().find(|(_, upto)| ticket < *upto).map_or("cash_agent", |(channel, _)| channel)
}

impl Row for Payment {
    const TABLE: &'static str = "payments";
    const KEY: &'static [&'static str] = &["account_id", "payment_id"];
    const FLAWS: &'static [Flaw] =
        &[wrong("amount_cny", "min", "-35.20"), wrong("channel", "values", "99"), missing("pay_date")];
    const FLAWED: f64 = 0.000_3;
    const REPEATED: f64 = 0.002;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let id = |row: &Self| {
            let Month { year, month, .. } = row.month;
            format!("PY{:09}{year:04}{:02}{}", row.account, month + 1, row.sequence)
        };
        let amounts = rows.iter().map(|row| Some(i128::from(row.cents)));
        RecordBatch::try_from_iter_with_nullable([
            ("payment_id", texts(rows.iter().map(id)), false),
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("bill_month", dates(rows.iter().map(|row| row.month.first)), false),
            ("pay_date", dates(rows.iter().map(|row| row.paid)), false),
            ("amount_cny", decimals(amounts, 14, 2)?, false),
            ("channel", texts(rows.iter().map(|row| row.channel)), false),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::bill::bills_of;
    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn shares_make_a_thousand() {
        for shares in [STEADY, RISKY] {
            assert_eq!(shares.iter().sum::<u16>(), 1_000);
        }
    }

    #[test]
    fn nobody_pays_too_much_or_too_early() {
        let world = world(12);
        for index in 0..300 {
            let account = Account::draw(&world, index);
            for bill in bills_of(&world, &account) {
                let payments = payments_of(&world, &account, &bill);
                let paid: i64 = payments.iter().map(|payment| payment.cents).sum();
                assert!(paid <= bill.total_cents.max(0));
                for payment in payments {
                    assert!((bill.issued..world.end).contains(&payment.paid));
                }
            }
        }
    }

    #[test]
    fn punctual_payers_pay_everything() {
        let world = world(12);
        let prompt = (0..200)
            .map(|index| Account::draw(&world, index))
            .find(|account| account.tenant.payer == Payer::Prompt && account.former_tenant.is_none())
            .expect("most accounts are punctual");
        let mut late = 0;
        for bill in bills_of(&world, &prompt) {
            if bill.total_cents > 0 && bill.due + 31 < world.end {
                let payments = payments_of(&world, &prompt, &bill);
                assert_eq!(payments[0].cents, bill.total_cents);
                late += usize::from(payments[0].paid > bill.due);
            }
        }
        assert!(late <= 2, "{late}");
    }
}
