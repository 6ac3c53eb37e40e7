//! HTTP/1.1 byte by byte: what is sent is written out, what comes back is read without mercy.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// One connection.
pub(crate) struct Wire {
    pub(crate) reader: Reader,
    pub(crate) writer: OwnedWriteHalf,
}

/// Its reading half.
pub(crate) struct Reader {
    inner: BufReader<OwnedReadHalf>,
}

/// One response as it was on the wire, its body taken out of its framing.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Name in lower case, value.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) chunks: usize,
    pub(crate) trailers: Vec<(String, String)>,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let (reader, writer) = TcpStream::connect(address).await.unwrap().into_split();
        Self { reader: Reader { inner: BufReader::new(reader) }, writer }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.writer.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends a request without a body and reads the answer.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: demo\r\nte: trailers\r\n\r\n")).await;
        self.reader.answer(true).await
    }
}

impl Reader {
    /// Reads one answer; `with_body` is false after HEAD.
    pub(crate) async fn answer(&mut self, with_body: bool) -> Answer {
        let mut answer = self.head().await;
        if with_body && answer.status != 204 && answer.status != 304 {
            self.body(&mut answer).await;
        }
        answer
    }

    /// Reads an answer's status line and header section.
    pub(crate) async fn head(&mut self) -> Answer {
        let line = self.line().await;
        let status = line.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        let headers = self.fields().await;
        Answer { status, headers, body: Vec::new(), chunks: 0, trailers: Vec::new() }
    }

    /// Reads one chunk's data; `None` is the last chunk, before the trailers.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line().await, 16).unwrap();
        if size == 0 {
            return None;
        }
        let data = self.exact(size).await;
        assert_eq!(self.line().await, "");
        Some(data)
    }

    pub(crate) async fn exact(&mut self, length: usize) -> Vec<u8> {
        let mut data = vec![0; length];
        self.inner.read_exact(&mut data).await.unwrap();
        data
    }

    /// All that comes until the peer closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.inner.read_to_end(&mut rest).await.unwrap();
        rest
    }

    async fn body(&mut self, answer: &mut Answer) {
        if let Some(length) = answer.header("content-length") {
            answer.body = self.exact(length.parse().unwrap()).await;
            return;
        }
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
        while let Some(chunk) = self.chunk().await {
            answer.body.extend(chunk);
            answer.chunks += 1;
        }
        answer.trailers = self.fields().await;
    }

    /// Reads fields up to the empty line.
    pub(crate) async fn fields(&mut self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                return fields;
            }
            let (name, value) = line.split_once(':').unwrap();
            fields.push((name.to_lowercase(), value.trim().to_owned()));
        }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.inner.read_line(&mut line).await.unwrap();
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("not a line: {line:?}")).to_owned()
    }
}

impl Answer {
    /// The field's only value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(field, _)| field == name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} comes twice: {:?}", self.headers);
        value.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
