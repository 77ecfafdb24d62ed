//! Verifies `X-Twilio-Signature`, the proof that a request comes from Twilio, as Twilio's own
//! libraries do.

use std::collections::BTreeSet;
use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Signs a form post: `params` decoded, `url` exactly as configured at Twilio.
///
/// Repeated keys contribute each distinct value, sorted; blank values contribute only their key.
#[must_use]
pub fn sign(auth_token: &str, url: &str, params: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    mac(auth_token, url, &signed_params(params))
}

/// Whether `header` is the signature of this form post by one of `tokens` (two during a token
/// rotation), compared in constant time.
///
/// Twilio is inconsistent about ports and drops credentials: `url` is also accepted without its
/// port, with the standard port, without `user:password@`, and with its query in Node's legacy
/// encoding, which keeps `'`. The fragment (`#rc=5`) is never signed.
#[must_use]
pub fn verify(
    tokens: &[SecretString],
    url: &str,
    params: &[(impl AsRef<str>, impl AsRef<str>)],
    header: &str,
) -> bool {
    let params = signed_params(params);
    let header = header.trim();
    let signs = |url: &str| {
        let mut verified = subtle::Choice::from(0);
        for token in
            tokens.iter().map(ExposeSecret::expose_secret).filter(|token| !token.is_empty())
        {
            verified |= mac(token, url, &params).as_bytes().ct_eq(header.as_bytes());
        }
        bool::from(verified)
    };
    let url = url.split('#').next().unwrap_or_default();
    signs(url) || candidates(url).iter().any(|candidate| signs(candidate))
}

/// Whether `header` signs this JSON post: the URL is signed, and its `bodySHA256` is the hash of
/// the raw body.
#[must_use]
pub fn verify_body(tokens: &[SecretString], url: &str, body: &[u8], header: &str) -> bool {
    let query =
        url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    let claimed =
        url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "bodySHA256");
    let Some((_, claimed)) = claimed else { return false };
    let actual = Sha256::digest(body).iter().fold(String::with_capacity(64), |mut hex, byte| {
        hex.extend(
            [byte >> 4, byte & 15]
                .into_iter()
                .filter_map(|digit| char::from_digit(digit.into(), 16)),
        );
        hex
    });
    let same_body: bool = actual.as_bytes().ct_eq(claimed.as_bytes()).into();
    verify(tokens, url, &[] as &[(&str, &str)], header) && same_body
}

fn mac(auth_token: &str, url: &str, params: &[(&str, &str)]) -> String {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(url.as_bytes());
    for (key, value) in params {
        mac.update(key.as_bytes());
        mac.update(value.as_bytes());
    }
    BASE64.encode(mac.finalize().into_bytes())
}

/// All distinct pairs in code point order.
fn signed_params(params: &[(impl AsRef<str>, impl AsRef<str>)]) -> Vec<(&str, &str)> {
    let mut params: Vec<(&str, &str)> =
        params.iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect();
    params.sort_unstable();
    params.dedup();
    params
}

/// The spellings of a URL that Twilio may have signed; the rest of the URL stays byte for byte.
fn candidates(url: &str) -> BTreeSet<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return BTreeSet::from([url.to_owned()]);
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (format!("{user}@"), host),
        None => (String::new(), authority),
    };
    let bare = match host.rsplit_once(':') {
        Some((name, port))
            if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name
        }
        _ => host,
    };
    let standard = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let other = if bare == host { format!("{host}:{standard}") } else { bare.to_owned() };
    let legacy = legacy_query(path);
    let mut spellings = BTreeSet::new();
    for user in ["", user.as_str()] {
        for host in [host, other.as_str()] {
            for path in [path, legacy.as_str()] {
                spellings.insert(format!("{scheme}://{user}{host}{path}"));
            }
        }
    }
    spellings
}

/// The path with its query re-encoded as Node's `querystring` does, which Twilio's Node library
/// also tries.
fn legacy_query(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let pairs: Vec<String> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(key, value)| format!("{}={}", querystring_escape(&key), querystring_escape(&value)))
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

fn querystring_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const BODY: &[u8] = br#"{"property": "value", "boolean": true}"#;
    const BODY_HASH: &str = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn params() -> Vec<(String, String)> {
        pairs(&[
            ("To", "+18005551212"),
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("Caller", "+14158675309"),
        ])
    }

    fn tokens() -> Vec<SecretString> {
        vec!["12345".into()]
    }

    /// Test vectors of Twilio's libraries for Python, Node and Java.
    #[test]
    fn twilios_own_vectors_verify() {
        let http = URL.replace("https", "http");
        let vectors = [
            (URL.to_owned(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            (URL.replace(".com", ".com:1234"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            (http.replace(".com", ".com:1234"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
            (URL.to_owned(), "kvajT1Ptam85bY51eRf/AJRuM3w="),
            (http, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
            (URL.replace("//", "//user:pass@"), "CukzLTc1tT5dXEDIHm/tKBanW10="),
            (URL.replace("//", "//user@"), "2YRLlVAflCqxaNicjMpJcSTgzSs="),
            (URL.replace("//", "//user:pass@"), "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
            (URL.replace("//", "//user:pass@"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            (format!("{URL}&Body=It's+amazing"), "dsq4Ehbj6cs+KdTkpF5sSSplOWw="),
            (format!("{URL}#rc=5&rp=all"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ];
        for (url, signature) in vectors {
            assert!(verify(&tokens(), &url, &params(), signature), "{url} {signature}");
        }
        assert_eq!(sign("12345", URL, &params()), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    }

    #[test]
    fn repeated_keys_count_each_value_once_and_sorted() {
        let repeated = pairs(&[
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ]);
        assert_eq!(sign("12345", URL, &repeated), "IK+Dwps556ElfBT0I3Rgjkr1wJU=");
        let key = "MessagingBinding.Address";
        let addresses = pairs(&[(key, "+1415xxxxxxx"), (key, "+1325xxxxxxx")]);
        assert_eq!(sign("12345", URL, &addresses), "83O6e2vORAoJHUNzJjDWN1jz+BA=");
    }

    #[test]
    fn keys_are_ordered_by_code_point_and_blanks_count() {
        let url = "https://example.com/sms";
        let forms = pairs(&[("b", "2"), ("a", ""), ("B", "1"), ("é", "ü😀")]);
        // Computed with Python's hmac over the URL and "B1ab2éü😀".
        let expected = "yjgEU6TsxFhMcHRF70i2Rkgh6tQ=";
        assert_eq!(sign("12345", url, &forms), expected);
        let without_blank = pairs(&[("b", "2"), ("B", "1"), ("é", "ü😀")]);
        assert_ne!(sign("12345", url, &without_blank), expected);
    }

    #[test]
    fn a_json_body_is_verified_by_its_hash_in_the_url() {
        let url = format!("{URL}&bodySHA256={BODY_HASH}");
        assert!(verify_body(&tokens(), &url, BODY, "a9nBmqA0ju/hNViExpshrM61xv4="));
        assert!(!verify_body(&tokens(), &url, b"{}", "a9nBmqA0ju/hNViExpshrM61xv4="));
        assert!(!verify_body(&tokens(), URL, BODY, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
        let short = format!("https://mycompany.com/myapp.php?bodySHA256={BODY_HASH}");
        assert!(verify_body(&tokens(), &short, BODY, "y77kIzt2vzLz71DgmJGsen2scGs="));
        let empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let url = format!("{URL}&bodySHA256={empty}");
        assert!(verify_body(&tokens(), &url, b"{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc="));
    }

    #[test]
    fn both_tokens_are_accepted_during_a_rotation() {
        let both = ["99999".into(), "12345".into()];
        assert!(verify(&both, URL, &params(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
        assert!(!verify(&["99999".into()], URL, &params(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
    }

    #[test]
    fn without_a_token_nothing_verifies() {
        assert!(!verify(&[], URL, &params(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
        let empty = sign("", URL, &params());
        assert!(!verify(&["".into()], URL, &params(), &empty));
    }

    #[test]
    fn a_changed_url_parameter_or_header_fails() {
        let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        assert!(!verify(&tokens(), &URL.replace("myapp", "other"), &params(), signature));
        assert!(!verify(&tokens(), &URL.replace("com/", "com//"), &params(), signature));
        let mut more = params();
        more.push(("Extra".to_owned(), String::new()));
        assert!(!verify(&tokens(), URL, &more, signature));
        for header in
            ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "rsoydt4t1cutdk1pdd93/vvr8b8=", "WRONG", "ÄÖÜ"]
        {
            assert!(!verify(&tokens(), URL, &params(), header), "{header}");
        }
    }

    #[test]
    fn ports_are_kept_removed_or_added() {
        let spellings = |url| candidates(url).into_iter().collect::<Vec<_>>();
        assert_eq!(
            spellings("http://127.0.0.1:8080/a?b=c"),
            ["http://127.0.0.1/a?b=c", "http://127.0.0.1:8080/a?b=c"]
        );
        assert_eq!(spellings("https://[::1]:8080"), ["https://[::1]", "https://[::1]:8080"]);
        assert_eq!(
            spellings("https://example.com"),
            ["https://example.com", "https://example.com:443"]
        );
        assert_eq!(spellings("nonsense"), ["nonsense"]);
    }

    #[test]
    fn a_query_in_nodes_legacy_encoding_verifies_too() {
        let (ours, nodes) = (
            "https://example.com/a?name=O%27Hara&x=%28a+b%29",
            "https://example.com/a?name=O'Hara&x=(a%20b)",
        );
        assert!(verify(&tokens(), ours, &params(), &sign("12345", nodes, &params())));
        assert!(verify(&tokens(), ours, &params(), &sign("12345", ours, &params())));
        assert!(!verify(
            &tokens(),
            ours,
            &params(),
            &sign("12345", "https://example.com/a?name=O'Hare&x=(a%20b)", &params())
        ));
    }

    proptest! {
        #[test]
        fn what_was_signed_verifies_in_any_order(
            mut form in proptest::collection::vec(("\\PC{0,8}", "\\PC{0,20}"), 0..12),
            token in "[0-9a-f]{32}",
            path in "[a-z/]{0,20}",
        ) {
            let url = format!("https://example.com/{path}");
            let signature = sign(&token, &url, &form);
            form.reverse();
            prop_assert!(verify(&[token.into()], &url, &form, &signature));
            prop_assert!(!verify(&["other".into()], &url, &form, &signature));
        }
    }
}
