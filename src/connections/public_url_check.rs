//! Checks whether Twilio can call the public URL, as far as its host shows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::check_result::Check;
use crate::twilio::Client;
use crate::types::public_url::PublicUrl;

/// Checks from the address alone whether Twilio can call the hooks at `public_url`. `None` with a
/// simulator, which may reach addresses that the internet does not.
pub fn check_public_url(client: &Client, public_url: &PublicUrl) -> Option<Check> {
    client.talks_to_twilio().then(|| public_url_check(public_url))
}

fn public_url_check(public_url: &PublicUrl) -> Check {
    const TITLE: &str = "Address for Twilio’s calls";
    const ADVICE: &str = "Set CARILLON_PUBLIC_URL to this server’s public https address (a reverse \
                          proxy or a tunnel), restart, then repair the webhooks.";
    match unreachable_reason(public_url) {
        Some(why) => Check::failed(
            TITLE,
            format!(
                "Twilio can’t call {public_url}: {why}. Delivery reports and replies such as STOP \
                 don’t arrive."
            ),
            ADVICE,
        ),
        None if !public_url.is_https() => {
            let detail = format!(
                "Twilio calls {public_url} without encryption, so others can read phone numbers \
                 and texts."
            );
            Check::warning(TITLE, detail, ADVICE)
        }
        None => Check::passed(TITLE, format!("Twilio calls {public_url}.")),
    }
}

/// Why the host cannot be reached from the internet, as far as its name or address shows.
fn unreachable_reason(public_url: &PublicUrl) -> Option<&'static str> {
    let host = public_url.host().trim_matches(['[', ']']).to_ascii_lowercase();
    if let Ok(address) = host.parse::<IpAddr>() {
        return match address {
            IpAddr::V4(address) => private_v4(address),
            IpAddr::V6(address) => private_v6(address),
        };
    }
    if host == "localhost" || host.ends_with(".localhost") {
        return Some("“localhost” is this computer only");
    }
    if !host.contains('.')
        || [".local", ".internal", ".lan", ".home.arpa", ".test", ".invalid"]
            .iter()
            .any(|end| host.ends_with(end))
    {
        return Some("its name is known only inside a private network");
    }
    // Twilio rejects such a StatusCallback with error 21609.
    host.contains('_').then_some("Twilio doesn’t accept host names with an underscore")
}

fn private_v4(address: Ipv4Addr) -> Option<&'static str> {
    // 100.64.0.0/10 (RFC 6598) is for carrier-grade NAT; the internet does not route it.
    let is_shared = address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
    if address.is_loopback() || address.is_unspecified() {
        return Some("this address is this computer only");
    }
    (address.is_private() || address.is_link_local() || is_shared)
        .then_some("this address is inside a private network")
}

fn private_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(address) = address.to_ipv4_mapped() {
        return private_v4(address);
    }
    if address.is_loopback() || address.is_unspecified() {
        return Some("this address is this computer only");
    }
    (address.is_unique_local() || address.is_unicast_link_local())
        .then_some("this address is inside a private network")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::CheckOutcome;

    #[test]
    fn an_address_that_the_internet_cannot_reach_fails() {
        for (url, why) in [
            ("http://localhost:8080", "this computer only"),
            ("https://carillon.localhost", "this computer only"),
            ("http://127.0.0.1:8080", "this computer only"),
            ("https://[::1]", "this computer only"),
            ("https://192.168.1.4", "private network"),
            ("https://10.0.0.1", "private network"),
            ("https://100.64.3.2", "private network"),
            ("https://[fd00::1]", "private network"),
            ("https://carillon", "private network"),
            ("https://sms.lan", "private network"),
            ("https://my_sms.example.com", "underscore"),
        ] {
            let check = public_url_check(&PublicUrl::parse(url).unwrap());
            assert_eq!(check.outcome, CheckOutcome::Failed, "{url}");
            assert!(check.detail.contains(why), "{url}: {}", check.detail);
        }
        let readable = public_url_check(&PublicUrl::parse("http://sms.example.com").unwrap());
        assert!(
            readable.outcome == CheckOutcome::Warning
                && readable.detail.contains("without encryption"),
            "{readable:?}"
        );
        for url in [
            "https://sms.example.com",
            "https://8.8.8.8",
            "https://[2001:4860::1]",
            "https://example.com/sms",
        ] {
            assert_eq!(
                public_url_check(&PublicUrl::parse(url).unwrap()).outcome,
                CheckOutcome::Passed,
                "{url}"
            );
        }
    }
}
