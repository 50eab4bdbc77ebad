//! What customers ask for and complain about: now and then for no special
//! reason, but mostly because of an outage, a bill that jumped, a reminder, or
//! an application of theirs.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::Story;
use super::text::content;
use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::money::bill::Bill;
use crate::generate::money::payment::Payer;
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::account_id;
use crate::generate::who::archetype::Archetype;
use crate::generate::who::outage::Outage;
use crate::generate::who::tenant::Tenant;
use crate::generate::world::{Month, World};
use crate::generate::write::{Row, dates, opt_dates, opt_ints, opt_texts, texts};

/// Kinds of work order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Complaint,
    Enquiry,
    Application,
    FaultReport,
    Suggestion,
    Praise,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Enquiry => "enquiry",
            Self::Application => "application",
            Self::FaultReport => "fault_report",
            Self::Suggestion => "suggestion",
            Self::Praise => "praise",
        }
    }

    /// Probability that a dwelling has one in a month, for no special reason.
    fn monthly(self) -> f64 {
        match self {
            Self::Complaint => 0.000_7,
            Self::Enquiry => 0.007,
            Self::Application => 0.000_8,
            Self::FaultReport => 0.001_5,
            Self::Suggestion => 0.000_2,
            Self::Praise => 0.000_15,
        }
    }

    /// Days within which nearly all of the kind are closed.
    fn closing_days(self) -> u64 {
        match self {
            Self::Complaint => 12,
            Self::Enquiry | Self::Suggestion | Self::Praise => 3,
            Self::Application => 28,
            Self::FaultReport => 2,
        }
    }

    /// Topics from which one is drawn; what stands twice is twice as likely.
    fn topics(self) -> &'static [&'static str] {
        match self {
            Self::Complaint => &["metering", "service", "service", "supply_quality", "tariff", "other"],
            Self::Enquiry => &[
                "billing",
                "billing",
                "billing",
                "tariff",
                "tariff",
                "metering",
                "pv",
                "ev_charging",
                "capacity",
                "outage",
                "other",
            ],
            Self::Application => &["capacity", "tariff", "tariff", "connection", "other"],
            Self::FaultReport => &["supply_quality", "supply_quality", "metering"],
            Self::Suggestion => &["service", "other"],
            Self::Praise => &["service"],
        }
    }
}

/// Why there is a work order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No special reason.
    None,
    /// The outage of this number.
    Outage(String),
    /// The bill of the month that begins on this day.
    BillShock(i32),
    /// A reminder to pay.
    Dunning,
    /// An application of the customer's.
    Application,
}

impl Cause {
    /// Its name in what was planted.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Outage(_) => "outage",
            Self::BillShock(_) => "bill_shock",
            Self::Dunning => "dunning",
            Self::Application => "application",
        }
    }
}

/// One work order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkOrder {
    pub account: u64,
    /// Place among the account's work orders, from 1.
    sequence: usize,
    pub kind: Kind,
    pub topic: &'static str,
    channel: &'static str,
    /// Days since 1970-01-01.
    pub created: i32,
    closed: Option<i32>,
    content: String,
    /// From 1 to 5, of those who were asked and answered.
    satisfaction: Option<i64>,
    pub cause: Cause,
}

impl WorkOrder {
    /// Its number in the lake.
    pub fn id(&self) -> String {
        format!("W{:09}{:03}", self.account, self.sequence)
    }
}

/// The work orders of an account, oldest first.
pub fn work_orders_of(world: &World, story: &Story<'_>) -> Vec<WorkOrder> {
    let account = story.account;
    let key = Key::new(world.seed, Stream::WorkOrder).with(account.index);
    let first = world.first_served();
    let mut desk = Desk { story, orders: Vec::new() };
    for month in world.served_months().filter(|month| account.opened < month.first) {
        desk.add_ordinary(month, key.on(month.first));
    }
    for outage in story.outages.iter().filter(|outage| outage.day() >= account.opened) {
        desk.add_after_outage(outage, key.with(outage.start_minute().unsigned_abs()).with(1));
    }
    for (place, bill) in story.bills.iter().enumerate() {
        if is_shock(&story.bills[..place], bill) {
            desk.add_after_shock(bill, key.on(bill.month.first).with(2));
        }
    }
    for (place, reminder) in story.reminders.iter().enumerate() {
        desk.add_after_reminder(*reminder, key.on(*reminder).with(3 + place as u64));
    }
    for (number, application) in story.applications.iter().enumerate() {
        let key = key.with(1 << 32).with(number as u64);
        let topic = application.kind.topic();
        let order = desk.order(Kind::Application, topic, application.created, Cause::Application, key);
        let closed = application.completed;
        desk.orders.push(WorkOrder { closed, ..order });
    }
    let mut orders = desk.orders;
    orders.retain(|order| (first..world.end.min(account.supplied_to())).contains(&order.created));
    orders.sort_by_key(|order| (order.created, order.kind, order.topic));
    for (place, order) in orders.iter_mut().enumerate() {
        order.sequence = place + 1;
        order.closed = order.closed.filter(|closed| *closed < world.end);
        order.satisfaction = order.satisfaction.filter(|_| order.closed.is_some());
    }
    orders
}

/// Whether a bill is half as high again as usual, and more than 50 yuan.
pub fn is_shock(earlier: &[Bill], bill: &Bill) -> bool {
    let recent = &earlier[earlier.len().saturating_sub(12)..];
    if recent.len() < 3 {
        return false;
    }
    let mut totals: Vec<i64> = recent.iter().map(|bill| bill.total_cents).collect();
    totals.sort_unstable();
    let median = totals[totals.len() / 2];
    bill.total_cents * 2 >= median * 3 && bill.total_cents - median >= 5_000
}

/// Where work orders are written.
struct Desk<'a> {
    story: &'a Story<'a>,
    orders: Vec<WorkOrder>,
}

impl Desk<'_> {
    fn order(&self, kind: Kind, topic: &'static str, created: i32, cause: Cause, key: Key) -> WorkOrder {
        let account = self.story.account;
        let who = account.holder_on(created);
        let closing_days = kind.closing_days() as f64;
        // Few orders take long, and some stay open.
        let days = (key.unit(11) * key.unit(12) * closing_days) as i32;
        let is_left_open = key.chance(13, 0.006);
        let is_asked = key.chance(14, 0.35);
        let grade = match kind {
            Kind::Praise => 5,
            Kind::Complaint => 1 + key.below(15, 4) as i64 - i64::from(days > 6),
            _ => 5 - (3.2 * key.unit(15) * key.unit(16)) as i64 - i64::from(days > 10),
        };
        WorkOrder {
            account: account.index,
            sequence: 0,
            kind,
            topic,
            channel: channel(who, kind, key),
            created,
            closed: (!is_left_open).then_some(created + days),
            content: content(kind, topic, self.story, created, key.with(17)),
            satisfaction: (is_asked && !is_left_open).then_some(grade.clamp(1, 5)),
            cause,
        }
    }

    /// Work orders that come for no special reason.
    fn add_ordinary(&mut self, month: &Month, key: Key) {
        let who = self.story.account.holder_on(month.first);
        let size = if who.archetype.is_household() { 1.0 } else { 2.2 };
        let days = u64::from((month.next - month.first).unsigned_abs());
        for kind in
            [Kind::Complaint, Kind::Enquiry, Kind::Application, Kind::FaultReport, Kind::Suggestion, Kind::Praise]
        {
            let key = key.with(10 + kind as u64);
            let temper = match who.payer {
                Payer::Late | Payer::Partial if kind == Kind::Complaint => 2.0,
                Payer::Chronic | Payer::Worsening if matches!(kind, Kind::Complaint | Kind::Enquiry) => 3.0,
                _ => 1.0,
            };
            if who.archetype != Archetype::Vacant && key.chance(0, kind.monthly() * size * temper) {
                let topics = kind.topics();
                let topic = topics[key.below(1, topics.len() as u64) as usize];
                let created = month.first + key.below(2, days) as i32;
                let order = self.order(kind, topic, created, Cause::None, key);
                self.orders.push(order);
            }
        }
    }

    /// A fault reported, and a complaint lodged: the longer the outage, the more.
    fn add_after_outage(&mut self, outage: &Outage, key: Key) {
        let who = self.story.account.holder_on(outage.day());
        let size = if who.archetype.is_household() { 1.0 } else { 3.0 };
        let long = 1.0 + outage.minutes() as f64 / 120.0;
        let (report, complain) = if outage.is_planned() { (0.000_5, 0.001) } else { (0.010, 0.003 * long) };
        let cause = Cause::Outage(outage.id());
        if key.chance(0, report * size) {
            let order = self.order(Kind::FaultReport, "outage", outage.day(), cause.clone(), key.with(0));
            self.orders.push(order);
        }
        if key.chance(1, complain * size) {
            let created = outage.day() + key.below(2, 3) as i32;
            let order = self.order(Kind::Complaint, "outage", created, cause, key.with(1));
            self.orders.push(order);
        }
    }

    /// Who gets a bill that jumped asks why, or complains.
    fn add_after_shock(&mut self, bill: &Bill, key: Key) {
        let created = bill.issued + key.below(0, 12) as i32;
        let kind = match key.unit(1) {
            ..0.05 => Kind::Complaint,
            0.05..0.17 => Kind::Enquiry,
            _ => return,
        };
        let order = self.order(kind, "billing", created, Cause::BillShock(bill.month.first), key.with(0));
        self.orders.push(order);
    }

    fn add_after_reminder(&mut self, day: i32, key: Key) {
        if key.chance(0, 0.012) {
            let order = self.order(Kind::Complaint, "billing", day + 1, Cause::Dunning, key.with(0));
            self.orders.push(order);
        }
    }
}

/// The channel by which somebody turns to the utility.
fn channel(who: &Tenant, kind: Kind, key: Key) -> &'static str {
    let (app, wechat, hall) = match who.archetype {
        Archetype::AtHome => (0.12, 0.14, 0.34),
        Archetype::WorkingFamily => (0.34, 0.26, 0.08),
        Archetype::NightOwl => (0.42, 0.30, 0.04),
        _ => (0.22, 0.12, 0.26),
    };
    let ticket = key.unit(10);
    match kind {
        Kind::FaultReport | Kind::Complaint if ticket < 0.55 => "hotline",
        Kind::Application if ticket < 0.06 => "field",
        _ => match key.unit(18) {
            ticket if ticket < app => "app",
            ticket if ticket < app + wechat => "wechat",
            ticket if ticket < app + wechat + hall => "hall",
            _ => "hotline",
        },
    }
}

impl Row for WorkOrder {
    const TABLE: &'static str = "work_orders";
    const KEY: &'static [&'static str] = &["account_id", "work_order_id"];
    const FLAWS: &'static [Flaw] = &[
        wrong("kind", "values", "0102"),
        wrong("topic", "values", "unknown"),
        wrong("channel", "values", "fax"),
        missing("created_date"),
        wrong("satisfaction", "max", "10"),
    ];
    const FLAWED: f64 = 0.002;
    const REPEATED: f64 = 0.002;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_from_iter_with_nullable([
            ("work_order_id", texts(rows.iter().map(Self::id)), false),
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("kind", texts(rows.iter().map(|row| row.kind.name())), false),
            ("topic", texts(rows.iter().map(|row| row.topic)), false),
            ("channel", texts(rows.iter().map(|row| row.channel)), false),
            ("content", opt_texts(rows.iter().map(|row| Some(&row.content))), true),
            ("created_date", dates(rows.iter().map(|row| row.created)), false),
            ("closed_date", opt_dates(rows.iter().map(|row| row.closed)), true),
            ("satisfaction", opt_ints(rows.iter().map(|row| row.satisfaction)), true),
        ])
    }
}
