//! The adapter of the h3 crate's client over quinn.

#[path = "../ask.rs"]
mod ask;

use std::{
    env, fs,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use bytes::{Buf, Bytes};
use h3::{
    client::{RequestStream, SendRequest},
    error::StreamError,
};
use h3_quinn::{BidiStream, OpenStreams};
use http::{HeaderMap, Uri};
use quinn::{Endpoint, crypto::rustls::QuicClientConfig};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::task::JoinSet;

use crate::ask::{Ask, Reply, Request, Said, Seen};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let json = env::args().next_back().unwrap_or_default();
    let ask: Ask = serde_json::from_str(&json)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let said = match runtime.block_on(answer(&ask)) {
        Ok(seen) => Said::Seen(seen),
        Err(error) => Said::Failed(error.to_string()),
    };
    writeln!(io::stdout(), "{}", serde_json::to_string(&said)?)?;
    Ok(())
}

async fn answer(ask: &Ask) -> Result<Seen, Error> {
    let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into())?;
    let authority: Uri = ask.url.parse()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, authority.port_u16().unwrap_or(443)));
    let connection = endpoint.connect_with(configuration(ask)?, address, "localhost")?.await?;
    let (mut driver, mut requests) = h3::client::new(h3_quinn::Connection::new(connection.clone())).await?;
    let mut driving = JoinSet::new();
    driving.spawn(async move { drop(driver.wait_idle().await) });
    let mut replies = Vec::new();
    for request in &ask.requests {
        replies.extend(exchange(&mut requests, &ask.url, request).await?);
    }
    let goaway = if ask.await_goaway { Some(saw_goaway(&connection, &mut requests, &ask.url).await?) } else { None };
    connection.close(quinn::VarInt::from_u32(0x100), b"");
    endpoint.wait_idle().await;
    Ok(Seen { connection: "h3, verified".to_owned(), replies, goaway })
}

fn configuration(ask: &Ask) -> Result<quinn::ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&ask.authority)?)?;
    let mut tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    Ok(quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?)))
}

type Requests = SendRequest<OpenStreams, Bytes>;
type Stream = RequestStream<BidiStream<Bytes>, Bytes>;

/// Nothing comes of a request that is cancelled.
async fn exchange(requests: &mut Requests, url: &str, request: &Request) -> Result<Option<Reply>, Error> {
    let mut stream = requests.send_request(head(url, request)?).await?;
    let mut reply = Reply { status: 100, interim: Vec::new(), fields: [].into(), trailers: [].into() };
    if let Some(body) = &request.body {
        let expects = request.fields.iter().any(|(name, _)| name == "expect");
        if expects {
            receive_head(&mut stream, &mut reply).await?;
        }
        // A frame of 64 KiB at a time.
        let mut body = Bytes::from(fs::read(body)?);
        while !body.is_empty() {
            stream.send_data(body.split_to(body.len().min(1 << 16))).await?;
        }
    }
    if !request.trailers.is_empty() {
        stream.send_trailers(map(&request.trailers)?).await?;
    }
    stream.finish().await?;
    while reply.status < 200 {
        receive_head(&mut stream, &mut reply).await?;
    }
    let mut body = Vec::new();
    while let Some(data) = stream.recv_data().await? {
        body.extend_from_slice(data.chunk());
        if request.cancel {
            // Dropped, the stream is told to stop. `stop_sending` panics now and then: while h3-quinn reads ahead.
            return Ok(None);
        }
    }
    fs::write(&request.save, body)?;
    if let Some(trailers) = stream.recv_trailers().await? {
        reply.trailers = list(&trailers).collect();
    }
    Ok(Some(reply))
}

/// Receives an interim head or the final one.
async fn receive_head(stream: &mut Stream, reply: &mut Reply) -> Result<(), Error> {
    let head = stream.recv_response().await?;
    reply.status = head.status().as_u16();
    if head.status().is_informational() {
        reply.interim.push(reply.status);
    } else {
        reply.fields = list(head.headers()).collect();
    }
    Ok(())
}

/// Whether GOAWAY had come by the time the server closed the connection: no request may be sent after it.
async fn saw_goaway(connection: &quinn::Connection, requests: &mut Requests, url: &str) -> Result<bool, Error> {
    connection.closed().await;
    let refused = requests.send_request(http::Request::get(url).body(())?).await;
    Ok(refused.is_err_and(|error| matches!(error, StreamError::RemoteClosing { .. })))
}

fn head(url: &str, request: &Request) -> Result<http::Request<()>, Error> {
    let mut head =
        http::Request::builder().method(request.method.as_str()).uri(format!("{url}{}", request.path)).body(())?;
    *head.headers_mut() = map(&request.fields)?;
    Ok(head)
}

fn map(fields: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(http::HeaderName::from_bytes(name.as_bytes())?, value.parse()?);
    }
    Ok(map)
}

fn list(map: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    map.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
}
