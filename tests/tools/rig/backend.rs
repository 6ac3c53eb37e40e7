//! A demo backend on a port that the system chose.

use std::net::SocketAddr;

use quicgate::server::demo;
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};

/// Runs until `stop`, or until it is dropped.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinSet<()>,
}

impl Backend {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let mut serving = JoinSet::new();
        serving.spawn(demo::serve(listener, async {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), serving }
    }

    /// Tells it to stop, without waiting.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(mut self) {
        self.serving.join_next().await.unwrap().unwrap();
    }
}
