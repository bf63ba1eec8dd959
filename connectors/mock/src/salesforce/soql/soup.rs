//! Tests of the parser: a table of what is right and wrong, random queries that survive printing and parsing, and token
//! soup that must never be more than an error.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::ast::{
    At, Call, Comparand, Condition, FieldSet, Function, Item, Literal, LiteralValue, Operand, Operator, Order, Path,
    Query,
};
use super::date_word::{Counted, DateWord};
use super::parser::parse;
use super::pattern::{Pattern, Piece};

#[test]
fn what_is_right_is_printed_in_one_spelling() {
    for (written, printed) in [
        ("select id from contact", "SELECT id FROM contact"),
        ("SELECT Id,Account.Name FROM Contact c", "SELECT Id, Account.Name FROM Contact AS c"),
        ("SELECT COUNT() FROM Contact", "SELECT COUNT() FROM Contact"),
        ("SELECT COUNT(Id) n, MAX(CreatedDate) FROM Lead", "SELECT COUNT(Id) n, MAX(CreatedDate) FROM Lead"),
        ("SELECT FIELDS(all) FROM Lead LIMIT 200", "SELECT FIELDS(ALL) FROM Lead LIMIT 200"),
        (
            "SELECT Id,(SELECT Id FROM Contacts ORDER BY Id LIMIT 2) FROM Account",
            "SELECT Id, (SELECT Id FROM Contacts ORDER BY Id LIMIT 2) FROM Account",
        ),
        (
            "SELECT Id FROM A WHERE S<2026-03-04T05:06:07Z AND (S>2026-03-04T05:06:07.000+01:00 OR (S=TODAY AND Id>'x'))",
            "SELECT Id FROM A WHERE S < 2026-03-04T05:06:07.000Z AND (S > 2026-03-04T04:06:07.000Z OR (S = TODAY AND Id > \
             'x'))",
        ),
        (
            r"SELECT Id FROM A WHERE N LIKE 'a\%b_%' AND M NOT IN ('x', null) AND P INCLUDES ('A;B','C')",
            r"SELECT Id FROM A WHERE N LIKE 'a\%b_%' AND M NOT IN ('x', NULL) AND P INCLUDES ('A;B', 'C')",
        ),
        ("SELECT Id FROM A WHERE NOT B = true", "SELECT Id FROM A WHERE NOT B = TRUE"),
        ("SELECT Id FROM A WHERE (NOT B = -1.5) AND C != null", "SELECT Id FROM A WHERE (NOT B = -1.5) AND C != NULL"),
        (
            "SELECT S, COUNT(Id) FROM A GROUP BY S HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC NULLS LAST, S",
            "SELECT S, COUNT(Id) FROM A GROUP BY S HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC NULLS LAST, S",
        ),
        (
            "SELECT Id FROM A WHERE D = LAST_N_DAYS:30 ORDER BY D ASC NULLS FIRST LIMIT 5 OFFSET 10 ALL ROWS",
            "SELECT Id FROM A WHERE D = LAST_N_DAYS:30 ORDER BY D NULLS FIRST LIMIT 5 OFFSET 10 ALL ROWS",
        ),
        (
            "SELECT Id FROM A WHERE B IN (SELECT C FROM D WHERE E = 'f')",
            "SELECT Id FROM A WHERE B IN (SELECT C FROM D WHERE E = 'f')",
        ),
        ("SELECT Id FROM Group", "SELECT Id FROM Group"),
        ("SELECT Id FROM A FOR VIEW", "SELECT Id FROM A"),
    ] {
        let query = parse(written).expect(written);
        assert_eq!(query.to_string(), printed);
    }
}

#[test]
fn what_is_wrong_is_malformed_and_says_where() {
    for (query, column, token) in [
        ("SELECT Id FORM Contact", 11, "FORM"),
        ("SELECT FROM Contact", 8, "FROM"),
        ("SELECT Id FROM", 15, "<EOF>"),
        ("", 1, "<EOF>"),
        ("DELETE FROM Contact", 1, "DELETE"),
        ("SELECT Id, FROM Contact", 12, "FROM"),
        ("SELECT Id FROM Contact WHERE", 29, "<EOF>"),
        ("SELECT Id FROM Contact WHERE A = 1 AND B = 2 OR C = 3", 46, "OR"),
        ("SELECT Id FROM Contact WHERE A = 1 AND NOT B = 2", 44, "B"),
        ("SELECT Id FROM Contact WHERE A == 1", 33, "="),
        ("SELECT Id FROM Contact WHERE A = b", 34, "b"),
        ("SELECT Id FROM Contact WHERE (A = 1", 36, "<EOF>"),
        ("SELECT Id FROM Contact WHERE A IN ()", 36, ")"),
        ("SELECT Id FROM Contact WHERE D = LAST_N_DAYS", 45, "<EOF>"),
        ("SELECT Id FROM Contact WHERE D = LAST_N_DAYS:0", 46, "0"),
        ("SELECT Id FROM Contact LIMIT -1", 30, "-1"),
        ("SELECT Id FROM Contact LIMIT 1 WHERE A = 1", 32, "WHERE"),
        ("SELECT Id FROM Contact ORDER BY A, ", 36, "<EOF>"),
        ("SELECT (SELECT (SELECT Id FROM C) FROM B) FROM A", 16, "("),
        ("SELECT TYPEOF What WHEN Account THEN Name END FROM Task", 15, "What"),
        ("SELECT toLabel(Status) FROM Lead", 15, "("),
        ("SELECT Id FROM Contact;", 0, ""),
    ] {
        let mistake = parse(query).expect_err(query);
        assert_eq!(mistake.code, "MALFORMED_QUERY", "{query}");
        if column == 0 {
            assert!(mistake.message.contains("no viable alternative"), "{query}: {}", mistake.message);
            continue;
        }
        let end = format!("^\nERROR at Row:1:Column:{column}\nunexpected token: '{token}'");
        assert!(mistake.message.ends_with(&end), "{query}: {}", mistake.message);
        let caret = mistake.message.lines().nth(2).map_or(0, |line| line.find('^').map_or(0, |at| at + 1));
        assert_eq!(caret, column, "{query}: {}", mistake.message);
    }
    assert_eq!(
        parse("SELECT Id FROM Contact WHERE A = :b").expect_err("a bind").message,
        "Bind variables only allowed in Apex code"
    );
    assert!(parse(r"SELECT Id FROM Contact WHERE A = 'a\%'").expect_err("an escape").message.starts_with("line 1:36"));
}

#[test]
fn depth_and_length_are_bounded_and_width_is_not() {
    for hostile in [
        format!("SELECT Id FROM A WHERE {}A = 1", "(".repeat(40_000)),
        format!("SELECT Id FROM A WHERE {}", "NOT (".repeat(15_000)),
        format!("SELECT Id FROM A WHERE {}", "A IN (SELECT B FROM C WHERE ".repeat(3_000)),
        format!("SELECT Id FROM A WHERE A = 'x{}'", "y".repeat(100_000)),
    ] {
        assert_eq!(parse(&hostile).expect_err("a refusal").code, "MALFORMED_QUERY");
    }
    let wide = vec!["A = 1"; 10_000].join(" OR ");
    let query = parse(&format!("SELECT Id FROM A WHERE {wide}")).expect("a wide query");
    assert!(matches!(query.filter, Some(Condition::Any(parts)) if parts.len() == 10_000));
    let ids = vec!["'003xx000004TmiQAAS'"; 4_000].join(",");
    assert!(parse(&format!("SELECT Id FROM A WHERE Id IN ({ids})")).is_ok());
}

fn name() -> impl Strategy<Value = String> {
    "F[a-z0-9_]{0,6}(__[cr])?"
}

fn path() -> impl Strategy<Value = Path> {
    prop::collection::vec(name(), 1..4).prop_map(|parts| Path { at: At(0), parts })
}

fn call() -> impl Strategy<Value = Call> {
    (0..Function::ALL.len(), path()).prop_map(|(index, path)| Call { at: At(0), function: Function::ALL[index], path })
}

fn literal() -> impl Strategy<Value = Literal> {
    let day = (1700..4000i32, 1..366u32).prop_filter_map("a day", |(y, d)| chrono::NaiveDate::from_yo_opt(y, d));
    let value = prop_oneof![
        Just(LiteralValue::Null),
        any::<bool>().prop_map(LiteralValue::Bool),
        ".{0,12}".prop_map(LiteralValue::Text),
        (any::<i64>(), 0..6u32).prop_map(|(n, scale)| LiteralValue::Number(Decimal::new(n, scale))),
        day.prop_map(LiteralValue::Date),
        (-8_000_000_000_000i64..60_000_000_000_000).prop_map(LiteralValue::Instant),
        Just(LiteralValue::Word(DateWord::ThisQuarter)),
        (1..u32::MAX).prop_map(|n| LiteralValue::Word(DateWord::Counted(Counted::LastDays, n))),
    ];
    value.prop_map(|value| Literal { at: At(0), value })
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let piece = prop_oneof![Just(Piece::Any), Just(Piece::One), any::<char>().prop_map(Piece::Exactly)];
    prop::collection::vec(piece, 0..8).prop_map(Pattern)
}

fn test() -> impl Strategy<Value = Condition> {
    let left = prop_oneof![3 => path().prop_map(Operand::Field), 1 => call().prop_map(Operand::Aggregate)];
    let plain = prop::sample::select(vec![
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::LessEqual,
        Operator::Greater,
        Operator::GreaterEqual,
    ]);
    let listed = prop::sample::select(vec![Operator::In, Operator::NotIn, Operator::Includes, Operator::Excludes]);
    let right = prop_oneof![
        (plain, literal()).prop_map(|(operator, literal)| (operator, Comparand::One(literal))),
        pattern().prop_map(|pattern| {
            (Operator::Like, Comparand::One(Literal { at: At(0), value: LiteralValue::Pattern(pattern) }))
        }),
        (listed, prop::collection::vec(literal(), 1..4)).prop_map(|(operator, list)| (operator, Comparand::List(list))),
    ];
    (left, right).prop_map(|(left, (operator, right))| Condition::Test { left, operator, right })
}

fn condition() -> impl Strategy<Value = Condition> {
    test().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

fn order() -> impl Strategy<Value = Order> {
    let by = prop_oneof![path().prop_map(Operand::Field), call().prop_map(Operand::Aggregate)];
    (by, any::<bool>(), any::<Option<bool>>()).prop_map(|(by, descending, nulls_last)| Order {
        by,
        descending,
        nulls_last,
    })
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        (path(), prop::option::of(name())).prop_map(|(path, alias)| Item::Field { path, alias }),
        (call(), prop::option::of(name())).prop_map(|(call, alias)| Item::Aggregate { call, alias }),
        Just(Item::Count(At(0))),
        Just(Item::Fields(At(0), FieldSet::Custom)),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    (
        prop::collection::vec(item(), 1..4),
        path(),
        prop::option::of(name()),
        prop::option::of(condition()),
        prop::collection::vec(path(), 0..3),
        prop::option::of(condition()),
        prop::collection::vec(order(), 0..3),
        any::<Option<u64>>(),
        any::<Option<u64>>(),
        any::<bool>(),
    )
        .prop_map(|(select, from, alias, filter, group, having, order, limit, offset, all_rows)| Query {
            having: if group.is_empty() { None } else { having },
            offset: offset.map(|offset| (At(0), offset)),
            select,
            from,
            alias,
            filter,
            group,
            order,
            limit,
            all_rows,
        })
}

fn with_children() -> impl Strategy<Value = Query> {
    (query(), prop::option::of(query()), prop::option::of(query())).prop_map(|(mut outer, child, chosen)| {
        outer.select.extend(child.map(|child| Item::Children(Box::new(child))));
        if let Some(chosen) = chosen {
            let left = Operand::Field(Path { at: At(0), parts: vec!["F".into()] });
            let right = Comparand::Chosen(At(0), Box::new(chosen));
            let test = Condition::Test { left, operator: Operator::NotIn, right };
            outer.filter = Some(match outer.filter {
                Some(filter) => Condition::All(vec![filter, test]),
                None => test,
            });
        }
        outer
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_query_survives_printing_and_parsing(query in with_children()) {
        let printed = query.to_string();
        let parsed = parse(&printed);
        prop_assert_eq!(parsed.as_ref(), Ok(&query), "{}", printed);
    }

    #[test]
    fn token_soup_is_an_error_or_a_query_and_never_a_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "(", ")", ",", ".", "=", "!=", "<", ">=", "LIKE", "NULL",
                "Id", "Contact", "COUNT", "FIELDS", "ALL", "GROUP", "BY", "ORDER", "LIMIT", "OFFSET", "1", "-2.5", "'a'",
                r"'\", "'", "2026-03-04", "2026-03-04T05:06:07Z", "2026-", "TODAY", "LAST_N_DAYS", ":", "INCLUDES", "é", "\u{0}",
                "HAVING", "NULLS", "FIRST", "99999999999999999999999999999999", "USING", "TYPEOF", "\\", "+",
            ]),
            0..40,
        ),
        glue in prop::sample::select(vec![" ", "", "\n"]),
    ) {
        let soup = words.join(glue);
        if let Err(mistake) = parse(&soup) {
            prop_assert_eq!(mistake.code, "MALFORMED_QUERY");
        }
    }

    #[test]
    fn no_text_at_all_panics(text in ".{0,200}") {
        let prefixed = format!("SELECT Id FROM A WHERE {text}");
        for each in [&text, &prefixed] {
            if let Err(mistake) = parse(each) {
                prop_assert_eq!(mistake.code, "MALFORMED_QUERY");
            }
        }
    }
}
