//! Decompression of a request's body: within its size limit, and on as many threads as the machine
//! has cores.

use std::io::Read;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::incoming_body::{BodyFailure, BodyTracker};
use super::limits::Intake;

/// Why a body cannot be decompressed.
#[derive(Debug, thiserror::Error)]
pub(in crate::web) enum GunzipError {
    /// The body is larger than allowed.
    #[error("it is larger than allowed")]
    TooLarge,
    /// The body is not valid gzip.
    #[error("it is no valid gzip: {0}")]
    Malformed(std::io::Error),
    /// No memory is available for the body.
    #[error(transparent)]
    Busy(#[from] BodyFailure),
    /// The decompressing thread has ended.
    #[error("unpacking stopped")]
    Stopped,
}

/// Decompresses `compressed` to at most `limit` bytes; more is not even produced.
pub(in crate::web) async fn gunzip(
    intake: &Intake,
    body: &BodyTracker,
    compressed: Vec<u8>,
    limit: usize,
) -> Result<Vec<u8>, GunzipError> {
    let permit = Arc::clone(&intake.decompressing)
        .acquire_owned()
        .await
        .map_err(|_| GunzipError::Stopped)?;
    let decompressed = tokio::task::spawn_blocking(move || decompress(&compressed, limit))
        .await
        .map_err(|_| GunzipError::Stopped)??;
    drop(permit);
    body.charge(decompressed.len())?;
    Ok(decompressed)
}

fn decompress(compressed: &[u8], limit: usize) -> Result<Vec<u8>, GunzipError> {
    let mut decompressed = Vec::with_capacity(compressed.len().saturating_mul(4).min(limit));
    let allowed = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(compressed)
        .take(allowed)
        .read_to_end(&mut decompressed)
        .map_err(GunzipError::Malformed)?;
    if decompressed.len() > limit {
        return Err(GunzipError::TooLarge);
    }
    Ok(decompressed)
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
    fn gzip_is_decompressed_up_to_the_limit() {
        assert_eq!(decompress(&gzip(b"hello"), 5).unwrap(), b"hello");
        assert_eq!(
            decompress(&[gzip(b"hel"), gzip(b"lo")].concat(), 5).unwrap(),
            b"hello",
            "several parts are one"
        );
        assert!(matches!(decompress(&gzip(b"hello!"), 5), Err(GunzipError::TooLarge)));
        assert!(matches!(
            decompress(&gzip(&vec![0; 50 << 20]), 1 << 20),
            Err(GunzipError::TooLarge)
        ));
        assert!(
            matches!(
                decompress(&gzip(&gzip(&vec![0; 1 << 20])), 1 << 20),
                Ok(inner) if inner.starts_with(&[0x1f, 0x8b])
            ),
            "once only"
        );
    }

    #[test]
    fn broken_or_truncated_gzip_is_refused() {
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
            assert!(
                matches!(decompress(broken, 100), Err(GunzipError::Malformed(_))),
                "{broken:?}"
            );
        }
    }
}
