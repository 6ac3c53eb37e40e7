//! How messages are printed, and what is kept of them.

use prost_types::{Any, Struct, Value as Json, value::Kind as JsonKind};
use serde_json::json;

use super::*;
use crate::config::proto::envoy::admin::v3::{Memory, SimpleMetric, simple_metric::Type};
use crate::config::proto::envoy::config::cluster::v3::Cluster;
use crate::config::proto::envoy::config::core::v3::{DataSource, data_source::Specifier};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, DownstreamTlsContext, GenericSecret, Secret, TlsCertificate, secret,
};
use crate::config::proto::xds::r#type::v3::TypedStruct;

fn shown<M: Message + Name>(message: &M) -> Value {
    value(message, Defaults::Omitted)
}

fn file(name: &str) -> DataSource {
    DataSource { specifier: Some(Specifier::Filename(name.to_owned())), ..DataSource::default() }
}

fn inline(text: &str) -> DataSource {
    DataSource { specifier: Some(Specifier::InlineString(text.to_owned())), ..DataSource::default() }
}

#[test]
fn fields_are_in_the_order_of_their_numbers_and_defaults_are_left_out() {
    let metric = SimpleMetric { r#type: Type::Gauge.into(), value: 1, name: "cx_active".to_owned() };
    assert_eq!(shown(&metric).to_string(), r#"{"type":"GAUGE","value":"1","name":"cx_active"}"#);
    let metric = SimpleMetric { name: "cx_total".to_owned(), ..SimpleMetric::default() };
    assert_eq!(shown(&metric).to_string(), r#"{"name":"cx_total"}"#);
}

#[test]
fn defaults_are_shown_where_they_are_asked_for() {
    let text = pretty(&value(&Memory { allocated: 7, ..Memory::default() }, Defaults::Shown));
    assert!(text.starts_with("{\n \"allocated\": \"7\",\n \"heap_size\": \"0\",\n"), "{text}");
    assert!(text.ends_with("\"total_physical_bytes\": \"0\"\n}\n"), "{text}");
}

#[test]
fn durations_and_wrapped_numbers_have_their_own_form() {
    let cluster = Cluster {
        name: "b".to_owned(),
        connect_timeout: Some(prost_types::Duration { seconds: 0, nanos: 400_000_000 }),
        per_connection_buffer_limit_bytes: Some(32768),
        ..Cluster::default()
    };
    let expected = json!({ "name": "b", "connect_timeout": "0.400s", "per_connection_buffer_limit_bytes": 32768 });
    assert_eq!(shown(&cluster), expected);
}

#[test]
fn a_private_key_is_never_shown_wherever_it_is() {
    let certificate = TlsCertificate {
        certificate_chain: Some(file("a.crt")),
        private_key: Some(file("a.key")),
        password: Some(inline("hunter2")),
        ..TlsCertificate::default()
    };
    let context = DownstreamTlsContext {
        common_tls_context: Some(CommonTlsContext { tls_certificates: vec![certificate], ..Default::default() }),
        ..DownstreamTlsContext::default()
    };
    let packed = Any::from_msg(&context).unwrap();
    let expected = json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": { "tls_certificates": [{
            "certificate_chain": { "filename": "a.crt" },
            "private_key": { "filename": "[redacted]" },
            "password": { "inline_string": "[redacted]" },
        }] },
    });
    let any = unpacked("google.protobuf.Any", &packed.encode_to_vec()).unwrap();
    assert_eq!(Printer { defaults: Defaults::Omitted }.message(&any, Secrecy::Open), expected);
}

#[test]
fn bytes_and_maps_of_secrets_are_not_shown_either() {
    let bytes = DataSource { specifier: Some(Specifier::InlineBytes(b"hunter2".to_vec())), ..DataSource::default() };
    let generic = GenericSecret { secret: Some(bytes), secrets: [("k".to_owned(), inline("hunter2"))].into() };
    let secret = Secret { name: "s".to_owned(), r#type: Some(secret::Type::GenericSecret(generic)) };
    let expected = json!({ "name": "s", "generic_secret": {
        "secret": { "inline_bytes": BASE64_STANDARD.encode("[redacted]") },
        "secrets": { "k": { "inline_string": "[redacted]" } },
    } });
    assert_eq!(shown(&secret), expected);
}

#[test]
fn a_struct_that_stands_for_a_message_keeps_its_values_to_itself() {
    let held = |kind| Json { kind: Some(kind) };
    let fields = [
        ("private_key".to_owned(), held(JsonKind::StringValue("hunter2".to_owned()))),
        ("number".to_owned(), held(JsonKind::NumberValue(4.0))),
    ];
    let typed = TypedStruct { type_url: "x/y".to_owned(), value: Some(Struct { fields: fields.into() }) };
    let expected = json!({ "type_url": "x/y", "value": { "number": null, "private_key": "[redacted]" } });
    assert_eq!(shown(&typed), expected);
}

#[test]
fn what_cannot_be_read_shows_its_name_only() {
    let packed = Any { type_url: "type.googleapis.com/no.such.Message".to_owned(), value: b"hunter2".to_vec() };
    assert_eq!(shown(&packed), json!({ "@type": "type.googleapis.com/no.such.Message" }));
    assert_eq!(shown(&Any::default()), json!({}));
}

#[test]
fn a_struct_is_json_again() {
    let held = |kind| Json { kind: Some(kind) };
    let list = prost_types::ListValue { values: vec![held(JsonKind::BoolValue(true)), held(JsonKind::NullValue(0))] };
    let fields = [
        ("n".to_owned(), held(JsonKind::NumberValue(1.0))),
        ("f".to_owned(), held(JsonKind::NumberValue(1.5))),
        ("l".to_owned(), held(JsonKind::ListValue(list))),
    ];
    let packed = Any {
        type_url: "type.googleapis.com/google.protobuf.Struct".to_owned(),
        value: Struct { fields: fields.into() }.encode_to_vec(),
    };
    let expected = json!({ "@type": packed.type_url.clone(), "value": { "f": 1.5, "l": [true, null], "n": 1 } });
    assert_eq!(shown(&packed), expected);
}
