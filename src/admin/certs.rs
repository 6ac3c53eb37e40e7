//! `/certs`: the certificates that are served, one entry a TLS context.

use std::net::IpAddr;
use std::time::SystemTime;

use prost_types::Timestamp;

use super::call::Call;
use super::json::{self, Defaults};
use super::{Admin, response};
use crate::config::proto::envoy::admin::v3 as proto;
use crate::config::proto::envoy::admin::v3::subject_alternate_name::Name;
use crate::http::Response;
use crate::tls::CertificateFacts;

/// Envoy's message.
pub(super) fn certs(call: &Call<'_>) -> Response {
    let now = SystemTime::now();
    let contexts = call.admin.listeners.iter().flat_map(|(listener, _)| listener.certificates());
    let one = |chain: Vec<CertificateFacts>| proto::Certificate {
        ca_cert: Vec::new(),
        cert_chain: chain.iter().map(|facts| details(facts, now)).collect(),
    };
    let certificates = contexts.filter(|chain| !chain.is_empty()).map(one).collect();
    response::json(json::pretty(&json::value(&proto::Certificates { certificates }, Defaults::Shown)))
}

/// Whole days until the first certificate is over; none where there is no certificate.
pub(super) fn first_expiry(admin: &Admin, now: SystemTime) -> Option<u64> {
    let all = admin.listeners.iter().flat_map(|(listener, _)| listener.certificates()).flatten();
    all.map(|facts| days_left(facts.expires, now)).min()
}

fn details(facts: &CertificateFacts, now: SystemTime) -> proto::CertificateDetails {
    let name = |name: &String| {
        let address = name.parse::<IpAddr>().is_ok();
        let name = if address { Name::IpAddress(name.clone()) } else { Name::Dns(name.clone()) };
        proto::SubjectAlternateName { name: Some(name) }
    };
    proto::CertificateDetails {
        path: facts.path.clone(),
        serial_number: facts.serial.clone(),
        subject_alt_names: facts.names.iter().map(name).collect(),
        days_until_expiration: days_left(facts.expires, now),
        valid_from: Some(timestamp(facts.valid_from)),
        expiration_time: Some(timestamp(facts.expires)),
        ocsp_details: None,
    }
}

fn days_left(expires: SystemTime, now: SystemTime) -> u64 {
    expires.duration_since(now).map_or(0, |left| left.as_secs() / (24 * 60 * 60))
}

/// A certificate's times have whole seconds.
fn timestamp(time: SystemTime) -> Timestamp {
    let (sign, distance) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (1, after),
        Err(before) => (-1, before.duration()),
    };
    Timestamp { seconds: sign * i64::try_from(distance.as_secs()).unwrap_or(i64::MAX), nanos: 0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn days_are_whole_and_what_is_over_has_none() {
        assert_eq!(days_left(at(86_400 * 3 - 1), at(0)), 2);
        assert_eq!(days_left(at(10), at(11)), 0);
    }

    #[test]
    fn a_certificate_is_described_as_envoy_does() {
        let facts = CertificateFacts {
            path: "certs/localhost.crt".to_owned(),
            serial: "01ab".to_owned(),
            names: vec!["localhost".to_owned(), "::1".to_owned()],
            valid_from: at(0),
            expires: at(86_400),
        };
        let shown = json::value(&details(&facts, at(0)), Defaults::Shown);
        let expected = serde_json::json!({
            "path": "certs/localhost.crt",
            "serial_number": "01ab",
            "subject_alt_names": [{ "dns": "localhost" }, { "ip_address": "::1" }],
            "days_until_expiration": "1",
            "valid_from": "1970-01-01T00:00:00Z",
            "expiration_time": "1970-01-02T00:00:00Z",
        });
        assert_eq!(shown, expected);
    }
}
