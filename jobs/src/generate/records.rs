//! Everything of some accounts but their curves, on its way to files.

use std::ops::Range;

use super::error::GenerateError;
use super::money::bill::{Bill, bills_of};
use super::money::payment::{Payment, payments_of};
use super::pieces::{Tally, Work};
use super::service::Story;
use super::service::app_event::{AppEvent, app_events_of};
use super::service::application::{Application, applications_of};
use super::service::contact::{Contact, contacts_of, reminders_of};
use super::service::meter::{Meter, meters_of};
use super::service::meter_event::{MeterEvent, meter_events_of};
use super::service::work_order::{WorkOrder, work_orders_of};
use super::truth::{AccountTruth, OrderTruth};
use super::who::account::Account;
use super::who::contract::{ContractRow, contracts_of};
use super::who::device::{DeviceRow, devices_of};
use super::who::network::{Node, Transformer, transformers_of};
use super::who::outage::{Outage, outages};
use super::write::{Row, Sink};

/// The records of some accounts on their way to files.
pub struct Records<'a> {
    work: &'a Work<'a>,
    part: u64,
    contracts: Sink<ContractRow>,
    devices: Sink<DeviceRow>,
    meters: Sink<Meter>,
    transformers: Sink<Transformer>,
    interruptions: Sink<Outage>,
    bills: Sink<Bill>,
    payments: Sink<Payment>,
    applications: Sink<Application>,
    orders: Sink<WorkOrder>,
    contacts: Sink<Contact>,
    app_events: Sink<AppEvent>,
    meter_events: Sink<MeterEvent>,
    account_truth: Sink<AccountTruth>,
    order_truth: Sink<OrderTruth>,
}

impl<'a> Records<'a> {
    /// Opens the files of a part.
    pub fn new(work: &'a Work<'_>, part: u64) -> Result<Self, GenerateError> {
        Ok(Self {
            work,
            part,
            contracts: work.sink(part)?,
            devices: work.sink(part)?,
            meters: work.sink(part)?,
            transformers: work.sink(part)?,
            interruptions: work.sink(part)?,
            bills: work.sink(part)?,
            payments: work.sink(part)?,
            applications: work.sink(part)?,
            orders: work.sink(part)?,
            contacts: work.sink(part)?,
            app_events: work.sink(part)?,
            meter_events: work.sink(part)?,
            account_truth: work.truth_sink(part)?,
            order_truth: work.truth_sink(part)?,
        })
    }

    /// Makes the records of some accounts and writes them.
    pub fn write(mut self, accounts: Range<u64>) -> Result<Tally, GenerateError> {
        let world = self.work.world;
        for transformer in transformers_of(&accounts) {
            self.transformers.push(Transformer::public(world.seed, transformer))?;
            self.write_outages(&outages(world, Node::Public { transformer }))?;
        }
        let mut supply: Option<(Node, Vec<Outage>)> = None;
        for index in accounts {
            let account = Account::draw(world, index);
            let node = Node::of(&account);
            // Neighbours hang on one transformer, whose outages are drawn once.
            let suffered = match supply.take() {
                Some((former, suffered)) if former == node => suffered,
                _ => outages(world, node),
            };
            if account.has_own_transformer() {
                self.transformers.push(Transformer::private(&account))?;
                self.write_outages(&suffered)?;
            }
            self.write_account(&account, &suffered)?;
            supply = Some((node, suffered));
        }
        self.finish()
    }

    /// Writes those that the records reach back to.
    fn write_outages(&mut self, outages: &[Outage]) -> Result<(), GenerateError> {
        let first = self.work.world.first_served();
        self.interruptions.extend(outages.iter().copied().filter(|outage| outage.day() >= first))
    }

    fn write_account(&mut self, account: &Account, outages: &[Outage]) -> Result<(), GenerateError> {
        let world = self.work.world;
        let meters = meters_of(world, account);
        let applications = applications_of(world, account);
        let bills = bills_of(world, account);
        let payments: Vec<Vec<Payment>> = bills.iter().map(|bill| payments_of(world, account, bill)).collect();
        let reminders = reminders_of(world, account, &bills, &payments);
        let days: Vec<i32> = reminders.iter().map(|reminder| reminder.day).collect();
        let story = Story { account, bills: &bills, outages, applications: &applications, reminders: &days };
        let orders = work_orders_of(world, &story);

        self.contracts.extend(contracts_of(world, account))?;
        self.devices.extend(devices_of(account))?;
        self.contacts.extend(contacts_of(world, account, &reminders))?;
        self.app_events.extend(app_events_of(world, &story))?;
        self.meter_events.extend(meter_events_of(world, &story, &meters))?;
        self.account_truth.push(AccountTruth::of(world, account))?;
        self.order_truth.extend(orders.iter().map(OrderTruth::from))?;
        self.orders.extend(orders)?;
        self.meters.extend(meters)?;
        self.payments.extend(payments.into_iter().flatten())?;
        self.bills.extend(bills)?;
        self.applications.extend(applications)
    }

    fn finish(self) -> Result<Tally, GenerateError> {
        let mut dirt = Vec::new();
        self.account_truth.finish(&mut dirt)?;
        self.order_truth.finish(&mut dirt)?;
        let tally = Tally::from([
            (ContractRow::TABLE, self.contracts.finish(&mut dirt)?),
            (DeviceRow::TABLE, self.devices.finish(&mut dirt)?),
            (Meter::TABLE, self.meters.finish(&mut dirt)?),
            (Transformer::TABLE, self.transformers.finish(&mut dirt)?),
            (Outage::TABLE, self.interruptions.finish(&mut dirt)?),
            (Bill::TABLE, self.bills.finish(&mut dirt)?),
            (Payment::TABLE, self.payments.finish(&mut dirt)?),
            (Application::TABLE, self.applications.finish(&mut dirt)?),
            (WorkOrder::TABLE, self.orders.finish(&mut dirt)?),
            (Contact::TABLE, self.contacts.finish(&mut dirt)?),
            (AppEvent::TABLE, self.app_events.finish(&mut dirt)?),
            (MeterEvent::TABLE, self.meter_events.finish(&mut dirt)?),
        ]);
        self.work.write_down(dirt, &format!("records-{:05}", self.part))?;
        Ok(tally)
    }
}
