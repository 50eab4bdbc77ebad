//! What befalls customers, and what they ask for.

pub mod outage;
pub mod work_order;
