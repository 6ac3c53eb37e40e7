//! Filter chains: the real Envoy gives every client of the table the chain that the table says.

use crate::support::chains::{ROWS, start};

/// Without a default chain such a client is sent away, which needs no comparison.
#[tokio::test]
async fn envoy_gives_the_same_chains() {
    let Some(envoy) = crate::envoy() else { return };
    let process = start(&envoy, true).await;
    let mut different = Vec::new();
    for row in ROWS {
        for over in row.over.iter().copied() {
            let chain = row.visit(&process, over).await;
            if chain.as_deref() != Some(row.chain) {
                different.push(format!("{row:?} {over:?}: {chain:?}"));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
