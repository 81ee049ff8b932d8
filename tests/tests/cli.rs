//! The two command lines: exit codes, data directories, what is refused.

mod agent;
mod house;
mod hub;
mod losses;
mod storage;
mod trouble;
