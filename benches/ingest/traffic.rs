//! Made-up traffic, the same for the same number: visitors of a site in the order of time, some 640 bytes a message.
//!
//! Two visits of five messages each a visitor, of [`AT_ONCE`] visitors at the same time. A tenth of the visitors give their
//! e-mail address in a form, or come back under a user id on another device. Every message id is random, as SDKs make them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use connector::Timestamp;

/// Messages for each visitor.
pub const EACH: u64 = 10;
/// Messages of a visit.
const VISIT: u64 = 5;
/// Visits that go on at the same time.
const AT_ONCE: u64 = 64;
const PATHS: [&str; 8] = ["/", "/pricing", "/docs/start", "/blog/one", "/jobs", "/about", "/docs/api", "/contact"];
/// The first instant: everything happens within the 90 days after it.
const BEGIN: i64 = 1_769_900_000;
const DAYS_90: u64 = 90 * 86_400;

/// A number that looks random, the same for the same input.
pub fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// The nth of `of` messages.
pub fn message(n: u64, of: u64) -> String {
    let visitors = (of / EACH).max(1);
    let visit = n / (VISIT * AT_ONCE) * AT_ONCE + n % AT_ONCE;
    let visitor = mixed(visit + 3) % visitors;
    let chance = mixed(n.wrapping_mul(3) + 1);
    let at = Timestamp::from_secs(BEGIN + i64::try_from(n * DAYS_90 / of.max(1)).unwrap()).to_rfc3339_millis();
    let path = PATHS[usize::try_from(chance >> 32).unwrap() % PATHS.len()];
    let (a, b) = (mixed(n + 7), mixed(n + 11));
    let known = visitor.is_multiple_of(10);
    let mut text = String::with_capacity(700);
    write!(
        text,
        r#"{{"messageId":"ajs-next-{n}-{:08x}-{:04x}-4{:03x}-9{:03x}-{:012x}","#,
        a as u32,
        (a >> 32) as u16,
        (a >> 48) as u16 & 0xfff,
        b as u16 & 0xfff,
        b >> 16
    )
    .unwrap();
    // Somebody known comes back on a second device.
    let device = if known && mixed(visit) >> 60 > 11 { 2 } else { 1 };
    write!(text, r#""anonymousId":"{:016x}-{visitor:012x}","#, mixed(visitor * 2 + device)).unwrap();
    if known && device == 2 {
        write!(text, r#""userId":"user-{visitor}","#).unwrap();
    }
    if known && chance >> 59 & 7 == 0 {
        write!(text, r#""type":"track","event":"Form Submitted","properties":{{"form":"demo","email":"visitor{visitor}@company{}.example"}},"#, visitor % 997).unwrap();
    } else {
        write!(text, r#""type":"page","name":"Page","properties":{{"path":"{path}","title":"A page of ours"}},"#)
            .unwrap();
    }
    write!(
        text,
        r#""timestamp":"{at}","context":{{"page":{{"path":"{path}","referrer":"https://www.google.com/","search":"?utm_source=google","title":"A page of ours","url":"https://acme.example{path}?utm_source=google"}},"campaign":{{"source":"google","medium":"cpc","name":"spring"}},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","locale":"de-DE","timezone":"Europe/Berlin","library":{{"name":"analytics.js","version":"next-1.84.3"}}}}}}"#
    )
    .unwrap();
    text
}

/// Messages `from..to` of `of` as lines of a file.
pub fn write(path: &Path, from: u64, to: u64, of: u64) {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).expect("a file"));
    for n in from..to {
        writeln!(out, "{}", message(n, of)).expect("a line");
    }
    out.flush().expect("a file");
}
