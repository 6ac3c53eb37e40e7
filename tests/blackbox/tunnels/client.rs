//! Clients that ask for tunnels, in each version: HTTP/1 and HTTP/3 by hand, HTTP/2 by the h2 crate.

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use quinn::{Connection, Endpoint};
use tokio::task::JoinSet;

use crate::edge::Edge;
use crate::http3::client::endpoint;
use crate::http3::wire::{Answer, data, headers};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::deadline::{until, within};
use crate::support::message::{Fields, Reply, field};
use crate::support::wire::{Wire, tls};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'a> {
    /// Another protocol at this path.
    Upgrade(&'a str, &'a str),
    /// Bytes to this host.
    Connect(&'a str),
}

/// An answer, and the tunnel where it grants one.
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// Of HTTP/1 and HTTP/2.
    pub(crate) headers: Fields,
    ends: Ends,
}

enum Ends {
    Http1(Box<Wire>),
    Http2(SendStream<Bytes>, RecvStream, #[expect(dead_code, reason = "it drives the connection")] JoinSet<()>),
    Http3(
        quinn::SendStream,
        quinn::RecvStream,
        Vec<u8>,
        usize,
        #[expect(dead_code, reason = "they keep it open")] (Connection, Endpoint),
    ),
}

/// The key that HTTP/1 clients send here, and its answer (RFC 6455 §1.3).
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Asks over a new connection, and says `early` before it is answered.
pub(crate) async fn ask(edge: &Edge, version: Version, asked: Asked<'_>, early: &str) -> Answered {
    within(format_args!("the answer to {asked:?} over {version:?}"), async {
        match version {
            Version::Http1 => http1(edge, asked, early).await,
            Version::Http2 => http2(edge, asked, early).await,
            Version::Http3 => http3(edge, asked, early).await,
        }
    })
    .await
}

async fn http1(edge: &Edge, asked: Asked<'_>, early: &str) -> Answered {
    let tls = Certificates::of_this_run().client(&["http/1.1"]);
    let mut wire = Wire::tls(edge.process.address("https"), tls).await.expect("a connection");
    let head = match asked {
        Asked::Connect(host) => format!("CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        Asked::Upgrade(protocol, path) => {
            let fields = format!("connection: upgrade\r\nupgrade: {protocol}\r\nsec-websocket-key: {KEY}\r\n");
            format!("GET {path} HTTP/1.1\r\nhost: a.test\r\n{fields}\r\n")
        }
    };
    wire.write(format!("{head}{early}")).await.expect("written");
    let mut reply = Reply::default();
    // One that does not come has the status 0.
    let _ = wire.reader.reply_head(&mut reply).await;
    Answered { status: reply.status, headers: reply.headers, ends: Ends::Http1(Box::new(wire)) }
}

async fn http2(edge: &Edge, asked: Asked<'_>, early: &str) -> Answered {
    let tls = tls(edge.process.address("https"), Certificates::of_this_run().client(&["h2"])).await;
    let (client, connection) = h2::client::handshake(tls.expect("a connection")).await.expect("HTTP/2");
    let mut driver = JoinSet::new();
    driver.spawn(async move { drop(connection.await) });
    let mut request = http::Request::new(());
    *request.method_mut() = http::Method::CONNECT;
    let mut client = client.ready().await.expect("a connection");
    match asked {
        Asked::Connect(host) => *request.uri_mut() = host.parse().expect("an authority"),
        Asked::Upgrade(protocol, path) => {
            *request.uri_mut() = format!("https://a.test{path}").parse().expect("a URI");
            request.extensions_mut().insert(h2::ext::Protocol::from(protocol));
            let enabled = async || client.is_extended_connect_protocol_enabled().then_some(());
            until("SETTINGS_ENABLE_CONNECT_PROTOCOL", enabled).await;
        }
    }
    let (response, mut sender) = client.send_request(request, false).expect("a stream");
    if !early.is_empty() {
        sender.send_data(early.to_owned().into(), false).expect("room");
    }
    let (head, body) = response.await.expect("an answer").into_parts();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Answered { status: head.status.as_u16(), headers, ends: Ends::Http2(sender, body, driver) }
}

async fn http3(edge: &Edge, asked: Asked<'_>, early: &str) -> Answered {
    let endpoint = endpoint();
    let connecting = endpoint.connect(edge.process.address("http3"), "localhost").expect("an address");
    let connection = connecting.await.expect("a QUIC handshake");
    let (mut sender, receiver) = connection.open_bi().await.expect("a stream");
    let head = match asked {
        Asked::Connect(host) => headers(&[(":method", "CONNECT"), (":authority", host)]),
        Asked::Upgrade(protocol, path) => headers(&[
            (":method", "CONNECT"),
            (":protocol", protocol),
            (":scheme", "https"),
            (":authority", "a.test"),
            (":path", path),
        ]),
    };
    sender.write_all(&head).await.expect("written");
    if !early.is_empty() {
        sender.write_all(&data(early)).await.expect("written");
    }
    let mut ends = Ends::Http3(sender, receiver, Vec::new(), 0, (connection, endpoint));
    let mut status = 0;
    while let (0, Ends::Http3(_, receiver, read, ..)) = (status, &mut ends) {
        let Ok(Some(chunk)) = receiver.read_chunk(usize::MAX, true).await else { break };
        read.extend_from_slice(&chunk.bytes);
        status = Answer::read(read).and_then(|answer| answer.statuses.last().copied()).unwrap_or_default();
    }
    Answered { status, headers: Fields::new(), ends }
}

impl Answered {
    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        field(&self.headers, name)
    }

    /// Says this through the tunnel.
    pub(crate) async fn say(&mut self, text: impl AsRef<[u8]>) {
        let bytes = Bytes::copy_from_slice(text.as_ref());
        match &mut self.ends {
            Ends::Http1(wire) => wire.write(bytes).await.expect("written"),
            Ends::Http2(sender, ..) => sender.send_data(bytes, false).expect("an open stream"),
            Ends::Http3(sender, ..) => sender.write_all(&data(bytes)).await.expect("an open stream"),
        }
    }

    /// Ends this direction with trailers, which no tunnel has (HTTP/2).
    pub(crate) fn say_trailers(&mut self) {
        if let Ends::Http2(sender, ..) = &mut self.ends {
            sender.send_trailers(http::HeaderMap::new()).expect("an open stream");
        }
    }

    /// Ends this direction.
    pub(crate) async fn finish(&mut self) {
        match &mut self.ends {
            Ends::Http1(wire) => wire.writer.finish().await.expect("an open connection"),
            Ends::Http2(sender, ..) => sender.send_data(Bytes::new(), true).expect("an open stream"),
            Ends::Http3(sender, ..) => sender.finish().expect("an open stream"),
        }
    }

    /// The next part of what comes; `None` at a good end, and an error at any other.
    async fn part(&mut self) -> Result<Option<Vec<u8>>, ()> {
        match &mut self.ends {
            Ends::Http1(wire) => {
                let mut bytes = Vec::new();
                match wire.reader.some(u64::MAX, &mut bytes).await {
                    Ok(_) => Ok(Some(bytes)),
                    Err(crate::support::message::End::Closed) => Ok(None),
                    Err(_) => Err(()),
                }
            }
            Ends::Http2(_, receiver, _) => match receiver.data().await {
                Some(Ok(bytes)) => {
                    drop(receiver.flow_control().release_capacity(bytes.len()));
                    Ok(Some(bytes.to_vec()))
                }
                Some(Err(_)) => Err(()),
                None => Ok(None),
            },
            Ends::Http3(_, receiver, read, taken, _) => loop {
                let content = Answer::read(read).map(|answer| answer.content).unwrap_or_default();
                if let Some(new @ [_, ..]) = content.get(*taken..) {
                    let new = new.to_vec();
                    *taken += new.len();
                    return Ok(Some(new));
                }
                match receiver.read_chunk(usize::MAX, true).await {
                    Ok(Some(chunk)) => read.extend_from_slice(&chunk.bytes),
                    Ok(None) => return Ok(None),
                    Err(_) => return Err(()),
                }
            },
        }
    }

    /// Reads until so much has come.
    pub(crate) async fn hear(&mut self, length: usize) -> String {
        within("what comes through a tunnel", async {
            let mut heard = Vec::new();
            while heard.len() < length {
                match self.part().await {
                    Ok(Some(part)) => heard.extend_from_slice(&part),
                    other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&heard)),
                }
            }
            String::from_utf8_lossy(&heard).into_owned()
        })
        .await
    }

    /// Says all of this while it reads as much.
    pub(crate) async fn say_and_hear(&mut self, said: &[u8]) -> Vec<u8> {
        let mut heard = Vec::new();
        within("both directions of a tunnel", async {
            match &mut self.ends {
                Ends::Http1(wire) => {
                    let Wire { reader, writer } = &mut **wire;
                    let hearing = async {
                        while heard.len() < said.len() {
                            reader.some(u64::MAX, &mut heard).await.expect("an open connection");
                        }
                    };
                    tokio::join!(async { writer.write(said).await.expect("written") }, hearing);
                }
                Ends::Http2(..) => {
                    // The h2 crate keeps what it cannot write yet.
                    self.say(said).await;
                    heard = self.hear(said.len()).await.into_bytes();
                }
                Ends::Http3(sender, receiver, read, taken, _) => {
                    let frame = data(said);
                    let hearing = async {
                        let whole = |read: &[u8]| {
                            // Looked at only when there may be enough.
                            read.len() > *taken + said.len()
                                && Answer::read(read).is_some_and(|answer| answer.content.len() == *taken + said.len())
                        };
                        while !whole(read) {
                            let chunk = receiver.read_chunk(usize::MAX, true).await.expect("an open connection");
                            read.extend_from_slice(&chunk.expect("an open stream").bytes);
                        }
                        let content = Answer::read(read).map(|answer| answer.content).unwrap_or_default();
                        heard = content.get(*taken..).unwrap_or_default().to_vec();
                        *taken = content.len();
                    };
                    tokio::join!(async { sender.write_all(&frame).await.expect("written") }, hearing);
                }
            }
        })
        .await;
        heard
    }

    /// Reads to the end; an error where that is not a good one.
    pub(crate) async fn rest(&mut self) -> Result<String, ()> {
        within("the end of a tunnel", async {
            let mut heard = Vec::new();
            while let Some(part) = self.part().await? {
                heard.extend_from_slice(&part);
            }
            Ok(String::from_utf8_lossy(&heard).into_owned())
        })
        .await
    }
}
