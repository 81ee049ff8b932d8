//! The hub: merges every site into network-wide views.

pub mod accept;
pub mod core;
pub mod enrol;
pub mod keys;
pub mod lang;
pub mod ledger;
pub mod replica;
pub mod site;
pub mod store;
pub mod verify;
