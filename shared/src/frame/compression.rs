//! Bodies through zstd and back, with contexts that each thread keeps.
//!
//! Called by `encode` and `decode`. A context is a hundred kilobytes and more to allocate and
//! clear: made anew for each frame it costs many times the work. Invariant: what was done before
//! on the thread, failures included, does not show in what comes out.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

const LEVEL: i32 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses a body; `None` when zstd cannot, and it travels as it is.
pub(super) fn compress(body: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| match kept {
        Some(context) => context.compress(body).ok(),
        none => none.insert(Compressor::new(LEVEL).ok()?).compress(body).ok(),
    })
}

/// Expands a body of at most `len_max` bytes; `None` of one that would be longer or is damaged.
pub(super) fn expand(body: &[u8], len_max: usize) -> Option<Vec<u8>> {
    // What the frame says of its size is only a claim: one that is too small is found out when
    // it is expanded, one that is too great is not believed.
    let claimed = get_frame_content_size(body).ok().flatten().and_then(|len| usize::try_from(len).ok());
    let len = claimed.map_or(len_max, |len| len.min(len_max));
    DECOMPRESSOR.with_borrow_mut(|kept| match kept {
        Some(context) => context.decompress(body, len).ok(),
        none => none.insert(Decompressor::new().ok()?).decompress(body, len).ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN_MAX: usize = 10_000;

    #[test]
    fn a_body_that_fails_leaves_nothing_behind() {
        let bodies = [vec![7; LEN_MAX], (0..=255).collect(), Vec::new(), vec![9; 1_000]];
        for body in &bodies {
            let compressed = compress(body).unwrap();
            for len in 1..compressed.len() {
                assert!(expand(&compressed[..len], LEN_MAX).is_none(), "{len} of {}", compressed.len());
            }
            assert!(expand(&compress(&[1; LEN_MAX + 1]).unwrap(), LEN_MAX).is_none());
            assert_eq!(expand(&compressed, LEN_MAX).unwrap(), *body);
        }
    }

    #[test]
    fn one_thread_compresses_as_another() {
        let body = vec![7; 600];
        compress(&[1; 9_000]).unwrap();
        let here = compress(&body).unwrap();
        let there = std::thread::scope(|scope| scope.spawn(|| compress(&body).unwrap()).join().unwrap());
        assert_eq!(here, there);
        assert_eq!(here, zstd::bulk::compress(&body, LEVEL).unwrap());
    }
}
