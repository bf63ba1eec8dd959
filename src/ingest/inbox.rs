//! A folder into which files are put: which of them are meant, and when one is complete. Pure: whoever looks does it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

/// Which files of which folder are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    pub folder: PathBuf,
    /// A file's name; `*` stands for any characters, `?` for one.
    pub pattern: String,
}

impl Inbox {
    /// Taken files go here, below the folder.
    pub const DONE: &'static str = "done";
    /// Rows and files that cannot be taken go here, below the folder.
    pub const REJECTED: &'static str = "rejected";

    /// Whether a file of this name is meant. One whose name begins with a dot is somebody's unfinished work.
    pub fn matches(&self, name: &str) -> bool {
        !name.starts_with('.') && fits(&self.pattern, name)
    }
}

/// Goes back to the last `*` where the rest does not fit; never takes longer than the product of both lengths.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || name.get(n) == Some(c) => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// A file as one look finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    pub size: u64,
    pub modified: Option<SystemTime>,
}

/// What earlier looks have found.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    last: BTreeMap<String, Sight>,
    /// Files that cannot be taken as they are.
    left: BTreeMap<String, Sight>,
}

impl Looks {
    /// The files that are as the look before found them: whoever writes them has finished. Those that are left alone are
    /// not among them, until they change.
    pub fn still(&mut self, found: BTreeMap<String, Sight>) -> Vec<(String, Sight)> {
        self.left.retain(|name, sight| found.get(name) == Some(sight));
        let still =
            |(name, sight): &(&String, &Sight)| self.last.get(*name) == Some(*sight) && !self.left.contains_key(*name);
        let files = found.iter().filter(still).map(|(name, sight)| (name.clone(), *sight)).collect();
        self.last = found;
        files
    }

    /// Leaves a file alone until it changes.
    pub fn leave(&mut self, name: &str, sight: Sight) {
        self.left.insert(name.to_owned(), sight);
    }
}

/// The name itself, or the first of `name-2.csv`, `name-3.csv`, … that is not taken.
pub fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let (stem, end) = match name.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() => (stem, format!(".{end}")),
        _ => (name, String::new()),
    };
    let numbered = (2_u32..).map(|number| format!("{stem}-{number}{end}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_their_pattern() {
        let inbox = |pattern: &str| Inbox { folder: PathBuf::new(), pattern: pattern.into() };
        for (pattern, name, want) in [
            ("pos-*.csv", "pos-1.csv", true),
            ("pos-*.csv", "pos-.csv", true),
            ("pos-*.csv", "pos-1.csv.tmp", false),
            ("pos-*.csv", "xpos-1.csv", false),
            ("*", "a", true),
            ("*", ".a", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "aabab", true),
            ("", "a", false),
        ] {
            assert_eq!(inbox(pattern).matches(name), want, "{name} by {pattern}");
        }
        assert!(!inbox(&"*a".repeat(50)).matches(&"a".repeat(49)));
    }

    #[test]
    fn a_file_is_still_when_two_looks_find_it_the_same() {
        let sight = |size| Sight { size, modified: None };
        let found = |size| BTreeMap::from([("a.csv".to_owned(), sight(size))]);
        let mut looks = Looks::default();
        assert_eq!(looks.still(found(1)), []);
        assert_eq!(looks.still(found(2)), [], "it grows");
        assert_eq!(looks.still(found(2)), [("a.csv".to_owned(), sight(2))]);
        looks.leave("a.csv", sight(2));
        assert_eq!(looks.still(found(2)), [], "it is left alone");
        assert_eq!(looks.still(found(3)), []);
        assert_eq!(looks.still(found(3)).len(), 1, "until it changes");
        assert_eq!(looks.still(BTreeMap::new()), []);
        assert_eq!(looks.still(found(3)), [], "one that comes again is a new one");
    }

    #[test]
    fn no_file_takes_the_name_of_another() {
        let taken = ["a.csv", "a-2.csv", "b"];
        let free = |name| free_name(name, |name| taken.contains(&name));
        assert_eq!((free("a.csv"), free("b"), free("c.csv")), ("a-3.csv".into(), "b-2".into(), "c.csv".into()));
    }
}
