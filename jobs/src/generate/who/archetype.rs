//! The kinds of customer and what they have in common.

/// A kind of customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archetype {
    /// A household that is out by day.
    WorkingFamily,
    /// A household that is at home by day.
    AtHome,
    /// A household that is up at night.
    NightOwl,
    /// A dwelling in which nobody lives.
    Vacant,
    Shop,
    Restaurant,
    Hotel,
    Office,
    Hospital,
    FactoryOneShift,
    FactoryTwoShifts,
    FactoryThreeShifts,
    Farm,
    School,
    StreetLighting,
    BaseStation,
    ColdStore,
    DataCentre,
}

/// What the accounts of a kind have in common.
pub struct Traits {
    /// Accounts of this kind in a thousand.
    per_mille: u64,
    /// `account_class` of the accounts.
    pub class: &'static str,
    /// Section letters and divisions of GB/T 4754; none for households.
    pub industries: &'static [&'static str],
    /// Median yearly energy. Of dwellings in which somebody lives, London says it.
    pub median_kwh: f64,
    /// Standard deviation of the logarithm of the yearly energy.
    pub sigma: f64,
    /// Half the width of the noise of a point, as a share of its power.
    pub noise: f64,
    /// Share of the noise that is still there a quarter of an hour later.
    pub persistence: f64,
    /// Share by which full cooling raises the load of a business.
    pub cooling_share: f64,
    /// Share by which full heating raises the load of a business.
    pub heating_share: f64,
    /// Highest power of an ordinary year over its mean.
    pub peak_factor: f64,
}

/// A household, but for what the kinds of household differ in.
const HOUSEHOLD: Traits = Traits {
    per_mille: 0,
    class: "residential",
    industries: &[],
    median_kwh: 2_500.0,
    sigma: 0.45,
    noise: 0.8,
    persistence: 0.7,
    cooling_share: 0.0,
    heating_share: 0.0,
    peak_factor: 10.0,
};

/// A business, but for what the kinds of business differ in.
const BUSINESS: Traits = Traits {
    per_mille: 0,
    class: "commercial",
    industries: &[],
    median_kwh: 12_000.0,
    sigma: 0.8,
    noise: 0.1,
    persistence: 0.4,
    cooling_share: 0.0,
    heating_share: 0.0,
    peak_factor: 3.0,
};

/// The traits of every kind, in the order of [`Archetype::ALL`].
static TRAITS: [Traits; Archetype::ALL.len()] = [
    Traits { per_mille: 445, ..HOUSEHOLD },
    Traits { per_mille: 230, ..HOUSEHOLD },
    Traits { per_mille: 105, ..HOUSEHOLD },
    Traits { per_mille: 70, median_kwh: 90.0, sigma: 0.6, noise: 0.25, persistence: 0.3, ..HOUSEHOLD },
    // Shop.
    Traits {
        per_mille: 51,
        industries: &["F52", "F51", "O80"],
        noise: 0.12,
        cooling_share: 0.5,
        heating_share: 0.2,
        ..BUSINESS
    },
    // Restaurant.
    Traits {
        per_mille: 24,
        industries: &["H62"],
        median_kwh: 35_000.0,
        sigma: 0.7,
        noise: 0.2,
        persistence: 0.5,
        cooling_share: 0.4,
        heating_share: 0.2,
        ..BUSINESS
    },
    // Hotel.
    Traits {
        per_mille: 3,
        industries: &["H61"],
        median_kwh: 180_000.0,
        sigma: 0.9,
        noise: 0.08,
        persistence: 0.6,
        cooling_share: 0.55,
        heating_share: 0.35,
        peak_factor: 2.4,
        ..BUSINESS
    },
    // Office.
    Traits {
        per_mille: 22,
        industries: &["L72", "M74", "K70", "J66"],
        median_kwh: 40_000.0,
        sigma: 1.0,
        noise: 0.08,
        persistence: 0.6,
        cooling_share: 0.6,
        heating_share: 0.3,
        ..BUSINESS
    },
    // Hospital.
    Traits {
        per_mille: 1,
        class: "public",
        industries: &["Q84"],
        median_kwh: 800_000.0,
        noise: 0.05,
        persistence: 0.7,
        cooling_share: 0.4,
        heating_share: 0.2,
        peak_factor: 2.2,
        ..BUSINESS
    },
    // Factory, one shift.
    Traits {
        per_mille: 12,
        class: "industrial",
        industries: &["C33", "C21", "C18", "C29"],
        median_kwh: 120_000.0,
        sigma: 1.1,
        noise: 0.22,
        persistence: 0.6,
        cooling_share: 0.1,
        peak_factor: 4.0,
        ..BUSINESS
    },
    // Factory, two shifts.
    Traits {
        per_mille: 6,
        class: "industrial",
        industries: &["C17", "C36", "C38"],
        median_kwh: 300_000.0,
        sigma: 1.1,
        noise: 0.14,
        persistence: 0.6,
        cooling_share: 0.1,
        peak_factor: 2.4,
        ..BUSINESS
    },
    // Factory, three shifts.
    Traits {
        per_mille: 3,
        class: "industrial",
        industries: &["C26", "C30", "C31", "C22"],
        median_kwh: 700_000.0,
        sigma: 1.1,
        noise: 0.06,
        persistence: 0.7,
        cooling_share: 0.03,
        peak_factor: 1.5,
        ..BUSINESS
    },
    // Farm.
    Traits {
        per_mille: 12,
        class: "agricultural",
        industries: &["A01", "A03", "A05"],
        median_kwh: 12_000.0,
        sigma: 0.9,
        noise: 0.25,
        peak_factor: 6.0,
        ..BUSINESS
    },
    // School.
    Traits {
        per_mille: 4,
        class: "public",
        industries: &["P83"],
        median_kwh: 150_000.0,
        sigma: 0.7,
        noise: 0.12,
        persistence: 0.6,
        cooling_share: 0.3,
        heating_share: 0.3,
        peak_factor: 4.0,
    },
    // Street lighting.
    Traits {
        per_mille: 5,
        class: "public",
        industries: &["N78"],
        median_kwh: 20_000.0,
        sigma: 0.6,
        noise: 0.02,
        peak_factor: 2.6,
        ..BUSINESS
    },
    // Base station of a mobile network.
    Traits {
        per_mille: 5,
        industries: &["I63"],
        median_kwh: 22_000.0,
        sigma: 0.35,
        noise: 0.04,
        persistence: 0.5,
        cooling_share: 0.18,
        peak_factor: 1.8,
        ..BUSINESS
    },
    // Cold store.
    Traits {
        per_mille: 1,
        industries: &["G59"],
        median_kwh: 400_000.0,
        sigma: 1.0,
        noise: 0.25,
        persistence: 0.75,
        cooling_share: 0.45,
        peak_factor: 2.6,
        ..BUSINESS
    },
    // Data centre.
    Traits {
        per_mille: 1,
        industries: &["I64"],
        median_kwh: 800_000.0,
        sigma: 1.1,
        noise: 0.015,
        persistence: 0.8,
        cooling_share: 0.12,
        peak_factor: 1.3,
        ..BUSINESS
    },
];

impl Archetype {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 18] = [
        Self::WorkingFamily,
        Self::AtHome,
        Self::NightOwl,
        Self::Vacant,
        Self::Shop,
        Self::Restaurant,
        Self::Hotel,
        Self::Office,
        Self::Hospital,
        Self::FactoryOneShift,
        Self::FactoryTwoShifts,
        Self::FactoryThreeShifts,
        Self::Farm,
        Self::School,
        Self::StreetLighting,
        Self::BaseStation,
        Self::ColdStore,
        Self::DataCentre,
    ];

    /// What the accounts of the kind have in common.
    pub fn traits(self) -> &'static Traits {
        &TRAITS[self as usize]
    }

    /// Its name in what was planted.
    pub fn name(self) -> &'static str {
        match self {
            Self::WorkingFamily => "working_family",
            Self::AtHome => "at_home",
            Self::NightOwl => "night_owl",
            Self::Vacant => "vacant",
            Self::Shop => "shop",
            Self::Restaurant => "restaurant",
            Self::Hotel => "hotel",
            Self::Office => "office",
            Self::Hospital => "hospital",
            Self::FactoryOneShift => "factory_one_shift",
            Self::FactoryTwoShifts => "factory_two_shifts",
            Self::FactoryThreeShifts => "factory_three_shifts",
            Self::Farm => "farm",
            Self::School => "school",
            Self::StreetLighting => "street_lighting",
            Self::BaseStation => "base_station",
            Self::ColdStore => "cold_store",
            Self::DataCentre => "data_centre",
        }
    }

    /// Number of the kind among the households that live in a dwelling.
    pub fn household(self) -> Option<usize> {
        self.is_lived_in().then_some(self as usize)
    }

    /// The kind of the account that drew `ticket`, a number below 1,000.
    pub fn of_ticket(ticket: u64) -> Self {
        let mut upto = 0;
        for archetype in Self::ALL {
            upto += archetype.traits().per_mille;
            if ticket < upto {
                return archetype;
            }
        }
        Self::WorkingFamily
    }

    /// Whether the account is a dwelling.
    pub fn is_household(self) -> bool {
        matches!(self, Self::WorkingFamily | Self::AtHome | Self::NightOwl | Self::Vacant)
    }

    /// Whether somebody lives in the dwelling.
    pub fn is_lived_in(self) -> bool {
        self.is_household() && self != Self::Vacant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_share_out_a_thousand_tickets() {
        let total: u64 = TRAITS.iter().map(|traits| traits.per_mille).sum();
        assert_eq!(total, 1_000);
        let homes = (0..1_000).filter(|ticket| Archetype::of_ticket(*ticket).is_household());
        assert_eq!(homes.count(), 850);
    }

    #[test]
    fn traits_stand_in_the_order_of_their_kinds() {
        assert!(Archetype::Vacant.traits().median_kwh < 200.0);
        assert_eq!(Archetype::School.traits().industries, ["P83"]);
        assert_eq!(Archetype::FactoryThreeShifts.traits().class, "industrial");
    }
}
