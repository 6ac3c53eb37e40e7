//! A request to send and the reply that came: the same values for HTTP/1.1, HTTP/2 and HTTP/3.

use bytes::Bytes;

/// Field lines in the order given or seen on the wire; names as written there.
pub(crate) type Fields = Vec<(String, String)>;

/// A request, complete but for the scheme, which the connection decides.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// `Host` on HTTP/1.1, `:authority` on HTTP/2 and HTTP/3.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: Fields,
    /// `None`: no content at all, which an empty body is not. Its length is stated only by a header given.
    pub(crate) body: Option<Bytes>,
    pub(crate) trailers: Fields,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            authority: "localhost".to_owned(),
            path: path.to_owned(),
            headers: Fields::new(),
            body: None,
            trailers: Fields::new(),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Self {
        Self::new("POST", path).body(body)
    }

    pub(crate) fn authority(mut self, authority: &str) -> Self {
        authority.clone_into(&mut self.authority);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// States the length of the body.
    pub(crate) fn sized(self) -> Self {
        let length = self.body.as_ref().map_or(0, Bytes::len);
        self.header("content-length", &length.to_string())
    }

    pub(crate) fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whether the head is all there is to send.
    pub(crate) fn ends_with_head(&self) -> bool {
        self.body.is_none() && self.trailers.is_empty()
    }
}

/// What came back, up to where it ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// Interim replies (1xx) that came first.
    pub(crate) informational: Vec<(u16, Fields)>,
    /// 0 when the exchange ended before a status.
    pub(crate) status: u16,
    pub(crate) headers: Fields,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
    pub(crate) end: End,
}

impl Reply {
    /// The body as text; what is not UTF-8 shows as U+FFFD.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        field(&self.headers, name)
    }

    /// The first trailer of that name.
    pub(crate) fn trailer(&self, name: &str) -> Option<&str> {
        field(&self.trailers, name)
    }
}

/// How an exchange ended, as its client saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// The message is whole.
    Complete,
    /// The connection ended first.
    #[default]
    Closed,
    /// The connection was reset, or broken otherwise.
    Broken,
    /// The stream was reset, with this error code (HTTP/2, HTTP/3).
    Reset(u64),
}

/// The first value of that name, whatever its case.
pub(crate) fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}
