//! Whom the lab answers: browsers that were pointed at this machine, and not those that a page from elsewhere has led here by
//! a name of its own (DNS rebinding).

use std::net::IpAddr;

use http::HeaderMap;
use http::header::HOST;

/// Whether a request says in its `Host` header that it is meant for this machine, or where others may call, for an address
/// instead of a name.
pub(super) fn is_meant(headers: &HeaderMap, allow_remote: bool) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Some(name) = host.to_str().ok().and_then(without_port) else { return false };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(address) => allow_remote || address.is_loopback(),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    }
}

/// Whether a browser says that a page from elsewhere has asked for it.
pub(super) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// A host without its port; none where what stands after the last colon is no port.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.rfind(':') {
        Some(at) if !host.ends_with(']') => (&host[..at], &host[at + 1..]),
        _ => (host, "80"),
    };
    let is_whole = name.starts_with('[') == name.ends_with(']') && (name.starts_with('[') || !name.contains(':'));
    (is_whole && !port.is_empty() && port.parse::<u16>().is_ok()).then_some(name)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn meant(host: &'static str, allow_remote: bool) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        is_meant(&headers, allow_remote)
    }

    #[test]
    fn names_of_strangers_are_not_answered() {
        for host in ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "LOCALHOST", "[::1]:80", "[::1]", "127.9.9.9"] {
            assert!(meant(host, false), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "",
            ":80",
            "::1",
            "127.0.0.1:x",
            "[::1",
            "127.0.0.1:",
        ] {
            assert!(!meant(host, false) && !meant(host, true), "{host}");
        }
        assert!(meant("192.168.1.5:80", true) && !meant("192.168.1.5:80", false));
        assert!(!is_meant(&HeaderMap::new(), false));
    }
}
