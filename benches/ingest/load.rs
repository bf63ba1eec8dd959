//! A load over HTTP that costs the sender little: requests made beforehand, one connection each after the other.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a load came to.
pub struct Load {
    pub wall: Duration,
    /// Sorted.
    pub latencies: Vec<Duration>,
}

impl Load {
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
    }
}

/// Sends each list of requests over a connection of its own, all at the same time; every answer must be 200.
#[allow(clippy::disallowed_methods)]
pub fn send(port: u16, connections: Vec<Vec<Vec<u8>>>) -> Load {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let begun = Instant::now();
        let tasks: Vec<_> = connections.into_iter().map(|requests| tokio::spawn(one(port, requests))).collect();
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await.unwrap());
        }
        let wall = begun.elapsed();
        latencies.sort_unstable();
        Load { wall, latencies }
    })
}

#[allow(clippy::disallowed_methods)]
async fn one(port: u16, requests: Vec<Vec<u8>>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut latencies = Vec::with_capacity(requests.len());
    let mut answer = vec![0; 4_096];
    for request in requests {
        let sent = Instant::now();
        stream.write_all(&request).await.unwrap();
        let mut have = 0;
        // The answers are short and end with their one object.
        while have == 0 || answer[have - 1] != b'}' {
            let read = stream.read(&mut answer[have..]).await.unwrap();
            assert!(read > 0, "the connection was closed");
            have += read;
        }
        latencies.push(sent.elapsed());
        let text = String::from_utf8_lossy(&answer[..have]);
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }
    latencies
}
