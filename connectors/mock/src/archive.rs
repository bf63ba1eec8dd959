//! ZIP files of one entry, as bulk APIs send and take them.

use std::io::{Read, Write};

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// Bytes of an end record without its comment, and of a comment at most.
const END_LENGTH: usize = 22;
const LONGEST_COMMENT: usize = 65_535;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An archive that holds `content` under `name`.
pub fn pack(name: &str, content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(content);
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(content.len() / 4), Compression::fast());
    let squeezed = encoder.write_all(content).and_then(|()| encoder.finish());
    let (method, data) = match squeezed {
        Ok(data) => (DEFLATED, data),
        Err(_) => (STORED, content.to_vec()),
    };
    let sizes = [crc.sum(), size(data.len()), size(content.len())];
    let name_length = u16::try_from(name.len()).unwrap_or(u16::MAX);
    let mut out = Vec::with_capacity(data.len() + 200);
    // Version 2.0, no flags, the first of January 1980.
    let head = |out: &mut Vec<u8>| {
        for half in [20, 0, method, 0, 0x21] {
            out.extend_from_slice(&half.to_le_bytes());
        }
        for word in sizes {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&name_length.to_le_bytes());
        out.extend_from_slice(&0u16.to_le_bytes());
    };
    out.extend_from_slice(&LOCAL.to_le_bytes());
    head(&mut out);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(&data);
    let directory = out.len();
    out.extend_from_slice(&CENTRAL.to_le_bytes());
    out.extend_from_slice(&20u16.to_le_bytes());
    head(&mut out);
    // No comment, first disk, no attributes, and the entry at the beginning.
    out.extend_from_slice(&[0; 2 + 2 + 2 + 4 + 4]);
    out.extend_from_slice(name.as_bytes());
    let length = out.len() - directory;
    out.extend_from_slice(&END.to_le_bytes());
    for half in [0u16, 0, 1, 1] {
        out.extend_from_slice(&half.to_le_bytes());
    }
    out.extend_from_slice(&size(length).to_le_bytes());
    out.extend_from_slice(&size(directory).to_le_bytes());
    out.extend_from_slice(&0u16.to_le_bytes());
    out
}

/// The name and the content of an archive's first entry; none when it is no archive, is cut short, is packed in another
/// way, or would grow beyond `largest`.
pub fn unpack_first(archive: &[u8], largest: usize) -> Option<(String, Vec<u8>)> {
    let from = archive.len().saturating_sub(END_LENGTH + LONGEST_COMMENT);
    let end = (from..=archive.len().checked_sub(END_LENGTH)?).rev().find(|at| word(archive, *at) == Some(END))?;
    let entry = usize::try_from(word(archive, end + 16)?).ok()?;
    if word(archive, entry)? != CENTRAL {
        return None;
    }
    let method = half(archive, entry + 10)?;
    let crc = word(archive, entry + 16)?;
    let packed = usize::try_from(word(archive, entry + 20)?).ok()?;
    let name_length = usize::from(half(archive, entry + 28)?);
    let name = String::from_utf8_lossy(archive.get(entry + 46..entry + 46 + name_length)?).into_owned();
    let local = usize::try_from(word(archive, entry + 42)?).ok()?;
    if word(archive, local)? != LOCAL {
        return None;
    }
    let start = local + 30 + usize::from(half(archive, local + 26)?) + usize::from(half(archive, local + 28)?);
    let data = archive.get(start..start.checked_add(packed)?)?;
    let bound = u64::try_from(largest).ok()?.saturating_add(1);
    let mut content = Vec::new();
    match method {
        STORED => content.extend_from_slice(data),
        DEFLATED => {
            DeflateDecoder::new(data).take(bound).read_to_end(&mut content).ok()?;
        }
        _ => return None,
    }
    let mut sum = Crc::new();
    sum.update(&content);
    (content.len() <= largest && sum.sum() == crc).then_some((name, content))
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_within_bounds() {
        let text = "Id,Email\n".repeat(5_000);
        let archive = pack("7.csv", text.as_bytes());
        assert!(archive.len() < text.len() / 10);
        assert_eq!(unpack_first(&archive, text.len()), Some(("7.csv".to_owned(), text.clone().into_bytes())));
        assert_eq!(unpack_first(&archive, text.len() - 1), None);
        assert_eq!(unpack_first(&archive[..archive.len() - 30], text.len()), None);
        assert_eq!(unpack_first(b"Id,Email\n", 100), None);
        assert_eq!(unpack_first(b"", 100), None);
        let mut bent = archive.clone();
        bent[60] ^= 0xff;
        assert_eq!(unpack_first(&bent, text.len()), None);
    }
}
