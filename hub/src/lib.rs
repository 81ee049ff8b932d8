//! The hub: merges every site into network-wide views.

pub mod accept;
pub mod admin;
pub mod app;
pub mod ask;
pub mod backup;
pub mod bundle;
pub mod cli;
pub mod client;
pub mod config;
pub mod core;
pub mod doctor;
pub mod enrol;
pub mod exit;
pub mod export;
pub mod http;
pub mod import;
pub mod keys;
pub mod lang;
pub mod ledger;
pub mod out;
pub mod reference;
pub mod replica;
pub mod service;
pub mod site;
pub mod store;
pub mod verify;
