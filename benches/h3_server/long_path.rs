//! A path of 80 ms there and back and 200 Mbit/s: what a send window that is too small leaves unused.
//!
//! The other servers have a window of 4 MiB from the beginning.

use std::time::{Duration, Instant};

use crate::answers;
use crate::rig::client::Client;
use crate::rig::figures::Figures;
use crate::rig::message;
use crate::rig::relay::{Path, Relay};
use crate::servers::Server;

/// Loads the large answer through a relay that delays, from each server in turns.
pub(crate) async fn measure(servers: &[Server; 3]) {
    println!(
        "\nlong path: {} MiB over {} ms there and back and {} Mbit/s; {ROUNDS} rounds\n",
        answers::LONG >> 20,
        2 * PATH.delay.as_millis(),
        PATH.rate / 125
    );
    let mut figures: [Figures; 3] = Default::default();
    let request = message::request("/long");
    for _ in 0..ROUNDS {
        for (server, figures) in servers.iter().zip(&mut figures) {
            let relay = Relay::start(server.address, PATH).await;
            let client = Client::connect(relay.address(), WINDOW, false).await;
            let began = Instant::now();
            let count = client.get(&request).await.expect("a whole answer");
            assert!(count >= answers::LONG, "{count} bytes");
            let megabits = f64::from(u32::try_from(answers::LONG >> 17).unwrap_or(u32::MAX)) * 1.048_576;
            figures.push(megabits / began.elapsed().as_secs_f64());
            client.close();
        }
    }
    println!("{:<12} {:>22} {:>24}", "", "Mbit/s", "(least to most)");
    for (server, figures) in servers.iter().zip(&figures) {
        let (least, most) = figures.range();
        println!("{:<12} {:>22.0} {:>24}", server.kind.name(), figures.median(), format!("({least:.0} to {most:.0})"));
    }
}

const PATH: Path = Path { delay: Duration::from_millis(40), rate: 25_000 };
const ROUNDS: usize = 3;
const WINDOW: u32 = 64 << 20;
