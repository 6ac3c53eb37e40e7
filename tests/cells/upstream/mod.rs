//! An upstream of each version that plays the script of the moment and keeps what it received.

mod http1;
mod http2;
mod http3;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::case::{Script, Step};
use crate::support::client::Version;
use crate::support::message::{End, Fields};

/// One that runs until it is dropped.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    stage: Arc<Stage>,
    _accepting: JoinSet<()>,
}

/// What an upstream plays, and what it has seen.
#[derive(Default)]
pub(crate) struct Stage {
    script: Mutex<Script>,
    received: Mutex<Vec<Arc<Receiving>>>,
    /// Told whenever something came.
    news: watch::Sender<()>,
    released: watch::Sender<bool>,
}

/// A request as it comes in.
#[derive(Default)]
pub(crate) struct Receiving {
    seen: Mutex<Received>,
    news: watch::Sender<()>,
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    /// `:protocol`
    pub(crate) protocol: Option<String>,
    pub(crate) fields: Fields,
    pub(crate) content: Vec<u8>,
    pub(crate) trailers: Fields,
    /// `None` while it goes on.
    pub(crate) end: Option<End>,
}

/// What an answer is written to.
pub(crate) trait Answer {
    async fn interim(&mut self, status: u16, fields: &Fields);
    /// `ends` where nothing follows.
    async fn head(&mut self, status: u16, fields: &Fields, ends: bool);
    async fn data(&mut self, data: Bytes);
    async fn trailers(&mut self, fields: &Fields);
    async fn end(&mut self);
    async fn reset(&mut self);
    /// Waits until the other side has given up.
    async fn gone(&mut self);
}

impl Upstream {
    pub(crate) async fn start(version: Version) -> Self {
        let stage = Arc::new(Stage::default());
        let mut accepting = JoinSet::new();
        let address = match version {
            Version::Http1 => http1::start(Arc::clone(&stage), &mut accepting).await,
            Version::Http2 => http2::start(Arc::clone(&stage), &mut accepting).await,
            Version::Http3 => http3::start(Arc::clone(&stage), &mut accepting),
        };
        Self { address, stage, _accepting: accepting }
    }

    /// Plays this from now on, and forgets what came before.
    pub(crate) fn prepare(&self, script: &Script) {
        *lock(&self.stage.script) = script.clone();
        lock(&self.stage.received).clear();
        self.stage.released.send_replace(false);
    }

    /// Lets whoever waits for it go on.
    pub(crate) fn release(&self) {
        self.stage.released.send_replace(true);
    }

    /// What came since then.
    pub(crate) fn received(&self) -> Vec<Received> {
        lock(&self.stage.received).iter().map(|receiving| lock(&receiving.seen).clone()).collect()
    }

    /// Waits until a request is here, with so much content.
    pub(crate) async fn until_received(&self, content: usize) {
        let mut news = self.stage.news.subscribe();
        let first = loop {
            if let Some(first) = lock(&self.stage.received).first() {
                break Arc::clone(first);
            }
            news.changed().await.expect("the stage stays");
        };
        first.until(|seen| seen.content.len() >= content).await;
    }
}

impl Stage {
    /// A request begins.
    fn begin(&self, head: Received) -> (Arc<Receiving>, Script) {
        let receiving = Arc::new(Receiving { seen: Mutex::new(head), ..Receiving::default() });
        lock(&self.received).push(Arc::clone(&receiving));
        self.news.send_replace(());
        (receiving, lock(&self.script).clone())
    }
}

impl Receiving {
    fn content(&self, data: &[u8]) {
        lock(&self.seen).content.extend_from_slice(data);
        self.news.send_replace(());
    }

    fn end(&self, trailers: Fields, end: End) {
        let mut seen = lock(&self.seen);
        seen.trailers = trailers;
        seen.end.get_or_insert(end);
        drop(seen);
        self.news.send_replace(());
    }

    /// Waits for this, or the end of the request.
    async fn until(&self, enough: impl Fn(&Received) -> bool) {
        let mut news = self.news.subscribe();
        loop {
            {
                let seen = lock(&self.seen);
                if enough(&seen) || seen.end.is_some() {
                    return;
                }
            }
            news.changed().await.expect("the request stays");
        }
    }
}

/// Plays a script for a request that is read beside it.
async fn play(stage: &Stage, script: &Script, receiving: &Receiving, answer: &mut impl Answer) {
    if !script.early {
        receiving.until(|_| false).await;
    }
    for (index, step) in script.steps.iter().enumerate() {
        match step {
            Step::Interim(status, fields) => answer.interim(*status, fields).await,
            Step::Head(status, fields) => {
                let ends = matches!(script.steps.get(index + 1), Some(Step::End));
                answer.head(*status, fields, ends).await;
                if ends {
                    return;
                }
            }
            Step::Data(data) => answer.data(data.clone()).await,
            Step::Trailers(fields) => answer.trailers(fields).await,
            Step::End => answer.end().await,
            Step::Reset => answer.reset().await,
            Step::AwaitContent(length) => receiving.until(|seen| seen.content.len() >= *length).await,
            Step::AwaitRelease => drop(stage.released.subscribe().wait_for(|released| *released).await),
            Step::AwaitEnd => answer.gone().await,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn map_of(fields: &Fields) -> http::HeaderMap {
    let parsed = |(name, value): &(String, String)| {
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a valid field name");
        (name, http::HeaderValue::from_str(value).expect("a valid field value"))
    };
    fields.iter().map(parsed).collect()
}

fn fields_of(map: &http::HeaderMap) -> Fields {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    map.iter().map(line).collect()
}

/// The head of a request of HTTP/2 or HTTP/3.
fn received(head: &http::request::Parts, protocol: Option<String>) -> Received {
    Received {
        method: head.method.to_string(),
        authority: head.uri.authority().map(ToString::to_string).unwrap_or_default(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        protocol,
        fields: fields_of(&head.headers),
        ..Received::default()
    }
}

/// The head of an answer.
fn response(status: u16, fields: &Fields) -> http::Response<()> {
    let mut response = http::Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    *response.headers_mut() = map_of(fields);
    response
}
