//! "Did you mean": the word of a closed list that was most likely meant.

/// The candidate nearest to `word`: the same word with another case or with `-` and `_` exchanged, else at most two
/// edits away (one where `word` has fewer than five characters). An edit inserts, removes or replaces a character or
/// swaps two neighbours. The fewest edits win, ties are alphabetical. `None` where nothing is near, or `word` is itself a
/// candidate.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    let allowed = if folded.len() < 5 { 1 } else { 2 };
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        if candidate == word {
            return None;
        }
        let other = fold(candidate);
        if other.len().abs_diff(folded.len()) > allowed {
            continue;
        }
        let distance = edits(&folded, &other);
        let better = best.is_none_or(|(least, name)| (distance, candidate) < (least, name));
        if distance <= allowed && better {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn fold(word: &str) -> Vec<char> {
    word.chars().take(64).flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Damerau–Levenshtein distance in its optimal string alignment form.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(last.len());
        let mut left = i + 1;
        row.push(left);
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut least = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(left + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
            left = least;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found() {
        let names = ["country", "county", "email", "form", "visits_30d", "hubspot", "b2b"];
        let cases = [
            ("contry", Some("country")),
            ("cuontry", Some("country")),
            ("vists_30d", Some("visits_30d")),
            ("visits-30D", Some("visits_30d")),
            ("hubspt", Some("hubspot")),
            ("b2c", Some("b2b")),
            ("frmo", None),
            ("fomr", Some("form")),
            ("zzz", None),
            ("email", None),
            ("", None),
        ];
        for (word, want) in cases {
            assert_eq!(nearest(word, names), want, "{word}");
        }
    }

    #[test]
    fn fewest_edits_then_alphabet() {
        assert_eq!(nearest("contry", ["county", "country"]), Some("country"));
        assert_eq!(nearest("title_x", ["title_b", "title_a"]), Some("title_a"));
    }
}
