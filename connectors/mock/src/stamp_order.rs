//! Generated and held records in one line, by stamp and id.

use crate::clock::Millis;

/// Two lines in order become one in order. A record that stands in both, or twice in one, comes once for each stamp.
pub fn merged<Id: Copy + Ord>(
    generated: impl Iterator<Item = (Millis, Id)>,
    held: impl Iterator<Item = (Millis, Id)>,
) -> impl Iterator<Item = (Millis, Id)> {
    let (mut generated, mut held) = (generated.peekable(), held.peekable());
    let both = std::iter::from_fn(move || match (generated.peek(), held.peek()) {
        (Some(a), Some(b)) if a <= b => generated.next(),
        (Some(_), None) => generated.next(),
        _ => held.next(),
    });
    let mut last = None;
    both.filter(move |each| last.replace(*each) != Some(*each))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_in_both_lines_comes_once_in_its_place() {
        let line = merged([(1, 'a'), (3, 'c'), (3, 'd')].into_iter(), [(2, 'b'), (3, 'c'), (9, 'c')].into_iter());
        assert_eq!(line.collect::<Vec<_>>(), [(1, 'a'), (2, 'b'), (3, 'c'), (3, 'd'), (9, 'c')]);
    }
}
