//! The program against the rule: in an interpreter that knows nothing of how it is written, and in the kernel.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use proptest::prelude::*;

use super::super::rule::steered_by;
use super::*;
use crate::net::{bind_udp, choose_by};

/// What classic BPF says of this packet, by the kernel's documentation of its instructions; panics where the kernel would not
/// take the program.
fn run(program: &[Instruction], packet: &[u8]) -> u32 {
    let (mut a, mut x, mut memory) = (0_u32, 0_u32, [None; 16]);
    let mut next = 0;
    loop {
        let Instruction { code, jt, jf, k } = program[next];
        next += 1;
        let place = k as usize;
        let loaded = |width: usize| {
            packet.get(place..place + width).map(|bytes| bytes.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)))
        };
        let (class, operand) = (code & 0x07, if code & 0x08 == 0 { k } else { x });
        match (class, code & 0xf8) {
            (0, 0x00) => a = k,
            (1, 0x00) => x = k,
            (0, 0x60) => a = memory[place].expect("loaded before it is stored"),
            (1, 0x60) => x = memory[place].expect("loaded before it is stored"),
            (0, mode @ (0x20 | 0x28 | 0x30)) => match loaded([4, 2, 1][usize::from((mode - 0x20) / 8)]) {
                Some(value) => a = value,
                None => return 0,
            },
            (2, 0) => memory[place] = Some(a),
            (4, operation) => {
                a = match operation & 0xf0 {
                    0x00 => a.wrapping_add(operand),
                    0x40 => a | operand,
                    0x50 => a & operand,
                    0x60 => a << operand,
                    0x70 => a >> operand,
                    0x90 => a % operand,
                    0xa0 => a ^ operand,
                    _ => panic!("{code:#x} is not expected"),
                };
            }
            (5, 0x00) => next += place,
            (5, 0x40) => next += usize::from(if a & k == 0 { jf } else { jt }),
            (6, 0x10) => return a,
            (7, 0x00) => x = a,
            _ => panic!("{code:#x} is not expected"),
        }
    }
}

/// A datagram of either form, or of neither.
fn datagrams() -> impl Strategy<Value = Vec<u8>> {
    let rest = || prop::collection::vec(any::<u8>(), 0..60);
    prop_oneof![
        (0x80..=0xff_u8, any::<u32>(), 8..=20_u8, rest()).prop_map(|(first, version, length, rest)| {
            [&[first], version.to_be_bytes().as_slice(), &[length], &[0x5a; 8], &rest].concat()
        }),
        (0x00..0x80_u8, rest()).prop_map(|(first, rest)| [&[first], rest.as_slice()].concat()),
        (0x80..=0xff_u8, rest()).prop_map(|(first, rest)| [&[first], rest.as_slice()].concat()),
        rest(),
    ]
}

proptest! {
    #[test]
    fn the_program_says_what_the_rule_says(key: [u32; 2], datagram in datagrams()) {
        for workers in [2, 3, 4, 8] {
            let rule = Rule::new(key, workers);
            let expected = steered_by(&datagram).map_or(0, |id| rule.worker(id));
            prop_assert_eq!(run(&program(rule), &datagram) as usize, expected, "{} workers", workers);
        }
    }
}

#[test]
fn the_program_has_one_length_for_any_number_of_workers_and_the_kernel_takes_4096() {
    let lengths = [2, 3, 64, 1024].map(|workers| program(Rule::new([1, 2], workers)).len());
    assert_eq!(lengths, [711; 4]);
}

/// Datagrams of both forms from many ports, to as many sockets; each has its number at its end.
fn in_the_kernel(address: SocketAddr, workers: usize) {
    let rule = Rule::new([0xdead_beef, 0x0bad_cafe], workers);
    let (sockets, _) = bind_udp(address, workers, 1 << 20).unwrap();
    choose_by(&sockets[0], &program(rule)).unwrap();
    let group = sockets[0].local_addr().unwrap();
    let mut expected = vec![Vec::new(); workers];
    for number in 0..200_u64 {
        let id = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let from = UdpSocket::bind((address.ip(), 0)).unwrap();
        for head in [[0x41].as_slice(), &[0xc3, 0, 0, 0, 1, 8]] {
            let datagram = [head, &id, &number.to_be_bytes()].concat();
            from.send_to(&datagram, group).unwrap();
            expected[rule.worker(id)].push(datagram);
        }
    }
    for (socket, expected) in sockets.iter().zip(expected) {
        let mut received = Vec::new();
        let mut place = [0; 100];
        while let Ok(length) = socket.recv(&mut place) {
            received.push(place[..length].to_vec());
        }
        assert!(received == expected, "{workers} workers: {} came of {}, or others", received.len(), expected.len());
        assert!(!expected.is_empty());
    }
}

#[test]
fn the_kernel_gives_each_datagram_to_the_socket_that_the_rule_names() {
    for workers in [2, 3, 4, 8] {
        in_the_kernel((Ipv4Addr::LOCALHOST, 0).into(), workers);
        if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            in_the_kernel((Ipv6Addr::LOCALHOST, 0).into(), workers);
        }
    }
}
