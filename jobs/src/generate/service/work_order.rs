//! What customers ask for: enquiries, complaints, applications and faults.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::outage::Outage;
use crate::generate::money::payment::Payer;
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::{Account, account_id};
use crate::generate::world::{Month, World};
use crate::generate::write::{Row, dates, opt_dates, texts};

/// Kinds of work order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Complaint,
    Enquiry,
    Application,
    FaultReport,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Complaint, Self::Enquiry, Self::Application, Self::FaultReport];

    fn name(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Enquiry => "enquiry",
            Self::Application => "application",
            Self::FaultReport => "fault_report",
        }
    }

    /// Probability that a dwelling has one in a month, for no special reason.
    fn monthly(self) -> f64 {
        match self {
            Self::Complaint => 0.002,
            Self::Enquiry => 0.011,
            Self::Application => 0.001_5,
            Self::FaultReport => 0.002_5,
        }
    }

    /// Days within which nearly all of the kind are closed.
    fn closing_days(self) -> u64 {
        match self {
            Self::Complaint => 12,
            Self::Enquiry => 3,
            Self::Application => 28,
            Self::FaultReport => 2,
        }
    }

    /// Topics from which one is drawn; what stands twice is twice as likely.
    fn topics(self) -> &'static [&'static str] {
        match self {
            Self::Complaint => &["billing", "billing", "metering", "service", "supply_quality", "tariff", "other"],
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
        }
    }

    fn channels(self) -> &'static [&'static str] {
        match self {
            Self::Complaint => &["hotline", "hotline", "hotline", "app", "wechat", "hall"],
            Self::Enquiry => &["hotline", "hotline", "app", "app", "wechat", "wechat", "hall"],
            Self::Application => &["app", "app", "hall", "hall", "wechat", "field"],
            Self::FaultReport => &["hotline", "hotline", "hotline", "app", "wechat"],
        }
    }
}

/// One work order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkOrder {
    account: u64,
    /// Place among the account's work orders, from 1.
    sequence: usize,
    kind: Kind,
    topic: &'static str,
    channel: &'static str,
    /// Days since 1970-01-01.
    created: i32,
    closed: Option<i32>,
}

/// The work orders of an account, oldest first; `outages` are those of its
/// transformer.
pub fn work_orders_of(world: &World, account: &Account, outages: &[Outage]) -> Vec<WorkOrder> {
    let key = Key::new(world.seed, Stream::WorkOrder).with(account.index);
    let first = world.served_months().next().map_or(world.end, |month| month.first);
    let mut orders = Vec::new();
    for month in
        world.served_months().filter(|month| account.opened < month.first && month.next <= account.supplied_to())
    {
        add_ordinary(account, month, key.on(month.first), &mut orders);
        for outage in outages.iter().filter(|outage| outage.is_of(month)) {
            add_after_outage(account, outage, key.on(outage.day()).with(1), &mut orders);
        }
    }
    add_applications(account, key, &mut orders);
    orders.retain(|order| (first..world.end).contains(&order.created));
    orders.sort_by_key(|order| (order.created, order.kind as u8, order.topic));
    for (place, order) in orders.iter_mut().enumerate() {
        order.sequence = place + 1;
        order.closed = order.closed.filter(|closed| *closed < world.end);
    }
    orders
}

fn order(account: &Account, kind: Kind, topic: &'static str, created: i32, key: Key) -> WorkOrder {
    let channels = kind.channels();
    let channel = channels[key.below(10, channels.len() as u64) as usize];
    // Few orders take long, and some stay open.
    let days = (key.unit(11) * key.unit(12) * kind.closing_days() as f64) as i32;
    let is_left_open = key.chance(13, 0.006);
    WorkOrder {
        account: account.index,
        sequence: 0,
        kind,
        topic,
        channel,
        created,
        closed: (!is_left_open).then_some(created + days),
    }
}

/// Work orders that come for no special reason.
fn add_ordinary(account: &Account, month: &Month, key: Key, orders: &mut Vec<WorkOrder>) {
    let size = if account.archetype().is_household() { 1.0 } else { 2.2 };
    let days = u64::from((month.next - month.first).unsigned_abs());
    for kind in Kind::ALL {
        let key = key.with(10 + kind as u64);
        let temper = match account.holder_on(month.first).payer {
            Payer::Late | Payer::Partial if kind == Kind::Complaint => 2.0,
            Payer::Chronic | Payer::Worsening if kind != Kind::Application => 3.0,
            _ => 1.0,
        };
        if key.chance(0, kind.monthly() * size * temper) {
            let topics = kind.topics();
            let topic = topics[key.below(1, topics.len() as u64) as usize];
            let created = month.first + key.below(2, days) as i32;
            orders.push(order(account, kind, topic, created, key));
        }
    }
}

/// A fault reported, and a complaint lodged, because of an interruption.
fn add_after_outage(account: &Account, outage: &Outage, key: Key, orders: &mut Vec<WorkOrder>) {
    let (report, complain) = if outage.is_planned { (0.001, 0.002) } else { (0.015, 0.006) };
    let size = if account.archetype().is_household() { 1.0 } else { 3.0 };
    if key.chance(0, report * size) {
        let key = key.with(0);
        orders.push(order(account, Kind::FaultReport, "outage", outage.day(), key));
    }
    if key.chance(1, complain * size) {
        let key = key.with(1);
        let created = outage.day() + key.below(2, 3) as i32;
        orders.push(order(account, Kind::Complaint, "outage", created, key));
    }
}

/// Applications that went before what the other tables show.
fn add_applications(account: &Account, key: Key, orders: &mut Vec<WorkOrder>) {
    let mut apply = |topic: &'static str, effective: i32, draw: u64| {
        let key = key.with(1 << 32).with(draw);
        let created = effective - 10 - key.below(0, 21) as i32;
        let closing = Some(effective);
        let order = order(account, Kind::Application, topic, created, key);
        orders.push(WorkOrder { closed: closing, ..order });
    };
    apply("connection", account.opened, 0);
    if let Some(former) = account.former {
        let topic = if former.tariff == account.tariff { "capacity" } else { "tariff" };
        apply(topic, former.until, 1);
    }
    if let Some(charger) = account.tenant.charger.filter(|charger| charger.is_registered) {
        apply("ev_charging", charger.since, 2);
    }
    if let Some(plant) = account.solar.filter(|plant| plant.is_registered) {
        apply("pv", plant.since, 3);
    }
}

impl Row for WorkOrder {
    const TABLE: &'static str = "work_orders";

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let id = |row: &Self| format!("W{:09}{:03}", row.account, row.sequence);
        RecordBatch::try_from_iter_with_nullable([
            ("work_order_id", texts(rows.iter().map(id)), false),
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("kind", texts(rows.iter().map(|row| row.kind.name())), false),
            ("topic", texts(rows.iter().map(|row| row.topic)), false),
            ("channel", texts(rows.iter().map(|row| row.channel)), false),
            ("created_date", dates(rows.iter().map(|row| row.created)), false),
            ("closed_date", opt_dates(rows.iter().map(|row| row.closed)), true),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::outage::outages;
    use super::*;
    use crate::generate::who::network::Node;
    use crate::generate::world::tests::world;

    #[test]
    fn work_orders_lie_before_the_end_in_order() {
        let world = world(13);
        let mut count = 0;
        for index in 0..2_000 {
            let account = Account::draw(&world, index);
            let outages = outages(&world, Node::of(&account));
            let orders = work_orders_of(&world, &account, &outages);
            count += orders.len();
            assert!(orders.is_sorted_by_key(|order| order.created));
            for order in &orders {
                assert!(order.created < world.end);
                assert!(order.closed.is_none_or(|closed| closed >= order.created));
            }
        }
        assert!((500..3_000).contains(&count), "{count}");
    }
}
