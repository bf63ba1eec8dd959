//! CSV answers, and those of them that a knob cuts off in the middle of their gzip stream.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::org::Org;
use crate::exchange::Reply;

impl Org {
    /// An answer of CSV.
    pub(super) fn csv_reply(&mut self, text: Vec<u8>) -> Reply {
        let whole = Reply { status: 200, content_type: "text/csv", headers: Vec::new(), body: text };
        if self.knobs.bulk.truncated_gzip == 0 {
            return whole;
        }
        let Ok(mut packed) = gzip(&whole.body) else { return whole };
        self.knobs.bulk.truncated_gzip -= 1;
        packed.truncate(packed.len() / 2);
        Reply { body: packed, ..whole }.with("content-encoding", "gzip")
    }
}

fn gzip(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}
