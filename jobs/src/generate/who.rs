//! Who the customers are, and where in the network.

pub mod account;
pub mod archetype;
pub mod contract;
pub mod device;
pub mod network;
pub mod person;
pub mod tenant;
