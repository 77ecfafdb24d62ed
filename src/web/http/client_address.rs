//! The address of the caller: the peer of the connection, or what a trusted proxy reports.
//!
//! The chain of proxies is read from its end, which our proxies have written; claims of strangers
//! precede it.

use std::net::IpAddr;
use std::sync::Once;

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};

use crate::types::trusted_proxies::TrustedProxies;

/// How many hops of a chain of proxies are followed.
const MAX_HOPS: usize = 32;

/// The address of the caller; `None` if the peer of the connection is unknown.
pub(in crate::web) fn client_address(
    request: &HttpRequest,
    trusted: &TrustedProxies,
) -> Option<IpAddr> {
    Some(behind_proxies(request.peer_addr()?.ip().to_canonical(), request.headers(), trusted))
}

/// Warns once if a request came through a proxy that is not trusted, which may be missing from the
/// settings.
pub(in crate::web) fn warn_of_unknown_proxy(request: &HttpRequest, trusted: &TrustedProxies) {
    static ONCE: Once = Once::new();
    let headers = request.headers();
    let forwarded = headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED);
    if forwarded
        && !ONCE.is_completed()
        && request.peer_addr().is_some_and(|peer| !trusted.contains(peer.ip()))
    {
        ONCE.call_once(|| {
            tracing::warn!(
                "a request came with X-Forwarded-For or Forwarded, but not from one of \
                 CARILLON_TRUSTED_PROXIES: it is not believed. If \
                 there is a reverse proxy in front of Carillon, set its address there, or all who \
                 come through it count as one"
            );
        });
    }
}

/// The nearest address that is not a trusted proxy's.
///
/// A proxy writes one of the two headers and may pass on the other as a stranger sent it. If they
/// disagree, neither counts.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    if !trusted.contains(peer) {
        return peer;
    }
    let nearest = |name: HeaderName, read: fn(&str) -> Option<IpAddr>| {
        headers.contains_key(&name).then(|| nearest(peer, &elements(headers, &name), read, trusted))
    };
    match (nearest(X_FORWARDED_FOR, address), nearest(FORWARDED, forwarded_for)) {
        (Some(one), Some(other)) if one != other => peer,
        (Some(found), _) | (None, Some(found)) => found,
        (None, None) => peer,
    }
}

/// Follows a chain from its end, as long as it names trusted proxies. An element that is not an
/// address ends it.
fn nearest(
    peer: IpAddr,
    chain: &[&str],
    read: fn(&str) -> Option<IpAddr>,
    trusted: &TrustedProxies,
) -> IpAddr {
    let mut nearest = peer;
    for element in chain.iter().rev().take(MAX_HOPS) {
        let Some(hop) = read(element) else { break };
        nearest = hop;
        if !trusted.contains(hop) {
            break;
        }
    }
    nearest
}

/// The elements of a list that may be spread over several headers of one name; commas in quotes do
/// not separate.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let mut elements = Vec::new();
    for value in headers.get_all(name) {
        // An unreadable value is an element that is not an address.
        let value = value.to_str().unwrap_or("?");
        let mut quoted = false;
        elements.extend(value.split(|character: char| {
            quoted ^= character == '"';
            character == ',' && !quoted
        }));
    }
    elements
}

/// The `for` of an element of `Forwarded` (RFC 7239); `None` for `unknown` and obfuscated names.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let named = |pair: &&str| {
        pair.split_once('=').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
    };
    let (_, value) = element.split(';').find(named)?.split_once('=')?;
    address(value.trim().trim_matches('"'))
}

/// Parses an address, perhaps with a port or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        // One colon separates a port; an IPv6 address has more.
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => text,
        },
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(peer: &str, headers: &[(&str, &str)]) -> String {
        let trusted = TrustedProxies::parse("127.0.0.1 ::1 10.0.0.0/8").unwrap();
        let peer = format!("{peer}:1234").parse().unwrap();
        let mut request = TestRequest::default().peer_addr(peer);
        for header in headers {
            request = request.append_header(*header);
        }
        client_address(&request.to_http_request(), &trusted).unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(seen("203.0.113.9", &[("X-Forwarded-For", "192.0.2.1")]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", &[("Forwarded", "for=192.0.2.1")]), "203.0.113.9");
        assert_eq!(seen("10.1.1.1", &[("X-Forwarded-For", "192.0.2.1")]), "192.0.2.1");
        assert_eq!(seen("[::ffff:10.1.1.1]", &[("X-Forwarded-For", "192.0.2.1")]), "192.0.2.1");
        assert_eq!(seen("10.1.1.1", &[]), "10.1.1.1");
    }

    #[test]
    fn the_chain_is_read_from_its_end_past_trusted_proxies() {
        for (chain, expected) in [
            ("6.6.6.6, 192.0.2.1", "192.0.2.1"),
            ("6.6.6.6, 192.0.2.1, 10.2.2.2, 127.0.0.1", "192.0.2.1"),
            ("10.3.3.3, 10.2.2.2", "10.3.3.3"),
            ("192.0.2.1:5678", "192.0.2.1"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, unknown", "127.0.0.1"),
            ("192.0.2.1, unknown, 10.2.2.2", "10.2.2.2"),
            ("evil\"><script>", "127.0.0.1"),
            ("", "127.0.0.1"),
        ] {
            assert_eq!(seen("127.0.0.1", &[("X-Forwarded-For", chain)]), expected, "{chain}");
        }
        let several = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "192.0.2.1, 10.2.2.2")];
        assert_eq!(seen("127.0.0.1", &several), "192.0.2.1", "the last header is the nearest");
        let long = vec!["10.0.0.1"; 1_000].join(",");
        assert_eq!(
            seen("127.0.0.1", &[("X-Forwarded-For", &format!("6.6.6.6,{long}"))]),
            "10.0.0.1"
        );
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_specifies() {
        for (chain, expected) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=6.6.6.6, proto=https; for=192.0.2.43, for=10.1.1.1", "192.0.2.43"),
            ("for=192.0.2.43, for=unknown", "127.0.0.1"),
            ("for=_hidden", "127.0.0.1"),
            ("by=\"a,b\";for=192.0.2.43", "192.0.2.43"),
        ] {
            assert_eq!(seen("127.0.0.1", &[("Forwarded", chain)]), expected, "{chain}");
        }
    }

    #[test]
    fn a_header_that_the_proxy_did_not_write_cannot_name_another_caller() {
        let both = |forwarded| {
            seen("127.0.0.1", &[("X-Forwarded-For", "192.0.2.1"), ("Forwarded", forwarded)])
        };
        assert_eq!(both("for=192.0.2.1"), "192.0.2.1");
        assert_eq!(both("for=6.6.6.6"), "127.0.0.1", "neither counts");
    }
}
