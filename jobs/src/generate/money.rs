//! What customers are billed, and how they pay.

pub mod bill;
pub mod payment;
pub mod tariff;
pub mod usage;
