//! An OCSP response (RFC 6960), which a server shows beside its certificate.

use std::time::SystemTime;

use x509_parser::asn1_rs::{Any, FromDer, GeneralizedTime};

use super::facts::system_time;
use crate::config::{At, Invalid};

/// What the issuer says of a certificate.
#[derive(Clone, Debug)]
pub(in crate::tls) struct Staple {
    /// In DER, as it is sent.
    pub(in crate::tls) response: Vec<u8>,
    /// After that it says nothing any more.
    pub(in crate::tls) until: Option<SystemTime>,
}

/// Reads a response that has to be about the certificate with this serial number.
pub(super) fn read(response: Vec<u8>, path: &str, serial: &[u8], at: At<'_>) -> Result<Staple, Invalid> {
    let parsed = parse(&response, serial).map_err(|fault| {
        at.error(format_args!("`{path}` is no use as an OCSP response: {fault}. Ask the issuer again: `openssl ocsp`"))
    })?;
    if parsed.is_some_and(|until| until < SystemTime::now()) {
        at.lint(format_args!("the OCSP response in `{path}` is out of date: it is not shown"));
    }
    Ok(Staple { response, until: parsed })
}

/// Until when it holds.
fn parse(response: &[u8], serial: &[u8]) -> Result<Option<SystemTime>, &'static str> {
    let broken = "it cannot be read as DER";
    let outer = children(&any(response).ok_or(broken)?).ok_or(broken)?;
    let [status, rest @ ..] = outer.as_slice() else { return Err(broken) };
    // RFC 6960 §4.2.1: successful is 0.
    if status.data != [0] {
        return Err("its status is not `successful`");
    }
    // [0] { SEQUENCE { OID, OCTET STRING } }
    let bytes = rest.first().and_then(|bytes| children(&any(bytes.data)?));
    let basic = bytes.as_deref().and_then(|bytes| bytes.get(1)).ok_or(broken)?;
    let basic = any(basic.data).and_then(|basic| children(&basic)).ok_or(broken)?;
    let data = basic.first().and_then(children).ok_or(broken)?;
    // Before the list stand a version, perhaps, a responder and a time: it is the first SEQUENCE.
    let responses = data.iter().find(|item| item.header.tag().0 == SEQUENCE && !item.header.is_contextspecific());
    let responses = responses.and_then(children).ok_or(broken)?;
    let own = responses.iter().filter_map(children).find(|single| {
        let id = single.first().and_then(children);
        id.is_some_and(|id| id.get(3).is_some_and(|number| number.data == serial))
    });
    let Some(own) = own else { return Err("it is about another certificate") };
    // RFC 6960 §4.2.1: good is [0].
    if !own.get(1).is_some_and(|status| status.header.is_contextspecific() && status.header.tag().0 == 0) {
        return Err("it does not say that the certificate is good");
    }
    // thisUpdate, then [0] { nextUpdate }, which may be absent.
    let next = own.get(3).filter(|next| next.header.is_contextspecific() && next.header.tag().0 == 0);
    next.map(|next| {
        let time = GeneralizedTime::from_der(next.data).map_err(|_| broken)?.1;
        Ok(system_time(time.utc_datetime().map_err(|_| broken)?.unix_timestamp()))
    })
    .transpose()
}

fn any(der: &[u8]) -> Option<Any<'_>> {
    Any::from_der(der).ok().map(|(_, any)| any)
}

/// What is inside of a constructed value.
fn children<'a>(of: &Any<'a>) -> Option<Vec<Any<'a>>> {
    let mut rest = of.data;
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (after, child) = Any::from_der(rest).ok()?;
        all.push(child);
        rest = after;
    }
    Some(all)
}

/// X.690 §8.9.
const SEQUENCE: u32 = 16;
