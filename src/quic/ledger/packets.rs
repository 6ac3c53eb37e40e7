//! What is readable of the packets in a datagram without a key: long headers (RFC 9000 §17.2).

/// The packets with long headers that a datagram begins with.
#[derive(Debug)]
pub(super) struct LongHeaders<'a>(pub(super) &'a [u8]);

/// What a long header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LongHeader<'a> {
    pub(super) kind: Kind,
    pub(super) destination: &'a [u8],
    pub(super) source: &'a [u8],
}

/// RFC 9000 §17.2, table 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
}

/// A connection id, 20 bytes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    length: usize,
    bytes: [u8; MOST],
}

impl Id {
    /// `None` where it is empty, which names nothing, or too long.
    pub(super) fn new(id: &[u8]) -> Option<Self> {
        let mut bytes = [0; MOST];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        (!id.is_empty()).then_some(Self { length: id.len(), bytes })
    }
}

/// Whether a datagram begins with a long header.
pub(super) fn is_long(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| first & 0x80 != 0)
}

impl<'a> Iterator for LongHeaders<'a> {
    type Item = LongHeader<'a>;

    fn next(&mut self) -> Option<LongHeader<'a>> {
        let mut rest = std::mem::take(&mut self.0);
        let [first] = *take(&mut rest, 1)? else { return None };
        if first & 0x80 == 0 {
            return None;
        }
        let version = take(&mut rest, 4)?;
        let destination = id(&mut rest)?;
        let source = id(&mut rest)?;
        // RFC 9000 §17.2.1: version negotiation has no type and takes the whole datagram.
        if version == [0; 4] {
            return None;
        }
        let kind = match first >> 4 & 0x3 {
            0 => Kind::Initial,
            1 => Kind::ZeroRtt,
            2 => Kind::Handshake,
            _ => Kind::Retry,
        };
        // RFC 9000 §17.2.5: Retry has no length, nothing follows it.
        if kind != Kind::Retry {
            if kind == Kind::Initial {
                let token = integer(&mut rest)?;
                take(&mut rest, token)?;
            }
            let length = integer(&mut rest)?;
            take(&mut rest, length)?;
            self.0 = rest;
        }
        Some(LongHeader { kind, destination, source })
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn id<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let [length] = *take(rest, 1)? else { return None };
    take(rest, usize::from(length)).filter(|id| id.len() <= MOST)
}

/// RFC 9000 §16: two bits say how many bytes it has.
fn integer(rest: &mut &[u8]) -> Option<usize> {
    let length = 1 << (rest.first()? >> 6);
    let bytes = take(rest, length)?.iter();
    let value = bytes.fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    usize::try_from(value & (u64::MAX >> (64 - 8 * length + 2))).ok()
}

/// RFC 9000 §17.2: bytes of a connection id at most.
const MOST: usize = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A packet of this type with so long a payload.
    fn packet(kind: u8, destination: &[u8], source: &[u8], payload: usize) -> Vec<u8> {
        let ids: Vec<u8> =
            [destination, source].iter().flat_map(|id| [&[u8::try_from(id.len()).unwrap()], *id].concat()).collect();
        let token: &[u8] = if kind == 0 { &[3, 7, 7, 7] } else { &[] };
        let length = (u16::try_from(payload).unwrap() | 0x4000).to_be_bytes();
        [&[0xc0 | kind << 4, 0, 0, 0, 1], &ids[..], token, &length, &vec![9; payload]].concat()
    }

    #[test]
    fn rfc9000_12_2_packets_of_one_datagram_are_found_one_by_one() {
        let datagram = [
            packet(0, &[1; 8], &[2; 5], 100),
            packet(1, &[1; 20], &[], 1),
            packet(2, &[3; 8], &[4; 4], 300),
            vec![0x40; 30],
        ]
        .concat();
        let seen: Vec<_> =
            LongHeaders(&datagram).map(|header| (header.kind, header.destination, header.source)).collect();
        assert_eq!(
            seen,
            [
                (Kind::Initial, [1; 8].as_slice(), [2; 5].as_slice()),
                (Kind::ZeroRtt, &[1; 20], &[]),
                (Kind::Handshake, &[3; 8], &[4; 4]),
            ]
        );
        assert_eq!(LongHeaders(&[packet(3, &[1; 8], &[2; 8], 9), packet(2, &[], &[], 1)].concat()).count(), 1);
    }

    #[test]
    fn rfc9000_16_lengths_of_every_size_are_read() {
        for (bytes, value) in [
            (vec![0x25], 37),
            (vec![0x40, 0x25], 37),
            (vec![0x7b, 0xbd], 15_293),
            (vec![0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (vec![0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
        ] {
            assert_eq!(integer(&mut &bytes[..]), Some(value));
            assert_eq!(integer(&mut &bytes[..bytes.len() - 1]), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_left(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(LongHeaders(&bytes).count() <= bytes.len());
        }

        #[test]
        fn what_is_cut_off_is_no_packet(payload in 0_usize..200, cut in 1_usize..100) {
            let whole = packet(2, &[1; 8], &[2; 8], payload);
            let cut = cut.min(whole.len());
            prop_assert_eq!(LongHeaders(&whole).count(), 1);
            prop_assert_eq!(LongHeaders(&whole[..whole.len() - cut]).count(), 0);
        }
    }
}
