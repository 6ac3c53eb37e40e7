//! The adapter of h3i: a list of actions, and then the frames that came.

#[path = "../../src/ask.rs"]
mod ask;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write},
};

use h3i::{
    actions::h3::{Action, StreamEvent, StreamEventType, WaitType, send_headers_frame},
    client::{connection_summary::ConnectionSummary, sync_client},
    config::Config,
    frame::H3iFrame,
    quiche::{
        ConnectionError,
        h3::{Header, NameValue, frame::Frame},
    },
};

use crate::ask::{Ask, Reply, Request, Said, Seen};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let json = env::args().next_back().unwrap_or_default();
    let ask: Ask = serde_json::from_str(&json)?;
    let said = answer(&ask).unwrap_or_else(|error| Said::Failed(error.to_string()));
    writeln!(io::stdout(), "{}", serde_json::to_string(&said)?)?;
    Ok(())
}

fn answer(ask: &Ask) -> Result<Said, Error> {
    let authority = ask.url.trim_start_matches("https://");
    let config = Config::new()
        .with_host_port(authority.to_owned())
        .with_connect_to(authority.replace("localhost", "127.0.0.1"))
        .with_max_stream_data_bidi_local(1 << 20)
        .with_max_streams_uni(3)
        .with_max_stream_data_uni(1 << 16)
        .with_idle_timeout(20_000)
        .verify_peer(false)
        .build()?;
    let mut actions = Vec::new();
    for (request, stream) in ask.requests.iter().zip((0..).step_by(4)) {
        match send(authority, request, stream)? {
            Ok(more) => actions.extend(more),
            Err(reason) => return Ok(Said::Cannot(reason.to_owned())),
        }
    }
    let error = ConnectionError { is_app: true, error_code: H3_NO_ERROR, reason: Vec::new() };
    actions.push(Action::ConnectionClose { error });
    let summary = sync_client::connect(config, actions, None).map_err(|error| format!("{error:?}"))?;
    let mut replies = Vec::new();
    for (request, stream) in ask.requests.iter().zip((0..).step_by(4)) {
        if !request.cancel {
            replies.push(received(&summary, request, stream)?);
        }
    }
    // h3i does not read the control stream.
    Ok(Said::Seen(Seen { connection: "h3, the certificate is not verified".to_owned(), replies, goaway: None }))
}

/// The actions of one request, or why there are none.
fn send(authority: &str, request: &Request, stream: u64) -> Result<Result<Vec<Action>, &'static str>, Error> {
    let mut fields = vec![
        Header::new(b":method", request.method.as_bytes()),
        Header::new(b":scheme", b"https"),
        Header::new(b":authority", authority.as_bytes()),
        Header::new(b":path", request.path.as_bytes()),
    ];
    fields.extend(headers(&request.fields));
    let length = request.path.strip_prefix("/bytes/").and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > LARGEST_FRAME_TAKEN) {
        return Ok(Err("takes no frame above 2 MB, and content of known length comes in one"));
    }
    let body = request.body.as_ref().map(fs::read).transpose()?;
    let mut actions = vec![send_headers_frame(stream, body.is_none(), fields)];
    if let Some(payload) = body {
        if payload.len() > LARGEST_FRAME {
            return Ok(Err("sends no content beyond one frame of 9 kB"));
        }
        actions.push(Action::SendFrame {
            stream_id: stream,
            fin_stream: request.trailers.is_empty(),
            frame: Frame::Data { payload },
            expected_result: h3i::actions::h3::ExpectedStreamSendResult::Ok,
        });
    }
    if !request.trailers.is_empty() {
        actions.push(send_headers_frame(stream, true, headers(&request.trailers).collect()));
    }
    let event_type = if request.cancel { StreamEventType::Data } else { StreamEventType::Finished };
    actions.push(WaitType::StreamEvent(StreamEvent { stream_id: stream, event_type }).into());
    if request.cancel {
        actions.push(Action::StopSending { stream_id: stream, error_code: H3_REQUEST_CANCELLED });
    }
    Ok(Ok(actions))
}

fn headers(fields: &[(String, String)]) -> impl Iterator<Item = Header> {
    fields.iter().map(|(name, value)| Header::new(name.as_bytes(), value.as_bytes()))
}

/// What came on `stream`.
fn received(summary: &ConnectionSummary, request: &Request, stream: u64) -> Result<Reply, Error> {
    let mut reply = Reply { status: 0, interim: Vec::new(), fields: BTreeMap::new(), trailers: BTreeMap::new() };
    let mut content = Vec::new();
    for frame in summary.stream_map.stream(stream) {
        match frame {
            H3iFrame::Headers(section) => {
                let fields: BTreeMap<_, _> = section.headers().iter().map(text).collect();
                match fields.get(":status").map(|status| status.parse::<u16>()).transpose()? {
                    Some(status @ ..200) => reply.interim.push(status),
                    Some(status) => (reply.status, reply.fields) = (status, fields),
                    None => reply.trailers = fields,
                }
            }
            H3iFrame::QuicheH3(Frame::Data { payload }) => content.extend(payload),
            H3iFrame::QuicheH3(_) => {}
            H3iFrame::ResetStream(reset) => return Err(format!("reset with {:#x}", reset.error_code).into()),
        }
    }
    fs::write(&request.save, content)?;
    Ok(reply)
}

fn text(header: &Header) -> (String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (text(header.name()), text(header.value()))
}

/// It writes frames of up to 9,999 bytes, and each of them once.
const LARGEST_FRAME: usize = 9_000;
/// It keeps each frame whole until its end.
const LARGEST_FRAME_TAKEN: u64 = 2_000_000;
const H3_NO_ERROR: u64 = 0x100;
const H3_REQUEST_CANCELLED: u64 = 0x10c;
