//! Who may speak to the hub, and what the hub makes of those who misuse it.

mod enrolment;
mod hand;
mod hostile;
mod replaced;
mod rotation;
