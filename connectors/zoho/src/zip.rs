//! The one kind of archive that bulk jobs speak: a ZIP with one file in it. Read as it is unpacked, so that a file of any
//! size takes no more memory than its packed form; written whole.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Sizes stand behind the data instead of before it.
const SIZES_AFTER: u16 = 1 << 3;
const ENCRYPTED: u16 = 1;
/// More than any result holds, unpacked: what grows beyond it is a bomb.
const MOST_UNPACKED: u64 = 4 << 30;

/// The unpacked first file of an archive. An error says why it cannot be read and quotes none of it.
pub(crate) fn unpack(archive: Bytes) -> Result<Box<dyn Read + Send>, String> {
    let number = |at: usize| archive.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let wide = |at: usize| archive.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let header = || Some((wide(0)?, number(6)?, number(8)?, wide(18)?, number(26)?, number(28)?));
    let Some((LOCAL, flags, method, packed, name, extra)) = header() else {
        return Err("it is no ZIP archive".into());
    };
    if flags & ENCRYPTED != 0 {
        return Err("the archive is encrypted".into());
    }
    let start = 30 + usize::from(name) + usize::from(extra);
    if start > archive.len() {
        return Err("the archive breaks off".into());
    }
    let data = archive.slice(start..);
    match method {
        DEFLATED => Ok(Box::new(Whole { inner: DeflateDecoder::new(io::Cursor::new(data)), left: MOST_UNPACKED })),
        STORED if flags & SIZES_AFTER == 0 => {
            let length = usize::try_from(packed).unwrap_or(usize::MAX);
            match data.len() >= length {
                true => Ok(Box::new(io::Cursor::new(data.slice(..length)))),
                false => Err("the archive breaks off".into()),
            }
        }
        _ => Err("the archive is packed in a way that is not known".into()),
    }
}

/// A bound on what an archive unpacks to.
struct Whole<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.left =
            self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other("the archive unpacks without end"))?;
        Ok(read)
    }
}

/// An archive of one file.
pub(crate) fn pack(name: &str, text: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder.write_all(text)?;
    let data = encoder.finish()?;
    let mut crc = flate2::Crc::new();
    crc.update(text);
    let too_large = |_| io::Error::other("too large for one archive");
    let (packed, whole) =
        (u32::try_from(data.len()).map_err(too_large)?, u32::try_from(text.len()).map_err(too_large)?);
    let name_length = u16::try_from(name.len()).map_err(too_large)?;
    // What both headers say, from the version that can unpack it on.
    let mut common = Vec::new();
    for part in [20, 0, DEFLATED, 0, 0x21] {
        common.extend_from_slice(&part.to_le_bytes());
    }
    for part in [crc.sum(), packed, whole] {
        common.extend_from_slice(&part.to_le_bytes());
    }
    common.extend_from_slice(&name_length.to_le_bytes());
    common.extend_from_slice(&0u16.to_le_bytes());
    let mut archive = Vec::with_capacity(data.len() + 200);
    archive.extend_from_slice(&LOCAL.to_le_bytes());
    archive.extend_from_slice(&common);
    archive.extend_from_slice(name.as_bytes());
    archive.extend_from_slice(&data);
    let central = u32::try_from(archive.len()).map_err(too_large)?;
    archive.extend_from_slice(&CENTRAL.to_le_bytes());
    archive.extend_from_slice(&20u16.to_le_bytes());
    archive.extend_from_slice(&common);
    // No comment, disk, attributes; the file begins at the archive's beginning.
    archive.extend_from_slice(&[0; 14]);
    archive.extend_from_slice(name.as_bytes());
    let length = u32::try_from(archive.len()).map_err(too_large)? - central;
    archive.extend_from_slice(&END.to_le_bytes());
    for part in [0u16, 0, 1, 1] {
        archive.extend_from_slice(&part.to_le_bytes());
    }
    archive.extend_from_slice(&length.to_le_bytes());
    archive.extend_from_slice(&central.to_le_bytes());
    archive.extend_from_slice(&0u16.to_le_bytes());
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks() {
        let text = "Id,Email\n".repeat(5_000);
        let archive = pack("rows.csv", text.as_bytes()).unwrap();
        assert!(archive.len() < text.len() / 10);
        let mut back = String::new();
        unpack(archive.into()).unwrap().read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        for bad in [&b""[..], b"<html>", b"PK\x03\x04", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"] {
            assert!(unpack(Bytes::copy_from_slice(bad)).is_err());
        }
        let mut whole = pack("rows.csv", &b"Id\n1\n".repeat(1_000)).unwrap();
        whole[6] |= 1;
        assert!(unpack(whole.clone().into()).is_err());
        whole[6] = 0;
        let cut = Bytes::from(whole).slice(..45);
        assert!(unpack(cut).unwrap().read_to_end(&mut Vec::new()).is_err());
    }
}
