//! The container image and the service unit, as far as they can be held without an engine and a service manager: what
//! they copy exists, and the commands that they run do what they should.

use std::fs;

use crate::clone::{Clone, Said, root, text};
use crate::served::on_free_ports;
use crate::support::program::Gateway;

#[test]
fn the_image_gets_what_it_is_made_of() {
    let ignored = text(".dockerignore");
    for needed in ["Cargo.toml", "Cargo.lock", "build", "src", "config"] {
        assert!(
            ignored.lines().any(|line| line.strip_prefix('!') == Some(needed)),
            "{needed} does not reach the build"
        );
    }
    assert!(instructions("COPY").contains("COPY . .\n"), "the build does not get the sources");
    assert!(instructions("COPY").contains("COPY --from=build /image/ /\n"), "the image does not get what was built");
    for (from, to) in [("docker.yaml", "quicgate.yaml"), ("docker-tls.yaml", "tls.yaml")] {
        let copied = instructions("RUN").contains(&format!(" config/{from} /image/etc/quicgate/{to} "));
        assert!(copied, "the image does not get {from} as {to}");
        assert!(root().join("config").join(from).is_file(), "{from} is not there");
    }
}

#[test]
fn the_image_starts_the_configuration_that_it_gets() {
    assert_eq!(array("ENTRYPOINT"), [PROGRAM]);
    assert_validates(&array("CMD"), "config/docker.yaml");
}

#[test]
fn the_image_exposes_the_ports_of_its_configurations() {
    assert_eq!(instructions("EXPOSE"), "EXPOSE 8080/tcp 8443/tcp 8443/udp\n");
    let clear = "{address: 0.0.0.0, port_value: 8080}}";
    let tls = "{address: 0.0.0.0, port_value: 8443}}";
    let quic = "{protocol: UDP, address: 0.0.0.0, port_value: 8443}}";
    let expected = [("config/docker.yaml", vec![clear]), ("config/docker-tls.yaml", vec![clear, tls, quic])];
    for (file, listeners) in expected {
        let text = text(file);
        let addresses = text.lines().filter_map(|line| line.strip_prefix("    address: {socket_address: "));
        assert_eq!(addresses.collect::<Vec<_>>(), listeners, "{file}");
    }
}

#[tokio::test]
async fn the_image_knows_whether_it_is_healthy() {
    let check = array("HEALTHCHECK");
    assert_eq!(check.first().map(String::as_str), Some(PROGRAM));
    let mut gateway = Gateway::start(&on_free_ports(&text("config/docker.yaml"))).await;
    let admin = fs::read_to_string(gateway.directory().join("admin-address")).expect("the address of admin");
    // As in both configurations of the image.
    let check: Vec<String> = check.iter().map(|word| word.replace("127.0.0.1:9901", &admin)).collect();
    let arguments: Vec<&str> = check.iter().skip(1).map(String::as_str).collect();
    assert!(arguments.last().is_some_and(|url| url.contains(&admin)), "{arguments:?}");
    let clone = Clone::new();
    assert_eq!(clone.quicgate(&arguments).code, Some(0));
    gateway.terminate();
    gateway.exit().await;
    assert_ne!(clone.quicgate(&arguments).code, Some(0));
}

#[test]
fn the_service_checks_its_configuration_and_starts_it() {
    for directive in ["ExecStartPre", "ExecStart"] {
        let command: Vec<String> = setting(directive).split_whitespace().map(str::to_owned).collect();
        assert_eq!(command.first().map(String::as_str), Some(PROGRAM), "{directive}");
        assert_validates(command.get(1..).unwrap_or_default(), "config/edge.yaml");
    }
    assert!(setting("ExecStartPre").contains(" --mode validate "), "only the start finds out");
}

#[test]
fn the_service_waits_for_the_drain() {
    let start = setting("ExecStart");
    let (_, drain) = start.split_once("--drain-time-s ").expect("a time to drain");
    let drain: u32 = drain.parse().expect("seconds");
    let stop: u32 = setting("TimeoutStopSec").trim_end_matches('s').parse().expect("seconds");
    assert!(stop > drain, "killed after {stop} s, drained after {drain} s");
    assert_eq!(setting("KillSignal"), "SIGTERM");
}

/// The arguments are accepted, with this example in place of `/etc/quicgate/quicgate.yaml`.
fn assert_validates(arguments: &[String], example: &str) {
    let clone = Clone::new();
    let place = |word: &String| match word.as_str() {
        "/etc/quicgate/quicgate.yaml" => example.to_owned(),
        "/var/lib/quicgate" => clone.path().display().to_string(),
        _ => word.clone(),
    };
    let placed: Vec<String> = arguments.iter().map(place).collect();
    assert!(placed.contains(&example.to_owned()), "{arguments:?} names no configuration");
    let mut arguments: Vec<&str> = placed.iter().map(String::as_str).collect();
    if !arguments.contains(&"--mode") {
        arguments.extend(["--mode", "validate"]);
    }
    assert_eq!(clone.quicgate(&arguments), Said::ok(example));
}

/// The Dockerfile's instructions of a name, one a line.
fn instructions(name: &str) -> String {
    let dockerfile = text("Dockerfile").replace("\\\n", " ");
    let squeezed = dockerfile.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    squeezed.filter(|line| line.starts_with(&format!("{name} "))).map(|line| line + "\n").collect()
}

/// The command that an instruction of the Dockerfile holds.
fn array(name: &str) -> Vec<String> {
    let instruction = instructions(name);
    let begin = instruction.find('[').expect("a command in JSON");
    serde_json::from_str(instruction.get(begin..).unwrap_or_default()).expect("a command in JSON")
}

/// A setting of the service unit.
fn setting(name: &str) -> String {
    let unit = text("dist/quicgate.service");
    let mut values = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let value = values.next().unwrap_or_else(|| panic!("the unit has no {name}")).to_owned();
    assert_eq!(values.next(), None, "{name} stands twice");
    value
}

/// Where image and unit have the program.
const PROGRAM: &str = "/usr/local/bin/quicgate";
