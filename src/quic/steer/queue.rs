//! The way from one worker to another for datagrams that came to the wrong socket: bounded, and full means lost.
//!
//! Many put in, one takes out. Loss is what UDP may do and QUIC repairs; memory that grows is not.

use std::io::IoSliceMut;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use quinn::udp::{EcnCodepoint, RecvMeta};
use tokio::sync::mpsc;

/// Where other workers put datagrams in.
#[derive(Debug)]
pub(super) struct Inlet {
    datagrams: mpsc::Sender<Datagram>,
    bytes: Arc<AtomicUsize>,
}

/// Where a worker takes its datagrams out.
#[derive(Debug)]
pub(super) struct Outlet {
    /// Locked by one task, the driver of the worker's endpoint: never contended.
    datagrams: Mutex<mpsc::Receiver<Datagram>>,
    bytes: Arc<AtomicUsize>,
}

/// A datagram, and what the system said of it.
#[derive(Debug)]
struct Datagram {
    bytes: Box<[u8]>,
    from: SocketAddr,
    to: Option<IpAddr>,
    ecn: Option<EcnCodepoint>,
}

/// An empty queue.
pub(super) fn queue() -> (Inlet, Outlet) {
    let (put, take) = mpsc::channel(MOST_DATAGRAMS);
    let bytes = Arc::new(AtomicUsize::new(0));
    (Inlet { datagrams: put, bytes: Arc::clone(&bytes) }, Outlet { datagrams: Mutex::new(take), bytes })
}

impl Inlet {
    /// Puts in a copy of a datagram; `false` where there is no room, or nobody takes any more.
    pub(super) fn put(&self, datagram: &[u8], meta: &RecvMeta) -> bool {
        let before = self.bytes.fetch_add(datagram.len(), Ordering::Relaxed);
        let room = before + datagram.len() <= MOST_BYTES;
        let Some(place) = room.then(|| self.datagrams.try_reserve().ok()).flatten() else {
            self.bytes.fetch_sub(datagram.len(), Ordering::Relaxed);
            return false;
        };
        place.send(Datagram { bytes: datagram.into(), from: meta.addr, to: meta.dst_ip, ecn: meta.ecn });
        true
    }
}

impl Outlet {
    /// Takes out as many datagrams as there are and as there is room for, one a buffer, and returns how many. While that is
    /// fewer than there is room for, the task is woken when one is put in.
    pub(super) fn take(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> usize {
        let mut queue = self.datagrams.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = 0;
        for (buffer, meta) in buffers.iter_mut().zip(metas) {
            let Poll::Ready(Some(datagram)) = queue.poll_recv(context) else { break };
            let len = datagram.bytes.len();
            self.bytes.fetch_sub(len, Ordering::Relaxed);
            let (addr, dst_ip, ecn) = (datagram.from, datagram.to, datagram.ecn);
            // Whoever put it in had a buffer of the same size.
            let fits = buffer.get_mut(..len).map(|place| place.copy_from_slice(&datagram.bytes));
            let len = fits.map_or(0, |()| len);
            *meta = RecvMeta { addr, len, stride: len, ecn, dst_ip };
            taken += 1;
        }
        taken
    }
}

/// Datagrams that may wait for one worker: a burst.
const MOST_DATAGRAMS: usize = 2048;

/// Bytes that may wait for one worker: as many as in the kernel, before its socket.
const MOST_BYTES: usize = 5 << 19;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::AtomicBool;
    use std::task::{Wake, Waker};

    use super::*;

    fn meta() -> RecvMeta {
        let loopback = Ipv4Addr::LOCALHOST.into();
        let addr = SocketAddr::new(loopback, 4433);
        RecvMeta { addr, len: 0, stride: 0, ecn: Some(EcnCodepoint::Ect0), dst_ip: Some(loopback) }
    }

    /// Takes out what there is, at most so many.
    fn take(outlet: &Outlet, waker: &Waker, most: usize) -> Vec<(Vec<u8>, RecvMeta)> {
        let mut places = vec![[0; 2048]; most];
        let mut buffers: Vec<_> = places.iter_mut().map(|place| IoSliceMut::new(place)).collect();
        let mut metas = vec![RecvMeta::default(); most];
        let taken = outlet.take(&mut Context::from_waker(waker), &mut buffers, &mut metas);
        places.into_iter().zip(metas).take(taken).map(|(place, meta)| (place[..meta.len].to_vec(), meta)).collect()
    }

    #[test]
    fn a_datagram_comes_out_as_it_went_in() {
        let (inlet, outlet) = queue();
        for datagram in [b"one".as_slice(), b"two", b"three"] {
            assert!(inlet.put(datagram, &meta()));
        }
        let taken = [take(&outlet, Waker::noop(), 2), take(&outlet, Waker::noop(), 2)].concat();
        for ((bytes, seen), put) in taken.iter().zip([b"one".as_slice(), b"two", b"three"]) {
            assert_eq!(bytes, put);
            assert_eq!((seen.addr, seen.dst_ip, seen.ecn), (meta().addr, meta().dst_ip, meta().ecn));
            assert_eq!((seen.len, seen.stride), (put.len(), put.len()));
        }
        assert_eq!(taken.len(), 3);
    }

    #[test]
    fn datagrams_and_bytes_are_bounded_and_what_is_taken_makes_room() {
        for (length, most) in
            [(0, MOST_DATAGRAMS), (9, MOST_DATAGRAMS), (1500, MOST_BYTES / 1500), (2048, MOST_BYTES / 2048)]
        {
            let (inlet, outlet) = queue();
            let datagram = vec![7; length];
            for round in 0..2 {
                let put = (0..MOST_DATAGRAMS + 10).filter(|_| inlet.put(&datagram, &meta())).count();
                assert_eq!(put, most, "{length} bytes, round {round}");
                assert_eq!(take(&outlet, Waker::noop(), most + 1).len(), most, "{length} bytes, round {round}");
            }
        }
    }

    #[test]
    fn nobody_waits_for_a_worker_that_is_gone() {
        let (inlet, outlet) = queue();
        drop(outlet);
        assert!(!inlet.put(b"late", &meta()));
    }

    #[test]
    fn a_worker_that_found_nothing_is_woken() {
        struct Bell(AtomicBool);
        impl Wake for Bell {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let (inlet, outlet) = queue();
        let bell = Arc::new(Bell(AtomicBool::new(false)));
        assert_eq!(take(&outlet, &Waker::from(Arc::clone(&bell)), 4).len(), 0);
        assert!(!bell.0.load(Ordering::SeqCst));
        assert!(inlet.put(b"here", &meta()));
        assert!(bell.0.load(Ordering::SeqCst));
    }
}
