//! First datagrams of clients that do not exist: real Initials, each the first of a handshake, made by the thousand.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::quic::{ClientConnection, Keys, Version};
use rustls::{ClientConfig, RootCertStore, Side, SupportedCipherSuite};

/// Makes them of one `ClientHello`.
pub(crate) struct Initials {
    client_hello: Vec<u8>,
}

impl Initials {
    /// The hello of a client that offers HTTP/3 and one classic key share, so that it fits into one datagram.
    pub(crate) fn new() -> Self {
        let groups = vec![aws_lc_rs::kx_group::X25519];
        let provider = Arc::new(CryptoProvider { kx_groups: groups, ..aws_lc_rs::default_provider() });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h3".to_vec()];
        // RFC 9000 §18.2: initial_source_connection_id, and room for streams.
        let parameters = [&[0x0f, 8][..], &SOURCE, &[0x04, 4, 0x80, 0x10, 0, 0, 0x09, 1, 16]].concat();
        let name = "localhost".try_into().expect("a name");
        let mut connection = ClientConnection::new(Arc::new(config), Version::V1, name, parameters).expect("a client");
        let mut client_hello = Vec::new();
        let _ = connection.write_hs(&mut client_hello);
        Self { client_hello }
    }

    /// The datagram of a client that chose this id: 1200 bytes, sealed as RFC 9001 §5 says.
    pub(crate) fn datagram(&self, id: [u8; 8]) -> Vec<u8> {
        let suite = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
        let SupportedCipherSuite::Tls13(suite) = suite else { panic!("a suite of TLS 1.3") };
        let quic = suite.quic_suite().expect("a suite for QUIC");
        let Keys { local, .. } = quic.keys(&id, Side::Client, Version::V1);
        let head = [&[0xc3, 0, 0, 0, 1, 8][..], &id, &[8], &SOURCE, &[0]].concat();
        let rest = LENGTH - head.len() - 2;
        let mut header = [&head[..], &two_bytes(rest), &[0; NUMBER]].concat();
        let mut payload = [&[0x06, 0][..], &two_bytes(self.client_hello.len()), &self.client_hello].concat();
        payload.resize(rest - NUMBER - TAG, 0);
        let tag = local.packet.encrypt_in_place(0, &header, &mut payload).expect("sealed");
        payload.extend_from_slice(tag.as_ref());
        let (first, others) = header.split_first_mut().expect("a header");
        let number = others.len() - NUMBER;
        let sample = payload.get(..local.header.sample_len()).expect("a payload");
        local.header.encrypt_in_place(sample, first, &mut others[number..]).expect("a number of four bytes");
        [header, payload].concat()
    }
}

/// RFC 9000 §16: a length that fits into 14 bits.
fn two_bytes(length: usize) -> [u8; 2] {
    (u16::try_from(length).expect("a short length") | 0x4000).to_be_bytes()
}

/// The id of all of them for themselves.
const SOURCE: [u8; 8] = *b"nobody..";

const LENGTH: usize = 1200;

/// Bytes of the packet number.
const NUMBER: usize = 4;

/// Bytes of the tag that seals a packet.
const TAG: usize = 16;
