//! The ways a connection ends, and their names.
//!
//! Said by whoever closes, over QUIC in the connection's close and over TCP in a frame; read by
//! the other side, its log and its status.

/// Why a connection was closed, as the peers tell each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum CloseCode {
    /// All is said.
    Normal = 0,
    /// The program stops; it will be back.
    Shutdown = 1,
    /// The peer sent something that is no frame, or not in this order.
    Protocol = 2,
    /// The peer sent more than a limit allows.
    TooLarge = 3,
    /// The hub does not know the device.
    Unknown = 4,
    /// The hub no longer accepts the device.
    Revoked = 5,
    /// Too many connections: try later.
    Busy = 6,
    /// The hub's epoch changed: begin again.
    Epoch = 7,
    /// Another connection took this one's place.
    Replaced = 8,
    /// The peer let a deadline pass.
    Timeout = 9,
    /// A fault on the closing side.
    Internal = 10,
}

impl CloseCode {
    const ALL: [Self; 11] = [
        Self::Normal,
        Self::Shutdown,
        Self::Protocol,
        Self::TooLarge,
        Self::Unknown,
        Self::Revoked,
        Self::Busy,
        Self::Epoch,
        Self::Replaced,
        Self::Timeout,
        Self::Internal,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The code with this number; one from a newer program counts as [`CloseCode::Internal`].
    pub fn from_number(number: u64) -> Self {
        Self::ALL.into_iter().find(|code| u64::from(code.number()) == number).unwrap_or(Self::Internal)
    }

    /// The stable name, for logs and status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Shutdown => "shutdown",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Busy => "busy",
            Self::Epoch => "epoch",
            Self::Replaced => "replaced",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
        }
    }

    /// Whether what was written before is worth waiting for until the peer has it.
    pub const fn is_orderly(self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::Busy | Self::Epoch)
    }
}

/// How a connection, or the attempt to make one, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// This side closed it.
    Ours(CloseCode),
    /// The peer closed it.
    Theirs(CloseCode),
    /// The peer's certificate does not verify here.
    Untrusted,
    /// The peer turned down the handshake, for this side's certificate usually.
    Rejected,
    /// The address does not resolve.
    Unresolved,
    /// No answer, or none any more.
    Silent,
    /// Reset, or the network said no.
    Lost,
}

impl CloseReason {
    /// Whether the network on the way may be at fault, and another transport might pass.
    pub const fn could_be_the_path(self) -> bool {
        matches!(self, Self::Silent | Self::Lost)
    }

    /// The stable name, for logs and status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ours(code) | Self::Theirs(code) => code.as_str(),
            Self::Untrusted => "untrusted",
            Self::Rejected => "rejected",
            Self::Unresolved => "unresolved",
            Self::Silent => "silent",
            Self::Lost => "lost",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_close_code_has_its_number() {
        for (number, code) in CloseCode::ALL.into_iter().enumerate() {
            assert_eq!(code.number() as usize, number);
            assert_eq!(CloseCode::from_number(number as u64), code);
        }
        assert_eq!(CloseCode::from_number(99), CloseCode::Internal);
    }
}
