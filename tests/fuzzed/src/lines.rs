//! A file of JSON lines, cut into lines whatever the size of what is read at once.

use std::io::BufReader;

use ferry::ingest::JsonLines;

const LONGEST: usize = 1_000;

pub fn check(data: &[u8]) {
    let whole = all(data, data.len().max(1));
    assert_eq!(whole, all(data, 7), "lines do not depend on how they are read");
    assert!(whole.windows(2).all(|two| two[0].0 < two[1].0), "numbers grow");
}

fn all(data: &[u8], at_once: usize) -> Vec<(u64, Result<String, String>)> {
    let mut lines = JsonLines::new(BufReader::with_capacity(at_once, data), LONGEST);
    let mut found = Vec::new();
    while let Some((number, line)) = lines.next().expect("memory can be read") {
        found.push((number, line.map(str::to_owned).map_err(|bad| bad.raw)));
    }
    assert_eq!(lines.bytes(), data.len() as u64);
    found
}
