//! Values that many messages share, as Rust's own types: limits, addresses, data sources, JSON.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::node::Quoted;
use super::proto::envoy::config::core::v3::socket_address::{PortSpecifier, Protocol};
use super::proto::envoy::config::core::v3::{Address, CidrRange, DataSource, address, data_source};
use super::{At, Invalid, duration};
use crate::net::Prefix;

/// A time limit where absent means `default` and zero means none.
#[must_use]
pub fn limit(value: Option<&prost_types::Duration>, default: Option<Duration>) -> Option<Duration> {
    value.map_or(default, |value| Some(duration(value)).filter(|value| !value.is_zero()))
}

/// The socket address of `written`, with its transport.
///
/// # Errors
/// [`Invalid`] where it is of another kind, or not an IP address and port.
pub fn socket_address(written: Option<&Address>, at: At<'_>) -> Result<(SocketAddr, Protocol), Invalid> {
    let Some(address::Address::SocketAddress(socket)) = written.and_then(|written| written.address.as_ref()) else {
        return Err(at.error("needs a `socket_address` with an `address` and a `port_value`"));
    };
    let at = at.field("socket_address");
    let ip: Result<IpAddr, _> = socket.address.parse().map_err(|_| {
        at.field("address")
            .error(format_args!("{} is not an IP address: names are not resolved here", Quoted(&socket.address)))
    });
    let Some(PortSpecifier::PortValue(port)) = socket.port_specifier else {
        return Err(at.error("needs a `port_value`"));
    };
    let port = u16::try_from(port)
        .map_err(|_| at.field("port_value").error(format_args!("{port} is not a port: 0 to 65535 are")));
    Ok((SocketAddr::new(ip?, port?), socket.protocol()))
}

/// A range of addresses.
///
/// # Errors
/// [`Invalid`] where it does not begin with an IP address, or is longer than that.
pub fn prefix(written: &CidrRange, at: At<'_>) -> Result<Prefix, Invalid> {
    let address: IpAddr = written.address_prefix.parse().map_err(|_| {
        let message = format_args!("{} is not an IP address", Quoted(&written.address_prefix));
        at.field("address_prefix").error_with_hint(message, "a range is `{address_prefix: 10.0.0.0, prefix_len: 8}`")
    })?;
    let (length, most) = (written.prefix_len.unwrap_or(0), if address.is_ipv4() { 32 } else { 128 });
    match u8::try_from(length) {
        Ok(length) if length <= most => Ok(Prefix::new(address, length)),
        _ => Err(at.field("prefix_len").error(format_args!("{length} is more than the {most} bits of an address"))),
    }
}

/// Whether the host of a socket address is a name to be looked up.
#[must_use]
pub fn is_name(written: Option<&Address>) -> bool {
    match written.and_then(|written| written.address.as_ref()) {
        Some(address::Address::SocketAddress(socket)) => socket.address.parse::<IpAddr>().is_err(),
        _ => false,
    }
}

/// The bytes of a data source that is read once, and where they came from, for messages.
///
/// # Errors
/// [`Invalid`] where nothing is there, it cannot be read, or it is to be watched.
pub fn data_source(source: &DataSource, at: At<'_>) -> Result<(Vec<u8>, String), Invalid> {
    if source.watched_directory.is_some() {
        return Err(at.beyond::<DataSource>("watched_directory"));
    }
    watched_data_source(source, at)
}

/// The same of one that its reader watches, where that is asked for.
///
/// # Errors
/// [`Invalid`] where nothing is there or it cannot be read.
pub fn watched_data_source(source: &DataSource, at: At<'_>) -> Result<(Vec<u8>, String), Invalid> {
    use data_source::Specifier;
    match source.specifier.as_ref() {
        Some(Specifier::Filename(path)) => match read_bounded(path) {
            Ok(bytes) => Ok((bytes, path.clone())),
            Err(error) => Err(at.field("filename").error(format_args!("cannot read `{path}`: {error}"))),
        },
        Some(Specifier::InlineBytes(bytes)) => Ok((bytes.clone(), "inline_bytes".to_owned())),
        Some(Specifier::InlineString(text)) => Ok((text.clone().into_bytes(), "inline_string".to_owned())),
        Some(Specifier::EnvironmentVariable(name)) => match std::env::var(name) {
            Ok(text) => Ok((text.into_bytes(), format!("${name}"))),
            Err(_) => {
                Err(at.field("environment_variable").error(format_args!("the environment has no variable `{name}`")))
            }
        },
        None => Err(
            at.error("a data source needs one of `filename`, `inline_string`, `inline_bytes`, `environment_variable`")
        ),
    }
}

fn read_bounded(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(bytes)
}

/// A data source larger than this is a mistake, such as a device.
const MAX_BYTES: u64 = 16 << 20;

/// A `Struct` as JSON. Numbers without a fraction are whole, as they were written.
#[must_use]
pub fn json(written: &prost_types::Struct) -> serde_json::Value {
    let fields = written.fields.iter().map(|(name, value)| (name.clone(), json_value(value)));
    serde_json::Value::Object(fields.collect())
}

fn json_value(written: &prost_types::Value) -> serde_json::Value {
    use prost_types::value::Kind;
    match &written.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::BoolValue(value)) => (*value).into(),
        Some(Kind::StringValue(value)) => value.clone().into(),
        Some(Kind::NumberValue(value)) => whole(*value).map_or_else(|| (*value).into(), Into::into),
        Some(Kind::StructValue(value)) => json(value),
        Some(Kind::ListValue(list)) => list.values.iter().map(json_value).collect(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the bounds are those within which a double holds every integer")]
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0).then_some(value as i64)
}
