//! A client that never ends a request that is answered before its end, as niquests 3.21 does.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::client::{Client, endpoint};
use super::row::{Last, Row, Step};
use super::wire::data;
use crate::edge::{ALL, Edge, cluster};
use crate::support::deadline::within;

#[tokio::test]
async fn rfc9114_4_1_all_content_goes_on_to_who_answers_before_its_end() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a TCP port");
    let address = listener.local_addr().expect("a bound socket").to_string();
    let mut answering = JoinSet::new();
    answering.spawn(async move {
        let (stream, _) = listener.accept().await.expect("the gateway's connection");
        echo_from_the_head_on(stream).await.expect("all content");
    });
    let edge = Edge::in_front_of(&cluster("backend", &address), ALL, "").await;
    let mut client = Client::connect(&endpoint(), edge.process.address("http3")).await;
    let head = Row::new("echo").head("POST", &[("content-length", "2")]);
    let request = Step::Request([head, data("ab")].concat(), Last::Open);
    client.take(&request).await.expect("the connection stands");
    let answer = within("an answer", client.answer()).await.expect("a whole answer");
    assert_eq!((answer.statuses, answer.content), (vec![200], b"ab".to_vec()));
}

/// Answers once the head is there, and sends back two bytes as they come.
async fn echo_from_the_head_on(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").await?;
    let mut content = [0; 2];
    stream.read_exact(&mut content).await?;
    stream.write_all(&content).await
}
