//! Inputs made from kept ones: bytes flipped, cut, doubled, spliced with another's, and pieces of the formats put in. Blind,
//! unlike a fuzzer that sees which code ran, and so cheap that every test run does some. The same number makes the same input.

/// Numbers that look random.
#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// What the formats are made of, and what has broken readers before.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\\"",
    b"\\u0000",
    b"\\ud800",
    b"\\u202e",
    b",",
    b":",
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"9223372036854775808",
    b"0.1",
    b"\n",
    b"\r\n",
    b"\r",
    b"\t",
    b" ",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    "\u{2028}".as_bytes(),
    "é".as_bytes(),
    "ﬀ".as_bytes(),
    "İ".as_bytes(),
    "٣".as_bytes(),
    "😀".as_bytes(),
    b"@",
    b".",
    b"xn--",
    b"+",
    b"00",
    b"ext",
    b"tel:",
    b"mailto:",
    b"<",
    b">",
    b"(",
    b")",
    b"&&",
    b"||",
    b"!",
    b"==",
    b" in ",
    b"has(",
    b".exists(x,",
    b"duration(\"",
    b"timestamp(\"",
    b"properties",
    b"context",
    b"traits",
    b"userId",
    b"anonymousId",
    b"messageId",
    b"timestamp",
    b"2026-03-29T02:30",
    b"T",
    b"Z",
    b"+23:59",
    b":60",
    b"=",
    b"-",
    b"\x1f\x8b",
    b";",
    b"''",
    b"\"\"",
];

const LONGEST: usize = 8 * 1024;

/// One input from some of the kept ones.
pub fn input(kept: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = kept[dice.below(kept.len())].clone();
    for _ in 0..=dice.below(6) {
        change(&mut bytes, kept, dice);
        bytes.truncate(LONGEST);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, kept: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let until = at + dice.below((bytes.len() - at).min(40) + 1);
    match dice.below(8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        1 if at < bytes.len() => bytes[at] = u8::try_from(dice.below(256)).unwrap(),
        2 => drop(bytes.drain(at..until)),
        3 => {
            let doubled: Vec<u8> = bytes[at..until].repeat(1 + dice.below(4));
            bytes.splice(at..at, doubled);
        }
        4 => {
            let other = &kept[dice.below(kept.len())];
            let from = dice.below(other.len() + 1);
            let to = from + dice.below((other.len() - from).min(200) + 1);
            bytes.splice(at..until, other[from..to].iter().copied());
        }
        5 => bytes.truncate(at),
        _ => {
            let piece = PIECES[dice.below(PIECES.len())];
            bytes.splice(at..until, piece.iter().copied());
        }
    }
}
