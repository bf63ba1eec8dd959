//! Calls the CRM makes by itself: a JSON body posted to an address that asked for it, once, in the background. What comes
//! back does not matter, and neither does whether anybody is there.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// Posts to a plain `http` address; others are not called.
pub fn post(url: &str, body: &Value) {
    let Ok(url) = Url::parse(url) else { return };
    let (Some(host), Ok(runtime)) = (url.host_str().map(str::to_owned), tokio::runtime::Handle::try_current()) else {
        return;
    };
    if url.scheme() != "http" {
        return;
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let body = body.to_string();
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json;charset=utf-8\r\n\
         User-Agent: Zoho\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    runtime.spawn(async move {
        let Ok(mut stream) = TcpStream::connect((host.as_str(), port)).await else { return };
        if stream.write_all(request.as_bytes()).await.is_ok() {
            let mut answer = Vec::new();
            // Read to the end, so that the other side is not cut off while it answers.
            let _ = stream.take(64 * 1024).read_to_end(&mut answer).await;
        }
    });
}
