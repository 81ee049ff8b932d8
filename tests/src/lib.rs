//! What the tests across programs share: the simulated world, real clusters, the visit generator.

pub mod cluster;
pub mod demo;
pub mod fleet;
pub mod generator;
pub mod netns;
pub mod relay;
pub mod world;
