//! Who the customers are, and the network that supplies them.

pub mod account;
pub mod archetype;
pub mod contract;
pub mod device;
pub mod network;
pub mod outage;
pub mod person;
pub mod tenant;
mod terms;
