//! The file of a bulk job: UTF-8, a header of field names, every cell quoted, lines ended by LF. An empty cell leaves a
//! field alone, so that rows that write different fields share one file; a row that clears a field goes another way.

use std::borrow::Cow;
use std::collections::BTreeSet;

use connector::{FieldName, Value};

use crate::push::Sent;
use crate::schema::Described;
use crate::values::text;

/// Longest cell a job takes without complaint.
const LONGEST_CELL: usize = 32_000;

/// One column of the file and the field it writes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Column {
    pub api_name: String,
    pub index: usize,
}

/// Whether a job can say everything this write says.
pub(crate) fn fits(sent: &Sent<'_>) -> bool {
    !sent.fields.is_empty() && sent.fields.iter().all(|(_, value)| cell(value).is_some())
}

fn cell(value: &Value) -> Option<Cow<'_, str>> {
    let cell = match value {
        Value::Null => return None,
        Value::List(items) => Cow::Owned(items.join(";")),
        value => text(value),
    };
    let sayable = !cell.trim().is_empty() && cell.len() <= LONGEST_CELL && !cell.contains('\0');
    sayable.then_some(cell)
}

/// The columns and the text of one file. The id is the first column: results repeat only the first three.
pub(super) fn sheet(rows: &[Sent<'_>], described: &Described) -> (Vec<Column>, String) {
    let names: BTreeSet<&FieldName> = rows.iter().flat_map(|row| row.fields.names()).collect();
    let known = names.into_iter().filter_map(|name| Some((name, described.spelt(name)?.to_string())));
    let known: Vec<(&FieldName, String)> = known.collect();
    let spelt = std::iter::once("id".to_owned()).chain(known.iter().map(|(_, spelt)| spelt.clone()));
    let columns: Vec<Column> = spelt.enumerate().map(|(index, api_name)| Column { api_name, index }).collect();
    let mut text = String::with_capacity(rows.len() * 64);
    line(&mut text, columns.iter().map(|column| Cow::Borrowed(column.api_name.as_str())));
    for row in rows {
        let cells = known.iter().map(|(name, _)| row.fields.get(name).and_then(cell).unwrap_or_default());
        line(&mut text, std::iter::once(Cow::Borrowed(row.key.as_str())).chain(cells));
    }
    (columns, text)
}

/// Always quoted, so that no cell is ever something else than its text; an inner quote is doubled.
fn line<'a>(text: &mut String, cells: impl Iterator<Item = Cow<'a, str>>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(',');
        }
        if cell.is_empty() {
            continue;
        }
        text.push('"');
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::{Entropy, Fields, Hints, Object, Operation, SeededEntropy, Timestamp, Write};

    use crate::schema::tests::{CONTACTS, described_from};

    fn write(id: &str, fields: Fields) -> Write {
        let key = SeededEntropy::new(1).uuid(Timestamp::EPOCH);
        let operation = Operation::Update { id: id.into() };
        Write { key, object: Object::Contact, operation, fields, hints: Hints::default() }
    }

    fn sent(write: &Write) -> Sent<'_> {
        let Operation::Update { id } = &write.operation else { panic!("an update") };
        Sent { place: 0, key: id.to_string(), seen: None, fields: Cow::Borrowed(&write.fields) }
    }

    #[test]
    fn rows_of_different_fields_share_a_file() {
        let one = write("554100", Fields::from([("last_name", Value::from("A \"B\", C")), ("Worth", Value::from(3))]));
        let two = write("554200", Fields::from([("cdp_score", 7)]));
        let (columns, text) = sheet(&[sent(&one), sent(&two)], &described_from("Contacts", CONTACTS));
        let names: Vec<&str> = columns.iter().map(|column| column.api_name.as_str()).collect();
        assert_eq!(names, ["id", "Worth", "CDP_Score1", "Last_Name"]);
        assert_eq!(
            text,
            "\"id\",\"Worth\",\"CDP_Score1\",\"Last_Name\"\n\"554100\",\"3\",,\"A \"\"B\"\", C\"\n\"554200\",,\"7\",\n"
        );
    }

    #[test]
    fn what_a_file_cannot_say_goes_another_way() {
        let fits = |value: Value| fits(&sent(&write("1", Fields::from([("Last_Name", value)]))));
        assert!(fits(Value::from("x")) && fits(Value::from(false)) && fits(Value::from(0)));
        assert!(!fits(Value::Null) && !fits(Value::from("")) && !fits(Value::from(" ")));
        assert!(!fits(Value::from("x".repeat(40_000).as_str())) && !fits(Value::List(vec![])));
    }
}
