//! Profiles that look alike: the same matcher, with weights that are fixed. A store may hold ten people or a million, and a
//! question to a person must not depend on who else is in it.

use super::estimate::{ComparisonWeights, Weights};
use super::spec::{MatchSpec, SpecError};

/// The columns of the table of people, in order; the first is the profile.
pub const COLUMNS: [&str; 8] = ["profile", "mailbox", "last", "first", "phone", "postcode", "city", "company"];

/// One pair in a thousand of those worth comparing is one person (`cdp-semantics` §2.7).
const PRIOR: f64 = 1.0 / 1_001.0;

/// By comparison: for each level P(level | one person) and P(level | strangers); what is left is disagreement. Strangers are those
/// worth comparing: colleagues, who share a switchboard, a street and a domain, so that names have the last word.
const WEIGHTS: &[(&str, &[(f64, f64)])] = &[
    ("mailbox", &[(0.60, 0.001), (0.10, 0.005)]),
    ("last", &[(0.86, 0.01), (0.02, 0.001), (0.06, 0.005), (0.03, 0.01)]),
    ("first", &[(0.83, 0.02), (0.06, 0.01), (0.08, 0.02)]),
    ("phone", &[(0.50, 0.01)]),
    ("postcode", &[(0.70, 0.05), (0.10, 0.05)]),
    ("city", &[(0.80, 0.10), (0.05, 0.02)]),
    ("company", &[(0.70, 0.05)]),
];

/// How two people are compared.
pub fn spec() -> Result<MatchSpec, SpecError> {
    MatchSpec::parse(include_str!("people.toml"))
}

/// What each agreement between two people is worth.
pub fn weights(spec: &MatchSpec) -> Weights {
    let comparisons = spec.comparisons.iter().map(|comparison| {
        let levels = WEIGHTS.iter().find(|(field, _)| *field == comparison.field).map_or(&[][..], |(_, levels)| levels);
        let mut m: Vec<f64> = levels.iter().map(|(m, _)| *m).collect();
        let mut u: Vec<f64> = levels.iter().map(|(_, u)| *u).collect();
        m.push(1.0 - m.iter().sum::<f64>());
        u.push(1.0 - u.iter().sum::<f64>());
        let names = comparison.levels.iter().map(ToString::to_string).chain(["differs".to_owned()]);
        ComparisonWeights { field: comparison.field.clone(), levels: names.collect(), m, u }
    });
    Weights { comparisons: comparisons.collect(), prior: PRIOR }
}

#[cfg(test)]
mod tests {
    use super::super::{Table, assess_with};
    use super::*;

    fn pairs(rows: &[&str]) -> Vec<(u32, u32, f64)> {
        let spec = spec().unwrap();
        let text = format!("{}\n{}\n", COLUMNS.join(","), rows.join("\n"));
        let table = Table::from_csv(text.as_bytes(), &spec, None).unwrap();
        let found = assess_with(&table, &spec, weights(&spec));
        found.scored.iter().map(|one| (one.pair.0, one.pair.1, one.probability)).collect()
    }

    #[test]
    fn every_level_has_a_weight_and_none_is_impossible() {
        let spec = spec().unwrap();
        let weights = weights(&spec);
        for (comparison, weights) in spec.comparisons.iter().zip(&weights.comparisons) {
            assert_eq!(weights.m.len(), comparison.levels.len() + 1, "{}", comparison.field);
            assert!(weights.m.iter().chain(&weights.u).all(|p| *p > 0.0 && *p < 1.0), "{weights:?}");
        }
    }

    #[test]
    fn one_person_twice_is_likely_and_colleagues_and_namesakes_are_not() {
        let twice = pairs(&[
            "1,ada@home.example,Berg,Ada,+4930123456,10115,Berlin,",
            "2,ada.berg@northwind.example,Berg,Ada,+4930123456,10115,Berlin,northwind.example",
        ]);
        assert!(twice[0].2 > 0.99, "{twice:?}");
        let colleagues = pairs(&[
            "1,ada@northwind.example,Berg,Ada,+4930123456,10115,Berlin,northwind.example",
            "2,bob@northwind.example,Stone,Bob,+4930123456,10115,Berlin,northwind.example",
        ]);
        assert!(colleagues[0].2 < 0.9, "{colleagues:?}");
        let namesakes = pairs(&[
            "1,a@home.example,Miller,Anna,,10115,Berlin,acme.example",
            "2,b@other.example,Miller,Anna,,80331,Munich,acme.example",
        ]);
        assert!(namesakes.iter().all(|pair| pair.2 < 0.9), "{namesakes:?}");
    }
}
