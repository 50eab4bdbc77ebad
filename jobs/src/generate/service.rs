//! What customers apply for, ask and complain about, how the utility turns to
//! them, and what their apps and meters report.

pub mod app_event;
pub mod application;
pub mod campaign;
pub mod contact;
pub mod meter;
pub mod meter_event;
mod text;
pub mod work_order;

use super::money::bill::Bill;
use super::who::account::Account;
use super::who::outage::Outage;
use application::Application;

/// What is known of an account when its service records are made.
pub struct Story<'a> {
    pub account: &'a Account,
    /// Bills, oldest first.
    pub bills: &'a [Bill],
    /// Interruptions of its transformer, oldest first.
    pub outages: &'a [Outage],
    /// What it applied for.
    pub applications: &'a [Application],
    /// Days on which it was reminded to pay.
    pub reminders: &'a [i32],
}

#[cfg(test)]
mod tests {
    use super::contact::{Contact, Outcome, contacts_of};
    use super::work_order::{Cause, Kind, WorkOrder, work_orders_of};
    use super::*;
    use crate::generate::money::bill::bills_of;
    use crate::generate::money::payment::payments_of;
    use crate::generate::service::application::applications_of;
    use crate::generate::service::contact::reminders_of;
    use crate::generate::who::network::Node;
    use crate::generate::who::outage::outages;
    use crate::generate::world::World;
    use crate::generate::world::tests::world;

    fn records(world: &World, index: u64) -> (Account, Vec<Outage>, Vec<WorkOrder>, Vec<Contact>) {
        let account = Account::draw(world, index);
        let outages = outages(world, Node::of(&account));
        let bills = bills_of(world, &account);
        let payments: Vec<_> = bills.iter().map(|bill| payments_of(world, &account, bill)).collect();
        let applications = applications_of(world, &account);
        let reminders = reminders_of(world, &account, &bills, &payments);
        let story = Story {
            account: &account,
            bills: &bills,
            outages: &outages,
            applications: &applications,
            reminders: &reminders.iter().map(|reminder| reminder.day).collect::<Vec<_>>(),
        };
        let orders = work_orders_of(world, &story);
        let contacts = contacts_of(world, &account, &reminders);
        (account, outages, orders, contacts)
    }

    #[test]
    fn orders_have_causes_that_are_there() {
        let world = world(13);
        let (mut all, mut caused) = (0, 0);
        for index in 0..1_500 {
            let (account, outages, orders, _) = records(&world, index);
            assert!(orders.is_sorted_by_key(|order| order.created));
            for order in &orders {
                assert!(order.created < world.end && order.created < account.supplied_to());
                if let Cause::Outage(id) = &order.cause {
                    let outage = outages.iter().find(|outage| outage.id() == *id).expect("an outage of its own");
                    assert!((0..4).contains(&(order.created - outage.day())));
                }
                if order.kind == Kind::Complaint {
                    all += 1;
                    caused += usize::from(order.cause != Cause::None);
                }
            }
        }
        assert!(all > 30 && caused * 2 > all, "{caused} of {all} complaints");
    }

    #[test]
    fn contacts_lift_what_hold_outs_do_anyway() {
        let world = world(13);
        let (mut held, mut reached) = ((0, 0), (0, 0));
        for index in 0..4_000 {
            let (account, _, _, contacts) = records(&world, index);
            for contact in contacts.iter().filter(|contact| contact.campaign.is_some()) {
                assert_eq!(contact.is_held_out, contact.outcome == Outcome::HeldOut);
                assert!(contact.day < world.end && contact.day < account.supplied_to());
                let group = if contact.is_held_out { &mut held } else { &mut reached };
                group.0 += usize::from(contact.converted.is_some());
                group.1 += 1;
            }
        }
        let rate = |(converted, all): (usize, usize)| converted as f64 / all as f64;
        assert!(held.1 > 300 && reached.1 > 1_000, "{held:?} {reached:?}");
        assert!(rate(reached) > rate(held) + 0.01, "{held:?} {reached:?}");
    }
}
