//! A client that uses up connection ids as fast as it gets them: aioquic, as quinn cannot be told to.

use std::ffi::OsStr;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

/// Has it at work for a while; what to say of it.
#[expect(clippy::print_stdout, reason = "what is left out is named")]
pub(crate) async fn flood(gateway: SocketAddr) -> Option<String> {
    let Some(python) = std::env::var_os("QUICGATE_AIOQUIC") else {
        println!("CONNECTION IDS: left out, QUICGATE_AIOQUIC names no Python with aioquic");
        return None;
    };
    let output = tokio::task::spawn_blocking(move || use_up(&python, gateway)).await.expect("it ends");
    Some(format!("CONNECTION IDS: {}", String::from_utf8_lossy(&output.stdout).trim()))
}

fn use_up(python: &OsStr, gateway: SocketAddr) -> Output {
    let mut child = Command::new(python)
        .args(["-", &gateway.ip().to_string(), &gateway.port().to_string(), SECONDS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Python of QUICGATE_AIOQUIC runs");
    let mut script = child.stdin.take().expect("its input");
    script.write_all(include_bytes!("ids.py")).expect("it reads");
    drop(script);
    child.wait_with_output().expect("it ends")
}

const SECONDS: &str = "10";
