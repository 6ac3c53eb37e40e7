//! `/listeners`: what is bound where.

use std::net::SocketAddr;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Admin, respond, text};
use crate::http::Response;

/// One line an address, or Envoy's JSON for `format=json`.
pub(super) fn listeners(admin: &Admin, query: &str) -> Response {
    if query.split('&').any(|pair| pair == "format=json") {
        let statuses: Vec<Value> =
            admin.listeners.iter().map(|(listener, addresses)| status(&listener.name, addresses)).collect();
        let body = json!({ "listener_statuses": statuses });
        return respond(StatusCode::OK, "application/json", format!("{body:#}\n"));
    }
    let lines = admin
        .listeners
        .iter()
        .flat_map(|(listener, addresses)| addresses.iter().map(|address| format!("{}::{address}\n", listener.name)));
    text(StatusCode::OK, lines.collect::<String>())
}

fn status(name: &str, addresses: &[SocketAddr]) -> Value {
    let mut all = addresses.iter().map(
        |address| json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } }),
    );
    let first = all.next();
    let more: Vec<Value> = all.collect();
    let mut status = json!({ "name": name });
    if let (Some(fields), Some(first)) = (status.as_object_mut(), first) {
        fields.insert("local_address".to_owned(), first);
        if !more.is_empty() {
            fields.insert("additional_local_addresses".to_owned(), Value::Array(more));
        }
    }
    status
}
