//! The two messages of a handshake that are not encrypted, as far as somebody wants to know of them (RFC 8446 §4.1).
//!
//! rustls has judged them: what cannot be read here is nobody's fault, and says nothing.

use rustls::{CipherSuite, NamedGroup};

/// The first message of a client, as it comes in pieces.
#[derive(Debug, Default)]
pub(super) struct ClientHello {
    /// The pieces before the last.
    before: Vec<u8>,
}

impl ClientHello {
    /// Takes the next piece. Once the message is whole, tells what it asks for.
    pub(super) fn read(&mut self, piece: &[u8]) -> Option<Asked> {
        // One that comes in one piece is not copied.
        let whole = if self.before.is_empty() {
            piece
        } else {
            self.before.extend_from_slice(piece);
            self.before.as_slice()
        };
        match message(whole) {
            Message::Whole(CLIENT_HELLO, body) => Some(Asked::read(body).unwrap_or_default()),
            Message::Whole(..) => Some(Asked::default()),
            Message::Begun if self.before.is_empty() => {
                self.before.extend_from_slice(piece);
                None
            }
            Message::Begun => None,
        }
    }
}

/// What a server has answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ServerHello {
    pub(super) suite: Option<CipherSuite>,
    pub(super) group: Option<NamedGroup>,
    /// Whether it takes a session up again (RFC 8446 §4.2.11).
    pub(super) resumes: bool,
}

impl ServerHello {
    /// The message at the beginning of `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let Message::Whole(SERVER_HELLO, body) = message(bytes) else { return None };
        let mut reader = Reader(body);
        reader.take(VERSION_AND_RANDOM)?;
        reader.vector(1)?;
        let suite = reader.number(2)?;
        reader.number(1)?;
        let mut hello = Self { suite: Some(CipherSuite::from(suite)), ..Self::default() };
        for (kind, value) in extensions(reader)? {
            match kind {
                PRE_SHARED_KEY => hello.resumes = true,
                KEY_SHARE => hello.group = Reader(value).number(2).map(NamedGroup::from),
                _ => {}
            }
        }
        Some(hello)
    }
}

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// A host, in lower case (RFC 6066 §3).
    pub server_name: Option<String>,
    /// Protocols, the preferred first (RFC 7301 §3.1).
    pub protocols: Vec<Vec<u8>>,
    /// Whether early data is to follow (RFC 8446 §4.2.10).
    pub(super) early_data: bool,
}

impl Asked {
    fn read(client_hello: &[u8]) -> Option<Self> {
        let mut reader = Reader(client_hello);
        reader.take(VERSION_AND_RANDOM)?;
        // Session identity, cipher suites, compression.
        for prefix in [1, 2, 1] {
            reader.vector(prefix)?;
        }
        let mut asked = Self::default();
        for (kind, value) in extensions(reader)? {
            match kind {
                EARLY_DATA => asked.early_data = true,
                SERVER_NAME => asked.server_name = server_name(value),
                PROTOCOLS => asked.protocols = protocols(value),
                _ => {}
            }
        }
        Some(asked)
    }
}

/// The first host of the list.
fn server_name(value: &[u8]) -> Option<String> {
    let mut list = Reader(Reader(value).vector(2)?);
    // RFC 6066 §3: `host_name` is 0, and there is no other type.
    (list.number(1)? == 0).then_some(())?;
    std::str::from_utf8(list.vector(2)?).ok().map(str::to_ascii_lowercase)
}

fn protocols(value: &[u8]) -> Vec<Vec<u8>> {
    let Some(list) = Reader(value).vector(2) else { return Vec::new() };
    let mut list = Reader(list);
    std::iter::from_fn(move || list.vector(1).map(<[u8]>::to_vec)).collect()
}

/// Types and values of the extensions that are left to read.
fn extensions(mut reader: Reader<'_>) -> Option<impl Iterator<Item = (u16, &[u8])>> {
    let mut reader = Reader(reader.vector(2)?);
    Some(std::iter::from_fn(move || Some((reader.number(2)?, reader.vector(2)?))))
}

enum Message<'a> {
    /// Its type, and what is in it.
    Whole(u16, &'a [u8]),
    Begun,
}

/// The message that begins here (RFC 8446 §4).
fn message(bytes: &[u8]) -> Message<'_> {
    let mut reader = Reader(bytes);
    match (reader.number(1), reader.vector(3)) {
        (Some(kind), Some(body)) => Message::Whole(kind, body),
        _ => Message::Begun,
    }
}

/// What is left of a message.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of one or two bytes.
    fn number(&mut self, length: usize) -> Option<u16> {
        Some(self.take(length)?.iter().fold(0, |number, byte| (number << 8) | u16::from(*byte)))
    }

    /// As many bytes as the number in front of them says, which is `prefix` bytes long (RFC 8446 §3.4).
    fn vector(&mut self, prefix: usize) -> Option<&'a [u8]> {
        let length = self.take(prefix)?.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte));
        self.take(length)
    }
}

/// RFC 8446 §4, §4.2: types of messages and of extensions.
const CLIENT_HELLO: u16 = 1;
const SERVER_HELLO: u16 = 2;
const SERVER_NAME: u16 = 0;
const PROTOCOLS: u16 = 16;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const KEY_SHARE: u16 = 51;

const VERSION_AND_RANDOM: usize = 34;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As `prefix` bytes, and after them as many as they say.
    fn vector(prefix: usize, value: &[u8]) -> Vec<u8> {
        [&value.len().to_be_bytes()[size_of::<usize>() - prefix..], value].concat()
    }

    fn message(kind: u8, fields: &[&[u8]], extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let extensions: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, value)| [kind.to_be_bytes().to_vec(), vector(2, value)].concat())
            .collect();
        let body = [&[0; VERSION_AND_RANDOM], fields.concat().as_slice(), &vector(2, &extensions)].concat();
        [vec![kind], vector(3, &body)].concat()
    }

    fn client_hello(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        // No session, two suites, no compression.
        message(1, &[&[0], &[0, 4, 0x13, 1, 0x13, 2], &[1, 0]], extensions)
    }

    #[test]
    fn rfc8446_4_2_10_early_data_is_an_extension_however_its_message_is_cut() {
        for (extensions, wants) in [(&[(51, &[1, 2][..]), (42, &[])][..], true), (&[(51, &[0, 42, 0, 0])], false)] {
            let whole = client_hello(extensions);
            for cut in 0..whole.len() {
                let (head, tail) = whole.split_at(cut);
                let mut hello = ClientHello::default();
                assert_eq!(hello.read(head), None, "{cut}");
                assert_eq!(hello.read(tail).map(|asked| asked.early_data), Some(wants), "{cut}");
            }
        }
    }

    #[test]
    fn rfc6066_3_and_rfc7301_3_1_a_client_asks_for_a_name_and_for_protocols() {
        let names = [vec![0], vector(2, b"Name.Test")].concat();
        let protocols = [vector(1, b"h3"), vector(1, b"x")].concat();
        let (names, protocols) = (vector(2, &names), vector(2, &protocols));
        let asked = ClientHello::default().read(&client_hello(&[(0, &names), (16, &protocols)])).unwrap();
        assert_eq!(asked.server_name.as_deref(), Some("name.test"));
        assert_eq!(asked.protocols, [b"h3".to_vec(), b"x".to_vec()]);
        assert_eq!(ClientHello::default().read(&client_hello(&[])), Some(Asked::default()));
    }

    #[test]
    fn rfc8446_4_1_3_a_server_says_what_is_agreed() {
        let fields: &[&[u8]] = &[&[1, 9], &[0x13, 2], &[0]];
        let hello = |extensions: &[(u16, &[u8])]| ServerHello::read(&message(2, fields, extensions)).unwrap();
        let share = (51, &[0x00, 0x1d, 0, 1, 7][..]);
        let full = ServerHello {
            suite: Some(CipherSuite::TLS13_AES_256_GCM_SHA384),
            group: Some(NamedGroup::X25519),
            resumes: false,
        };
        assert_eq!(hello(&[(43, &[3, 4]), share]), full);
        assert_eq!(hello(&[share, (41, &[0, 0])]), ServerHello { resumes: true, ..full });
        assert_eq!(ServerHello::read(&message(8, fields, &[])), None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 1..3_u8) {
            let framed = [vec![kind], vector(3, &bytes)].concat();
            prop_assert!(ClientHello::default().read(&framed).is_some());
            ServerHello::read(&framed);
            ServerHello::read(&bytes);
        }
    }
}
