//! CSV answers, compressed for those who ask, and cut off where a knob says so.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::org::Org;
use crate::exchange::{Call, Reply};

impl Org {
    /// An answer of CSV.
    pub(super) fn csv_reply(&mut self, call: &Call, text: Vec<u8>) -> Reply {
        let accepted = call.headers.get("accept-encoding").and_then(|value| value.to_str().ok()).unwrap_or("");
        let asked = accepted.split(',').any(|each| each.trim().split(';').next() == Some("gzip"));
        let cut = self.knobs.bulk.truncated_gzip > 0;
        let plain = Reply { status: 200, content_type: "text/csv", headers: Vec::new(), body: text };
        if !cut && !asked {
            return plain;
        }
        let Ok(mut packed) = gzip(&plain.body) else { return plain };
        if cut {
            self.knobs.bulk.truncated_gzip -= 1;
            packed.truncate(packed.len() / 2);
        }
        Reply { body: packed, ..plain }.with("content-encoding", "gzip")
    }
}

fn gzip(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}
