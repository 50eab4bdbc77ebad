//! How the utility turned to its customers, and what came of it: offers of
//! campaigns, from which some are held out, and reminders to pay.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::campaign::{CAMPAIGNS, Campaign, Channel, Product};
use crate::generate::calendar::MINUTES_PER_DAY;
use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::money::bill::Bill;
use crate::generate::money::payment::Payment;
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::{Account, account_id};
use crate::generate::who::archetype::Archetype;
use crate::generate::who::contract::Reach;
use crate::generate::who::outage::MICROS_PER_MINUTE;
use crate::generate::who::tenant::Tenant;
use crate::generate::world::World;
use crate::generate::write::{Row, flags, opt_dates, opt_texts, opt_timestamps, texts};

/// Days after the end of the term on which unpaid bills are reminded of, and how.
const REMINDERS: [(i32, Channel); 3] = [(3, Channel::Sms), (15, Channel::Call), (35, Channel::Visit)];

/// What came of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    HeldOut,
    Undelivered,
    Delivered,
    Opened,
    Responded,
    Unsubscribed,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::HeldOut => "held_out",
            Self::Undelivered => "undelivered",
            Self::Delivered => "delivered",
            Self::Opened => "opened",
            Self::Responded => "responded",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

/// One contact, or a customer whom a campaign held out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    account: u64,
    sequence: usize,
    pub campaign: Option<Campaign>,
    channel: Option<Channel>,
    pub is_held_out: bool,
    /// Days since 1970-01-01.
    pub day: i32,
    minute: i64,
    pub outcome: Outcome,
    /// Minutes until the answer.
    answered_after: Option<i64>,
    /// Day on which the customer did what the campaign is for.
    pub converted: Option<i32>,
}

/// Somebody won by a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Won {
    /// Number of the tenant.
    tenant: u64,
    /// Days since 1970-01-01.
    pub day: i32,
}

impl Won {
    /// Whether this tenant was won on a day or before it.
    pub fn is_of(self, tenant: &Tenant, day: i32) -> bool {
        self.tenant == tenant.number && self.day <= day
    }
}

/// What campaigns moved the holders of an account to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conversions {
    pub app: Option<Won>,
    pub electronic_bill: Option<Won>,
    pub autopay: Option<Won>,
    pub time_of_use: Option<Won>,
}

impl Conversions {
    /// What came of the campaigns that turned to an account.
    pub fn of(world: &World, account: &Account) -> Self {
        let key = Key::new(world.seed, Stream::Contact).with(account.index);
        let mut found = Self::default();
        for offer in CAMPAIGNS.into_iter().filter_map(|campaign| offer(world, account, campaign, key)) {
            let won = offer.converted.map(|day| Won { tenant: account.holder_on(offer.day).number, day });
            match offer.campaign.map(|campaign| campaign.product) {
                Some(Product::App) => found.app = won,
                Some(Product::ElectronicBill) => found.electronic_bill = won,
                Some(Product::Autopay) => found.autopay = won,
                Some(Product::TimeOfUse) => found.time_of_use = won,
                _ => {}
            }
        }
        found
    }
}

/// A reminder to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    pub day: i32,
    channel: Channel,
}

/// Reminders of the bills that were not paid in time.
pub fn reminders_of(world: &World, account: &Account, bills: &[Bill], payments: &[Vec<Payment>]) -> Vec<Reminder> {
    let mut found = Vec::new();
    for (bill, payments) in bills.iter().zip(payments) {
        let settled = payments.iter().map(|payment| payment.cents).sum::<i64>() >= bill.total_cents;
        let paid = payments.iter().map(|payment| payment.paid).max().filter(|_| settled).unwrap_or(i32::MAX);
        for (after, channel) in REMINDERS {
            // Collectors rest on holidays and come the workday before.
            let day = world.workday(bill.due + after);
            if day > bill.due && paid > day && day < world.end.min(account.supplied_to()) && bill.total_cents > 0 {
                found.push(Reminder { day, channel });
            }
        }
    }
    found.sort_by_key(|reminder| reminder.day);
    found
}

/// The contacts of an account, oldest first.
pub fn contacts_of(world: &World, account: &Account, reminders: &[Reminder]) -> Vec<Contact> {
    let key = Key::new(world.seed, Stream::Contact).with(account.index);
    let mut found: Vec<Contact> =
        CAMPAIGNS.into_iter().filter_map(|campaign| offer(world, account, campaign, key)).collect();
    // Those that began before the records are not in them.
    let is_recorded = |campaign: Campaign| campaign.start(world).is_some_and(|start| start >= world.first_served());
    found.retain(|contact| contact.campaign.is_none_or(is_recorded));
    for (place, reminder) in reminders.iter().enumerate() {
        let who = account.holder_on(reminder.day);
        let key = key.with(1_000 + place as u64);
        let (outcome, answered_after) = outcome(who, reminder.channel, 0.0, key);
        found.push(Contact {
            account: account.index,
            sequence: 0,
            campaign: None,
            channel: Some(reminder.channel),
            is_held_out: false,
            day: reminder.day,
            minute: minute(Some(reminder.channel), key),
            outcome,
            answered_after,
            converted: None,
        });
    }
    found.sort_by_key(|contact| (contact.day, contact.minute));
    let last_minute = i64::from(world.end.min(account.supplied_to())) * MINUTES_PER_DAY;
    for (place, contact) in found.iter_mut().enumerate() {
        contact.sequence = place + 1;
        // An answer that is still to come is none yet.
        let sent = i64::from(contact.day) * MINUTES_PER_DAY + contact.minute;
        if contact.answered_after.is_some_and(|minutes| sent + minutes >= last_minute) {
            (contact.outcome, contact.answered_after) = (Outcome::Delivered, None);
        }
    }
    found
}

fn offer(world: &World, account: &Account, campaign: Campaign, key: Key) -> Option<Contact> {
    let key = key.with(campaign.number as u64);
    let start = campaign.start(world)?;
    let who = account.holder_on(start);
    let reach = Reach::of(world.seed, account.index, who);
    if !reach.has_consent || !campaign.is_for(account, who, &reach, start) {
        return None;
    }
    let day = world.next_workday(start + key.below(0, campaign.days().unsigned_abs().into()) as i32);
    if day >= world.end || account.tenant_on(day).is_none_or(|now| now.number != who.number) {
        return None;
    }
    let is_held_out = key.below(1, 1_000) < campaign.held_out;
    let channel = channel(who, &reach, key);
    let (outcome, answered_after) = match is_held_out {
        true => (Outcome::HeldOut, None),
        false => outcome(who, channel, campaign.lift(who.archetype, channel), key),
    };
    let is_reached = !matches!(outcome, Outcome::HeldOut | Outcome::Undelivered);
    let lift = if is_reached { campaign.lift(who.archetype, channel) } else { 0.0 };
    let converted = key.chance(2, (campaign.base() + lift).clamp(0.0, 1.0)).then(|| day + 1 + key.below(3, 25) as i32);
    Some(Contact {
        account: account.index,
        sequence: 0,
        campaign: Some(campaign),
        channel: (!is_held_out).then_some(channel),
        is_held_out,
        day,
        minute: minute((!is_held_out).then_some(channel), key),
        outcome,
        answered_after,
        converted: converted.filter(|day| {
            let is_still_there = account.tenant_on(*day).is_some_and(|now| now.number == who.number);
            is_still_there && *day < world.end.min(account.supplied_to())
        }),
    })
}

fn channel(who: &Tenant, reach: &Reach, key: Key) -> Channel {
    match key.below(4, 10) {
        0..4 if reach.has_app => Channel::AppPush,
        4..6 if reach.has_wechat => Channel::Wechat,
        6 => Channel::Call,
        7 if !who.archetype.is_household() => Channel::Visit,
        8 if reach.invoice_mode == "paper" => Channel::Letter,
        _ => Channel::Sms,
    }
}

/// What came of it, and the minutes until the answer.
fn outcome(who: &Tenant, channel: Channel, lift: f64, key: Key) -> (Outcome, Option<i64>) {
    let (delivered, opened, answered) = match channel {
        Channel::Sms => (0.96, 0.35, 0.06),
        Channel::AppPush => (0.90, 0.22, 0.09),
        Channel::Wechat => (0.97, 0.42, 0.12),
        // Nobody sees whether a letter was opened, or what a call was to the called.
        Channel::Call => (0.62, 0.4, 0.8),
        Channel::Letter => (0.97, 0.03, 1.0),
        Channel::Visit => (0.75, 0.6, 1.0),
    };
    let eager = match who.archetype {
        Archetype::AtHome if matches!(channel, Channel::Call | Channel::Visit) => 1.4,
        Archetype::AtHome => 0.6,
        Archetype::NightOwl if channel == Channel::Call => 0.3,
        _ => 1.0,
    };
    if !key.chance(5, delivered) {
        return (Outcome::Undelivered, None);
    }
    if !key.chance(6, opened) {
        return (Outcome::Delivered, None);
    }
    let minutes = 1 + (key.unit(8) * key.unit(10) * 4_000.0) as i64;
    match key.unit(7) {
        ticket if ticket < answered * eager + lift.max(0.0) => (Outcome::Responded, Some(minutes)),
        0.985.. if matches!(channel, Channel::Sms | Channel::AppPush | Channel::Wechat) => {
            (Outcome::Unsubscribed, Some(minutes))
        }
        _ if matches!(channel, Channel::Call | Channel::Letter | Channel::Visit) => (Outcome::Delivered, None),
        _ => (Outcome::Opened, None),
    }
}

/// When a contact is made: in office hours, rarely at noon; a letter bears a date.
fn minute(channel: Option<Channel>, key: Key) -> i64 {
    match channel {
        Some(Channel::Letter) | None => 0,
        Some(Channel::Sms | Channel::AppPush) => 600 + (30 * key.below(9, 6)) as i64 + key.below(11, 4) as i64,
        _ if key.chance(12, 0.55) => 535 + (150.0 * key.unit(9)) as i64,
        _ => 820 + (190.0 * key.unit(9) * (0.6 + 0.4 * key.unit(11))) as i64,
    }
}

impl Row for Contact {
    const TABLE: &'static str = "contacts";
    const KEY: &'static [&'static str] = &["account_id", "contact_id"];
    const FLAWS: &'static [Flaw] =
        &[wrong("outcome", "values", "-1"), wrong("channel", "values", "telegraph"), missing("contacted_at")];
    const FLAWED: f64 = 0.000_5;
    const REPEATED: f64 = 0.001;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let sent = |row: &Self| i64::from(row.day) * MINUTES_PER_DAY + row.minute;
        let at = |minute: i64| minute * MICROS_PER_MINUTE;
        let answered = |row: &Self| row.answered_after.map(|minutes| at(sent(row) + minutes));
        RecordBatch::try_from_iter_with_nullable([
            ("contact_id", texts(rows.iter().map(|row| format!("K{:09}{:03}", row.account, row.sequence))), false),
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("kind", texts(rows.iter().map(|row| if row.campaign.is_some() { "marketing" } else { "dunning" })), false),
            ("campaign_id", opt_texts(rows.iter().map(|row| row.campaign.map(Campaign::id))), true),
            ("is_holdout", flags(rows.iter().map(|row| row.is_held_out)), true),
            ("channel", opt_texts(rows.iter().map(|row| row.channel.map(Channel::name))), true),
            ("contacted_at", opt_timestamps(rows.iter().map(|row| Some(at(sent(row))))), false),
            ("outcome", texts(rows.iter().map(|row| row.outcome.name())), false),
            ("responded_at", opt_timestamps(rows.iter().map(answered)), true),
            ("converted_date", opt_dates(rows.iter().map(|row| row.converted)), true),
        ])
    }
}
