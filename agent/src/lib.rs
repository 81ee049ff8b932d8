//! The agent of one house or antenna: counts visits, keeps them, syncs them.

pub mod app;
pub mod backup;
pub mod bundle;
pub mod catalogue;
pub mod cli;
pub mod client;
pub mod command;
pub mod config;
pub mod core;
mod desk;
pub mod dial;
pub mod doctor;
pub mod exchange;
pub mod exit;
pub mod identity;
pub mod join;
pub mod lock;
pub mod osm;
pub mod out;
pub mod outlook;
pub mod repair;
pub mod replica;
pub mod service;
pub mod store;
pub mod upkeep;
pub mod web;

pub use msap_shared::wording;
