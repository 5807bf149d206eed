use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// How often each address of the network does something that everybody may do.
pub(super) struct Peers {
    most: u32,
    /// When the hour of each began, and how often it was since.
    seen: Mutex<HashMap<IpAddr, (SystemTime, u32)>>,
}

const HOUR: Duration = Duration::from_secs(60 * 60);
/// The most addresses that are remembered.
const ROOM: usize = 10_000;

impl Peers {
    /// At most so often in an hour.
    pub fn new(most: u32) -> Self {
        Self { most, seen: Mutex::default() }
    }

    /// Whether this one may once more; it has, then.
    pub fn may(&self, address: SocketAddr, now: SystemTime) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |begin: SystemTime| now.duration_since(begin).map_or(true, |since| since >= HOUR);
        let who = network(address.ip());
        if seen.len() >= ROOM && !seen.contains_key(&who) {
            seen.retain(|_, (begin, _)| !is_over(*begin));
            if seen.len() >= ROOM {
                return false;
            }
        }
        let (begin, count) = seen.entry(who).or_insert((now, 0));
        if is_over(*begin) {
            (*begin, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= self.most
    }
}

/// Whoever has one IPv6 address has the 2⁶⁴ beside it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_has_its_hour() {
        let peers = Peers::new(2);
        let may = |address: &str, after: u64| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + after);
            peers.may(SocketAddr::new(address.parse().unwrap(), 1), now)
        };
        assert!(may("192.0.2.1", 0) && may("192.0.2.1", 1) && !may("192.0.2.1", 2));
        assert!(may("192.0.2.2", 2) && !may("::ffff:192.0.2.1", 3));
        assert!(may("2001:db8::1", 0) && may("2001:db8::2", 0) && !may("2001:db8::3", 0) && may("2001:db8:0:1::1", 0));
        assert!(!may("192.0.2.1", 3599) && may("192.0.2.1", 3600));
    }
}
