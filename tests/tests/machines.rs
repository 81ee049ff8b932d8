//! What befalls the machines of sites: disks, clocks, replacement.

mod disk;
mod repair;
