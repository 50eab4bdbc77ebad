//! What was planted, for those who measure how much of it is found. It lies
//! beside the sources, where no job reads it.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::money::payment::{Payer, leaves_unpaid};
use super::service::work_order::{Cause, WorkOrder};
use super::who::account::{Account, account_id};
use super::who::archetype::Archetype;
use super::who::contract::{customer_id, customer_number};
use super::world::World;
use super::write::{Row, decimals, flags, ints, opt_dates, opt_texts, texts};

/// Share of the mean power that a kelvin adds from which a home is heated with
/// electricity.
const HEATED_FROM: f32 = 0.04;

/// Who an account is.
pub struct AccountTruth {
    account: u64,
    archetype: Archetype,
    mean_w: i64,
    growth_millionths: i128,
    has_cooling: bool,
    has_electric_heating: bool,
    pv_since: Option<i32>,
    storage_since: Option<i32>,
    charger_since: Option<i32>,
    heat_pump_since: Option<i32>,
    former_archetype: Option<Archetype>,
    left: Option<i32>,
    came: Option<i32>,
    idle_since: Option<i32>,
    closed: Option<i32>,
    payer: Payer,
    former_payer: Option<Payer>,
    leaves_unpaid: bool,
    same_customer: Option<String>,
}

impl AccountTruth {
    /// The truth of an account.
    pub fn of(world: &World, account: &Account) -> Self {
        let who = &account.tenant;
        let former = account.former_tenant.as_deref();
        let (_, person, is_again) = customer_id(world.seed, account.index, 0);
        let is_vacant = who.archetype == Archetype::Vacant;
        Self {
            account: account.index,
            archetype: who.archetype,
            mean_w: who.mean_w as i64,
            growth_millionths: (f64::from(who.growth) * 1e6).round() as i128,
            has_cooling: who.cooling_w > 0.0,
            has_electric_heating: who.home.is_some_and(|home| home.cold >= HEATED_FROM),
            pv_since: account.solar.map(|plant| plant.since),
            storage_since: account.storage.map(|storage| storage.device.since),
            charger_since: who.charger.map(|charger| charger.since),
            heat_pump_since: who.heat_pump.map(|pump| pump.since),
            former_archetype: former.map(|former| former.tenant.archetype),
            left: former.map(|former| former.left),
            came: former.filter(|_| !is_vacant).map(|former| former.next_came),
            idle_since: who.idle_since,
            closed: account.closed,
            payer: who.payer,
            former_payer: former.map(|former| former.tenant.payer),
            leaves_unpaid: former.is_some() && leaves_unpaid(world.seed, account.index),
            same_customer: is_again.then(|| customer_number(person.index, 0)),
        }
    }
}

impl AccountTruth {
    fn arrears_cause(&self) -> Option<&'static str> {
        // Who closed pays no more, however they paid before.
        if self.idle_since.is_some() { Some("closed_business") } else { self.payer.cause(self.archetype) }
    }
}

impl Row for AccountTruth {
    const TABLE: &'static str = "accounts";

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let dates = |of: fn(&Self) -> Option<i32>| opt_dates(rows.iter().map(of));
        RecordBatch::try_from_iter_with_nullable([
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("archetype", texts(rows.iter().map(|row| row.archetype.name())), false),
            ("mean_w", ints(rows.iter().map(|row| row.mean_w)), false),
            ("yearly_growth", decimals(rows.iter().map(|row| Some(row.growth_millionths)), 9, 6)?, false),
            ("has_cooling", flags(rows.iter().map(|row| row.has_cooling)), false),
            ("has_electric_heating", flags(rows.iter().map(|row| row.has_electric_heating)), false),
            ("pv_since", dates(|row| row.pv_since), true),
            ("storage_since", dates(|row| row.storage_since), true),
            ("ev_charger_since", dates(|row| row.charger_since), true),
            ("heat_pump_since", dates(|row| row.heat_pump_since), true),
            ("former_archetype", opt_texts(rows.iter().map(|row| row.former_archetype.map(Archetype::name))), true),
            ("left_date", dates(|row| row.left), true),
            ("came_date", dates(|row| row.came), true),
            ("idle_since", dates(|row| row.idle_since), true),
            ("closed_date", dates(|row| row.closed), true),
            ("payer", texts(rows.iter().map(|row| row.payer.name())), false),
            ("arrears_cause", opt_texts(rows.iter().map(Self::arrears_cause)), true),
            ("former_payer", opt_texts(rows.iter().map(|row| row.former_payer.map(Payer::name))), true),
            ("left_bills_unpaid", flags(rows.iter().map(|row| row.leaves_unpaid)), false),
            ("same_customer_as", opt_texts(rows.iter().map(|row| row.same_customer.as_ref())), true),
        ])
    }
}

/// Why there is a work order.
pub struct OrderTruth {
    id: String,
    cause: Cause,
}

impl From<&WorkOrder> for OrderTruth {
    fn from(order: &WorkOrder) -> Self {
        Self { id: order.id(), cause: order.cause.clone() }
    }
}

impl Row for OrderTruth {
    const TABLE: &'static str = "work_orders";

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let outages = rows.iter().map(|row| match &row.cause {
            Cause::Outage(id) => Some(id),
            _ => None,
        });
        let months = rows.iter().map(|row| match row.cause {
            Cause::BillShock(month) => Some(month),
            _ => None,
        });
        RecordBatch::try_from_iter_with_nullable([
            ("work_order_id", texts(rows.iter().map(|row| &row.id)), false),
            ("cause", texts(rows.iter().map(|row| row.cause.name())), false),
            ("outage_id", opt_texts(outages), true),
            ("bill_month", opt_dates(months), true),
        ])
    }
}
