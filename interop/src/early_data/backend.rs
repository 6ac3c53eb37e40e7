//! A backend that answers everything, and counts what came early.

use std::{
    io::{self, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::backend::{Request, request};

/// A running backend.
pub(super) struct Backend {
    port: u16,
    early: Arc<Early>,
}

/// Requests that came with `early-data: 1`.
#[derive(Default)]
struct Early {
    without_content: AtomicUsize,
    with_content: AtomicUsize,
}

impl Backend {
    /// Listens, and serves until this process ends.
    pub(super) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (port, early) = (listener.local_addr()?.port(), Arc::<Early>::default());
        let counting = Arc::clone(&early);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let early = Arc::clone(&counting);
                // A gateway that goes away ends its connections: nothing to report.
                thread::spawn(move || serve(&stream, &early));
            }
        });
        Ok(Self { port, early })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// How many came early: without content, and with content.
    pub(super) fn early(&self) -> (usize, usize) {
        let Early { without_content, with_content } = &*self.early;
        (without_content.load(Ordering::Relaxed), with_content.load(Ordering::Relaxed))
    }
}

fn serve(stream: &TcpStream, early: &Early) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    while let Some(Request { content, early: came_early, .. }) = request(&mut reader)? {
        if came_early {
            let counter = if content.is_empty() { &early.without_content } else { &early.with_content };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        out.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
    }
    Ok(())
}
