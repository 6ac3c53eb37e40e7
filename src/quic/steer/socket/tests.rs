//! Two or more workers whose sockets are lists of what "arrives" there.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use proptest::prelude::*;

use super::super::group::SteeringStats;
use super::super::rule::Rule;
use super::*;
use crate::observe::stats::Store;

/// A socket that has received this: buffers, each with the length of its datagrams.
#[derive(Debug, Default)]
struct Received(Mutex<VecDeque<(Vec<u8>, usize)>>);

impl Received {
    fn push(&self, buffer: Vec<u8>, stride: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back((buffer, stride));
    }
}

impl AsyncUdpSocket for Received {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        unreachable!("nothing is sent")
    }

    fn try_send(&self, _: &Transmit<'_>) -> io::Result<()> {
        unreachable!("nothing is sent")
    }

    fn poll_recv(
        &self,
        _: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(buffers.len());
        for ((buffer, meta), (bytes, stride)) in buffers.iter_mut().zip(metas).zip(waiting.drain(..count)) {
            buffer[..bytes.len()].copy_from_slice(&bytes);
            let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 4433));
            *meta = RecvMeta { addr, len: bytes.len(), stride, ecn: None, dst_ip: None };
        }
        if count == 0 { Poll::Pending } else { Poll::Ready(Ok(count)) }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 443)))
    }
}

/// The workers of an address.
struct Rig {
    rule: Rule,
    store: Arc<Store>,
    workers: Vec<(Arc<Received>, SteeredSocket)>,
}

impl Rig {
    fn new(workers: usize) -> Self {
        let store = Store::new();
        let (group, outlets) = Group::new(workers, Vec::new(), &SteeringStats::new(&store.scope("listener.x")));
        let rule = group.rule;
        let worker = |(worker, own)| {
            let received = Arc::new(Received::default());
            let socket = Arc::clone(&received) as Arc<dyn AsyncUdpSocket>;
            (received, SteeredSocket { socket, group: Arc::clone(&group), own, worker })
        };
        Self { rule, store, workers: outlets.into_iter().enumerate().map(worker).collect() }
    }

    fn counted(&self, name: &str) -> u64 {
        self.store.scope("listener.x.quic.steering").counter(name).value()
    }

    /// A datagram of this worker's, its number at its end.
    fn datagram(&self, worker: usize, number: u16, length: usize) -> Vec<u8> {
        let ids = (0_u64..).map(u64::to_be_bytes);
        let id = ids.skip(usize::from(number)).find(|id| self.rule.worker(*id) == worker).unwrap();
        let mut datagram = [[0x40].as_slice(), &id].concat();
        datagram.resize(length, 0);
        datagram[length - 2..].copy_from_slice(&number.to_be_bytes());
        datagram
    }

    /// All datagrams that a worker's endpoint gets now, with room for so many buffers at once.
    fn receive(&self, worker: usize, room: usize) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        loop {
            let mut places = vec![vec![0; 64 << 10]; room];
            let mut buffers: Vec<_> = places.iter_mut().map(|place| IoSliceMut::new(place)).collect();
            let mut metas = vec![RecvMeta::default(); room];
            let mut context = Context::from_waker(Waker::noop());
            let Poll::Ready(count) = self.workers[worker].1.poll_recv(&mut context, &mut buffers, &mut metas) else {
                return datagrams;
            };
            for (place, meta) in places.iter().zip(metas).take(count.unwrap()) {
                // As quinn takes a buffer apart.
                datagrams.extend(place[..meta.len].chunks(meta.stride.max(1)).map(<[u8]>::to_vec));
            }
        }
    }
}

#[test]
fn what_the_kernel_joined_is_taken_apart_by_connection() {
    let rig = Rig::new(2);
    let [mine, theirs] = [0, 1].map(|worker| move |number, length| (worker, number, length));
    let joined: Vec<_> = [mine(0, 100), theirs(1, 100), mine(2, 100), theirs(3, 100), theirs(4, 100), mine(5, 30)]
        .into_iter()
        .map(|(worker, number, length)| rig.datagram(worker, number, length))
        .collect();
    rig.workers[0].0.push(joined.concat(), 100);
    assert_eq!(rig.receive(0, 4), [&joined[0], &joined[2], &joined[5]].map(Vec::clone));
    assert_eq!(rig.receive(1, 4), [&joined[1], &joined[3], &joined[4]].map(Vec::clone));
    assert_eq!((rig.counted("handed_over"), rig.counted("handed_over_dropped")), (3, 0));
}

#[test]
fn a_flood_from_one_side_does_not_starve_the_other() {
    let rig = Rig::new(2);
    for number in 0..40 {
        rig.workers[1].0.push(rig.datagram(0, number, 50), 50);
        rig.workers[0].0.push(rig.datagram(0, number + 100, 50), 50);
    }
    assert_eq!(rig.receive(1, 8), Vec::<Vec<u8>>::new());
    let both = rig.receive(0, 8);
    assert_eq!(both.len(), 80);
    let from_socket = |datagram: &[u8]| datagram.ends_with(&[0, 100]);
    assert!(both.iter().position(|datagram| from_socket(datagram)).unwrap() < 8);
}

#[test]
fn what_is_too_much_is_dropped_and_counted() {
    let rig = Rig::new(2);
    for number in 0..5000 {
        rig.workers[1].0.push(rig.datagram(0, number, 11), 11);
    }
    assert_eq!(rig.receive(1, 32).len(), 0);
    let arrived = rig.receive(0, 32).len() as u64;
    assert_eq!((rig.counted("handed_over"), rig.counted("handed_over_dropped")), (arrived, 5000 - arrived));
    assert!(0 < arrived && arrived < 5000, "{arrived}");
}

#[test]
fn what_is_of_no_connection_stays() {
    let rig = Rig::new(4);
    let scraps = [vec![], vec![0x40], vec![0x40; 8], vec![0xc0; 13]];
    for scrap in &scraps {
        rig.workers[2].0.push(scrap.clone(), scrap.len());
    }
    assert_eq!(rig.receive(2, 32), scraps[1..]);
    assert_eq!(rig.counted("handed_over"), 0);
}

proptest! {
    #[test]
    fn every_datagram_reaches_its_worker_once(
        workers in 2_usize..6,
        buffers in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::collection::vec(any::<prop::sample::Index>(), 1..20), 11_usize..60, 11_usize..60),
            0..20,
        ),
        room in 2_usize..10,
    ) {
        let rig = Rig::new(workers);
        let mut sent = vec![Vec::new(); workers];
        let mut number = 0;
        for (arrives, owners, stride, last) in buffers {
            let mut joined = Vec::new();
            for (place, owner) in owners.iter().enumerate() {
                let length = if place + 1 == owners.len() { last.min(stride) } else { stride };
                let datagram = rig.datagram(owner.index(workers), number, length);
                joined.extend_from_slice(&datagram);
                sent[owner.index(workers)].push(datagram);
                number += 1;
            }
            rig.workers[arrives.index(workers)].0.push(joined, stride);
        }
        // What is handed over to a worker that has looked already is there when it looks again.
        let mut got = vec![Vec::new(); workers];
        for worker in (0..workers).chain(0..workers) {
            got[worker].extend(rig.receive(worker, room));
        }
        for (mut sent, mut got) in sent.into_iter().zip(got) {
            sent.sort();
            got.sort();
            prop_assert_eq!(sent, got);
        }
    }
}
