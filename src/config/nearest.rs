//! "Did you mean": the one name of a closed list that a misspelt word most likely meant.

/// The nearest of `names` to `word`: the same word with case, `-` or `_` changed, or at most two edits away (one for
/// words under five letters). Ties go to the first in the alphabet.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // The distance takes time by the product of the lengths; nobody misspells a hundred letters.
    const LONGEST: usize = 100;
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let letters = word.chars().count();
    let allowed = if letters < 5 { 1 } else { 2 };
    let plain = plain(word);
    names
        .into_iter()
        .filter(|name| *name != word && name.len() <= LONGEST)
        .filter_map(|name| {
            if self::plain(name) == plain {
                return Some((0, name));
            }
            let far = strsim::damerau_levenshtein(&word.to_lowercase(), &name.to_lowercase());
            // Two edits of a two-letter word are any word.
            (far <= allowed && far < letters.max(2)).then_some((far, name))
        })
        .min()
        .map(|(_, name)| name)
}

fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["pull", "push", "both", "write_key", "hubspot", "crm_wins", "b2b"];
        let cases = [
            ("pul", Some("pull")),
            ("write-key", Some("write_key")),
            ("WriteKey", Some("write_key")),
            ("hubspt", Some("hubspot")),
            ("hbuspot", Some("hubspot")),
            ("crm-wins", Some("crm_wins")),
            ("b2c", Some("b2b")),
            ("pu", None),
            ("salesforce", None),
            ("", None),
        ];
        for (word, want) in cases {
            assert_eq!(nearest(word, names), want, "{word}");
        }
        assert_eq!(nearest("bat", ["cat", "bar"]), Some("bar"), "ties are alphabetical");
    }
}
