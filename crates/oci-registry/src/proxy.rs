//! Which proxy a request goes through: `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, read as Go's programs do.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::endpoint;
use crate::environment::Environment;

/// The proxies of a session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies {
    plain: Option<Proxy>,
    tls: Option<Proxy>,
    exempt: Vec<Exempt>,
}

/// One proxy and the variable that names it.
#[derive(Clone)]
struct Proxy {
    url: Url,
    variable: &'static str,
}

/// Hosts that are reached without a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Exempt {
    /// All.
    All,
    /// One address, on one port or all.
    Address(IpAddr, Option<u16>),
    /// The addresses with the first so many bits of this one.
    Network(IpAddr, u8),
    /// A domain with all below it, or only what is below it.
    Domain { name: String, itself: bool, port: Option<u16> },
}

impl fmt::Display for Proxy {
    /// Without the user and password in its address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {} ({})", endpoint::shown(&self.url), self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Proxies {
    /// As the variables say; those in capitals first, as Go has it. A proxy whose address cannot be read is none.
    pub(crate) fn of(environment: &Environment) -> Self {
        let proxy = |names: [&'static str; 2]| {
            let (variable, text) = names.into_iter().find_map(|name| Some((name, environment.text(&[name])?)))?;
            Some(Proxy { url: address(text)?, variable })
        };
        let all = proxy(["ALL_PROXY", "all_proxy"]);
        let exempt = environment.text(&["NO_PROXY", "no_proxy"]).unwrap_or_default();
        Self {
            plain: proxy(["HTTP_PROXY", "http_proxy"]).or_else(|| all.clone()),
            tls: proxy(["HTTPS_PROXY", "https_proxy"]).or(all),
            exempt: exempt.split(',').filter_map(Exempt::parse).collect(),
        }
    }

    /// The proxy for an address; `None` when it is asked directly. This machine is never asked through a proxy.
    pub(crate) fn choose(&self, url: &Url) -> Option<Url> {
        self.between(url).map(|proxy| proxy.url.clone())
    }

    /// What messages call the proxy for an address, without the user and password in it.
    pub(crate) fn named(&self, url: &Url) -> Option<String> {
        self.between(url).map(Proxy::to_string)
    }

    fn between(&self, url: &Url) -> Option<&Proxy> {
        let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let ip = host.parse::<IpAddr>().ok();
        if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return None;
        }
        let port = url.port_or_known_default();
        if self.exempt.iter().any(|exempt| exempt.covers(host, ip, port)) {
            return None;
        }
        if url.scheme() == "https" { self.tls.as_ref() } else { self.plain.as_ref() }
    }
}

/// The address of a proxy, which is plain HTTP where it has no scheme. One of SOCKS version 5 finds the addresses of hosts
/// itself, as for Go's programs: names behind it are often known to it alone.
fn address(text: &str) -> Option<Url> {
    let known = |url: &Url| matches!(url.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h");
    let url = Url::parse(text).ok().filter(|url| known(url) && url.has_host());
    let mut url = url.or_else(|| Url::parse(&format!("http://{text}")).ok())?;
    if url.scheme() == "socks5" {
        url.set_scheme("socks5h").ok()?;
    }
    Some(url)
}

impl Exempt {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if text.is_empty() {
            return None;
        }
        if text == "*" {
            return Some(Self::All);
        }
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = address.parse().ok()?;
            let bits: u8 = bits.parse().ok()?;
            return (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some(Self::Network(address, bits));
        }
        let (host, port) = split_port(&text);
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
            return Some(Self::Address(address, port));
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let (name, itself) = host.strip_prefix('.').map_or((host, true), |name| (name, false));
        (!name.is_empty()).then(|| Self::Domain { name: name.to_owned(), itself, port })
    }

    fn covers(&self, host: &str, ip: Option<IpAddr>, port: Option<u16>) -> bool {
        let on = |wanted: &Option<u16>| wanted.is_none() || *wanted == port;
        match self {
            Self::All => true,
            Self::Address(address, wanted) => ip == Some(*address) && on(wanted),
            Self::Network(network, bits) => ip.is_some_and(|ip| same_network(ip, *network, *bits)),
            Self::Domain { name, itself, port: wanted } => {
                let below = host.strip_suffix(name.as_str());
                let fits = below.is_some_and(|below| below.ends_with('.') || (*itself && below.is_empty()));
                fits && on(wanted)
            }
        }
    }
}

/// Takes the port off `host:port`, `1.2.3.4:port` and `[::1]:port`; an address of version 6 without brackets has none.
fn split_port(text: &str) -> (&str, Option<u16>) {
    match text.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

fn same_network(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    let (a, b, width) = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    (a ^ b).checked_shr(width - u32::from(bits)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::of(&Environment::new(Path::new("/"), 0, variables))
    }

    fn chosen(proxies: &Proxies, url: &str) -> String {
        proxies.choose(&Url::parse(url).unwrap()).map(String::from).unwrap_or_default()
    }

    #[test]
    fn by_scheme_in_both_cases_and_all_last() {
        let both =
            proxies(&[("http_proxy", "p.example:3128"), ("HTTPS_PROXY", "https://u:w@s.example"), ("all_proxy", "x")]);
        assert_eq!(chosen(&both, "http://h.example/"), "http://p.example:3128/");
        assert_eq!(chosen(&both, "https://h.example/"), "https://u:w@s.example/");
        let named = |url: &str| both.named(&Url::parse(url).unwrap());
        assert_eq!(named("http://h.example/").as_deref(), Some("the proxy http://p.example:3128 (http_proxy)"));
        assert_eq!(named("https://h.example/").as_deref(), Some("the proxy https://s.example (HTTPS_PROXY)"));
        assert_eq!(named("https://localhost/"), None);
        let all = proxies(&[("ALL_PROXY", "socks5h://x.example:1"), ("https_proxy", "")]);
        assert_eq!(chosen(&all, "https://h.example/"), "socks5h://x.example:1");
        let resolves = proxies(&[("https_proxy", "socks5://u:w@x.example:1")]);
        assert_eq!(chosen(&resolves, "https://h.example/"), "socks5h://u:w@x.example:1");
        assert_eq!(chosen(&proxies(&[]), "https://h.example/"), "");
        for near in ["http://localhost:5000/", "http://127.3.2.1/", "https://[::1]:5000/"] {
            assert_eq!(chosen(&all, near), "", "{near}");
        }
    }

    #[test]
    fn exempt_hosts_networks_and_ports() {
        let list = "a.example, .b.example,*.c.example,d.example:5000,10.1.0.0/16,192.0.2.7,fd00::/8,2001:db8::1,[2001:db8::2]:5000,\
            192.0.2.9:80";
        let some = proxies(&[("https_proxy", "p"), ("http_proxy", "p"), ("no_proxy", list)]);
        for (url, direct) in [
            ("https://a.example/", true),
            ("https://x.a.example:5000/", true),
            ("https://A.Example./", true),
            ("https://xa.example/", false),
            ("https://b.example/", false),
            ("https://x.b.example/", true),
            ("https://c.example/", false),
            ("https://x.c.example/", true),
            ("https://d.example/", false),
            ("https://d.example:5000/", true),
            ("https://10.1.255.3/", true),
            ("https://10.2.0.1/", false),
            ("https://192.0.2.7:8443/", true),
            ("http://192.0.2.9/", true),
            ("https://192.0.2.9/", false),
            ("https://[fd12::5]/", true),
            ("https://[fe80::5]/", false),
            ("https://[2001:db8::1]:77/", true),
            ("https://[2001:db8::2]:5000/", true),
            ("https://[2001:db8::2]/", false),
        ] {
            assert_eq!(chosen(&some, url).is_empty(), direct, "{url}");
        }
        assert_eq!(chosen(&proxies(&[("https_proxy", "p"), ("NO_PROXY", "*")]), "https://h.example/"), "");
        assert_eq!(chosen(&proxies(&[("https_proxy", "p"), ("no_proxy", "0.0.0.0/0")]), "https://192.0.2.1/"), "");
    }
}
