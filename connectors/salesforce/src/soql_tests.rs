//! What the builder writes, read back by a reader that shares nothing with it.

use proptest::prelude::*;

use super::*;

fn by_email(text: &str) -> String {
    let condition = Field::from("Email").is(Comparison::Equal, Literal::text(text));
    Query::select(vec!["Id".into()], "Contact").unwrap().filter(condition).text()
}

/// A quoted text by SOQL's rules, and what follows it; `None` where those rules are broken.
fn read_quoted(soql: &str) -> Option<(String, &str)> {
    let mut rest = soql.strip_prefix('\'')?;
    let mut units: Vec<u16> = Vec::new();
    loop {
        let c = rest.chars().next()?;
        rest = &rest[c.len_utf8()..];
        match c {
            '\'' => return Some((String::from_utf16(&units).ok()?, rest)),
            '\\' => {
                let escape = rest.chars().next()?;
                rest = &rest[escape.len_utf8()..];
                units.push(match escape {
                    'n' => 10,
                    'r' => 13,
                    't' => 9,
                    'b' => 8,
                    'f' => 12,
                    '\\' | '\'' | '"' => u16::try_from(escape).ok()?,
                    'u' => {
                        let unit = u16::from_str_radix(rest.get(..4)?, 16).ok()?;
                        rest = &rest[4..];
                        unit
                    }
                    _ => return None,
                });
            }
            c if c.is_control() => return None,
            c => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_back_as_it_was(text in any::<String>()) {
        let soql = by_email(&text);
        let quoted = soql.strip_prefix("SELECT Id FROM Contact WHERE Email = ").expect("the fixed part");
        prop_assert_eq!(read_quoted(quoted), Some((text, "")));
    }

    #[test]
    fn hostile_texts_are_read_back_as_they_were(text in "['\"\\\\\n\r\t\u{0}-\u{1f}\u{7f}-\u{9f} ORX=%_\u{1F600}]{0,40}") {
        let soql = by_email(&text);
        let quoted = soql.strip_prefix("SELECT Id FROM Contact WHERE Email = ").expect("the fixed part");
        prop_assert_eq!(read_quoted(quoted), Some((text, "")));
    }

    #[test]
    fn a_list_of_any_texts_has_as_many_members(texts in prop::collection::vec(any::<String>(), 1..8)) {
        let list = Field::from("Email").one_of(texts.iter().map(Literal::text).collect());
        let soql = Query::select(vec!["Id".into()], "Contact").unwrap().filter(list).text();
        let mut rest = soql.strip_prefix("SELECT Id FROM Contact WHERE Email IN (").expect("the fixed part");
        let mut read = Vec::new();
        loop {
            let (text, after) = read_quoted(rest).expect("a quoted text");
            read.push(text);
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    prop_assert_eq!(after, ")");
                    break;
                }
            }
        }
        prop_assert_eq!(read, texts);
    }

    #[test]
    fn chunks_lose_nothing_and_fit(lengths in prop::collection::vec(0usize..3_000, 0..120)) {
        let literals: Vec<Literal> = lengths.iter().map(|length| Literal::text("'a".repeat(*length))).collect();
        let chunks = chunks(literals.clone(), 1_000, 50);
        for chunk in &chunks {
            let soql = Query::select(vec!["Id".into()], "Contact").unwrap()
                .filter(Field::from("Email").one_of(chunk.clone())).text();
            prop_assert!(soql.chars().count() + 1_000 <= LONGEST_QUERY);
            prop_assert!((1..=50).contains(&chunk.len()));
        }
        prop_assert_eq!(chunks.concat(), literals);
    }

    #[test]
    fn a_name_that_could_end_the_query_is_refused(name in "[A-Za-z_.]{0,6}[ '(),;=<>\"\\\\\n-][A-Za-z_.]{0,6}") {
        prop_assert!(Field::new(&name).is_err());
        prop_assert!(Query::count(&name).is_err());
    }
}

#[test]
fn queries_are_written_as_salesforce_reads_them() {
    let at = Timestamp::parse_rfc3339("2026-03-04T05:06:07Z").unwrap();
    let after = Condition::Any(vec![
        Field::from("SystemModstamp").is(Comparison::Greater, Literal::Instant(at)),
        Condition::All(vec![
            Field::from("SystemModstamp").is(Comparison::Equal, Literal::Instant(at)),
            Field::from("Id").is(Comparison::Greater, Literal::text("003xx000004TmiQAAS")),
        ]),
    ]);
    let before = Field::from("SystemModstamp").is(Comparison::Less, Literal::Instant(at));
    let query = Query::select(vec!["Id".into(), Field::new("Account.Name").unwrap()], "Contact")
        .unwrap()
        .filter(Condition::All(vec![before, after]))
        .order_by(vec!["SystemModstamp".into(), "Id".into()])
        .limit(2_000);
    assert_eq!(
        query.text(),
        "SELECT Id, Account.Name FROM Contact WHERE SystemModstamp < 2026-03-04T05:06:07.000Z AND \
         (SystemModstamp > 2026-03-04T05:06:07.000Z OR (SystemModstamp = 2026-03-04T05:06:07.000Z AND \
         Id > '003xx000004TmiQAAS')) ORDER BY SystemModstamp, Id LIMIT 2000"
    );
    let open = Field::from("IsClosed").is(Comparison::Equal, Literal::Bool(false));
    let day = NaiveDate::from_ymd_opt(2026, 3, 4).unwrap();
    let recent = Field::from("CloseDate").is(Comparison::AtLeast, Literal::Date(day));
    let rich = Field::from("Amount").is(Comparison::Greater, Literal::Number(Decimal::new(1_250, 2)));
    let count = Query::count("Opportunity").unwrap().filter(Condition::Any(vec![open, recent, rich])).text();
    assert_eq!(
        count,
        "SELECT COUNT() FROM Opportunity WHERE IsClosed = FALSE OR CloseDate >= 2026-03-04 OR Amount > 12.5"
    );
    assert_eq!(by_email("O'Neil"), "SELECT Id FROM Contact WHERE Email = 'O\\'Neil'");
}

#[test]
fn names_are_names() {
    for good in ["Id", "CDP_Score__c", "Account.Name", "Region__r.Parent__r.Name", "ns__Field__c"] {
        assert!(Field::new(good).is_ok(), "{good}");
    }
    for bad in ["", ".", "a.", ".a", "a..b", "1a", "_a", "a.b.c.d.e.f.g", "f\u{e9}"] {
        assert!(Field::new(bad).is_err(), "{bad}");
    }
    assert!(Query::select(Vec::new(), "Contact").is_err());
}
