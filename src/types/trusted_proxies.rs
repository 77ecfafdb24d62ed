//! The trusted reverse proxies.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// The reverse proxies whose `X-Forwarded-For` and `Forwarded` headers are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedProxies(Vec<IpNet>);

/// Why a text is not a list of proxies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustedProxiesError {
    /// Not an address or a network.
    #[error(
        "“{0}” is neither an address nor a network; write it like 127.0.0.1, 10.0.0.0/8, \
         fd00::/8, or none"
    )]
    Syntax(String),
    /// The whole address space.
    #[error(
        "“{0}” lets every caller choose its own address; name only the proxies, like 127.0.0.1, \
         10.0.0.0/8"
    )]
    WholeInternet(String),
}

impl TrustedProxies {
    /// Parses addresses and networks, separated by commas or white space; `none` is an empty list.
    pub fn parse(text: &str) -> Result<Self, TrustedProxiesError> {
        let words = text
            .split(|character: char| character == ',' || character.is_whitespace())
            .filter(|word| !word.is_empty());
        let mut networks = Vec::new();
        for word in words.filter(|word| !word.eq_ignore_ascii_case("none")) {
            let network = word.parse::<IpNet>().or_else(|_| {
                word.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()))
            });
            let network =
                network.map_err(|_| TrustedProxiesError::Syntax(word.to_owned()))?.trunc();
            if network.prefix_len() == 0 {
                return Err(TrustedProxiesError::WholeInternet(word.to_owned()));
            }
            networks.push(network);
        }
        Ok(Self(networks))
    }

    /// Whether this address belongs to a trusted proxy.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether no proxy is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let words: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_addresses_and_networks() {
        let proxies = TrustedProxies::parse("127.0.0.1, ::1 10.1.2.3/8,fd00::/8").unwrap();
        for (address, trusted) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.2", false),
            ("::1", true),
            ("10.200.0.1", true),
            ("11.0.0.1", false),
            ("fd12::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(proxies.contains(address.parse().unwrap()), trusted, "{address}");
        }
        assert_eq!(proxies.to_string(), "127.0.0.1/32, ::1/128, 10.0.0.0/8, fd00::/8");
        assert!(TrustedProxies::parse("none").unwrap().is_empty());
        for bad in
            ["proxy.internal", "10.0.0.0/33", "*", "10.0.0", "127.0.0.1:80", "0.0.0.0/0", "::/0"]
        {
            assert!(TrustedProxies::parse(bad).is_err(), "{bad}");
        }
    }
}
