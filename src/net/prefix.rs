//! A range of IP addresses, as CIDR writes it (RFC 4632, RFC 4291 §2.3).

use std::fmt;
use std::net::IpAddr;

/// The addresses that begin with these bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// With zeros behind the prefix.
    first: IpAddr,
    length: u8,
}

impl Prefix {
    /// The range of so many bits around an address; of more bits than there are it is that address.
    #[must_use]
    pub fn new(address: IpAddr, length: u8) -> Self {
        let address = address.to_canonical();
        let length = length.min(bits(address));
        Self { first: masked(address, length), length }
    }

    /// The ranges in which an address lies, the smallest first.
    pub fn around(address: IpAddr) -> impl Iterator<Item = Self> {
        let address = address.to_canonical();
        (0..=bits(address)).rev().map(move |length| Self::new(address, length))
    }

    /// Whether the address is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        bits(address) == bits(self.first) && masked(address, self.length) == self.first
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.length)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        let (address, length) = text.split_once('/').unwrap();
        Prefix::new(address.parse().unwrap(), length.parse().unwrap())
    }

    #[test]
    fn a_range_contains_what_begins_with_its_bits() {
        for (range, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("10.1.2.3/32", "10.1.2.3", "10.1.2.2"),
            ("10.1.2.3/24", "10.1.2.200", "10.1.3.3"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
        ] {
            assert!(prefix(range).contains(inside.parse().unwrap()), "{range} {inside}");
            assert!(!prefix(range).contains(outside.parse().unwrap()), "{range} {outside}");
        }
        assert!(prefix("0.0.0.0/0").contains("255.0.0.1".parse().unwrap()));
        assert!(!prefix("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert!(prefix("::/0").contains("ffff::1".parse().unwrap()));
    }

    #[test]
    fn ranges_around_an_address_contain_it_and_the_smallest_is_first() {
        for (address, count) in [("10.1.2.3", 33), ("2001:db8::1", 129)] {
            let address: IpAddr = address.parse().unwrap();
            let around: Vec<_> = Prefix::around(address).collect();
            assert_eq!(around.len(), count);
            assert_eq!(around[0], Prefix::new(address, 128));
            assert!(around.iter().all(|range| range.contains(address)));
        }
    }

    #[test]
    fn one_range_is_written_one_way() {
        assert_eq!(prefix("10.1.2.3/8"), prefix("10.0.0.0/8"));
        assert_eq!(prefix("10.1.2.3/8").to_string(), "10.0.0.0/8");
        assert_eq!(prefix("::1/200").to_string(), "::1/128");
    }
}
