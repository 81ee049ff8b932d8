//! Rough weather: bad lines, cuts and firewalls between real programs.

mod blocked;
mod cuts;
mod lines;
