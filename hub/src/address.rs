//! The address that sites reach this hub by, as join codes carry it.
//!
//! Asked by `site invite` and by the doctor, so that both say the same. Without a setting and with
//! a hub that listens everywhere, it is the address by which this machine reaches others: good
//! on this machine and on its network, and nowhere else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Where join codes send machines: what `sync.advertise` says, else where the hub listens at
/// `sync`. `None` while its port is not known.
pub fn of_codes(advertise: Option<&str>, sync: SocketAddr) -> Option<String> {
    match advertise {
        Some(address) => Some(address.to_owned()),
        None if sync.port() == 0 => None,
        None if sync.ip().is_unspecified() => Some(SocketAddr::new(own(sync.ip()), sync.port()).to_string()),
        None => Some(sync.to_string()),
    }
}

/// An address of this machine that is reached by `listened`. A listener on `[::]` takes IPv4 too,
/// which more networks carry.
fn own(listened: IpAddr) -> IpAddr {
    let four = || outward(Ipv4Addr::UNSPECIFIED.into(), IpAddr::from([192, 0, 2, 1]));
    // One of the addresses that documentation uses, as the other.
    let six = || outward(Ipv6Addr::UNSPECIFIED.into(), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]));
    let found = if listened.is_ipv4() { four() } else { four().or_else(six) };
    found.unwrap_or(Ipv4Addr::LOCALHOST.into())
}

/// Our own end of the way to somewhere else. Connecting a UDP socket asks the routing table and
/// sends nothing.
fn outward(from: IpAddr, to: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((from, 0)).ok()?;
    socket.connect((to, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|own| !own.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_given_wherever_the_hub_listens_and_the_setting_comes_first() {
        let of = |advertise, sync: &str| of_codes(advertise, sync.parse().unwrap());
        assert_eq!(of(Some("hub.exemple.fr:4433"), "[::]:1").as_deref(), Some("hub.exemple.fr:4433"));
        assert_eq!(of(None, "192.0.2.7:4433").as_deref(), Some("192.0.2.7:4433"));
        assert_eq!(of(None, "[2001:db8::7]:4433").as_deref(), Some("[2001:db8::7]:4433"));
        assert_eq!(of(None, "[::]:0"), None);
        for everywhere in ["[::]:4433", "0.0.0.0:4433"] {
            let address: SocketAddr = of(None, everywhere).unwrap().parse().unwrap();
            assert!(!address.ip().is_unspecified() && address.port() == 4433, "{address}");
            // It is this machine's: whoever connects to it arrives here.
            UdpSocket::bind((address.ip(), 0)).unwrap();
        }
    }
}
