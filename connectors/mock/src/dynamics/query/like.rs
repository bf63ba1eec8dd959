//! The database's text comparison: no capitals, and wildcards that are live in every literal.

/// Whether a literal holds a wildcard at all.
pub fn is_pattern(literal: &str) -> bool {
    literal.contains(['%', '_', '['])
}

/// `%` any text, `_` one letter, `[a-c]` one of, `[^x]` none of.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    step(&pattern, &text)
}

fn step(pattern: &[char], text: &[char]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to go on when what follows the last `%` does not fit: one letter further.
    let mut again: Option<(&[char], &[char])> = None;
    loop {
        let fits = match (pattern.split_first(), text.split_first()) {
            (None, None) => return true,
            (Some(('%', rest)), _) => {
                again = Some((rest, text));
                pattern = rest;
                continue;
            }
            (Some((letter, rest)), Some((seen, left))) => one(*letter, rest, *seen).map(|rest| (rest, left)),
            _ => None,
        };
        match (fits, again) {
            (Some((rest, left)), _) => (pattern, text) = (rest, left),
            (None, Some((rest, from))) => {
                let Some((_, left)) = from.split_first() else { return false };
                again = Some((rest, left));
                (pattern, text) = (rest, left);
            }
            (None, None) => return false,
        }
    }
}

/// What is left of the pattern after one letter, when it fits.
fn one(letter: char, rest: &[char], seen: char) -> Option<&[char]> {
    match letter {
        '_' => Some(rest),
        '[' => {
            let end = rest.iter().position(|each| *each == ']')?;
            let (set, after) = (rest.get(..end)?, rest.get(end + 1..)?);
            let (set, wanted) = match set.split_first() {
                Some(('^', set)) => (set, false),
                _ => (set, true),
            };
            let range = set.windows(3).any(|each| matches!(each, [from, '-', to] if (*from..=*to).contains(&seen)));
            ((range || set.contains(&seen)) == wanted).then_some(after)
        }
        plain => (plain == seen).then_some(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_live_and_escapes_take_them_literally() {
        for (pattern, text, fits) in [
            ("ana%", "Ana Ruiz", true),
            ("%ruiz", "Ana Ruiz", true),
            ("%a%z", "Ana Ruiz", true),
            ("a_a", "Ana", true),
            ("a_a", "Anna", false),
            ("[a-c]na", "bna", true),
            ("[^a]na", "ana", false),
            ("100[%]", "100%", true),
            ("100[%]", "100 kg", false),
            ("", "", true),
            ("%", "", true),
            ("x%", "", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
