//! Queries as they are written into addresses: names checked, values quoted and encoded.

use connector::{FieldKind, Value};

/// The API below the organisation's address.
pub(crate) const ROOT: &str = "/api/data/v9.2";

/// Whether this is a table's or a column's name: anything else would be a query of another shape.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.len() <= 128
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Percent-encodes what an option's value may not hold as it is. A space is `%20`, never `+`.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b','
            | b'('
            | b')'
            | b'$'
            | b'='
            | b':'
            | b'/'
            | b'@'
            | b';' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out
}

const HEX: [u8; 16] = *b"0123456789ABCDEF";

/// `/api/data/v9.2/{resource}?{options}`, values encoded.
pub(crate) fn path(resource: &str, options: &[(&str, &str)]) -> String {
    let mut path = format!("{ROOT}/{resource}");
    for (nth, (name, value)) in options.iter().enumerate() {
        path.push(if nth == 0 { '?' } else { '&' });
        path.push_str(name);
        path.push('=');
        path.push_str(&encoded(value));
    }
    path
}

/// A text between quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `Microsoft.Dynamics.CRM.In(…)`: one condition however many values. The values stand as JSON texts.
pub(crate) fn one_of(column: &str, values: &[&str]) -> String {
    let list: Vec<String> = values.iter().map(|value| json_text(value)).collect();
    format!("Microsoft.Dynamics.CRM.In(PropertyName='{column}',PropertyValues=[{}])", list.join(","))
}

fn json_text(text: &str) -> String {
    // A quote would end the function's own text.
    serde_json::Value::from(text).to_string().replace('\'', "''")
}

/// `a eq 1 or a eq 2`, for what the function above does not take.
pub(crate) fn any_equal(column: &str, literals: &[&str]) -> String {
    let each: Vec<String> = literals.iter().map(|literal| format!("{column} eq {literal}")).collect();
    format!("({})", each.join(" or "))
}

/// The value as a filter's list holds it; `None` where no row can hold it.
pub(crate) fn listed(kind: &FieldKind, value: &Value) -> Option<String> {
    let text = value.to_string();
    let fits = match kind {
        FieldKind::Integer | FieldKind::Choice { .. } => text.parse::<i64>().is_ok(),
        FieldKind::Decimal { .. } => text.parse::<rust_decimal::Decimal>().is_ok(),
        FieldKind::Reference => is_guid(&text),
        FieldKind::Text => !text.is_empty() && text.chars().count() <= 4_000,
        _ => false,
    };
    fits.then_some(text)
}

/// `c0000000-0000-0000-0000-000000000001`, in either case, without braces.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether a text can stand as a key in an address at all.
pub(crate) fn is_key_text(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 850
        && !text.contains(['/', '<', '>', '*', '%', '&', ':', '\\', '?', '+', '#'])
        && !text.chars().any(char::is_control)
}

/// A list cut so that each part's text stays below `most` bytes once encoded, and below `count` values.
pub(crate) fn chunks(values: &[String], most: usize, count: usize) -> Vec<Vec<&str>> {
    let mut parts: Vec<Vec<&str>> = Vec::new();
    let (mut part, mut size): (Vec<&str>, usize) = (Vec::new(), 0);
    for value in values {
        let cost = encoded(value).len() + 10;
        if !part.is_empty() && (size + cost > most || part.len() >= count) {
            parts.push(std::mem::take(&mut part));
            size = 0;
        }
        size += cost;
        part.push(value);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_and_names_checked() {
        assert_eq!(
            path("contacts", &[("$select", "a,_b_value"), ("$filter", "lastname eq 'O''Brien & Co+'")]),
            "/api/data/v9.2/contacts?$select=a,_b_value&$filter=lastname%20eq%20%27O%27%27Brien%20%26%20Co%2B%27"
        );
        assert_eq!(quoted("O'Brien"), "'O''Brien'");
        assert!(is_name("_parentcustomerid_value") && is_name("new_Score1"));
        for bad in ["", "9a", "a b", "a,b", "a'", "a$b", "a/b"] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn lists_are_json_inside_the_function() {
        assert_eq!(
            one_of("lastname", &["O'B", "a\"b"]),
            r#"Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=["O''B","a\"b"])"#
        );
        assert_eq!(any_equal("_x_value", &["1", "2"]), "(_x_value eq 1 or _x_value eq 2)");
    }

    #[test]
    fn only_what_a_column_can_hold_is_asked_for() {
        assert_eq!(listed(&FieldKind::Integer, &Value::from("17")).as_deref(), Some("17"));
        assert_eq!(listed(&FieldKind::Integer, &Value::from("x")), None);
        assert_eq!(listed(&FieldKind::Text, &Value::Null), None);
        assert_eq!(listed(&FieldKind::Reference, &Value::from("' or 1 eq 1")), None);
        assert!(is_guid("C0000000-0000-0000-0000-0000000000ff") && !is_guid("{c000000-0000-0000-0000-0000000000ff}"));
        assert!(is_key_text("018f-42 a'b") && !is_key_text("a/b") && !is_key_text(""));
    }

    #[test]
    fn long_lists_are_cut() {
        let values: Vec<String> = (0..10).map(|n| format!("value{n}")).collect();
        assert_eq!(chunks(&values, 32, 100).iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2, 2, 2]);
        assert_eq!(chunks(&values, 1_000, 4).iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
        assert!(chunks(&[], 10, 10).is_empty());
        assert_eq!(chunks(&values[..1], 1, 1), [vec!["value0"]]);
    }
}
