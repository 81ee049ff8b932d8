//! A line between a machine and the hub: ordered bytes both ways, until somebody cuts it.

use std::collections::VecDeque;

use msap_shared::frame::{self, Frame};

/// One connection, with what is under way on it.
pub(super) struct Line {
    /// Which machine made it.
    pub machine: usize,
    /// The hub's generation when it was made.
    pub generation: u64,
    /// Frames on their way to the hub.
    pub up: VecDeque<Vec<u8>>,
    /// Frames on their way to the machine.
    pub down: VecDeque<Vec<u8>>,
    /// Whether the machine still holds its end.
    pub machine_open: bool,
    /// Whether the hub still holds its end.
    pub hub_open: bool,
}

impl Line {
    pub(super) fn new(machine: usize, generation: u64) -> Self {
        let (up, down) = (VecDeque::new(), VecDeque::new());
        Self { machine, generation, up, down, machine_open: true, hub_open: true }
    }

    /// Nobody holds either end.
    pub(super) fn is_over(&self) -> bool {
        !self.machine_open && !self.hub_open
    }
}

/// A frame as bytes.
pub(super) fn bytes_of(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(frame, &mut bytes).expect("sessions keep their frames short");
    bytes
}

/// Bytes as a frame; `None` when the line was cut in the middle of it.
pub(super) fn frame_of(bytes: &[u8]) -> Option<Frame> {
    let (head, body) = bytes.split_first_chunk()?;
    let header = frame::header(*head).expect("a header that was written");
    if body.len() < header.body_len {
        return None;
    }
    frame::decode(header, body).expect("a frame that was written")
}
