//! Campaigns: what is offered to whom, who is held out, and by how much each
//! kind of customer does more of it when reached by each channel.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use chrono::{Months, NaiveDate};

use crate::generate::money::payment::Payer;
use crate::generate::money::tariff::Tariff;
use crate::generate::who::account::Account;
use crate::generate::who::archetype::Archetype;
use crate::generate::who::contract::Reach;
use crate::generate::who::tenant::Tenant;
use crate::generate::world::World;
use crate::generate::write::{Row, dates, decimals, ints, texts};

/// How the utility turns to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Sms,
    AppPush,
    Wechat,
    Call,
    Letter,
    Visit,
}

impl Channel {
    pub const ALL: [Self; 6] = [Self::Sms, Self::AppPush, Self::Wechat, Self::Call, Self::Letter, Self::Visit];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::AppPush => "app_push",
            Self::Wechat => "wechat",
            Self::Call => "call",
            Self::Letter => "letter",
            Self::Visit => "visit",
        }
    }
}

/// A campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Campaign {
    pub number: usize,
    pub product: Product,
    /// Months before the end in which it began.
    months_ago: u32,
    days: i32,
    /// Of a thousand, so many are not contacted, to compare.
    pub held_out: u64,
    cost_cents: i64,
}

/// What a campaign is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    TimeOfUse,
    ElectronicBill,
    Autopay,
    ChargingTariff,
    SummerSaving,
    DemandResponse,
    App,
}

const fn campaign(
    number: usize,
    product: Product,
    months_ago: u32,
    days: i32,
    held_out: u64,
    cost_cents: i64,
) -> Campaign {
    Campaign { number, product, months_ago, days, held_out, cost_cents }
}

/// Every campaign, oldest first.
pub const CAMPAIGNS: [Campaign; 7] = [
    campaign(0, Product::ElectronicBill, 21, 40, 100, 6),
    campaign(1, Product::TimeOfUse, 17, 30, 150, 25),
    campaign(2, Product::Autopay, 13, 45, 100, 8),
    campaign(3, Product::ChargingTariff, 10, 60, 200, 40),
    campaign(4, Product::SummerSaving, 8, 25, 150, 5),
    campaign(5, Product::DemandResponse, 7, 30, 200, 900),
    campaign(6, Product::App, 3, 50, 100, 7),
];

impl Campaign {
    /// Its number in the lake.
    pub fn id(self) -> String {
        format!("CP{:03}", self.number + 1)
    }

    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self.product {
            Product::TimeOfUse => ("Switch to time of use", "居民峰谷电价推广", "time_of_use"),
            Product::ElectronicBill => ("Bills without paper", "电子账单推广", "electronic_bill"),
            Product::Autopay => ("Direct debit", "代扣缴费推广", "autopay"),
            Product::ChargingTariff => ("Charge by night", "充电桩低谷充电", "charging_tariff"),
            Product::SummerSaving => ("Cool and save", "迎峰度夏节能建议", "saving_advice"),
            Product::DemandResponse => ("Demand response", "需求响应邀约", "demand_response"),
            Product::App => ("The app", "网上国网绑定", "app"),
        }
    }

    /// The day on which it began; the lake's records may not reach back so far.
    pub fn start(self, world: &World) -> Option<i32> {
        let month = NaiveDate::from_epoch_days(world.first_of_last_month())?;
        Some(month.checked_sub_months(Months::new(self.months_ago))?.to_epoch_days() + 4)
    }

    /// Days over which it turned to people.
    pub fn days(self) -> i32 {
        self.days
    }

    /// Whether it is for an account, and who holds that on its first day.
    pub fn is_for(self, account: &Account, who: &Tenant, reach: &Reach, start: i32) -> bool {
        if account.opened >= start || account.supplied_to() <= start + self.days || who.archetype == Archetype::Vacant {
            return false;
        }
        let is_household = who.archetype.is_household();
        match self.product {
            // Who changes unasked is none to win.
            Product::TimeOfUse => {
                let changes_unasked = account.former.is_some() && account.conversions.time_of_use.is_none();
                account.terms_on(start).0 == Tariff::ResidentialTiered && !changes_unasked
            }
            Product::ElectronicBill => reach.invoice_mode == "paper" && is_household,
            Product::Autopay => who.payer != Payer::Autopay && is_household,
            Product::ChargingTariff => who.charger.is_some_and(|charger| charger.is_registered),
            Product::SummerSaving => is_household && who.mean_w > 350.0,
            Product::DemandResponse => account.has_own_transformer(),
            Product::App => !reach.has_app && is_household,
        }
    }

    /// Probability that a customer does it unasked.
    pub fn base(self) -> f64 {
        match self.product {
            Product::TimeOfUse => 0.012,
            Product::ElectronicBill => 0.03,
            Product::Autopay => 0.02,
            Product::ChargingTariff => 0.10,
            Product::SummerSaving => 0.05,
            Product::DemandResponse => 0.04,
            Product::App => 0.035,
        }
    }

    /// What is added to that when a customer of this kind is reached by a
    /// channel: the true effect.
    pub fn lift(self, archetype: Archetype, channel: Channel) -> f64 {
        let by_product = match self.product {
            Product::TimeOfUse => 0.05,
            Product::ElectronicBill => 0.10,
            Product::Autopay => 0.06,
            Product::ChargingTariff => 0.16,
            Product::SummerSaving => 0.04,
            Product::DemandResponse => 0.12,
            Product::App => 0.08,
        };
        let by_channel = match (archetype, channel) {
            (Archetype::AtHome, Channel::AppPush | Channel::Wechat) => 0.5,
            (Archetype::AtHome, Channel::Call | Channel::Visit) => 1.8,
            (Archetype::NightOwl | Archetype::WorkingFamily, Channel::AppPush | Channel::Wechat) => 1.4,
            // Some only resent being called.
            (Archetype::NightOwl, Channel::Call) => -0.3,
            (Archetype::WorkingFamily, Channel::Call) => 0.4,
            (_, Channel::Letter) => 0.5,
            (_, Channel::Visit) => 2.0,
            _ => 1.0,
        };
        by_product * by_channel
    }
}

/// One row of the campaigns.
pub struct CampaignRow {
    campaign: Campaign,
    start: i32,
}

/// The campaigns that the records reach back to.
pub fn campaigns(world: &World) -> impl Iterator<Item = CampaignRow> {
    let row = |campaign: Campaign| campaign.start(world).map(|start| CampaignRow { campaign, start });
    CAMPAIGNS.into_iter().filter_map(row).filter(|row| row.start >= world.first_served())
}

impl Row for CampaignRow {
    const TABLE: &'static str = "campaigns";

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let costs = rows.iter().map(|row| Some(i128::from(row.campaign.cost_cents)));
        RecordBatch::try_from_iter_with_nullable([
            ("campaign_id", texts(rows.iter().map(|row| row.campaign.id())), false),
            ("name", texts(rows.iter().map(|row| row.campaign.names().0)), true),
            ("name_zh", texts(rows.iter().map(|row| row.campaign.names().1)), true),
            ("product", texts(rows.iter().map(|row| row.campaign.names().2)), false),
            ("start_date", dates(rows.iter().map(|row| row.start)), false),
            ("end_date", dates(rows.iter().map(|row| row.start + row.campaign.days)), true),
            ("holdout_permille", ints(rows.iter().map(|row| row.campaign.held_out as i64)), true),
            ("contact_cost_cny", decimals(costs, 9, 2)?, true),
        ])
    }
}

/// One true effect, for those who compare.
pub struct EffectRow {
    campaign: Campaign,
    archetype: Archetype,
    channel: Channel,
}

impl EffectRow {
    /// By how much more customers do it: where a channel puts them off, nobody can
    /// do it less than not at all.
    fn lift(&self) -> f64 {
        let base = self.campaign.base();
        (base + self.campaign.lift(self.archetype, self.channel)).clamp(0.0, 1.0) - base
    }
}

/// Every true effect.
pub fn effects(world: &World) -> impl Iterator<Item = EffectRow> {
    campaigns(world).flat_map(|row| {
        Archetype::ALL.into_iter().flat_map(move |archetype| {
            Channel::ALL.map(move |channel| EffectRow { campaign: row.campaign, archetype, channel })
        })
    })
}

impl Row for EffectRow {
    const TABLE: &'static str = "campaign_effect";

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let share = |of: fn(&Self) -> f64| decimals(rows.iter().map(|row| Some((of(row) * 1e6).round() as i128)), 9, 6);
        RecordBatch::try_from_iter_with_nullable([
            ("campaign_id", texts(rows.iter().map(|row| row.campaign.id())), false),
            ("archetype", texts(rows.iter().map(|row| row.archetype.name())), false),
            ("channel", texts(rows.iter().map(|row| row.channel.name())), false),
            ("base_rate", share(|row| row.campaign.base())?, false),
            ("lift", share(EffectRow::lift)?, false),
        ])
    }
}
