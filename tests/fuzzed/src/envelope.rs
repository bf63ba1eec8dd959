//! The body of a batch request: unpacked, read, and laid out as messages, never much larger than it was.

use ferry::server::events::batch_of;

use crate::event;

const MOST: usize = 64 * 1024;

pub fn check(data: &[u8]) {
    let Ok(texts) = batch_of(data, MOST) else { return };
    assert!(texts.len() <= 2_500);
    let laid_out: usize = texts.iter().map(String::len).sum();
    assert!(laid_out <= 8 * MOST, "{laid_out} bytes of messages from a body of {}", data.len());
    for text in texts.iter().take(20) {
        let _ = event::one(text, true);
    }
}
