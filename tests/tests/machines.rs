//! What befalls the machines of sites: disks, clocks, replacement.

mod clock;
mod disk;
mod repair;
