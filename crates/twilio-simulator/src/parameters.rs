//! The parameters of the API that several resources parse: numbers, webhook URLs and methods.

use super::message::without_channel;
use super::refusal::Refusal;
use super::resources::Method;

/// Parses a recipient: E.164 after removing spaces and punctuation. North American numbers must
/// have valid area and exchange codes.
pub(super) fn parse_to(raw: &str) -> Result<String, Refusal> {
    let channel = if raw == without_channel(raw) { "" } else { "whatsapp:" };
    let number: String = without_channel(raw)
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '(' | ')' | '.'))
        .collect();
    let digits = number.strip_prefix('+').unwrap_or_default().as_bytes();
    let plausible = digits.iter().all(u8::is_ascii_digit)
        && (8..=15).contains(&digits.len())
        && digits[0] != b'0'
        && (digits[0] != b'1' || (digits.len() == 11 && digits[1] >= b'2' && digits[4] >= b'2'));
    // Twilio's magic number for an invalid recipient.
    if !plausible || number == "+15005550001" {
        return Err(Refusal::new(21211));
    }
    Ok(format!("{channel}{number}"))
}

/// Whether a webhook URL is http or https with a host name without underscores. Unlike Twilio, the
/// simulator accepts local hosts.
pub(super) fn is_callback_url(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.contains('_'))
    })
}

/// Parses the HTTP method of a webhook.
pub(super) fn parse_method(raw: &str) -> Option<Method> {
    match raw.to_ascii_uppercase().as_str() {
        "GET" => Some(Method::Get),
        "POST" => Some(Method::Post),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_callback_url, parse_to};

    #[test]
    fn only_numbers_that_could_exist_are_accepted() {
        for good in [
            "+12065550111",
            "+1 (206) 555-0111",
            "+491701234567",
            "+15005550006",
            "whatsapp:+12065550111",
        ] {
            assert!(parse_to(good).is_ok(), "{good}");
        }
        for bad in [
            "12065550111",
            "+1206555011",
            "+11065550111",
            "+0491701234567",
            "+1206555abcd",
            "+",
            "",
            "+15005550001",
        ] {
            assert!(parse_to(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_to("+1 (206) 555-0111").ok().as_deref(), Some("+12065550111"));
    }

    #[test]
    fn callback_urls_need_a_host_without_underscore() {
        assert!(is_callback_url("https://example.com/a#rc=5"));
        assert!(is_callback_url("http://127.0.0.1:8080/a"));
        assert!(!is_callback_url("https://my_host.example.com/a"));
        assert!(!is_callback_url("ftp://example.com/"));
        assert!(!is_callback_url("example.com"));
    }
}
