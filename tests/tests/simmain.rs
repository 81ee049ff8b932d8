//! temp
#[path = "simulation.rs"]
mod simulation;
