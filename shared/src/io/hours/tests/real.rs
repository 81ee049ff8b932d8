//! Text out.
