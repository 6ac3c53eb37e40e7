//! HTTP/1.1 as bytes on a socket, plain or under TLS: what a client writes by hand, and replies read strictly.
//!
//! The HTTP/1.1 client stands on it, the backends read requests through it, and tests of malformed messages write
//! to it directly. Message format: RFC 9112 §2.

use std::{future::pending, io, net::SocketAddr, sync::Arc};

use rustls::{ClientConfig, HandshakeKind, ProtocolVersion, ServerConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadHalf, WriteHalf, split},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use super::{
    deadline::within,
    framing::Framing,
    message::{End, Fields, Reply},
};

/// Both directions of one connection.
pub(crate) struct Wire {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

impl Wire {
    /// Connects without TLS.
    pub(crate) async fn tcp(address: SocketAddr) -> io::Result<Self> {
        Self::over(tcp(address).await?)
    }

    /// Connects and completes a TLS handshake for the name `localhost`.
    pub(crate) async fn tls(address: SocketAddr, client: Arc<ClientConfig>) -> io::Result<Self> {
        let stream = tls(address, client).await?;
        let control = duplicate(stream.get_ref().0)?;
        Ok(Self::from_parts(Box::new(stream), control))
    }

    /// Takes over an accepted connection.
    pub(crate) fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let control = duplicate(&stream)?;
        Ok(Self::from_parts(Box::new(stream), control))
    }

    /// Takes over an accepted connection, completes a TLS handshake on it and tells what it was.
    pub(crate) async fn accept_tls(stream: TcpStream, server: Arc<ServerConfig>) -> io::Result<(Self, Shaken)> {
        stream.set_nodelay(true)?;
        let stream = TlsAcceptor::from(server).accept(stream).await?;
        let control = duplicate(stream.get_ref().0)?;
        let connection = stream.get_ref().1;
        let shaken = Shaken {
            name: connection.server_name().map(str::to_owned),
            protocol: connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            version: connection.protocol_version(),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            certificate: connection.peer_certificates().and_then(|chain| chain.first()).map(|leaf| leaf.to_vec()),
        };
        Ok((Self::from_parts(Box::new(stream), control), shaken))
    }

    fn from_parts(stream: Box<dyn Stream>, control: socket2::Socket) -> Self {
        let (reader, writer) = split(stream);
        Self { reader: Reader { stream: BufReader::new(reader) }, writer: Writer { stream: writer, control } }
    }

    /// Writes these bytes.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.writer.write(bytes).await
    }

    /// Reads one reply to a request of this method.
    pub(crate) async fn reply(&mut self, method: &str) -> Reply {
        let mut reply = Reply::default();
        reply.end = match self.reader.reply_head(&mut reply).await {
            Ok(()) => {
                let mut framing = Framing::of_reply(method, reply.status, &reply.headers);
                framing.all(&mut self.reader, &mut reply.body, &mut reply.trailers).await
            }
            Err(end) => end,
        };
        reply
    }

    /// Everything up to the end of the connection, and how it ended.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, End) {
        let mut bytes = Vec::new();
        let end = self.reader.until_close(&mut bytes).await;
        (bytes, end)
    }

    /// Closes with a TCP reset instead of a FIN.
    pub(crate) fn reset(self) -> io::Result<()> {
        // RFC 9293 §3.10.5 ABORT: with no time to linger, close sends RST and drops what is queued.
        self.writer.control.set_linger(Some(std::time::Duration::ZERO))
    }
}

/// A handshake as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Shaken {
    /// The name that the client asked for.
    pub(crate) name: Option<String>,
    /// The protocol that was agreed on.
    pub(crate) protocol: Option<String>,
    pub(crate) version: Option<ProtocolVersion>,
    /// Whether the client took up a session again.
    pub(crate) resumed: bool,
    /// The certificate that the client showed, in DER.
    pub(crate) certificate: Option<Vec<u8>>,
}

/// The receiving direction.
pub(crate) struct Reader {
    stream: BufReader<ReadHalf<Box<dyn Stream>>>,
}

impl Reader {
    /// A start line and field lines; `Err` when the connection ends before them.
    pub(crate) async fn head(&mut self) -> Result<(String, Fields), End> {
        let start = self.line().await?;
        Ok((start, self.fields().await?))
    }

    /// The head of the final reply, with the interim ones before it.
    pub(crate) async fn reply_head(&mut self, reply: &mut Reply) -> Result<(), End> {
        while !self.next_head(reply).await? {}
        Ok(())
    }

    /// The next head of a reply. Returns whether it was the final one.
    pub(crate) async fn next_head(&mut self, reply: &mut Reply) -> Result<bool, End> {
        let (start, fields) = self.head().await?;
        let status = start.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("not a status line: {start:?}"));
        if (100..200).contains(&status) && status != SWITCHING_PROTOCOLS {
            reply.informational.push((status, fields));
            return Ok(false);
        }
        reply.status = status;
        reply.headers = fields;
        Ok(true)
    }

    /// Appends what has come, at least one byte and at most `limit`; `Err` at the end of the connection.
    pub(crate) async fn some(&mut self, limit: u64, into: &mut Vec<u8>) -> Result<u64, End> {
        let bytes = self.stream.fill_buf().await.map_err(|error| ended_by(&error))?;
        let taken = bytes.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
        if taken == 0 {
            return Err(End::Closed);
        }
        into.extend_from_slice(&bytes[..taken]);
        self.stream.consume(taken);
        Ok(taken as u64)
    }

    /// Waits until the peer ends its direction; never, if it has sent more before. Nothing is taken.
    pub(crate) async fn gone(&mut self) {
        if let Ok([_, ..]) = self.stream.fill_buf().await {
            pending::<()>().await;
        }
    }

    pub(crate) async fn until_close(&mut self, body: &mut Vec<u8>) -> End {
        match self.stream.read_to_end(body).await {
            Ok(_) => End::Closed,
            Err(error) => ended_by(&error),
        }
    }

    pub(crate) async fn fields(&mut self) -> Result<Fields, End> {
        let mut fields = Fields::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("not a field line: {line:?}"));
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    pub(crate) async fn line(&mut self) -> Result<String, End> {
        let mut line = Vec::new();
        match self.stream.read_until(b'\n', &mut line).await {
            Ok(_) if line.ends_with(b"\r\n") => Ok(String::from_utf8_lossy(&line[..line.len() - 2]).into_owned()),
            Ok(_) if line.ends_with(b"\n") => panic!("a line that ends in a bare LF: {line:?}"),
            Ok(_) => Err(End::Closed),
            Err(error) => Err(ended_by(&error)),
        }
    }
}

/// The sending direction.
pub(crate) struct Writer {
    stream: WriteHalf<Box<dyn Stream>>,
    control: socket2::Socket,
}

impl Writer {
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await?;
        self.stream.flush().await
    }

    /// Ends this direction only (FIN, under TLS after `close_notify`).
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Ends both directions at once, whatever is still open.
    pub(crate) fn close(&self) {
        // Nobody is left to tell when the peer was faster.
        drop(self.control.shutdown(std::net::Shutdown::Both));
    }
}

/// Connects without TLS.
pub(crate) async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = within(format_args!("a connection to {address}"), TcpStream::connect(address)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Connects and completes a TLS handshake for the name `localhost`.
pub(crate) async fn tls(address: SocketAddr, client: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let stream = tcp(address).await?;
    within("a TLS handshake", TlsConnector::from(client).connect(name, stream)).await
}

/// A byte stream, plain or under TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A second handle on the socket, for options that must be set while a stream owns it.
fn duplicate(stream: &TcpStream) -> io::Result<socket2::Socket> {
    socket2::SockRef::from(stream).try_clone()
}

/// TLS without `close_notify` reads as a plain end: what matters is whether the message was whole.
fn ended_by(error: &io::Error) -> End {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => End::Closed,
        _ => End::Broken,
    }
}

const SWITCHING_PROTOCOLS: u16 = 101;
