//! The two messages of enrolment, and their bytes.
//!
//! The agent's `join` sends one request, the hub's `enrol` one answer, on a connection with the
//! ALPN of enrolment on which the agent has authenticated the hub. Each message is its length in
//! four bytes, big-endian, and CBOR with numbered fields; unknown fields are skipped, so that a
//! newer hub can say more. Invariant: no message is longer than [`MESSAGE_LEN_MAX`].

use std::fmt;
use std::io;

pub use crate::reference::SiteProfile;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest message, in bytes.
pub const MESSAGE_LEN_MAX: usize = 16 * 1024;
/// Longest label of a device, in characters.
pub const LABEL_LEN_MAX: usize = 64;

/// Agent → hub.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Request {
    /// The secret of the join code.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub secret: [u8; 16],
    /// The signing request, DER.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signing_request: Vec<u8>,
    /// What people call this machine.
    #[n(2)]
    pub label: String,
    /// The agent's version.
    #[n(3)]
    pub app: String,
    /// The site whose visits are kept on this machine already: an invitation of another one is
    /// denied, and not used up.
    #[n(4)]
    pub site: Option<String>,
    /// The device that this machine was till now: it is not heard again.
    #[n(5)]
    pub previous: Option<String>,
}

/// Without the secret: it may end up in a log.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("label", &self.label).field("app", &self.app).finish_non_exhaustive()
    }
}

/// Hub → agent: welcome.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Enrolled {
    /// The device's certificate, DER.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub certificate: Vec<u8>,
    /// The authorities to trust the hub by, DER.
    #[n(1)]
    pub authorities: Vec<ByteVec>,
    /// The site.
    #[n(2)]
    pub profile: SiteProfile,
    /// Where to sync, `host:port`.
    #[n(3)]
    pub address: String,
}

/// Why the hub says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The code is unknown, or no longer valid: the hub does not say which.
    InvalidCode,
    /// The code was used by another machine.
    CodeUsed,
    /// The machine was excluded: an old code does not bring it back.
    Revoked,
    /// The code is for another site than the one this machine counts for.
    OtherSite,
    /// The request is malformed.
    BadRequest,
    /// The hub cannot answer now.
    Busy,
    /// A reason of a newer hub.
    Other,
}

impl Denial {
    const KNOWN: [(u32, Self); 6] = [
        (1, Self::InvalidCode),
        (2, Self::CodeUsed),
        (3, Self::Revoked),
        (4, Self::OtherSite),
        (5, Self::BadRequest),
        (6, Self::Busy),
    ];

    /// The number on the wire.
    pub fn number(self) -> u32 {
        Self::KNOWN.into_iter().find(|(_, known)| *known == self).map_or(0, |(number, _)| number)
    }

    /// The reason with this number.
    pub fn from_number(number: u32) -> Self {
        Self::KNOWN.into_iter().find(|(known, _)| *known == number).map_or(Self::Other, |(_, denial)| denial)
    }
}

/// Hub → agent: no.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Denied {
    /// See [`Denial::from_number`].
    #[n(0)]
    pub code: u32,
    /// For people, in French: shown when the code is not known.
    #[n(1)]
    pub message: String,
}

/// Hub → agent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[expect(missing_docs, reason = "each variant carries the documented struct of its name")]
pub enum Answer {
    #[n(0)]
    Enrolled(#[n(0)] Enrolled),
    #[n(1)]
    Denied(#[n(0)] Denied),
}

/// Why a message was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The stream failed or ended.
    #[error("the stream failed")]
    Io(#[from] io::Error),
    /// More than [`MESSAGE_LEN_MAX`] bytes.
    #[error("a message of more than {MESSAGE_LEN_MAX} bytes")]
    TooLong,
    /// Not the message expected here.
    #[error("a message that does not decode")]
    Malformed(#[source] minicbor::decode::Error),
    /// A value that cannot be encoded.
    #[error("a message that does not encode")]
    Unencodable,
}

/// Reads one message.
///
/// # Errors
/// When the stream ends, or says something else.
pub async fn read<T: for<'b> Decode<'b, ()>>(stream: &mut (impl AsyncRead + Unpin)) -> Result<T, MessageError> {
    let len = stream.read_u32().await? as usize;
    if len > MESSAGE_LEN_MAX {
        return Err(MessageError::TooLong);
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body).await?;
    minicbor::decode(&body).map_err(MessageError::Malformed)
}

/// Writes one message.
///
/// # Errors
/// When the stream fails or the message is too long.
pub async fn write<T: Encode<()>>(stream: &mut (impl AsyncWrite + Unpin), message: &T) -> Result<(), MessageError> {
    let body = minicbor::to_vec(message).map_err(|_| MessageError::Unencodable)?;
    let len = u32::try_from(body.len()).ok().filter(|_| body.len() <= MESSAGE_LEN_MAX).ok_or(MessageError::TooLong)?;
    stream.write_u32(len).await?;
    stream.write_all(&body).await?;
    stream.flush().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(label_len: usize) -> Request {
        Request {
            secret: [7; 16],
            signing_request: vec![1, 2, 3],
            label: "a".repeat(label_len),
            app: "0.1.0".to_owned(),
            site: Some("361".to_owned()),
            previous: Some("0011223344556677".to_owned()),
        }
    }

    #[tokio::test]
    async fn messages_read_back() {
        let answer = Answer::Enrolled(Enrolled {
            certificate: vec![1],
            authorities: vec![vec![2].into(), vec![3].into()],
            profile: SiteProfile {
                site: "361".to_owned(),
                name: "Alençon-Perseigne".to_owned(),
                kind: "house".to_owned(),
                timezone: "Europe/Paris".to_owned(),
                commune: "Alençon".to_owned(),
                department: "61".to_owned(),
            },
            address: "127.0.0.1:4433".to_owned(),
        });
        let mut bytes = Vec::new();
        write(&mut bytes, &request(4)).await.unwrap();
        write(&mut bytes, &answer).await.unwrap();
        let mut stream = bytes.as_slice();
        assert_eq!(read::<Request>(&mut stream).await.unwrap(), request(4));
        assert_eq!(read::<Answer>(&mut stream).await.unwrap(), answer);
    }

    #[tokio::test]
    async fn messages_are_bounded_when_written_and_when_read() {
        let fixed = minicbor::to_vec(request(MESSAGE_LEN_MAX)).unwrap().len() - MESSAGE_LEN_MAX;
        let longest = MESSAGE_LEN_MAX - fixed;
        assert!(write(&mut Vec::new(), &request(longest)).await.is_ok());
        assert!(matches!(write(&mut Vec::new(), &request(longest + 1)).await, Err(MessageError::TooLong)));
        let hostile = (MESSAGE_LEN_MAX as u32 + 1).to_be_bytes();
        assert!(matches!(read::<Request>(&mut hostile.as_slice()).await, Err(MessageError::TooLong)));
    }

    #[tokio::test]
    async fn cut_or_foreign_messages_are_refused() {
        let mut bytes = Vec::new();
        write(&mut bytes, &request(4)).await.unwrap();
        for len in 0..bytes.len() {
            assert!(read::<Request>(&mut &bytes[..len]).await.is_err(), "cut at {len}");
        }
        assert!(matches!(read::<Answer>(&mut bytes.as_slice()).await, Err(MessageError::Malformed(_))));
    }

    #[test]
    fn denials_keep_their_numbers() {
        for (number, denial) in Denial::KNOWN {
            assert_eq!((denial.number(), Denial::from_number(number)), (number, denial));
        }
        assert_eq!(Denial::from_number(77), Denial::Other);
    }

    #[test]
    fn secrets_stay_out_of_logs() {
        assert!(!format!("{:?}", request(1)).contains('7'));
    }
}
