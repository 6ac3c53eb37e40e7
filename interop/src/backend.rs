//! A backend that does what the demo backend does not: trailers and interim responses unasked, content that is sent back
//! only once it is whole, and a response that is held in its middle until it is released, so that a case happens
//! between its two halves.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// A running backend.
pub(crate) struct Backend {
    port: u16,
    arrived: Receiver<()>,
    release: SyncSender<()>,
}

impl Backend {
    /// Listens, and serves until this process ends.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let (arriving, arrived) = sync_channel(WAITING);
        let (release, released) = sync_channel(WAITING);
        let held = Arc::new(Held { arriving, released: Mutex::new(released) });
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let held = Arc::clone(&held);
                // A gateway that goes away ends its connections: nothing to report.
                thread::spawn(move || serve(&stream, &held));
            }
        });
        Ok(Self { port, arrived, release })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whoever waits here learns that a request for [`HELD`] came and got half of its response.
    pub(crate) fn arrived(&self) -> &Receiver<()> {
        &self.arrived
    }

    /// Lets the other half go.
    pub(crate) fn release(&self) {
        // A release too many is dropped.
        let _ = self.release.try_send(());
    }
}

struct Held {
    arriving: SyncSender<()>,
    released: Mutex<Receiver<()>>,
}

/// Answers one request after the other.
fn serve(stream: &TcpStream, held: &Held) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    while let Some(request) = request(&mut reader)? {
        match request.path.as_str() {
            HELD => {
                write!(out, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\nbefore ", HELD_BODY.len())?;
                let _ = held.arriving.try_send(());
                let released = held.released.lock().unwrap_or_else(PoisonError::into_inner);
                released.recv().map_err(io::Error::other)?;
                out.write_all(b"after. ")?;
            }
            TRAILERS => out.write_all(
                b"HTTP/1.1 200 OK\r\ntrailer: x-interop\r\ntransfer-encoding: chunked\r\n\r\n\
                  5\r\nbody.\r\n0\r\nx-interop: seen\r\n\r\n",
            )?,
            EARLY_HINTS => out.write_all(
                b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n\
                  HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nbody.",
            )?,
            UPLOAD => {
                write!(out, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", request.content.len())?;
                out.write_all(&request.content)?;
            }
            _ => out.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")?,
        }
    }
    Ok(())
}

/// What was asked.
pub(crate) struct Request {
    path: String,
    pub(crate) content: Vec<u8>,
    /// Whether it came before its client's handshake was complete (RFC 8470 §5.1).
    pub(crate) early: bool,
}

/// The next request, with all of its content; nothing at the end of the connection.
pub(crate) fn request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let first = line(reader)?;
    let Some(path) = first.split(' ').nth(1) else { return Ok(None) };
    let (mut length, mut chunked, mut early) = (0, false, false);
    loop {
        let field = line(reader)?.to_ascii_lowercase();
        match field.split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().map_err(io::Error::other)?,
            Some(("transfer-encoding", _)) => chunked = true,
            Some(("early-data", value)) => early = value.trim() == "1",
            Some(_) => {}
            None => break,
        }
    }
    let mut content = Vec::new();
    if chunked {
        while let length @ 1.. = u64::from_str_radix(line(reader)?.trim(), 16).map_err(io::Error::other)? {
            reader.by_ref().take(length).read_to_end(&mut content)?;
            line(reader)?;
        }
        // Trailers, which nobody sends here, end with an empty line.
        while !line(reader)?.is_empty() {}
    } else {
        reader.take(length).read_to_end(&mut content)?;
    }
    Ok(Some(Request { path: path.to_owned(), content, early }))
}

/// A line without its end.
fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// Answers [`HELD_BODY`], its second half when it is released.
pub(crate) const HELD: &str = "/held";
pub(crate) const HELD_BODY: &[u8] = b"before after. ";
/// Answers `body.` and the trailer `x-interop: seen`.
pub(crate) const TRAILERS: &str = "/trailers";
/// Answers the content of the request, once all of it has come.
pub(crate) const UPLOAD: &str = "/upload";
/// Answers 103, then 200 and `body.`.
pub(crate) const EARLY_HINTS: &str = "/early-hints";

/// How many may be held, or released, at once.
const WAITING: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_held_response_comes_before_its_release() {
        let backend = Backend::start().unwrap();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, backend.port())).unwrap();
        write!(stream, "GET {HELD} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        backend.arrived().recv().unwrap();
        let mut half = vec![0; b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\nbefore ".len()];
        stream.read_exact(&mut half).unwrap();
        assert!(half.ends_with(b"before "));
        backend.release();
        let mut rest = [0; 7];
        stream.read_exact(&mut rest).unwrap();
        assert_eq!(&rest, b"after. ");
    }

    #[test]
    fn content_is_read_whole_however_it_is_framed() {
        let framed = b"POST /upload HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\
            POST /upload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n";
        let mut reader = framed.as_slice();
        assert_eq!(request(&mut reader).unwrap().unwrap().content, b"abc");
        assert_eq!(request(&mut reader).unwrap().unwrap().content, b"def");
        assert!(request(&mut reader).unwrap().is_none());
    }
}
