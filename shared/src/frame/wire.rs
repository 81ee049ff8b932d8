//! How ids and names stand in frames: ids as byte strings, names as texts, both checked while
//! they are read.

use minicbor::decode::Error as DecodeError;
use minicbor::encode::Error as EncodeError;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::document::DocId;
use crate::id::{ChangeHash, Digest32, Epoch, SessionToken, WriterId};

macro_rules! as_bytes {
    ($($name:ty),*) => {$(
        impl<C> Encode<C> for $name {
            fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
                e.bytes(self.as_bytes())?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
                Self::try_from(d.bytes()?).map_err(|_| DecodeError::message("an id of another length"))
            }
        }
    )*};
}

as_bytes!(ChangeHash, Digest32, Epoch, SessionToken, WriterId);

impl<C> Encode<C> for DocId {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.str(&self.to_string())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for DocId {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        d.str()?.parse().map_err(|_| DecodeError::message("not the name of a document"))
    }
}
