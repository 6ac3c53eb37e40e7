//! SETTINGS (RFC 9114 §7.2.4).

use std::collections::HashSet;

use super::varint::{decode, encode, encoded_len};
use super::{WireError, kind};

/// What one side says that it takes. The defaults are those of the RFCs, where a setting is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Bytes that a field section may take, decoded, counted as RFC 9114 §4.2.2 says; `None` is no limit.
    pub max_field_section_size: Option<u64>,
    /// RFC 9204 §5: bytes of the dynamic table.
    pub qpack_max_table_capacity: u64,
    /// RFC 9204 §5: streams that may wait for the dynamic table.
    pub qpack_blocked_streams: u64,
    /// RFC 9220: whether extended CONNECT is taken.
    pub enable_connect_protocol: bool,
    /// RFC 9297: whether HTTP datagrams are taken.
    pub h3_datagram: bool,
}

impl Settings {
    /// The content of a SETTINGS frame.
    ///
    /// # Errors
    /// [`WireError::Settings`] or [`WireError::Frame`] when it breaks a rule.
    pub fn parse(mut payload: &[u8]) -> Result<Self, WireError> {
        let mut settings = Self::default();
        let mut seen = HashSet::new();
        while !payload.is_empty() {
            let (id, size) = decode(payload).map_err(|_| WireError::Frame)?;
            let rest = payload.get(size..).unwrap_or_default();
            let (value, size) = decode(rest).map_err(|_| WireError::Frame)?;
            payload = rest.get(size..).unwrap_or_default();
            // RFC 9114 §7.2.4: each once.
            if !seen.insert(id) {
                return Err(WireError::Settings);
            }
            settings.set(id, value)?;
        }
        Ok(settings)
    }

    fn set(&mut self, id: u64, value: u64) -> Result<(), WireError> {
        let flag = |value| match value {
            0 => Ok(false),
            1 => Ok(true),
            // RFC 9220 §3, RFC 9297 §2.1.1: a flag is 0 or 1.
            _ => Err(WireError::Settings),
        };
        match id {
            MAX_FIELD_SECTION_SIZE => self.max_field_section_size = Some(value),
            QPACK_MAX_TABLE_CAPACITY => self.qpack_max_table_capacity = value,
            QPACK_BLOCKED_STREAMS => self.qpack_blocked_streams = value,
            ENABLE_CONNECT_PROTOCOL => self.enable_connect_protocol = flag(value)?,
            H3_DATAGRAM => self.h3_datagram = flag(value)?,
            // RFC 9114 §7.2.4.1: what HTTP/2 had is an error.
            0x0 | 0x2..=0x5 => return Err(WireError::Settings),
            // RFC 9114 §7.2.4: what is unknown is passed over.
            _ => {}
        }
        Ok(())
    }

    /// Appends the whole frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let flags = [(ENABLE_CONNECT_PROTOCOL, self.enable_connect_protocol), (H3_DATAGRAM, self.h3_datagram)];
        let numbers = [
            (MAX_FIELD_SECTION_SIZE, self.max_field_section_size),
            (QPACK_MAX_TABLE_CAPACITY, Some(self.qpack_max_table_capacity).filter(|value| *value > 0)),
            (QPACK_BLOCKED_STREAMS, Some(self.qpack_blocked_streams).filter(|value| *value > 0)),
        ];
        let flags = flags.into_iter().map(|(id, set)| (id, set.then_some(1)));
        let said: Vec<(u64, u64)> =
            numbers.into_iter().chain(flags).filter_map(|(id, value)| Some((id, value?))).collect();
        let length: usize = said.iter().map(|(id, value)| encoded_len(*id) + encoded_len(*value)).sum();
        encode(kind::SETTINGS, out);
        encode(length as u64, out);
        for (id, value) in said {
            encode(id, out);
            encode(value, out);
        }
    }
}

const QPACK_MAX_TABLE_CAPACITY: u64 = 0x1;
const MAX_FIELD_SECTION_SIZE: u64 = 0x6;
const QPACK_BLOCKED_STREAMS: u64 = 0x7;
const ENABLE_CONNECT_PROTOCOL: u64 = 0x8;
const H3_DATAGRAM: u64 = 0x33;
