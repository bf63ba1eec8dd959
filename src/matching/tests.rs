//! The whole matcher on tables of invented people with slips of the pen.

use proptest::prelude::*;

use super::*;

const SPEC: &str = r#"
threshold = 0.9
sample_pairs = 20000
seed = 7
[field.first]
column = "first"
clean = ["lower", "plain", "letters"]
[field.last]
column = "last"
clean = ["lower", "plain", "letters"]
[field.born]
column = "born"
clean = ["digits"]
[field.town]
column = "town"
clean = ["lower"]
[field.number]
column = "number"
clean = ["digits", "no_filler"]
[[compare]]
field = "first"
levels = ["exact", { swapped = "last" }, { jaro_winkler = 0.85 }]
term_frequency = true
[[compare]]
field = "last"
levels = ["exact", { swapped = "first" }, { jaro_winkler = 0.85 }]
term_frequency = true
[[compare]]
field = "born"
levels = ["exact", { edits = 1 }]
[[compare]]
field = "town"
levels = ["exact"]
[[compare]]
field = "number"
levels = ["exact", { edits = 1 }]
[[block]]
keys = ["number"]
[[block]]
keys = ["born"]
[[block]]
keys = ["last", { field = "first", prefix = 1 }]
"#;

const FIRST: &[&str] =
    &["Ana", "Bruno", "Chiara", "Dmitri", "Elif", "Fatou", "Goran", "Hilde", "Ivo", "Jana", "Karim", "Lena"];
const SYLLABLES: &[&str] = &["ber", "gau", "lin", "mo", "ros", "stei", "tur", "wald", "zim", "ker", "den", "hof"];
const TOWNS: &[&str] = &["Arles", "Bremen", "Cadiz", "Delft", "Esbjerg"];

/// A small generator, so that the tables are the same everywhere.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn slip(&mut self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        let at = self.below(letters.len());
        match self.below(3) {
            0 => drop(letters.remove(at)),
            1 => letters.insert(at, 'e'),
            _ => letters.swap(at, (at + 1).min(text.chars().count() - 1)),
        }
        letters.into_iter().collect()
    }
}

/// `people` persons, each as one to three records; copies have slips, gaps and swapped names.
fn invented(people: usize, seed: u64) -> String {
    let mut draw = Draw(seed);
    let mut csv = "person,first,last,born,town,number\n".to_owned();
    for person in 0..people {
        let first = draw.of(FIRST).to_owned();
        let last: String = (0..3).map(|_| draw.of(SYLLABLES)).collect();
        let born = format!("19{:02}{:02}{:02}", draw.below(100), 1 + draw.below(12), 1 + draw.below(28));
        let town = draw.of(TOWNS).to_owned();
        let number = format!("{}", 1_000_000 + draw.below(8_999_999));
        csv += &format!("{person},{first},{last},{born},{town},{number}\n");
        for _ in 0..draw.below(3) {
            let mut copy = [first.clone(), last.clone(), born.clone(), town.clone(), number.clone()];
            match draw.below(4) {
                0 => copy.swap(0, 1),
                1 => copy[1] = draw.slip(&last),
                2 => copy[2] = String::new(),
                _ => copy[4] = draw.slip(&number),
            }
            copy[3] = draw.of(TOWNS).to_owned();
            csv += &format!("{person},{}\n", copy.join(","));
        }
    }
    csv
}

fn verdict(csv: &str) -> (Verdict, usize) {
    let spec = MatchSpec::parse(SPEC).unwrap();
    let table = Table::from_csv(csv.as_bytes(), &spec, Some("person")).unwrap();
    let assessment = assess(&table, &spec);
    (assessment.verdict(spec.threshold).unwrap(), assessment.candidates.all.len())
}

#[test]
fn people_are_found_through_slips_gaps_and_swapped_names() {
    let (verdict, compared) = verdict(&invented(700, 3));
    assert!(verdict.quality.pairwise.precision >= 0.999, "{verdict:?}");
    assert!(verdict.quality.pairwise.f1 >= 0.99, "{verdict:?}");
    assert!(verdict.scored.f1 >= 0.98 && verdict.blocking_recall >= 0.99, "{verdict:?}");
    assert!(compared < 20_000, "blocking left {compared} of a million pairs");
}

#[test]
fn the_same_file_gives_the_same_answer() {
    let csv = invented(200, 5);
    let spec = MatchSpec::parse(SPEC).unwrap();
    let table = Table::from_csv(csv.as_bytes(), &spec, None).unwrap();
    let (one, two) = (assess(&table, &spec), assess(&table, &spec));
    assert_eq!(one.weights, two.weights);
    assert_eq!(one.scored, two.scored);
    assert!(one.verdict(0.9).is_none(), "without a truth column there is no verdict");
}

#[test]
fn strangers_who_share_a_name_and_a_town_stay_apart() {
    let mut csv = invented(400, 11);
    csv += "x,Ana,Berlinmo,19500101,Delft,1111119\ny,Ana,Berlinmo,19890630,Delft,7654321\n";
    let spec = MatchSpec::parse(SPEC).unwrap();
    let table = Table::from_csv(csv.as_bytes(), &spec, Some("person")).unwrap();
    let assessment = assess(&table, &spec);
    let last = table.len() as u32 - 1;
    let at = assessment.candidates.all.binary_search(&(last - 1, last)).unwrap();
    assert!(assessment.scored[at].probability < 0.9, "{:?}", assessment.reasons(at));
    let fields: Vec<String> = assessment.reasons(at).into_iter().map(|reason| reason.field).collect();
    assert_eq!(fields.len(), 5, "every field has its say: {fields:?}");
}

#[test]
fn a_missing_column_and_a_crooked_line_are_named() {
    let spec = MatchSpec::parse(SPEC).unwrap();
    let why = Table::from_csv("first,last\na,b\n".as_bytes(), &spec, None).unwrap_err().to_string();
    assert!(why.contains("no column `born`") && why.contains("first, last"), "{why}");
    let crooked = "first,last,born,town,number\na,b\n";
    assert!(Table::from_csv(crooked.as_bytes(), &spec, None).is_err());
    let marked = "\u{feff}first,last,born,town,number\n";
    assert!(Table::from_csv(marked.as_bytes(), &spec, None).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever the cells hold, every probability is one, and clusters are a partition.
    #[test]
    fn any_table_is_scored(cells in prop::collection::vec(prop::collection::vec(".{0,12}", 5), 0..24)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["first", "last", "born", "town", "number"]).unwrap();
        for row in &cells {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let spec = MatchSpec::parse(SPEC).unwrap();
        let table = Table::from_csv(bytes.as_slice(), &spec, None).unwrap();
        let assessment = assess(&table, &spec);
        for one in &assessment.scored {
            prop_assert!((0.0..=1.0).contains(&one.probability));
        }
        for (record, head) in assessment.clusters.iter().enumerate() {
            prop_assert!(*head as usize <= record && assessment.clusters[*head as usize] == *head);
        }
    }
}
