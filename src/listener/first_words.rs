//! What a TCP client says first, as far as filter chains ask for it; nothing of it is lost.

use std::io;

use bytes::{Bytes, BytesMut};
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::codec::Prefixed;

/// What a client has said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FirstWords {
    /// Whether it speaks TLS.
    pub(super) tls: bool,
    /// The name that it asks for, in lower case.
    pub(super) server_name: Option<String>,
    /// The protocols that it offers, the preferred first.
    pub(super) protocols: Vec<Vec<u8>>,
}

/// Reads what it takes to know it: one byte that is not of TLS, or the first message of a handshake, in as many pieces as it
/// comes.
///
/// # Errors
/// What the transport says, or that it ended before a word.
pub(super) async fn first_words<I: AsyncRead + Unpin>(mut io: I) -> io::Result<(FirstWords, Prefixed<I>)> {
    let mut read = BytesMut::with_capacity(ROOM);
    let mut acceptor = Acceptor::default();
    loop {
        let before = read.len();
        if io.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let words = match read.first() {
            Some(&HANDSHAKE) => look(&mut acceptor, read.get(before..).unwrap_or_default()),
            _ => Some(FirstWords::default()),
        };
        // A message that is larger than any is for TLS to refuse.
        let words = words.or_else(|| (read.len() > MOST).then(|| FirstWords { tls: true, ..FirstWords::default() }));
        if let Some(words) = words {
            return Ok((words, Prefixed::new(Bytes::from(read), io)));
        }
    }
}

/// Takes what came last; `None` while the message is not whole.
fn look(acceptor: &mut Acceptor, mut piece: &[u8]) -> Option<FirstWords> {
    while !piece.is_empty() {
        // Reading of memory does not fail, but for more than there is room for.
        if acceptor.read_tls(&mut piece).is_err() {
            break;
        }
    }
    match acceptor.accept() {
        Ok(None) => None,
        Ok(Some(accepted)) => {
            let hello = accepted.client_hello();
            let protocols = hello.alpn().map(|offered| offered.map(<[u8]>::to_vec).collect());
            let server_name = hello.server_name().map(str::to_ascii_lowercase);
            Some(FirstWords { tls: true, server_name, protocols: protocols.unwrap_or_default() })
        }
        // What TLS cannot read it is left to refuse.
        Err(_) => Some(FirstWords { tls: true, ..FirstWords::default() }),
    }
}

/// RFC 8446 §5.1: the type of a record that holds a handshake.
const HANDSHAKE: u8 = 22;

/// Bytes for which there is room at first: the first message of most clients, with a post-quantum key share.
const ROOM: usize = 2048;

/// Bytes of a first message: as many as TLS libraries take.
const MOST: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::crypto::aws_lc_rs::default_provider;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    /// The first flight of a client.
    fn hello(name: &str, protocols: &[&str]) -> Vec<u8> {
        let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let mut client = rustls::ClientConnection::new(Arc::new(config), name.to_owned().try_into().unwrap()).unwrap();
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// What is known of these bytes, which come in pieces of this size.
    async fn known(sent: &[u8], piece: usize) -> Option<FirstWords> {
        let (mut client, server) = tokio::io::duplex(piece);
        let ((), words) = tokio::join!(
            async move {
                client.write_all(sent).await.unwrap();
                drop(client);
            },
            async {
                let (words, mut io) = first_words(server).await.ok()?;
                let mut all = Vec::new();
                io.read_to_end(&mut all).await.unwrap();
                assert_eq!(all, sent, "nothing is lost");
                Some(words)
            }
        );
        words
    }

    #[tokio::test]
    async fn a_client_of_tls_says_a_name_and_protocols_however_it_is_cut() {
        let bytes = hello("Name.Test", &["h2", "http/1.1"]);
        assert!(bytes.len() > 1200, "a key share that is post-quantum");
        let words = FirstWords {
            tls: true,
            server_name: Some("name.test".to_owned()),
            protocols: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        for piece in [1, 7, 1000, 5000] {
            assert_eq!(known(&bytes, piece).await.as_ref(), Some(&words), "{piece}");
        }
    }

    #[tokio::test]
    async fn others_are_known_by_their_first_byte_and_none_by_none() {
        for bytes in [b"GET / HTTP/1.1\r\n".as_slice(), b"\x80\x2e\x01", b"\0"] {
            assert_eq!(known(bytes, 4).await, Some(FirstWords::default()));
        }
        assert_eq!(known(b"", 4).await, None);
    }

    #[tokio::test]
    async fn what_tls_cannot_read_is_still_tls() {
        let tls = Some(FirstWords { tls: true, ..FirstWords::default() });
        assert_eq!(known(b"\x16\x03\x01\0\x04\x02\0\0\0", 64).await, tls);
        // A record of a message that never ends.
        let endless = [b"\x16\x03\x01\x40\0\x01\xff\xff\xff".as_slice(), &[0; 0x4000 - 4]].concat();
        let endless = [endless.clone(), [b"\x16\x03\x01\x40\0".as_slice(), &[0; 0x4000]].concat().repeat(5)].concat();
        assert_eq!(known(&endless, 5000).await, tls);
    }
}
