//! The hub: merges every site into network-wide views.
