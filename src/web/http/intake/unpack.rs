//! Unpacking the body of a request: no more of it than may be, and only as many at once as the
//! machine has cores.

use std::io::Read;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::{Body, BodyFailure, Intake};

/// Why a body cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub(in crate::web) enum UnpackError {
    /// It is larger than allowed.
    #[error("it is larger than allowed")]
    TooLarge,
    /// It is not what it says it is.
    #[error("it is no valid gzip: {0}")]
    Malformed(std::io::Error),
    /// There is no memory for it.
    #[error(transparent)]
    Busy(#[from] BodyFailure),
    /// The thread that unpacks has ended.
    #[error("unpacking stopped")]
    Stopped,
}

/// Unpacks `packed`, at most `limit` bytes of it: what goes beyond is not even made.
pub(in crate::web) async fn gunzip(
    intake: &Intake,
    body: &Body,
    packed: Vec<u8>,
    limit: usize,
) -> Result<Vec<u8>, UnpackError> {
    let turn =
        Arc::clone(&intake.unpacking).acquire_owned().await.map_err(|_| UnpackError::Stopped)?;
    let unpacked = tokio::task::spawn_blocking(move || unpack(&packed, limit))
        .await
        .map_err(|_| UnpackError::Stopped)??;
    drop(turn);
    body.charge(unpacked.len())?;
    Ok(unpacked)
}

fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    let mut unpacked = Vec::with_capacity(packed.len().saturating_mul(4).min(limit));
    let allowed = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed)
        .take(allowed)
        .read_to_end(&mut unpacked)
        .map_err(UnpackError::Malformed)?;
    if unpacked.len() > limit {
        return Err(UnpackError::TooLarge);
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_packed_comes_out_up_to_the_limit() {
        assert_eq!(unpack(&gzip(b"hello"), 5).unwrap(), b"hello");
        assert_eq!(
            unpack(&[gzip(b"hel"), gzip(b"lo")].concat(), 5).unwrap(),
            b"hello",
            "several parts are one"
        );
        assert!(matches!(unpack(&gzip(b"hello!"), 5), Err(UnpackError::TooLarge)));
        assert!(matches!(unpack(&gzip(&vec![0; 50 << 20]), 1 << 20), Err(UnpackError::TooLarge)));
        assert!(
            matches!(
                unpack(&gzip(&gzip(&vec![0; 1 << 20])), 1 << 20),
                Ok(inner) if inner.starts_with(&[0x1f, 0x8b])
            ),
            "once only"
        );
    }

    #[test]
    fn what_is_broken_or_cut_off_is_no_gzip() {
        let whole = gzip(b"hello");
        let mut wrong_sum = whole.clone();
        let at = wrong_sum.len() - 8;
        wrong_sum[at] ^= 1;
        for broken in [
            &whole[..whole.len() - 1],
            b"",
            b"hello",
            &wrong_sum,
            &[whole.clone(), b"trailing".to_vec()].concat(),
        ] {
            assert!(matches!(unpack(broken, 100), Err(UnpackError::Malformed(_))), "{broken:?}");
        }
    }
}
