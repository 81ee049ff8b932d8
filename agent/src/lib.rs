//! The agent of one house or antenna: counts visits, keeps them, syncs them.

pub mod command;
